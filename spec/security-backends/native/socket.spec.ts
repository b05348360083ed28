import assert from 'node:assert/strict';
import { type AnySocket, type SocketError, TlsAlertError } from '../../../lib/net/index.ts';
import { milliseconds, seconds } from '../../../lib/runtime/index.ts';
import { join } from './scripted-peer.ts';
import { SERVER_ADDRESS, SERVER_PORT, Simulation } from './sockets.ts';

/** What a handler was told. */
class Told {
  readable = 0;
  writable = 0;
  readonly closed: (SocketError | undefined)[] = [];

  constructor(socket: AnySocket, onReadable: () => void = () => undefined) {
    socket.handler = {
      readable: () => {
        this.readable++;
        onReadable();
      },
      writable: () => void this.writable++,
      closed: (cause) => void this.closed.push(cause),
    };
  }
}

/** Lets the network merge datagrams to `port` into one until told otherwise; what DTLS allows and UDP cannot do by itself. */
function merging(simulation: Simulation, port: number, count: number): void {
  const held: Uint8Array[] = [];
  simulation.network.onDatagram((_from, to, bytes) => {
    if (to.port !== port || held.length >= count) return 'pass';
    held.push(bytes);
    return held.length < count ? 'drop' : join(...held);
  });
}

describe('DtlsClientSocket: receiving', () => {
  it('several records in one datagram: one readable, and hasBufferedData until all are taken', async () => {
    const simulation = new Simulation();
    const { client, session } = await simulation.pair();
    const heard: Uint8Array[] = [];
    const buffered: boolean[] = [];
    const told = new Told(client, () => {
      do {
        heard.push(client.receive()!);
        buffered.push(client.getOption('hasBufferedData'));
      } while (client.getOption('hasBufferedData'));
    });
    merging(simulation, client.local!.port, 3);
    for (const byte of [1, 2, 3]) session.send(Uint8Array.of(byte));
    await simulation.time.advance(100);
    assert.equal(told.readable, 1);
    assert.deepEqual(
      heard.map((bytes) => bytes[0]),
      [1, 2, 3],
    );
    assert.deepEqual(buffered, [true, true, false]);
  });

  it('data that comes in one datagram with the last flight is told once connected', async () => {
    const simulation = new Simulation();
    const server = await simulation.listening();
    const accepted = server.accept();
    const client = simulation.client();
    let last: Uint8Array | undefined;
    simulation.network.onDatagram((from, _to, bytes) => {
      if (from.port !== SERVER_PORT) return 'pass';
      if (bytes[0] === 20) last = bytes; // ChangeCipherSpec leads the last flight
      if (bytes[0] === 20) return 'drop';
      return bytes[0] === 23 && last !== undefined ? join(last, bytes) : 'pass';
    });
    const states: string[] = [];
    const told = new Told(client, () => states.push(client.getOption('state')));
    const connecting = client.connect(SERVER_ADDRESS, SERVER_PORT);
    const session = await simulation.run(accepted);
    session.send(Uint8Array.of(9));
    await simulation.run(connecting);
    await simulation.time.advance(1);
    assert.deepEqual([told.readable, states], [1, ['connected']]);
    assert.deepEqual(client.receive(), Uint8Array.of(9));
  });

  it('handshake datagrams, damage and repetitions do not call readable', async () => {
    const simulation = new Simulation();
    const { client, session } = await simulation.pair();
    const told = new Told(client);
    const seen: Uint8Array[] = [];
    simulation.network.onDatagram((from, _to, bytes) => {
      if (from.port === SERVER_PORT) seen.push(bytes);
      return 'pass';
    });
    session.send(Uint8Array.of(1));
    await simulation.time.advance(100);
    for (const bytes of [seen[0]!, Uint8Array.of(1, 2, 3), new Uint8Array(0)]) {
      simulation.network.inject({ address: SERVER_ADDRESS, port: SERVER_PORT }, client.local!, bytes);
    }
    await simulation.time.advance(100);
    assert.equal(told.readable, 1);
    assert.equal(client.counters?.dropped.replayed, 1);
  });

  it('readable is never called from inside a call into the socket', async () => {
    const simulation = new Simulation({ latency: milliseconds(0) });
    const { client, session } = await simulation.pair();
    let inside = false;
    const wrongly: string[] = [];
    new Told(client, () => {
      if (inside) wrongly.push('client');
    });
    new Told(session, () => {
      if (inside) wrongly.push('session');
      session.send(session.receive()!);
    });
    for (let i = 0; i < 10; i++) {
      inside = true;
      client.send(Uint8Array.of(i));
      client.receive();
      client.getOption('hasBufferedData');
      inside = false;
      await simulation.time.advance(1);
    }
    assert.deepEqual(wrongly, []);
  });
});

