// A CoAP server at one address: opens the listener that the URI asks for, and hands each request to one handler.

import {
  COAP_SCHEMES,
  type DatagramSocket,
  type Endpoint,
  type ServerConfiguration,
  type ServerSecurity,
  type SocketConfiguration,
  SocketError,
  parseCoapUri,
} from '../net/index.ts';
import { type Environment, systemEnvironment } from '../runtime/index.ts';
import type { CoapBackends } from './client.ts';
import type { CoapConnection, IncomingRequest, OutgoingResponse } from './exchange.ts';
import { serveCoap } from './serve.ts';
import type { UdpCoapOptions } from './udp-connection.ts';

export interface CoapServerOptions extends Omit<UdpCoapOptions, 'handler'> {
  /** For `coaps`. */
  readonly security?: ServerSecurity | undefined;
  /** Further options of `coaps`. */
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
  /** Ends all connections, and closes the listener. */
  close(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Listens at the host and port of a `coap` or `coaps` URI; port 0 takes a free one.
 *
 * ```ts
 * const server = await coapServer('coap://127.0.0.1:5683', { udp: udpSocket }, (request) => {
 *   if (request.path.join('/') !== 'time') return { code: RESPONSE_CODES.notFound };
 *   const observation = request.acceptObservation?.({ ended: () => clearInterval(ticking) });
 *   const now = () => ({ code: RESPONSE_CODES.content, payload: utf8Encode(new Date().toISOString()) });
 *   const ticking = setInterval(() => void observation?.notify(now()).catch(() => undefined), 1_000);
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
  if (COAP_SCHEMES[scheme].transport !== 'datagram')
    throw new SocketError('ENOTSUP', `${scheme}: only coap and coaps are opened here`);
  const listener = openedListener(COAP_SCHEMES[scheme].secure, backends, environment, options);
  try {
    await listener.bind(host, port);
  } catch (error) {
    await listener[Symbol.asyncDispose]();
    throw error;
  }
  const sessions = new Set<DatagramSocket>();
  const serving = serveCoap(
    listener,
    environment,
    (connection, socket) => {
      sessions.add(socket);
      connection.handler = (request) => handler(request, connection);
    },
    (socket) => ({
      ...options,
      onClosed: (cause) => {
        sessions.delete(socket);
        options.onClosed?.(cause);
      },
    }),
  );
  const close = (): void => {
    serving.stop();
    for (const socket of sessions) socket.close();
    listener.close();
  };
  const { local } = listener;
  if (local === undefined) throw new SocketError('EIO', 'a bound listener has no address');
  return { local, close, [Symbol.asyncDispose]: () => Promise.resolve(close()) };
}

function openedListener(
  secure: boolean,
  { udp, dtls }: CoapBackends,
  environment: Environment,
  { security, tls, socket }: CoapServerOptions,
): DatagramSocket {
  if (!secure) {
    if (udp === undefined) throw new SocketError('ENOTSUP', 'coap needs a UDP backend');
    return udp(socket ?? {}, environment);
  }
  if (dtls?.createServer === undefined) throw new SocketError('ENOTSUP', 'coaps needs a DTLS backend that serves');
  if (security === undefined) throw new SocketError('ENOTSUP', 'coaps needs security: keys or a certificate');
  return dtls.createServer({ ...tls, security, socket: socket ?? tls?.socket }, environment);
}
