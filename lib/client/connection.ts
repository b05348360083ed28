// From an account to a socket: plain or secured, for datagrams or a stream, and its local port.

import {
  type AnySocket,
  COAP_SCHEMES,
  type DatagramSocket,
  type SocketConfiguration,
  SocketError,
  type SslConfiguration,
  type StreamSocket,
} from '../net/index.ts';
import { type CoapBackends, type SocketsFor, clientSocket, datagramsOf, streamsOf } from '../coap/index.ts';
import { type CheckedAccount, isStream } from './accounts.ts';
import type { Environment } from '../runtime/index.ts';

/** What carries the client's messages; the application, or the main entry for it, puts them in. */
export type Backends = CoapBackends;

export interface OpenOptions {
  /** Undefined: any. */
  readonly localPort: number | undefined;
  readonly signal: AbortSignal;
  /** Told of our certificate (DER) before anything is sent. */
  readonly onOwnCertificate: (certificate: Uint8Array) => void;
}

const PORT_TAKEN = new Set(['EADDRINUSE', 'EADDRNOTAVAIL']);

/**
 * A connected socket, from `localPort` if it is free and else from any.
 * @throws SocketError of connect; ENOTSUP if there is no backend for the account
 */
export async function openSocket(
  account: CheckedAccount,
  backends: Backends,
  environment: Environment,
  options: OpenOptions,
): Promise<DatagramSocket | StreamSocket> {
  const { localPort } = options;
  if (localPort === undefined) return connect(account, backends, environment, options);
  try {
    return await connect(account, backends, environment, options);
  } catch (error) {
    if (!(error instanceof SocketError) || !PORT_TAKEN.has(error.code)) throw error;
    environment.log.info({ localPort }, 'the local port used before is taken: using another');
    return connect(account, backends, environment, { ...options, localPort: undefined });
  }
}

async function connect(
  account: CheckedAccount,
  backends: Backends,
  environment: Environment,
  options: OpenOptions,
): Promise<DatagramSocket | StreamSocket> {
  const { transport } = account;
  const { scheme } = account.uri;
  if (isStream(scheme)) {
    return connected(createSocket(account, streamsOf(backends), environment, options), account, options);
  }
  const configuration = socketConfiguration(account, options);
  const sockets = datagramsOf(transport === undefined ? backends : { ...backends, udp: transport });
  const socket = createSocket(account, sockets, environment, options);
  const decorated = transport !== undefined && COAP_SCHEMES[scheme].secure;
  // Closed as yet: connecting opens it.
  return connected(socket, account, options, decorated ? () => transport(configuration, environment) : undefined);
}

async function connected<S extends DatagramSocket | StreamSocket>(
  socket: S,
  { uri }: CheckedAccount,
  { signal }: OpenOptions,
  lower?: () => DatagramSocket,
): Promise<S> {
  try {
    if (lower !== undefined && socket.transport === 'datagram') await socket.decorate(lower());
    await socket.connect(uri.host, uri.port, { signal });
    return socket;
  } catch (error) {
    await socket[Symbol.asyncDispose](); // with its keys
    throw error;
  }
}

function socketConfiguration({ tls }: CheckedAccount, { localPort: port }: OpenOptions): SocketConfiguration {
  if (port === undefined) return { ...tls.socket };
  return { ...tls.socket, localEndpoint: { ...tls.socket?.localEndpoint, port } };
}

function createSocket<S extends AnySocket>(
  account: CheckedAccount,
  sockets: SocketsFor<S>,
  environment: Environment,
  options: OpenOptions,
): S {
  const { uri, security, tls } = account;
  const told: SslConfiguration['onOwnCertificate'] = (certificate) => {
    options.onOwnCertificate(certificate);
    tls.onOwnCertificate?.(certificate);
  };
  const socket = socketConfiguration(account, options);
  return clientSocket(uri.scheme, sockets, environment, { security, tls: { ...tls, onOwnCertificate: told }, socket });
}
