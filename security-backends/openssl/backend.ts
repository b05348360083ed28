// The plug: DTLS and TLS on the system's OpenSSL 3, as security backends over any datagram or stream socket.

import {
  type CryptoProvider,
  type FileSource,
  type KeyDecryption,
  type SystemTrustStore,
  defaultProvider,
  verifiedOnUse,
} from '../../lib/crypto/index.ts';
import {
  type AnySocket,
  type Capabilities,
  type DatagramSocket,
  type SecurityBackend,
  type SocketConfiguration,
  type SslConfiguration,
  type StreamSocket,
  refuseSimulatedTime,
} from '../../lib/net/index.ts';
import { tcpSocket, udpSocket } from '../../lib/net/node/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';
import type { Ciphersuite } from './ciphersuites.ts';
import { suitesOf } from './ciphersuites.ts';
import type { ClientOptions } from './client-channel.ts';
import { VERSIONS, checkedTlsaRecords, openSslSettings } from './configuration.ts';
import { contextOf } from './contexts.ts';
import { type ClientCredentials, certificateClient, pskClient } from './credentials.ts';
import { OpenSslDatagramSocket } from './datagram-socket.ts';
import { type OpenSsl, type OpenSslLibraries, type Transport, loadOpenSsl } from './library.ts';
import { outOfMemory } from './native-memory.ts';
import { OpenSslStreamSocket } from './stream-socket.ts';

interface CommonOptions {
  /** Where the libraries are. Default: what the system's loader finds under the names that OpenSSL 3 has there. */
  readonly libraries?: OpenSslLibraries | undefined;
  /** What judges certificates. Default: `defaultProvider()`. Each primitive runs its known answers before its first use. */
  readonly provider?: CryptoProvider | undefined;
  /** Where `file` sources of credentials are read. Default: they are refused. */
  readonly files?: FileSource | undefined;
  /** What the operating system trusts, for `systemTrustStore`. Default: that is refused. */
  readonly systemTrustStore?: SystemTrustStore | undefined;
  /** What opens encrypted private keys. Default: they are refused. */
  readonly keyDecryption?: KeyDecryption | undefined;
}

export interface OpenSslDtlsOptions extends CommonOptions {
  /** A closed socket of the layer below, for sockets that are not given one by `decorate`. Default: UDP. */
  readonly datagramSocket?:
    | ((configuration: SocketConfiguration, environment: Environment) => DatagramSocket)
    | undefined;
}

export interface OpenSslTlsOptions extends CommonOptions {
  /** A closed socket of the layer below, for sockets that are not given one by `decorate`. Default: TCP. */
  readonly streamSocket?: ((configuration: SocketConfiguration, environment: Environment) => StreamSocket) | undefined;
}

/** A backend that says which library it is. */
export interface OpenSslBackend<S extends AnySocket> extends SecurityBackend<S> {
  /** As OpenSSL says it, e.g. `OpenSSL 3.0.19 27 Jan 2026`. */
  readonly version: string;
}

/**
 * DTLS 1.2 with pre-shared keys or certificates, as client. Its native configuration (`additionalConfiguration`) is an
 * OpenSslOptions.
 * @throws SocketError ENOTSUP that says what to install, if koffi or OpenSSL 3 is not there
 */
export function opensslDtls(options: OpenSslDtlsOptions = {}): OpenSslBackend<DatagramSocket> {
  const lowerSocket = options.datagramSocket ?? udpSocket;
  const parts = partsOf('datagram', options);
  return {
    ...backendOf(parts),
    createSocket(configuration, environment) {
      const client = clientOptions(parts, configuration, environment);
      return new OpenSslDatagramSocket(client, environment, () => lowerSocket(client.settings.socket, environment));
    },
  };
}

/**
 * TLS 1.3 and 1.2 with pre-shared keys or certificates, as client. Its native configuration (`additionalConfiguration`) is
 * an OpenSslOptions.
 * @throws SocketError ENOTSUP that says what to install, if koffi or OpenSSL 3 is not there
 */
export function opensslTls(options: OpenSslTlsOptions = {}): OpenSslBackend<StreamSocket> {
  const lowerSocket = options.streamSocket ?? tcpSocket;
  const parts = partsOf('stream', options);
  return {
    ...backendOf(parts),
    createSocket(configuration, environment) {
      const client = clientOptions(parts, configuration, environment);
      return new OpenSslStreamSocket(client, environment, () => lowerSocket(client.settings.socket, environment));
    },
  };
}

interface Parts extends Pick<CommonOptions, 'files' | 'systemTrustStore' | 'keyDecryption'> {
  readonly transport: Transport;
  readonly library: OpenSsl;
  readonly suites: readonly Ciphersuite[];
  readonly provider: CryptoProvider;
}

function partsOf(transport: Transport, options: CommonOptions): Parts {
  const { libraries, files, systemTrustStore, keyDecryption } = options;
  const library = loadOpenSsl(libraries);
  const provider = options.provider === undefined ? defaultProvider() : verifiedOnUse(options.provider);
  return {
    transport,
    library,
    provider,
    files,
    systemTrustStore,
    keyDecryption,
    suites: suitesHere(library, transport),
  };
}

/** What the library was built with: asked of a connection that is never used. */
function suitesHere(library: OpenSsl, transport: Transport): readonly Ciphersuite[] {
  const ssl = library.SSL_new(contextOf(library, transport, false));
  if (ssl === null) throw outOfMemory();
  try {
    return suitesOf(library, transport, ssl);
  } finally {
    library.SSL_free(ssl);
  }
}

function backendOf({ transport, library, suites }: Parts): {
  readonly name: string;
  readonly version: string;
  readonly capabilities: Capabilities;
} {
  return {
    name: 'openssl',
    version: library.version,
    capabilities: Object.freeze({
      versions: VERSIONS[transport],
      ciphersuites: Object.freeze(suites.map(({ id }) => id)),
      credentials: Object.freeze(['psk', 'certificate'] as const),
      roles: Object.freeze(['client'] as const),
      resumption: true,
      connectionId: false,
      dane: true,
      clock: 'system' as const,
    }),
  };
}

function clientOptions(parts: Parts, configuration: SslConfiguration, environment: Environment): ClientOptions {
  const { transport, library, suites, provider } = parts;
  refuseSimulatedTime(environment);
  const settings = openSslSettings(configuration, transport, suites, environment.log);
  const credentials = clientCredentials(parts, configuration, environment);
  try {
    const tlsa = checkedTlsaRecords(configuration.daneTlsaRecords ?? [], credentials);
    for (const leaf of credentials.certificates) configuration.onOwnCertificate?.(leaf.slice());
    return { library, settings, credentials, provider, tlsa };
  } catch (error) {
    credentials.forget();
    throw error;
  }
}

function clientCredentials(parts: Parts, { security }: SslConfiguration, environment: Environment): ClientCredentials {
  const { library, files, systemTrustStore, keyDecryption, provider } = parts;
  const loading = { files, systemTrustStore, keyDecryption, provider, log: environment.log };
  if (security.mode === 'psk') return pskClient(security, loading);
  if (security.mode === 'certificate') return certificateClient(library, security, loading, environment);
  throw new TypeError(`no credentials of the kind ${security.mode}`); // refused by the settings
}