describe('DtlsClientSocket: soft errors', () => {
  it('an ICMP error ends neither the handshake nor the session', async () => {
    const simulation = new Simulation();
    const client = simulation.client();
    const connecting = client.connect(SERVER_ADDRESS, SERVER_PORT);
    await simulation.time.advance(500); // nobody listens: ECONNREFUSED comes back
    const server = await simulation.listening();
    const accepted = server.accept();
    await simulation.run(connecting);
    const session = await simulation.run(accepted);
    const told = new Told(client);
    server.close();
    await simulation.time.advance(100);
    assert.deepEqual(told.closed, [undefined], 'close_notify of the listener ends in order');
    assert.equal(session.getOption('state'), 'closed');
  });

  it('explains a time-out by the error the network reported', async () => {
    const simulation = new Simulation();
    const client = simulation.client({ handshakeTries: 2 });
    await assert.rejects(simulation.run(client.connect(SERVER_ADDRESS, SERVER_PORT)), (error: SocketError) => {
      assert.equal(error.code, 'ETIMEDOUT');
      assert.match(error.message, /the network reported ECONNREFUSED/);
      assert.equal((error.cause as SocketError).code, 'ECONNREFUSED');
      return true;
    });
    assert.equal(client.getOption('state'), 'closed');
    assert.equal(simulation.time.pending, 0);
  });

  it('during a session it is dropped: receive does not throw', async () => {
    const simulation = new Simulation();
    const { client } = await simulation.pair();
    const told = new Told(client);
    const server = { address: SERVER_ADDRESS, port: SERVER_PORT };
    simulation.network.onDatagram((_from, to) => (to.port === SERVER_PORT ? 'drop' : 'pass'));
    simulation.network.inject(client.local!, { ...server, port: 9 }, Uint8Array.of(0)); // draws an ICMP error
    await simulation.time.advance(100);
    assert.equal(client.receive(), undefined);
    assert.deepEqual(told.closed, []);
  });
});

describe('DtlsClientSocket: time', () => {
  it('backs off from min to max, and gives up in the computed bound', async () => {
    const simulation = new Simulation();
    const sent: number[] = [];
    simulation.network.onDatagram(() => {
      sent.push(simulation.time.now());
      return 'drop';
    });
    const client = simulation.client({ handshakeTries: 5 });
    client.setOption('dtlsHandshakeTimeouts', { min: seconds(2), max: seconds(6) });
    await assert.rejects(simulation.run(client.connect(SERVER_ADDRESS, SERVER_PORT)), { code: 'ETIMEDOUT' });
    assert.deepEqual(sent, [0, 2_000, 6_000, 12_000, 18_000]);
    assert.equal(simulation.time.now(), 24_000);
  });

  it('an abort ends it at once: ECANCELED, no timer, no socket', async () => {
    const simulation = new Simulation();
    simulation.network.onDatagram(() => 'drop');
    const client = simulation.client();
    const controller = new AbortController();
    const connecting = client.connect(SERVER_ADDRESS, SERVER_PORT, { signal: controller.signal });
    await simulation.time.advance(1_500);
    const port = client.local?.port;
    controller.abort();
    await assert.rejects(connecting, { code: 'ECANCELED' });
    assert.equal(simulation.time.pending, 0);
    assert.equal(client.getOption('state'), 'closed');
    assert.ok(port !== undefined && client.local === undefined);
  });
});

describe('DtlsClientSocket: endings', () => {
  it('close sends close_notify; the peer closes once, without a cause, after what was sent before', async () => {
    const simulation = new Simulation();
    const { client, session } = await simulation.pair();
    const told = new Told(session);
    client.send(Uint8Array.of(1));
    client.close();
    await simulation.time.advance(100);
    assert.deepEqual(told.closed, [undefined]);
    assert.deepEqual(session.receive(), Uint8Array.of(1), 'what came before the end can be read');
    assert.equal(await simulation.run(session.next()), null);
    assert.throws(() => session.send(Uint8Array.of(1)), { code: 'EBADF' });
  });

  it('shutdown sends close_notify and stays open until close', async () => {
    const simulation = new Simulation();
    const { client, session } = await simulation.pair();
    const told = { client: new Told(client), session: new Told(session) };
    await client.shutdown();
    await simulation.time.advance(100);
    assert.equal(client.getOption('state'), 'shutdown');
    assert.deepEqual([told.client.closed, told.session.closed], [[], [undefined]]);
    client.close();
    await simulation.time.advance(1);
    assert.deepEqual(told.client.closed, [undefined]);
  });

  it('a fatal alert of the peer is the cause, received', async () => {
    const simulation = new Simulation();
    const { client, server } = await simulation.pair();
    const told = new Told(client);
    const accepted = server.accept({ signal: AbortSignal.abort() });
    await assert.rejects(accepted, { code: 'ECANCELED' });
    const { client: other, session } = await (async () => {
      const next = server.accept();
      const second = simulation.client();
      await simulation.run(second.connect(SERVER_ADDRESS, SERVER_PORT));
      return { client: second, session: await simulation.run(next) };
    })();
    const otherTold = new Told(other);
    (session as typeof client).abort(20);
    await simulation.time.advance(100);
    const [cause] = otherTold.closed;
    assert.ok(cause instanceof TlsAlertError);
    assert.deepEqual([cause.description, cause.direction, cause.level], [20, 'received', 'fatal']);
    assert.deepEqual(told.closed, [], 'the other session lives on');
  });

  it('dispose is for good: the key is gone, connect is EBADF; close is not', async () => {
    const simulation = new Simulation();
    await simulation.listening();
    const client = simulation.client();
    client.close();
    await simulation.run(client.connect(SERVER_ADDRESS, SERVER_PORT));
    await client[Symbol.asyncDispose]();
    await assert.rejects(client.connect(SERVER_ADDRESS, SERVER_PORT), { code: 'EBADF', message: /disposed/ });
  });
});

