// The socket that a URI's scheme asks for: of the user's backends, plain or secured, for datagrams or streams.

import {
  type AnySocket,
  type BackendChoice,
  COAP_SCHEMES,
  type CoapScheme,
  type DatagramSocket,
  type Security,
  type ServerConfiguration,
  type ServerSecurity,
  type SocketConfiguration,
  SocketError,
  type SslConfiguration,
  type StreamSocket,
  oneBackend,
} from '../net/index.ts';
import type { Environment } from '../runtime/index.ts';

/** Makes plain sockets of one kind. */
export type PlainSockets<S> = (configuration: SocketConfiguration, environment: Environment) => S;

/** What makes sockets: `nodeBackends()` of `lwm2m-client` has all four. Each may be left out if its scheme is not used. */
export interface CoapBackends {
  /** Plain datagram sockets, for `coap`: `udpSocket` of `lwm2m-client`. */
  readonly udp?: PlainSockets<DatagramSocket> | undefined;
  /** Secured ones, for `coaps`: `nativeDtls(…)` of `lwm2m-client/native`; of several, the first that fits. */
  readonly dtls?: BackendChoice<DatagramSocket> | undefined;
  /** Plain streams, for `coap+tcp`: `tcpSocket` of `lwm2m-client`. */
  readonly tcp?: PlainSockets<StreamSocket> | undefined;
  /** Secured ones, for `coaps+tcp`: `nodeTls(…)` of `lwm2m-client/node-tls`; of several, the first that fits. */
  readonly tls?: BackendChoice<StreamSocket> | undefined;
}

/** Of the backends, those for one kind of socket. */
export interface SocketsFor<S extends AnySocket> {
  readonly plain: PlainSockets<S> | undefined;
  readonly secured: BackendChoice<S> | undefined;
}

export function datagramsOf({ udp, dtls }: CoapBackends): SocketsFor<DatagramSocket> {
  return { plain: udp, secured: dtls };
}

export function streamsOf({ tcp, tls }: CoapBackends): SocketsFor<StreamSocket> {
  return { plain: tcp, secured: tls };
}

const NEEDED = { coap: 'a UDP', coaps: 'a DTLS', 'coap+tcp': 'a TCP', 'coaps+tcp': 'a TLS' } as const;
const ALPN = ['coap']; // RFC 8323 §8.2

/** A closed client socket. @throws SocketError ENOTSUP that says what is lacking; what the backend throws */
export function clientSocket<S extends AnySocket>(
  scheme: CoapScheme,
  { plain, secured }: SocketsFor<S>,
  environment: Environment,
  { security, tls, socket }: ClientSocketOptions,
): S {
  if (!COAP_SCHEMES[scheme].secure) return (plain ?? lacks(scheme))(socket ?? {}, environment);
  const backend = oneBackend(secured ?? lacks(scheme));
  if (security === undefined) throw new SocketError('ENOTSUP', `${scheme} needs security: a key or certificates`);
  return backend.createSocket({ ...named(scheme, tls), security, socket: socket ?? tls?.socket }, environment);
}

export interface ClientSocketOptions {
  readonly security?: Security | undefined;
  readonly tls?: Omit<SslConfiguration, 'security'> | undefined;
  readonly socket?: SocketConfiguration | undefined;
}

/** A closed listener. @throws SocketError ENOTSUP that says what is lacking; what the backend throws */
export function serverSocket<S extends AnySocket>(
  scheme: CoapScheme,
  { plain, secured }: SocketsFor<S>,
  environment: Environment,
  { security, tls, socket }: ServerSocketOptions,
): S {
  if (!COAP_SCHEMES[scheme].secure) return (plain ?? lacks(scheme))(socket ?? {}, environment);
  const backend = oneBackend(secured ?? lacks(scheme));
  if (backend.createServer === undefined)
    throw new SocketError('ENOTSUP', `${scheme} needs ${NEEDED[scheme]} backend that serves`);
  if (security === undefined) throw new SocketError('ENOTSUP', `${scheme} needs security: keys or a certificate`);
  return backend.createServer({ ...named(scheme, tls), security, socket: socket ?? tls?.socket }, environment);
}

export interface ServerSocketOptions {
  readonly security?: ServerSecurity | undefined;
  readonly tls?: Omit<ServerConfiguration, 'security'> | undefined;
  readonly socket?: SocketConfiguration | undefined;
}

/** Over TLS the protocol is named, unless the user names others. */
function named<T extends { readonly alpn?: readonly string[] | undefined }>(
  scheme: CoapScheme,
  tls: T | undefined,
): T | { readonly alpn: readonly string[] } | undefined {
  return COAP_SCHEMES[scheme].transport === 'stream' ? { ...tls, alpn: tls?.alpn ?? ALPN } : tls;
}

function lacks(scheme: CoapScheme): never {
  throw new SocketError('ENOTSUP', `${scheme} needs ${NEEDED[scheme]} backend`);
}
