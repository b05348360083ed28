// The plug: TLS on node:tls as a security backend. OpenSSL's time is the system's, so it does not simulate.

import {
  type CryptoProvider,
  type FileSource,
  type KeyDecryption,
  type SystemTrustStore,
  defaultProvider,
  verifiedOnUse,
} from '../../lib/crypto/index.ts';
import {
  type Capabilities,
  type SecurityBackend,
  type ServerConfiguration,
  type SocketConfiguration,
  type SslConfiguration,
  type StreamSocket,
  refuseSimulatedTime,
} from '../../lib/net/index.ts';
import { tcpSocket } from '../../lib/net/node/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';
import { availableSuites } from './ciphersuites.ts';
import {
  VERSIONS,
  checkedCount,
  checkedTlsaRecords,
  notSupported,
  resumptionSettings,
  tlsSettings,
} from './configuration.ts';
import { type ClientCredentials, certificateClient, pskClient } from './credentials.ts';
import type { Loading } from './own-certificate.ts';
import { TlsServerSocket } from './server-socket.ts';
import { serverCredentials } from './server-credentials.ts';
import { TlsClientSocket } from './socket.ts';

export interface NodeTlsOptions {
  /** A closed socket of the layer below, for sockets that are not given one by `decorate`. Default: TCP. */
  readonly streamSocket?: ((configuration: SocketConfiguration, environment: Environment) => StreamSocket) | undefined;
  /** What judges certificates; the handshake's own cryptography is OpenSSL's. Default: `defaultProvider()`. */
  readonly provider?: CryptoProvider | undefined;
  /** Where `file` sources of credentials are read. Default: they are refused. */
  readonly files?: FileSource | undefined;
  /** What the operating system trusts, for `systemTrustStore`. Default: that is refused. */
  readonly systemTrustStore?: SystemTrustStore | undefined;
  /** What opens encrypted private keys. Default: they are refused. */
  readonly keyDecryption?: KeyDecryption | undefined;
}

/** With a server. */
export interface NodeTls extends SecurityBackend<StreamSocket> {
  createSocket(configuration: SslConfiguration, environment: Environment): TlsClientSocket;
  createServer(configuration: ServerConfiguration, environment: Environment): TlsServerSocket;
}

const DEFAULT_MAX_SESSIONS = 10_000;
const DEFAULT_MAX_HANDSHAKES = 1_000;
const ROOM_BELOW = 1_000; // streams that have been accepted and are no handshake yet

/**
 * TLS 1.2 and 1.3 with pre-shared keys or certificates, client and server. `additionalConfiguration` is given the options of
 * `tls.connect`, of a server those of `tls.createSecureContext` and `new tls.TLSSocket`.
 */
export function nodeTls(options: NodeTlsOptions = {}): NodeTls {
  const lowerSocket = options.streamSocket ?? tcpSocket;
  const provider = options.provider === undefined ? defaultProvider() : verifiedOnUse(options.provider);
  const loading = (environment: Environment): Loading => ({
    files: options.files,
    systemTrustStore: options.systemTrustStore,
    keyDecryption: options.keyDecryption,
    provider,
    log: environment.log,
  });

  return {
    name: 'node-tls',
    capabilities: capabilities(),

    createSocket(configuration, environment) {
      refuseSimulatedTime(environment);
      const settings = tlsSettings(configuration, environment.log);
      const credentials = clientCredentials(configuration, loading(environment), environment);
      try {
        const tlsa = checkedTlsaRecords(configuration.daneTlsaRecords ?? [], credentials);
        for (const leaf of credentials.certificates) configuration.onOwnCertificate?.(leaf.slice());
        const { sessionStore, serverName } = configuration;
        const makeLower = (): StreamSocket => lowerSocket(settings.socket, environment);
        const socket = { settings, credentials, provider, sessionStore, serverName, tlsa, makeLower };
        return new TlsClientSocket(socket, environment);
      } catch (error) {
        credentials.forget();
        throw error;
      }
    },

    createServer(configuration, environment) {
      refuseSimulatedTime(environment);
      const settings = tlsSettings(configuration, environment.log);
      const maxSessions = checkedCount('maxSessions', configuration.maxSessions ?? DEFAULT_MAX_SESSIONS);
      const maxHandshakes = checkedCount('maxHandshakes', configuration.maxHandshakes ?? DEFAULT_MAX_HANDSHAKES);
      // Below, nobody is known: whose session gives way is decided here.
      const below = { ...settings.socket, maxSessions: maxSessions + maxHandshakes + ROOM_BELOW };
      return new TlsServerSocket(
        {
          settings,
          provider,
          resumption: resumptionSettings(configuration.resumption, settings),
          sessionStore: configuration.sessionStore,
          maxSessions,
          maxHandshakes,
          credentials: serverCredentials(configuration.security, loading(environment), environment),
          makeLower: () => lowerSocket(below, environment),
        },
        environment,
      );
    },
  };
}

function capabilities(): Capabilities {
  return Object.freeze({
    versions: VERSIONS,
    ciphersuites: Object.freeze(availableSuites().map(({ id }) => id)),
    credentials: Object.freeze(['psk', 'certificate'] as const),
    roles: Object.freeze(['client', 'server'] as const),
    resumption: true,
    connectionId: false,
    dane: true,
    clock: 'system',
  });
}

/** @throws SecurityInfoError, SocketError ENOTSUP */
function clientCredentials(
  { security }: SslConfiguration,
  loading: Loading,
  environment: Environment,
): ClientCredentials {
  if (security.mode === 'psk') return pskClient(security, loading);
  if (security.mode === 'certificate') return certificateClient(security, loading, environment);
  throw notSupported(`security.mode: ${security.mode}`);
}
