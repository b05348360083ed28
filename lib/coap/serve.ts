// The server's side of connection-making: one CoAP connection for each session a listening socket accepts.

import { type AnySocket, type DatagramSocket, SocketError, type StreamSocket } from '../net/index.ts';
import type { Environment } from '../runtime/index.ts';
import type { ExchangeConnection } from './exchange-connection.ts';
import { TcpCoapConnection } from './tcp-connection.ts';
import type { TcpCoapOptions } from './tcp-options.ts';
import { UdpCoapConnection, type UdpCoapOptions } from './udp-connection.ts';

export interface CoapServing {
  /** Accepts no more; the listener and the sessions are left to their owners. */
  stop(): void;
  /** Settles when serving has ended, with what broke the listener, if it was neither `stop` nor its closing. */
  readonly ended: Promise<SocketError | undefined>;
}

/** Options for every session, or for each by its socket. */
type Chosen<S, Options> = Options | ((socket: S) => Options);

/**
 * Accepts sessions of a bound listener for as long as it is open.
 * `onConnection` sets the connection's handler before it returns: the first datagram may be waiting already.
 */
export function serveCoap(
  listener: DatagramSocket,
  environment: Environment,
  onConnection: (connection: UdpCoapConnection, socket: DatagramSocket) => void,
  options: Chosen<DatagramSocket, UdpCoapOptions> = {},
): CoapServing {
  const over = (socket: DatagramSocket): UdpCoapConnection =>
    new UdpCoapConnection(socket, environment, chosenFor(socket, options));
  return serveSessions(listener, environment, over, onConnection);
}

/** As `serveCoap`, over a listener for streams, TCP or TLS (RFC 8323). */
export function serveCoapStreams(
  listener: StreamSocket,
  environment: Environment,
  onConnection: (connection: TcpCoapConnection, socket: StreamSocket) => void,
  options: Chosen<StreamSocket, TcpCoapOptions> = {},
): CoapServing {
  const over = (socket: StreamSocket): TcpCoapConnection =>
    new TcpCoapConnection(socket, environment, chosenFor(socket, options));
  return serveSessions(listener, environment, over, onConnection);
}

function chosenFor<S, Options>(socket: S, options: Options | ((socket: S) => Options)): Options {
  return typeof options === 'function' ? (options as (socket: S) => Options)(socket) : options;
}

/** What can be listened to: the kind of its sessions is its own. */
interface Listening<S> {
  accept(options: { readonly signal: AbortSignal }): Promise<S>;
}

function serveSessions<S extends AnySocket, C extends ExchangeConnection>(
  listener: Listening<S>,
  environment: Environment,
  over: (socket: S) => C,
  onConnection: (connection: C, socket: S) => void,
): CoapServing {
  const stopping = new AbortController();
  const connect = (socket: S): void => {
    try {
      onConnection(over(socket), socket);
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
