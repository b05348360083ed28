// The adapter alone, over a simulated stream that takes little at a time.

import assert from 'node:assert/strict';
import type { SocketError, StreamSocket } from '../../../lib/net/index.ts';
import { SimulatedNetwork } from '../../../lib/net/simulated/index.ts';
import { VirtualTime } from '../../../lib/runtime/index.ts';
import { StreamDuplex } from '../../../security-backends/node-tls/stream-duplex.ts';

interface World {
  readonly time: VirtualTime;
  readonly duplex: StreamDuplex;
  readonly lower: StreamSocket;
  readonly peer: StreamSocket;
  readonly closed: (SocketError | undefined)[];
}

async function world(): Promise<World> {
  const time = new VirtualTime();
  const network = new SimulatedNetwork({ time });
  const small = { maxBufferedBytes: 1_000 };
  const [listener, lower] = [network.streamSocket('10.0.0.9', small), network.streamSocket(undefined, small)];
  await listener.bind('10.0.0.9', 1);
  const [peer] = await time.run(Promise.all([listener.accept(), lower.connect('10.0.0.9', 1)]));
  const closed: World['closed'] = [];
  return { time, lower, peer, closed, duplex: new StreamDuplex(lower, { closed: (cause) => void closed.push(cause) }) };
}

describe('node-tls: stream adapter', () => {
  it('writes everything in order through a lower socket that refuses most of it', async () => {
    const { time, duplex, peer } = await world();
    const sent = Uint8Array.from({ length: 20_000 }, (_, at) => at % 251);
    duplex.end(sent);
    const received: number[] = [];
    for (let bytes = await time.run(peer.next()); bytes !== null; bytes = await time.run(peer.next()))
      received.push(...bytes);
    assert.deepEqual(Uint8Array.from(received), sent);
  });

  it('reads everything in order, up to the end', async () => {
    const { time, duplex, peer, closed } = await world();
    const received: number[] = [];
    const ended = new Promise<void>((resolve) => {
      duplex.on('data', (bytes: Uint8Array) => received.push(...bytes)).on('end', resolve);
    });
    for (let at = 0; at < 5; at++) {
      peer.send(new Uint8Array(200).fill(at));
      await time.advance(30);
    }
    await peer.shutdown();
    await time.run(ended);
    assert.equal(received.length, 1_000);
    assert.deepEqual([received[0], received[999]], [0, 4]);
    assert.deepEqual(closed, []);
  });

  it('tells when the lower socket fails, and closes it when destroyed', async () => {
    const { lower, closed, duplex, time } = await world();
    lower.close();
    await time.advance(1);
    assert.deepEqual(closed, [undefined]);
    duplex.destroy();
    const other = await world();
    other.duplex.destroy();
    await other.time.advance(1);
    assert.equal(other.lower.getOption('state'), 'closed');
    assert.deepEqual(other.closed, []);
  });
});
