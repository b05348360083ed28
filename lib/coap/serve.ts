// The server's side of connection-making: one CoAP connection for each session a listening socket accepts.

import { type DatagramSocket, SocketError } from '../net/index.ts';
import type { Environment } from '../runtime/index.ts';
import { UdpCoapConnection, type UdpCoapOptions } from './udp-connection.ts';

export interface CoapServing {
  /** Accepts no more; the listener and the sessions are left to their owners. */
  stop(): void;
  /** Settles when serving has ended: by `stop`, by the listener's closing, or rejecting with what broke it. */
  readonly ended: Promise<void>;
}

/**
 * Accepts sessions of a bound listener for as long as it is open.
 * `onConnection` sets the connection's handler before it returns: the first datagram may be waiting already.
 */
export function serveCoap(
  listener: DatagramSocket,
  environment: Environment,
  onConnection: (connection: UdpCoapConnection, socket: DatagramSocket) => void,
  options: UdpCoapOptions | ((socket: DatagramSocket) => UdpCoapOptions) = {},
): CoapServing {
  const stopping = new AbortController();
  const accept = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const socket = await listener.accept({ signal: stopping.signal });
      const chosen = typeof options === 'function' ? options(socket) : options;
      onConnection(new UdpCoapConnection(socket, environment, chosen), socket);
    }
  };
  const ended = accept().catch((error: unknown) => {
    const inOrder = error instanceof SocketError && (error.code === 'ECANCELED' || error.code === 'EBADF');
    if (!inOrder) throw error;
  });
  return { stop: () => stopping.abort(), ended };
}
