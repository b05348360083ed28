import assert from 'node:assert/strict';
import { DatagramListener, type DatagramListenerOptions, type DatagramSocket } from '../../lib/net/index.ts';
import { SimulatedNetwork } from '../../lib/net/simulated/index.ts';
import { VirtualTime, seconds } from '../../lib/runtime/index.ts';

const SERVER = { address: '10.0.9.9', port: 5683 };

interface World {
  readonly time: VirtualTime;
  readonly network: SimulatedNetwork;
  readonly bound: DatagramSocket;
  readonly listener: DatagramListener;
  readonly client: () => Promise<DatagramSocket>;
}

async function world(options: DatagramListenerOptions = {}): Promise<World> {
  const time = new VirtualTime();
  const network = new SimulatedNetwork({ time });
  const bound = network.datagramSocket(SERVER.address);
  await bound.bind(SERVER.address, SERVER.port);
  const client = async (): Promise<DatagramSocket> => {
    const socket = network.datagramSocket();
    await socket.connect(SERVER.address, SERVER.port);
    return socket;
  };
  return { time, network, bound, client, listener: DatagramListener.over(bound, network.environment, options) };
}

describe('net: datagram listener', () => {
  it('gives each peer a session of its own, over any bound socket', async () => {
    const { time, listener, client } = await world();
    const [a, b] = [await client(), await client()];
    a.send(Uint8Array.of(1));
    b.send(Uint8Array.of(2));
    a.send(Uint8Array.of(3));
    const [first, second] = [await time.run(listener.accept()), await time.run(listener.accept())];
    await time.advance(100);
    assert.deepEqual([first.receive()?.[0], first.receive()?.[0], first.receive()], [1, 3, undefined]);
    assert.deepEqual([second.receive()?.[0], second.receive()], [2, undefined]);
    second.send(Uint8Array.of(4));
    assert.equal((await time.run(b.next()))?.[0], 4);
    assert.equal(listener.peers, 2);
  });

  it('lets the longest idle peer give way when there are too many', async () => {
    const { time, listener, client } = await world({ maxPeers: 2 });
    const clients = [await client(), await client(), await client()];
    const sessions: DatagramSocket[] = [];
    for (const each of clients.slice(0, 2)) {
      each.send(Uint8Array.of(1));
      sessions.push(await time.run(listener.accept()));
    }
    clients[0]?.send(Uint8Array.of(1)); // now the second is the longest idle
    await time.advance(100);
    const causes: unknown[] = [];
    for (const session of sessions) {
      session.handler = {
        readable: () => undefined,
        writable: () => undefined,
        closed: (cause) => causes.push(cause?.code),
      };
    }
    clients[2]?.send(Uint8Array.of(1));
    await time.advance(100);
    assert.deepEqual(
      sessions.map((session) => session.getOption('state')),
      ['accepted', 'closed'],
    );
    assert.deepEqual(causes, ['ECONNABORTED']);
    assert.equal(listener.peers, 2);
  });

  it('closes a session that was idle for too long, either way counting', async () => {
    const { time, listener, client } = await world({ idleTimeout: seconds(10) });
    const a = await client();
    a.send(Uint8Array.of(1));
    const session = await time.run(listener.accept());
    await time.advance(9_000);
    session.send(Uint8Array.of(2));
    await time.advance(9_000);
    assert.equal(session.getOption('state'), 'accepted');
    await time.advance(2_000);
    assert.equal(session.getOption('state'), 'closed');
    assert.throws(
      () => session.send(Uint8Array.of(3)),
      (error: Error) => (error.cause as { code?: string }).code === 'ETIMEDOUT',
    );
    assert.equal(listener.peers, 0);
    assert.equal(time.pending, 0, 'no timer is left');
  });

  it('drops and counts new peers while too many wait to be accepted', async () => {
    const { time, listener, client } = await world({ maxWaiting: 3 });
    for (let n = 0; n < 10; n++) (await client()).send(Uint8Array.of(n));
    await time.advance(100);
    assert.equal(listener.peers, 3);
    assert.equal(listener.dropped, 7);
    await listener.accept();
    (await client()).send(Uint8Array.of(11));
    await time.advance(100);
    assert.equal(listener.peers, 4);
  });

  it('forgets a closed session, whose peer then starts anew', async () => {
    const { time, listener, client } = await world();
    const a = await client();
    a.send(Uint8Array.of(1));
    const first = await time.run(listener.accept());
    first.close();
    assert.equal(listener.peers, 0);
    await assert.rejects(first.connect('10.0.0.1', 1), { code: 'ENOTSUP' });
    a.send(Uint8Array.of(2));
    const second = await time.run(listener.accept());
    assert.equal(second.receive()?.[0], 2);
  });

  it('a bound socket gives what came before the first accept to sessions too', async () => {
    const time = new VirtualTime();
    const network = new SimulatedNetwork({ time });
    const [bound, client] = [network.datagramSocket(SERVER.address), network.datagramSocket()];
    await bound.bind(SERVER.address, SERVER.port);
    await client.connect(SERVER.address, SERVER.port);
    client.send(Uint8Array.of(1));
    client.send(Uint8Array.of(2));
    await time.advance(100);
    const session = await time.run(bound.accept());
    assert.deepEqual([session.receive()?.[0], session.receive()?.[0]], [1, 2]);
    assert.equal(bound.getOption('hasBufferedData'), false);
    assert.equal(session.getOption('mtu'), bound.getOption('mtu'));
    assert.deepEqual(session.local, SERVER);
    await assert.rejects(session.connect(SERVER.address, 1), { code: 'EBADF' });
  });

  it('closes the socket it took over, and its sessions', async () => {
    const { time, listener, client, bound } = await world();
    (await client()).send(Uint8Array.of(1));
    const session = await time.run(listener.accept());
    listener.close();
    assert.equal(bound.getOption('state'), 'closed');
    assert.equal(session.getOption('state'), 'closed');
  });

  it('ends its sessions and its timer when the socket below closes', async () => {
    const { time, listener, client, bound } = await world();
    (await client()).send(Uint8Array.of(1));
    const session = await time.run(listener.accept());
    const waiting = listener.accept();
    waiting.catch(() => undefined);
    bound.close();
    await time.advance(1);
    assert.equal(session.getOption('state'), 'closed');
    await assert.rejects(waiting, { code: 'EBADF' });
    assert.equal(time.pending, 0);
  });
});
