// From an account to a CoAP connection: socket, security, local port.

import {
  type BackendChoice,
  COAP_SCHEMES,
  type DatagramSocket,
  type SocketConfiguration,
  SocketError,
  oneBackend,
} from '../net/index.ts';
import type { CheckedAccount } from './accounts.ts';
import type { Environment } from '../runtime/index.ts';

/** What carries the client's messages; the application, or the main entry for it, puts them in. */
export interface Backends {
  /** Makes plain UDP sockets, for `coap`. */
  readonly udp?: ((configuration: SocketConfiguration, environment: Environment) => DatagramSocket) | undefined;
  /** Makes secured sockets, for `coaps`; of several, the first whose capabilities fit the account. */
  readonly dtls?: BackendChoice<DatagramSocket> | undefined;
}

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
): Promise<DatagramSocket> {
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
): Promise<DatagramSocket> {
  const { signal } = options;
  const { uri, transport } = account;
  const configuration = socketConfiguration(account, options);
  const socket = createSocket(account, backends, configuration, environment, options);
  try {
    if (transport !== undefined && COAP_SCHEMES[uri.scheme].secure) {
      await socket.decorate(transport(configuration, environment)); // closed as yet: connecting opens it
    }
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

function createSocket(
  { uri, security, tls, transport }: CheckedAccount,
  { udp, dtls }: Backends,
  configuration: SocketConfiguration,
  environment: Environment,
  { onOwnCertificate }: OpenOptions,
): DatagramSocket {
  if (COAP_SCHEMES[uri.scheme].secure) {
    if (dtls === undefined || security === undefined) throw new SocketError('ENOTSUP', 'coaps needs a DTLS backend');
    const told = (certificate: Uint8Array): void => {
      onOwnCertificate(certificate);
      tls.onOwnCertificate?.(certificate);
    };
    return oneBackend(dtls).createSocket(
      { ...tls, security, socket: configuration, onOwnCertificate: told },
      environment,
    );
  }
  const makes = transport ?? udp;
  if (makes === undefined) throw new SocketError('ENOTSUP', 'coap needs a UDP backend');
  return makes(configuration, environment);
}
