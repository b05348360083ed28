// How a connection with a server ends: in order, or so that its session goes on with the next start.

import { type DatagramSocket, type StreamSocket, closeInOrder } from '../net/index.ts';
import type { Environment } from '../runtime/index.ts';

/**
 * Keys are zeroed with the socket: the next connection loads them anew.
 * @param goesOn leave the session, where it is kept, to whoever connects next
 */
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
