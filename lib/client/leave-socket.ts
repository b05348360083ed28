// How a connection with a server ends: in order, or so that its session goes on with the next start.

import type { DatagramSocket, StreamSocket } from '../net/index.ts';
import { type Environment, later, seconds } from '../runtime/index.ts';

const LONGEST_SHUTDOWN = seconds(2); // our own choice: close_notify is not answered, so nothing has to arrive

/** @param goesOn leave the session, where it is kept, to whoever connects next */
export async function leave(
  socket: DatagramSocket | StreamSocket,
  goesOn: boolean,
  environment: Environment,
): Promise<void> {
  if (!goesOn || socket.transport === 'stream' || socket.getOption('state') !== 'connected')
    return closeInOrder(socket, environment);
  socket.suspend?.();
  await socket[Symbol.asyncDispose]();
}

async function closeInOrder(socket: DatagramSocket | StreamSocket, { clock, timers }: Environment): Promise<void> {
  const patience = new AbortController();
  const timer = timers.at(later(clock.now(), LONGEST_SHUTDOWN), () => patience.abort());
  try {
    if (socket.getOption('state') === 'connected') await socket.shutdown({ signal: patience.signal });
  } catch {
    // the connection is of no use any more, whatever the reason
  }
  timer.cancel();
  await socket[Symbol.asyncDispose](); // with its keys: the next connection loads them anew
}
