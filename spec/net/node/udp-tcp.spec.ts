// What is particular to sockets over Node: real addresses, the resolver, errors of the host.

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { EventEmitter, once } from 'node:events';
import { type Socket, connect as connectTcp } from 'node:net';
import { readFileSync } from 'node:fs';
import { SocketError, type StreamSocket } from '../../../lib/net/index.ts';
import { fromNodeError, systemResolver, tcpSocket, udpSocket } from '../../../lib/net/node/index.ts';
import { type Log, milliseconds, seconds, silentLog, systemEnvironment } from '../../../lib/runtime/index.ts';

const environment = systemEnvironment();

describe('net: UDP and TCP over Node', () => {
  it('UDP speaks with a plain dgram socket', async () => {
    const plain = createSocket('udp4');
    plain.bind(0, '127.0.0.1');
    await once(plain, 'listening');
    const socket = udpSocket(undefined, environment);
    await socket.connect('127.0.0.1', plain.address().port);
    socket.send(Uint8Array.of(1, 2, 3));
    const [bytes, from] = (await once(plain, 'message')) as [Uint8Array, { port: number }];
    assert.deepEqual([...bytes], [1, 2, 3]);
    assert.equal(from.port, socket.local?.port);
    plain.send(Uint8Array.of(4), from.port, '127.0.0.1');
    assert.deepEqual(await socket.next(), Uint8Array.of(4));
    socket.close();
    plain.close();
  });

  it('a socket bound to :: hears both families and answers each', async () => {
    const listener = udpSocket(undefined, environment);
    await listener.bind('::', 0);
    for (const address of ['127.0.0.1', '::1']) {
      const client = udpSocket(undefined, environment);
      await client.connect(address, listener.local?.port ?? 0);
      client.send(Uint8Array.of(1));
      const session = await listener.accept();
      session.send(Uint8Array.of(2));
      assert.deepEqual(await client.next(), Uint8Array.of(2));
      client.close();
    }
    listener.close();
  });

  it('UDP refuses with EAGAIN while too much waits to be sent, and tells when there is room', async () => {
    const socket = udpSocket({ maxBufferedBytes: 3_000 }, environment);
    await socket.connect('127.0.0.1', 9);
    const writable = new Promise<void>((resolve) => {
      socket.handler = { readable: () => undefined, writable: resolve, closed: () => undefined };
    });
    for (let sent = 0; sent < 3; sent++) socket.send(new Uint8Array(1_000));
    const before = socket.getOption('bytesSent');
    assert.throws(() => socket.send(new Uint8Array(1_000)), { code: 'EAGAIN', fatal: false });
    assert.equal(socket.getOption('bytesSent'), before);
    await writable;
    socket.send(new Uint8Array(1_000));
    socket.close();
  });

  it('TCP: an aborted shutdown is ECANCELED and leaves nothing open', async () => {
    const listener = tcpSocket(undefined, environment);
    await listener.bind('127.0.0.1', 0);
    const client = tcpSocket(undefined, environment);
    await client.connect('127.0.0.1', listener.local?.port ?? 0);
    await assert.rejects(client.shutdown({ signal: AbortSignal.abort() }), { code: 'ECANCELED' });
    assert.equal(client.getOption('state'), 'closed');
    assert.equal(client.system, undefined);
    listener.close();
  });

  it('TCP holds its peer back instead of dropping', async () => {
    const listener = tcpSocket({ maxBufferedBytes: 10_000 }, environment);
    await listener.bind('127.0.0.1', 0);
    const client = tcpSocket({ maxBufferedBytes: 5_000_000 }, environment);
    await client.connect('127.0.0.1', listener.local?.port ?? 0);
    const session = await listener.accept();
    const sent = Uint8Array.from({ length: 4_000_000 }, (_, at) => at % 251);
    client.send(sent.slice());
    void client.shutdown();
    const received = new Uint8Array(sent.length);
    let at = 0;
    for (let bytes = await session.next(); bytes !== null; bytes = await session.next()) {
      received.set(bytes, at);
      at += bytes.length;
    }
    assert.equal(at, sent.length);
    assert.deepEqual(received, sent);
    assert.equal(session.getOption('arrivalsDropped'), 0);
    session.close();
    client.close();
    listener.close();
  });

  it('TCP speaks with a plain net socket', async () => {
    const listener = tcpSocket(undefined, environment);
    await listener.bind('127.0.0.1', 0);
    const plain = connectTcp(listener.local?.port ?? 0, '127.0.0.1');
    const session = await listener.accept();
    plain.end('hello');
    let text = '';
    for (let bytes = await session.next(); bytes !== null; bytes = await session.next())
      text += String.fromCharCode(...bytes);
    assert.equal(text, 'hello');
    session.close();
    listener.close();
  });

  it('TCP goes on to listen after an accept that failed, as it does where descriptors are used up', async () => {
    const warned: string[] = [];
    const log: Log = { ...silentLog, warn: (fields) => void warned.push(JSON.stringify(fields)) };
    const listener = tcpSocket(undefined, systemEnvironment({ log }));
    await listener.bind('127.0.0.1', 0);
    const server = listener.system;
    assert.ok(server instanceof EventEmitter);
    server.emit('error', Object.assign(new Error('accept EMFILE'), { code: 'EMFILE', syscall: 'accept' }));
    assert.equal(listener.getOption('state'), 'bound');
    assert.deepEqual(warned, ['{"reason":"accept EMFILE"}']);
    const client = tcpSocket(undefined, environment);
    await client.connect('127.0.0.1', listener.local?.port ?? 0);
    (await listener.accept()).close();
    client.close();
    listener.close();
  });

  it('TCP: sessions of a listener are bounded, and who fills it makes room by his own', async () => {
    const listener = tcpSocket({ maxSessions: 3 }, environment);
    await listener.bind('127.0.0.1', 0);
    const port = listener.local!.port;
    const clients: Socket[] = [];
    const join = async (localAddress: string): Promise<StreamSocket> => {
      const plain = connectTcp({ port, host: '127.0.0.1', localAddress });
      clients.push(plain.on('error', () => undefined));
      return listener.accept();
    };
    const honest = await join('127.0.0.2');
    const first = await join('127.0.0.3');
    const second = await join('127.0.0.3');
    clients[1]!.write('x');
    await first.next();
    const ended = new Promise((resolve) => {
      second.handler = { readable: () => undefined, writable: () => undefined, closed: resolve };
    });
    const third = await join('127.0.0.3');
    assert.match(String(await ended), /ECONNABORTED.*gave way/, 'the longest idle of that address');
    const fourth = await join('127.0.0.4');
    const states = [honest, first, third, fourth].map((each) => each.getOption('state'));
    assert.deepEqual(
      states,
      ['closed', 'accepted', 'accepted', 'accepted'],
      'an address without any: the longest idle',
    );
    third.close();
    await join('127.0.0.5');
    assert.equal(first.getOption('state'), 'accepted', 'what has closed makes room');
    listener.close();
    for (const each of clients) each.destroy();
  });

  it('tries the addresses of a name one after the other', async () => {
    const listener = tcpSocket(undefined, environment);
    await listener.bind('127.0.0.1', 0);
    const resolver = async (): Promise<string[]> => ['::1', '127.0.0.1'];
    const client = tcpSocket(undefined, environment, { resolver });
    await client.connect('two.example', listener.local?.port ?? 0);
    assert.equal(client.remote?.address, '127.0.0.1');
    assert.equal(client.remoteHostname, 'two.example');
    client.close();
    listener.close();
  });

  it('gives the preferred family and the preferred endpoint of a name', async () => {
    const resolver = async (): Promise<string[]> => ['::1', '127.0.0.1'];
    const remote = async (configuration: Parameters<typeof udpSocket>[0]): Promise<string | undefined> => {
      const socket = udpSocket(configuration, environment, { resolver });
      await socket.connect('two.example', 9);
      const address = socket.remote?.address;
      socket.close();
      return address;
    };
    assert.equal(await remote({}), '::1');
    assert.equal(await remote({ preferredAddressFamily: 'ipv4' }), '127.0.0.1');
    assert.equal(await remote({ preferredEndpoint: { address: '127.0.0.1', port: 9 } }), '127.0.0.1');
  });

  it('streams are kept alive by the host where that is asked for, and nothing else is taken for it', async () => {
    const listener = tcpSocket({ keepAlive: seconds(30) }, environment);
    await listener.bind('127.0.0.1', 0);
    const client = tcpSocket({ keepAlive: seconds(30) }, environment);
    await client.connect('127.0.0.1', listener.local!.port);
    const session = await listener.accept();
    if (process.platform === 'linux') {
      const [one, other] = [client, listener].map((socket) =>
        socket.local!.port.toString(16).toUpperCase().padStart(4, '0'),
      );
      const pairs = [`${one} ${other}`, `${other} ${one}`];
      const lines = readFileSync('/proc/net/tcp', 'latin1')
        .split('\n')
        .map((line) => line.trim().split(/\s+/));
      const timers = lines
        .filter(([, local, remote]) => pairs.includes(`${local?.split(':')[1]} ${remote?.split(':')[1]}`))
        .map((line) => line[5]);
      assert.deepEqual(
        timers.map((timer) => timer?.slice(0, 2)),
        ['02', '02'],
        'the keep-alive timer of both ends',
      );
    }
    for (const socket of [client, session, listener]) socket.close();
    assert.throws(() => tcpSocket({ keepAlive: milliseconds(10) }), { code: 'EINVAL' });
  });

  it('resolves localhost by the operating system, and says ENOTFOUND for what is not there', async () => {
    const addresses = await systemResolver('localhost', {});
    assert.ok(addresses.some((address) => address === '127.0.0.1' || address === '::1'));
    assert.deepEqual(await systemResolver('192.0.2.1', {}), ['192.0.2.1']);
  });

  it("a resolver's late answer opens nothing after an abort", async () => {
    let answer: (addresses: string[]) => void = () => undefined;
    const resolver = (): Promise<string[]> => new Promise((resolve) => (answer = resolve));
    const configureHandle = (): never => assert.fail('a handle was opened');
    const socket = udpSocket({ configureHandle }, environment, { resolver });
    const controller = new AbortController();
    const connecting = socket.connect('slow.example', 9, { signal: controller.signal });
    controller.abort();
    await assert.rejects(connecting, { code: 'ECANCELED' });
    answer(['127.0.0.1']);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(socket.system, undefined);
    assert.equal(socket.getOption('state'), 'closed');
  });

  it('a hook that fails ends connect with its error as cause', async () => {
    const refusal = new Error('no such device');
    const socket = udpSocket(
      {
        configureHandle: () => {
          throw refusal;
        },
      },
      environment,
    );
    await assert.rejects(
      socket.connect('127.0.0.1', 9),
      (error) => error instanceof SocketError && error.cause === refusal,
    );
    assert.equal(socket.system, undefined);
  });

  it('maps the codes of Node, and keeps the original', () => {
    const node = (code: string): Error => Object.assign(new Error(code), { code });
    const expected = {
      ECONNREFUSED: 'ECONNREFUSED',
      EACCES: 'EPERM',
      EAI_AGAIN: 'ENOTFOUND',
      ENOMEM: 'ENOBUFS',
      ESTRANGE: 'EIO',
    };
    for (const [code, ours] of Object.entries(expected)) {
      const original = node(code);
      const error = fromNodeError(original);
      assert.equal(error.code, ours);
      assert.equal(error.cause, original);
    }
    const own = new SocketError('EBADF', 'ours');
    assert.equal(fromNodeError(own), own);
  });
});
