// A CoAP server at one address: opens the listener that the URI asks for, and hands each request to one handler.

import {
  type AnySocket,
  COAP_SCHEMES,
  type DatagramSocket,
  type Endpoint,
  type ServerConfiguration,
  type ServerSecurity,
  type SocketConfiguration,
  SocketError,
  type StreamSocket,
  closeInOrder,
  parseCoapUri,
} from '../net/index.ts';
import { type Environment, systemEnvironment } from '../runtime/index.ts';
import type { CoapConnection, IncomingRequest, OutgoingResponse } from './exchange.ts';
import type { ExchangeConnection } from './exchange-connection.ts';
import { type CoapServing, serveCoap, serveCoapStreams } from './serve.ts';
import { type CoapBackends, datagramsOf, serverSocket, streamsOf } from './sockets.ts';
import type { TcpCoapOptions } from './tcp-options.ts';
import type { UdpCoapOptions } from './udp-connection.ts';

export interface CoapServerOptions extends Omit<UdpCoapOptions & TcpCoapOptions, 'handler'> {
  /** For `coaps` and `coaps+tcp`. */
  readonly security?: ServerSecurity | undefined;
  /** Further options of these. */
  readonly tls?: Omit<ServerConfiguration, 'security'> | undefined;
  readonly socket?: SocketConfiguration | undefined;
  /** Default: the real world. */
  readonly environment?: Environment | undefined;
}

/** Answers a request of the peer at the other end of `connection`, by which it may be asked something too. */
export type CoapHandler = (
  request: IncomingRequest,
  connection: CoapConnection,
) => OutgoingResponse | undefined | Promise<OutgoingResponse | undefined>;

export interface CoapServer {
  /** Where it listens. */
  readonly local: Endpoint;
  /** Ends all connections at once, and closes the listener; its keys are zeroed. */
  close(): void;
  /** As `close`, but the peers hear that this is the end (close_notify, FIN): 2 s at most. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Listens at the host and port of a `coap`, `coaps`, `coap+tcp` or `coaps+tcp` URI; port 0 takes a free one.
 *
 * ```ts
 * const server = await coapServer('coap://127.0.0.1:5683', { udp: udpSocket }, (request) => {
 *   if (request.path.join('/') !== 'time') return { code: RESPONSE_CODES.notFound };
 *   const observation = request.acceptObservation?.({ ended: () => clearInterval(ticking) });
 *   const now = () => ({ code: RESPONSE_CODES.content, payload: utf8Encode(new Date().toISOString()) });
 *   const ticking = observation && setInterval(() => void observation.notify(now()).catch(() => undefined), 1_000);
 *   return now();
 * });
 * ```
 *
 * @throws DecodeError for a malformed URI; SocketError of bind, ENOTSUP without a backend or `security` for its scheme
 */
export async function coapServer(
  uri: string,
  backends: CoapBackends,
  handler: CoapHandler,
  options: CoapServerOptions = {},
): Promise<CoapServer> {
  const { scheme, host, port } = parseCoapUri(uri, { leastPort: 0 });
  const environment = options.environment ?? systemEnvironment();
  const sessions = new Set<AnySocket>();
  const welcome = (connection: ExchangeConnection, socket: AnySocket): void => {
    sessions.add(socket);
    connection.handler = (request) => handler(request, connection);
  };
  const optionsOf = (socket: AnySocket): CoapServerOptions => ({
    ...options,
    onClosed: (cause) => {
      sessions.delete(socket);
      options.onClosed?.(cause);
    },
  });
  let listener: DatagramSocket | StreamSocket;
  let serving: CoapServing;
  if (COAP_SCHEMES[scheme].transport === 'datagram') {
    const datagrams = serverSocket(scheme, datagramsOf(backends), environment, options);
    await bound(datagrams, host, port);
    serving = serveCoap((listener = datagrams), environment, welcome, optionsOf);
  } else {
    const streams = serverSocket(scheme, streamsOf(backends), environment, options);
    await bound(streams, host, port);
    serving = serveCoapStreams((listener = streams), environment, welcome, optionsOf);
  }
  const close = (): void => {
    serving.stop();
    for (const socket of sessions) socket.close();
    void listener[Symbol.asyncDispose]();
  };
  const dispose = async (): Promise<void> => {
    serving.stop();
    await Promise.all(Array.from(sessions, (socket) => closeInOrder(socket, environment)));
    await listener[Symbol.asyncDispose]();
  };
  const { local } = listener;
  if (local === undefined) throw new SocketError('EIO', 'a bound listener has no address');
  return { local, close, [Symbol.asyncDispose]: dispose };
}

async function bound(listener: AnySocket, host: string, port: number): Promise<void> {
  try {
    await listener.bind(host, port);
  } catch (error) {
    await listener[Symbol.asyncDispose]();
    throw error;
  }
}
