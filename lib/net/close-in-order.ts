// The end of a connection whose peer is to know that it is one: close_notify or FIN first, and then for good.

import { type Environment, later, seconds } from '../runtime/index.ts';
import type { AnySocket } from './socket.ts';
import { untilAborted } from './until-aborted.ts';

const LONGEST_SHUTDOWN = seconds(2); // our own choice: close_notify is not answered, so nothing has to arrive

/** Shuts down, for 2 s at most, and disposes of the socket: its keys are zeroed. Never rejects, and waits for no socket longer. */
export async function closeInOrder(socket: AnySocket, { clock, timers, log }: Environment): Promise<void> {
  const patience = new AbortController();
  const timer = timers.at(later(clock.now(), LONGEST_SHUTDOWN), () => patience.abort());
  try {
    const state = socket.getOption('state');
    if (state === 'connected' || state === 'accepted') {
      const { signal } = patience;
      await untilAborted(signal, () => socket.shutdown({ signal }));
    }
  } catch {
    // the connection is of no use any more, whatever the reason
  }
  timer.cancel();
  try {
    await socket[Symbol.asyncDispose]();
  } catch (error) {
    log.warn({ error: error instanceof Error ? error.name : typeof error }, 'a socket could not be disposed of');
  }
}
