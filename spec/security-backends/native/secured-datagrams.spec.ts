import assert from 'node:assert/strict';
import { type DatagramSocket, SocketError } from '../../../lib/net/index.ts';
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
