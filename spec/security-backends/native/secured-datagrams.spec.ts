import assert from 'node:assert/strict';
import {
  type Aead,
  type CryptoProvider,
  nodeProvider,
  pskIdentityFromBuffer,
  pskKeyFromBuffer,
} from '../../../lib/crypto/index.ts';
import { type DatagramSocket, SocketError } from '../../../lib/net/index.ts';
import { minutes } from '../../../lib/runtime/index.ts';
import { SERVER_ADDRESS, SERVER_PORT, Simulation } from './sockets.ts';

/** Makes `socket` refuse the next datagram, as a layer without room does. */
function refuseNext(socket: DatagramSocket, operation: 'send' | 'sendTo', code: 'EAGAIN' | 'ENOBUFS'): void {
  const refuse = (): void => {
    Reflect.deleteProperty(socket, operation);
    throw new SocketError(code, 'no room', { fatal: false });
  };
  Object.defineProperty(socket, operation, { value: refuse, configurable: true });
}

describe('SecuredDatagrams: a layer below without room', () => {
  it('client: send throws EAGAIN, writable tells when there is room, nothing else ends', async () => {
    const simulation = new Simulation();
    const server = await simulation.listening();
    const lower = simulation.network.datagramSocket();
    const client = simulation.client();
    await client.decorate(lower);
    await simulation.run(client.connect(SERVER_ADDRESS, SERVER_PORT));
    const session = await simulation.run(server.accept());
    let writable = 0;
    client.handler = {
      readable: () => undefined,
      writable: () => void writable++,
      closed: () => assert.fail('closed'),
    };
    lower.handler?.writable();
    assert.equal(writable, 0, 'nobody was refused');
    refuseNext(lower, 'send', 'EAGAIN');
    assert.throws(() => client.send(Uint8Array.of(1)), { code: 'EAGAIN' });
    lower.handler?.writable();
    lower.handler?.writable();
    assert.equal(writable, 1);
    client.send(Uint8Array.of(2));
    assert.deepEqual(await simulation.run(session.next()), Uint8Array.of(2));
  });

  it('session: the same, for the one that was refused', async () => {
    const simulation = new Simulation();
    const lower = simulation.network.datagramSocket(SERVER_ADDRESS);
    const server = simulation.server();
    await server.decorate(lower);
    await server.bind(SERVER_ADDRESS, SERVER_PORT);
    const told: number[] = [];
    const sessions: DatagramSocket[] = [];
    for (const number of [0, 1]) {
      await simulation.run(simulation.client().connect(SERVER_ADDRESS, SERVER_PORT));
      const session = await simulation.run(server.accept());
      session.handler = { readable: () => undefined, writable: () => told.push(number), closed: () => undefined };
      sessions.push(session);
    }
    refuseNext(lower, 'sendTo', 'EAGAIN');
    assert.throws(() => sessions[1]!.send(Uint8Array.of(1)), { code: 'EAGAIN' });
    lower.handler?.writable();
    assert.deepEqual(told, [1]);
  });

  it('during the handshake it is one more lost datagram', async () => {
    const simulation = new Simulation();
    await simulation.listening();
    const lower = simulation.network.datagramSocket();
    const client = simulation.client();
    await client.decorate(lower);
    refuseNext(lower, 'send', 'ENOBUFS');
    await simulation.run(client.connect(SERVER_ADDRESS, SERVER_PORT));
    assert.equal(simulation.time.now() >= 1_000, true, 'sent again after the first time-out');
  });

  it('what a handler does while it is called: send, close, close again, nothing breaks', async () => {
    const simulation = new Simulation();
    const { client, session } = await simulation.pair();
    const closed: unknown[] = [];
    client.handler = {
      readable: () => {
        client.send(Uint8Array.of(9));
        client.close();
        client.close();
        assert.throws(() => client.send(Uint8Array.of(1)), { code: 'EBADF' });
      },
      writable: () => undefined,
      closed: (cause) => {
        closed.push(cause);
        client.close();
      },
    };
    session.send(Uint8Array.of(1));
    assert.deepEqual(await simulation.run(session.next()), Uint8Array.of(9));
    await simulation.time.advance(1_000);
    assert.deepEqual(closed, [undefined]);
    assert.equal(simulation.time.pending, 0);
  });
});

/** A provider that tells which AEADs live. */
function counting(): { provider: CryptoProvider; alive: Set<Aead>; made: () => number } {
  const alive = new Set<Aead>();
  let made = 0;
  const aead: CryptoProvider['aead'] = (name, key) => {
    const inner = nodeProvider.aead(name, key);
    const outer: Aead = {
      tagLength: inner.tagLength,
      seal: (nonce, data, plaintext) => inner.seal(nonce, data, plaintext),
      open: (nonce, data, sealed) => inner.open(nonce, data, sealed),
      destroy: () => {
        alive.delete(outer);
        inner.destroy();
      },
    };
    alive.add(outer);
    made++;
    return outer;
  };
  return { provider: { ...nodeProvider, aead }, alive, made: () => made };
}

describe('SecuredDatagrams: keys', () => {
  it('are destroyed by close, on both sides', async () => {
    const { provider, alive, made } = counting();
    const simulation = new Simulation({ provider });
    const { client } = await simulation.pair();
    assert.equal(alive.size, 4);
    client.close();
    assert.equal(alive.size, 2, 'those of the client');
    await simulation.time.advance(100);
    assert.equal(alive.size, 0, 'those of the session, which heard close_notify');
    assert.equal(made(), 4 + 1); // one more for the known answers, which the provider gives before its first use
  });

  it('are destroyed by shutdown, by an alert, and when the listener closes', async () => {
    for (const end of ['shutdown', 'alert', 'listener'] as const) {
      const { provider, alive } = counting();
      const simulation = new Simulation({ provider });
      const { client, server } = await simulation.pair();
      if (end === 'shutdown') await client.shutdown();
      if (end === 'alert') client.abort(80);
      if (end === 'listener') server.close();
      await simulation.time.advance(100);
      assert.equal(alive.size, 0, end);
    }
  });

  it('are destroyed when a handshake fails or is aborted', async () => {
    const { provider, alive, made } = counting();
    const simulation = new Simulation({ provider });
    await simulation.listening({ handshakeTries: 2 });
    const identity = pskIdentityFromBuffer(new TextEncoder().encode('device-1'));
    const security = { mode: 'psk', identity, key: pskKeyFromBuffer(new Uint8Array(16).fill(1)) } as const;
    const connecting = simulation.client({ security, handshakeTries: 2 }).connect(SERVER_ADDRESS, SERVER_PORT);
    await assert.rejects(simulation.run(connecting), { code: 'ETIMEDOUT' });
    const controller = new AbortController();
    const aborted = simulation.client({ security }).connect(SERVER_ADDRESS, SERVER_PORT, { signal: controller.signal });
    await simulation.time.advance(500);
    controller.abort();
    await assert.rejects(aborted, { code: 'ECANCELED' });
    await simulation.time.advance(minutes(5));
    assert.ok(made() >= 6, 'keys were derived');
    assert.equal(alive.size, 0);
  });
});
