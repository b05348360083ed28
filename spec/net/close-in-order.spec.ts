// The end of a connection, whatever its socket does: an application may bring its own.

import assert from 'node:assert/strict';
import { closeInOrder } from '../../lib/net/index.ts';
import { VirtualTime, seconds } from '../../lib/runtime/index.ts';
import { PassThroughSocket } from './pass-through.ts';
import { SimulatedNetwork } from '../../lib/net/simulated/index.ts';

const never = (): Promise<never> => new Promise(() => undefined);
const failing = (): Promise<never> => Promise.reject(new Error('it does not want to'));

class Stubborn extends PassThroughSocket {
  disposed = 0;
  signal: AbortSignal | undefined;
  end: () => Promise<void> = never;
  leave: () => Promise<void> = () => Promise.resolve();

  override shutdown({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    this.signal = signal;
    return this.end();
  }

  override [Symbol.asyncDispose](): Promise<void> {
    this.disposed++;
    return this.leave();
  }
}

async function scene() {
  const time = new VirtualTime();
  const network = new SimulatedNetwork({ time });
  const lower = network.datagramSocket();
  const socket = new Stubborn(network.environment);
  await time.run(lower.connect('192.0.2.1', 5_683));
  await time.run(socket.decorate(lower));
  return { time, network, socket };
}

describe('closeInOrder', () => {
  it('waits for a shutdown that never ends, and takes no notice of its signal, for two seconds', async () => {
    const { time, network, socket } = await scene();
    const closing = closeInOrder(socket, network.environment);
    await time.advance(seconds(1.9));
    assert.equal(socket.disposed, 0);
    await time.advance(seconds(0.2));
    await closing;
    assert.deepEqual([socket.disposed, socket.signal?.aborted], [1, true]);
  });

  it('disposes of a socket whose shutdown fails, and never rejects', async () => {
    const { network, socket } = await scene();
    socket.end = failing;
    socket.leave = failing;
    await closeInOrder(socket, network.environment);
    assert.equal(socket.disposed, 1);
  });
});