describe('DtlsClientSocket: the layer below', () => {
  it('decorate takes a closed socket, which connect then uses', async () => {
    const simulation = new Simulation();
    await simulation.listening();
    const lower = simulation.network.datagramSocket('10.7.7.7');
    const client = simulation.client();
    await client.decorate(lower);
    assert.equal(client.getOption('state'), 'closed');
    await simulation.run(client.connect('listener.example', SERVER_PORT));
    assert.deepEqual([client.local?.address, client.remoteHostname], ['10.7.7.7', 'listener.example']);
    client.close();
    assert.equal(lower.getOption('state'), 'closed');
  });

  it('decorate takes a bound socket and a connected one, with the name of the host', async () => {
    const simulation = new Simulation();
    await simulation.listening();
    const bound = simulation.network.datagramSocket('10.7.7.8');
    await bound.bind('10.7.7.8', 4_000);
    const client = simulation.client();
    await client.decorate(bound);
    assert.deepEqual([client.getOption('state'), client.local?.port], ['bound', 4_000]);
    await simulation.run(client.connect(SERVER_ADDRESS, SERVER_PORT));
    assert.equal(client.local?.port, 4_000);
    const ready = simulation.network.datagramSocket();
    await simulation.run(ready.connect(SERVER_ADDRESS, SERVER_PORT));
    const other = simulation.client();
    await simulation.run(other.decorate(ready, { host: 'coap.example' }));
    assert.deepEqual([other.getOption('state'), other.remoteHostname], ['connected', 'coap.example']);
    await assert.rejects(other.decorate(ready), { code: 'EBADF' });
  });

  it('a failed handshake closes it', async () => {
    const simulation = new Simulation();
    const lower = simulation.network.datagramSocket();
    await simulation.run(lower.connect(SERVER_ADDRESS, SERVER_PORT));
    const client = simulation.client({ handshakeTries: 1 });
    await assert.rejects(simulation.run(client.decorate(lower)), { code: 'ETIMEDOUT' });
    assert.equal(lower.getOption('state'), 'closed');
  });

  it('DANE is ENOTSUP, the rest of the options as they are', async () => {
    const simulation = new Simulation();
    const { client, session } = await simulation.pair();
    for (const socket of [client, session]) {
      assert.throws(() => socket.setOption('daneTlsaRecords', []), { code: 'ENOTSUP' });
      assert.equal(socket.getOption('sessionResumed'), false);
      assert.equal(socket.getOption('connectionIdResumed'), false);
      assert.equal(socket.getOption('mtu'), 1_280);
      assert.equal(socket.getOption('innerMtu'), 1_280 - 28 - 13 - 8 - 8);
      assert.ok(socket.getOption('bytesSent') > 100n && socket.getOption('bytesReceived') > 100n);
      assert.equal(socket.getOption('negotiated')?.version, 'DTLS1.2');
    }
    assert.deepEqual(session.getOption('negotiated')?.pskIdentity, new TextEncoder().encode('device-1'));
    assert.deepEqual(session.remote, client.local);
    assert.deepEqual(session.local, client.remote);
  });

  it('every handshake datagram fits a small mtu, and innerMtu is exact there', async () => {
    const simulation = new Simulation();
    const sizes: number[] = [];
    simulation.network.onDatagram((_from, _to, bytes) => {
      sizes.push(bytes.length);
      return 'pass';
    });
    const { client } = await simulation.pair({ socket: { mtu: 256 } }, { socket: { mtu: 256 } });
    assert.ok(Math.max(...sizes) <= 256 - 28, `${Math.max(...sizes)} bytes`);
    client.send(new Uint8Array(client.getOption('innerMtu')));
    assert.equal(sizes.at(-1), 256 - 28);
  });
});
