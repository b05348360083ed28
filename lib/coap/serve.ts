// The server's side of connection-making: one CoAP connection for each session a listening socket accepts.

import { type DatagramSocket, SocketError } from '../net/index.ts';
import type { Environment } from '../runtime/index.ts';
import { UdpCoapConnection, type UdpCoapOptions } from './udp-connection.ts';

export interface CoapServing {
  /** Accepts no more; the listener and the sessions are left to their owners. */
  stop(): void;
  /** Settles when serving has ended, with what broke the listener, if it was neither `stop` nor its closing. */
  readonly ended: Promise<SocketError | undefined>;
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
  const connect = (socket: DatagramSocket): void => {
    try {
      const chosen = typeof options === 'function' ? options(socket) : options;
      onConnection(new UdpCoapConnection(socket, environment, chosen), socket);
    } catch (error) {
      environment.log.error({ error: String(error) }, 'coap: a session was refused: its set-up failed');
      socket.close();
    }
  };
  const serve = async (): Promise<SocketError | undefined> => {
    try {
      while (!stopping.signal.aborted) connect(await listener.accept({ signal: stopping.signal }));
    } catch (error) {
      const broken = error instanceof SocketError ? error : new SocketError('EIO', 'accept failed', { cause: error });
      if (broken.code === 'ECANCELED' || broken.code === 'EBADF') return undefined;
      environment.log.error({ code: broken.code }, 'coap: the listener broke');
      return broken;
    }
    return undefined;
  };
  return { stop: () => stopping.abort(), ended: serve() };
}
