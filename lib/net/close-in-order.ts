// The end of a connection whose peer is to know that it is one: close_notify or FIN first, and then for good.

import { type Environment, later, seconds } from '../runtime/index.ts';
import type { AnySocket } from './socket.ts';

const LONGEST_SHUTDOWN = seconds(2); // our own choice: close_notify is not answered, so nothing has to arrive

/** Shuts down, for 2 s at most, and disposes of the socket: its keys are zeroed. Never rejects. */
export async function closeInOrder(socket: AnySocket, { clock, timers }: Environment): Promise<void> {
  const patience = new AbortController();
  const timer = timers.at(later(clock.now(), LONGEST_SHUTDOWN), () => patience.abort());
  const state = socket.getOption('state');
  try {
    if (state === 'connected' || state === 'accepted') await socket.shutdown({ signal: patience.signal });
  } catch {
    // the connection is of no use any more, whatever the reason
  }
  timer.cancel();
  await socket[Symbol.asyncDispose]();
}
