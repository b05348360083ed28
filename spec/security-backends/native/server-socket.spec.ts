import assert from 'node:assert/strict';
import type { DatagramSocket, SocketError } from '../../../lib/net/index.ts';
import { seconds } from '../../../lib/runtime/index.ts';
import { SERVER_ADDRESS, SERVER_PORT, Simulation } from './sockets.ts';

function ends(socket: DatagramSocket): (string | undefined)[] {
  const told: (string | undefined)[] = [];
  const closed = (cause?: SocketError): void => void told.push(cause?.code);
  socket.handler = { readable: () => undefined, writable: () => undefined, closed };
  return told;
}

describe('DtlsServerSocket', () => {
  it('accepts many peers over one port, each with a socket of its own', async () => {
    const simulation = new Simulation();
    const server = await simulation.listening();
    const clients = Array.from({ length: 20 }, () => simulation.client());
    await simulation.run(Promise.all(clients.map((client) => client.connect(SERVER_ADDRESS, SERVER_PORT))));
    const sessions = await simulation.run(Promise.all(clients.map(() => server.accept())));
    assert.deepEqual(server.load, { handshakes: 0, sessions: 20 });
    for (const session of sessions) session.send(new TextEncoder().encode(session.remote?.address));
    for (const client of clients) {
      const heard = await simulation.run(client.next());
      assert.equal(new TextDecoder().decode(heard!), client.local?.address);
    }
  });

  it('two clients at one address are told apart by port', async () => {
    const simulation = new Simulation();
    const server = await simulation.listening();
    const sessions: DatagramSocket[] = [];
    for (const port of [5_000, 5_001]) {
      const lower = simulation.network.datagramSocket('10.8.8.8');
      await lower.bind('10.8.8.8', port);
      const client = simulation.client();
      await client.decorate(lower);
      const accepted = server.accept();
      await simulation.run(client.connect(SERVER_ADDRESS, SERVER_PORT));
      sessions.push(await simulation.run(accepted));
      client.send(Uint8Array.of(port & 0xff));
    }
    for (const session of sessions) {
      assert.deepEqual(await simulation.run(session.next()), Uint8Array.of(session.remote!.port & 0xff));
    }
  });

  it('a session closes alone; its peer may come again', async () => {
    const simulation = new Simulation();
    const { client, server, session } = await simulation.pair();
    const [ended, other] = [ends(client), simulation.client()];
    await simulation.run(other.connect(SERVER_ADDRESS, SERVER_PORT));
    const second = await simulation.run(server.accept());
    session.close();
    await simulation.time.advance(100);
    assert.deepEqual(ended, [undefined]);
    assert.deepEqual(server.load, { handshakes: 0, sessions: 1 });
    other.send(Uint8Array.of(1));
    assert.deepEqual(await simulation.run(second.next()), Uint8Array.of(1));
    const again = server.accept();
    await simulation.run(client.connect(SERVER_ADDRESS, SERVER_PORT));
    assert.equal((await simulation.run(again)).getOption('state'), 'accepted');
  });

  it('closing it tells every peer, closes every session with a cause, and every handshake', async () => {
    const simulation = new Simulation();
    const { client, server, session } = await simulation.pair();
    const told = { client: ends(client), session: ends(session), server: ends(server) };
    const halfway = simulation.client({ handshakeTries: 1 }).connect(SERVER_ADDRESS, SERVER_PORT);
    halfway.catch(() => undefined);
    await simulation.time.advance(25);
    server.close();
    await simulation.time.advance(seconds(2));
    assert.deepEqual(told, { client: [undefined], session: ['ECONNABORTED'], server: [undefined] });
    await assert.rejects(halfway);
    assert.deepEqual(server.load, { handshakes: 0, sessions: 0 });
    assert.equal(simulation.time.pending, 0);
  });

  it('what a peer sent before its end waits in the session, also when accept comes later', async () => {
    const simulation = new Simulation();
    const server = await simulation.listening();
    for (const says of [true, false]) {
      const client = simulation.client();
      await simulation.run(client.connect(SERVER_ADDRESS, SERVER_PORT));
      if (says) client.send(Uint8Array.of(7));
      client.close();
      await simulation.time.advance(100);
    }
    const session = await simulation.run(server.accept());
    assert.deepEqual(session.receive(), Uint8Array.of(7));
    const controller = new AbortController();
    const next = server.accept({ signal: controller.signal });
    controller.abort();
    await assert.rejects(next, { code: 'ECANCELED' });
  });

  it('takes a bound socket, or a closed one that bind then uses, and no other', async () => {
    const simulation = new Simulation();
    const [bound, closed] = [
      simulation.network.datagramSocket(SERVER_ADDRESS),
      simulation.network.datagramSocket('10.1.2.4'),
    ];
    await bound.bind(SERVER_ADDRESS, SERVER_PORT);
    const server = simulation.server();
    await server.decorate(bound);
    assert.deepEqual(
      [server.getOption('state'), server.local],
      ['bound', { address: SERVER_ADDRESS, port: SERVER_PORT }],
    );
    await assert.rejects(server.decorate(closed), { code: 'EBADF' });
    const other = simulation.server();
    await other.decorate(closed);
    await other.bind('10.1.2.4', 1_234);
    const client = simulation.client();
    await simulation.run(client.connect(SERVER_ADDRESS, SERVER_PORT));
    await simulation.run(simulation.client().connect('10.1.2.4', 1_234));
    const connected = simulation.network.datagramSocket();
    await simulation.run(connected.connect(SERVER_ADDRESS, SERVER_PORT));
    await assert.rejects(simulation.server().decorate(connected), { code: 'EINVAL', message: /found it connected/ });
    server.close();
    assert.equal(bound.getOption('state'), 'closed');
  });

  it('says what a listening socket cannot do', async () => {
    const simulation = new Simulation();
    const server = await simulation.listening();
    await assert.rejects(server.connect(), { code: 'ENOTSUP' });
    await assert.rejects(server.shutdown(), { code: 'ENOTCONN' });
    assert.throws(() => server.sendTo(), { code: 'ENOTSUP' });
    assert.throws(() => server.send(Uint8Array.of(1)), { code: 'ENOTCONN' });
    assert.equal(server.receive(), undefined);
    assert.equal(server.getOption('innerMtu'), 0);
    await assert.rejects(simulation.server().accept(), { code: 'EBADF' });
    const small = simulation.server({ socket: { mtu: 120 } });
    await assert.rejects(small.bind(SERVER_ADDRESS, 999), { code: 'EINVAL', message: /mtu/ });
    assert.equal(small.getOption('state'), 'closed');
  });

  it('one that is closed can be bound again', async () => {
    const simulation = new Simulation();
    const server = await simulation.listening();
    server.close();
    await simulation.run(server.bind(SERVER_ADDRESS, SERVER_PORT));
    await simulation.run(simulation.client().connect(SERVER_ADDRESS, SERVER_PORT));
    assert.equal(server.load.sessions, 1);
  });
});
