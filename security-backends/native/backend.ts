// The plug: DTLS 1.2 in TypeScript as a security backend over any datagram socket.

import {
  type CryptoProvider,
  type Engine,
  type FileSource,
  type KeyDecryption,
  type SystemTrustStore,
  defaultProvider,
  verifiedOnUse,
} from '../../lib/crypto/index.ts';
import {
  type Capabilities,
  type CheckedSocketConfiguration,
  type DatagramSocket,
  type Security,
  type SecurityBackend,
  type ServerConfiguration,
  type ServerSecurity,
  type SocketConfiguration,
  type SslConfiguration,
  checkedSocketConfiguration,
} from '../../lib/net/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';
import { type Loading, certificateClient, certificateServer } from './certificate-credentials.ts';
import { CIPHERSUITES } from './ciphersuites.ts';
import { SUPPORTED_VERSIONS, checkCount, checkTlsaRecords, dtlsSettings, resumptionSettings } from './configuration.ts';
import { type ClientCredentials, type ServerCredentials, pskClient, pskServer } from './credentials.ts';
import { rawKeyClient, rawKeyServer } from './raw-key-credentials.ts';
import { hasPrimitivesFor, supportedGroups, supportedSchemes } from './registries.ts';
import { DtlsServerSocket } from './server-socket.ts';
import { DtlsClientSocket } from './socket.ts';

export interface NativeDtlsOptions {
  /** A closed socket of the layer below, for sockets that are not given one by `decorate`. */
  readonly datagramSocket: (configuration: SocketConfiguration, environment: Environment) => DatagramSocket;
  /** Default: `defaultProvider()`, the fastest per primitive. Each primitive runs its known answers before its first use. */
  readonly provider?: CryptoProvider | undefined;
  /** Where `file` sources of credentials are read. Default: they are refused. */
  readonly files?: FileSource | undefined;
  /** What the operating system trusts, for `systemTrustStore`. Default: that is refused. */
  readonly systemTrustStore?: SystemTrustStore | undefined;
  /** What answers `engine` sources: keys that stay outside. Default: they are refused. */
  readonly engine?: Engine | undefined;
  /** What opens encrypted private keys. Default: they are refused. */
  readonly keyDecryption?: KeyDecryption | undefined;
}

/** `DtlsClientSocket`s and `DtlsServerSocket`s by configuration. */
export interface NativeDtls extends SecurityBackend<DatagramSocket> {
  createSocket(configuration: SslConfiguration, environment: Environment): DtlsClientSocket;
  createServer(configuration: ServerConfiguration, environment: Environment): DtlsServerSocket;
}

/** What a provider lacks (RSA in noble, say) is not among the suites. */
function capabilitiesOf(provider: CryptoProvider, engine: Engine | undefined): Capabilities {
  const feasible = CIPHERSUITES.filter((suite) => hasPrimitivesFor(suite, provider));
  const signs = supportedSchemes(provider).length > 0 && supportedGroups(provider).length > 0;
  return Object.freeze({
    versions: SUPPORTED_VERSIONS,
    ciphersuites: Object.freeze(feasible.map(({ id }) => id)),
    credentials: Object.freeze(signs ? (['psk', 'certificate', 'rawPublicKey'] as const) : (['psk'] as const)),
    roles: Object.freeze(['client', 'server'] as const),
    resumption: true,
    connectionId: true,
    dane: signs,
    engine: engine !== undefined,
    liveSession: true,
    clock: 'injected',
  });
}

const DEFAULT_MAX_SESSIONS = 10_000; // about 10 KB each: 100 MB
const DEFAULT_MAX_HANDSHAKES = 1_000;
const LARGEST_COUNT = 10_000_000;

/** DTLS 1.2 with pre-shared keys, certificates or raw public keys, client and server. `additionalConfiguration` is given the connection's DtlsOptions. */
export function nativeDtls(options: NativeDtlsOptions): NativeDtls {
  const { datagramSocket } = options;
  const provider = options.provider === undefined ? defaultProvider() : verifiedOnUse(options.provider);
  const loading = (environment: Environment): Loading => ({
    files: options.files,
    systemTrustStore: options.systemTrustStore,
    engine: options.engine,
    keyDecryption: options.keyDecryption,
    provider,
    log: environment.log,
  });

  return {
    name: 'native',
    capabilities: capabilitiesOf(provider, options.engine),

    createSocket(configuration, environment) {
      const { security } = configuration;
      const settings = dtlsSettings(configuration, security.mode, provider, environment.log);
      const socket = checkedSocketConfiguration(configuration.socket);
      const credentials = clientCredentials(security, loading(environment), environment);
      return forgottenOnFailure(credentials, () => {
        const tlsa = checkTlsaRecords(configuration.daneTlsaRecords ?? [], credentials);
        for (const leaf of credentials.certificates ?? []) configuration.onOwnCertificate?.(leaf.slice());
        const { serverName, maxFragmentLength, additionalConfiguration, sessionStore, liveSession } = configuration;
        const wanted = { serverName, maxFragmentLength, additionalConfiguration, sessionStore, liveSession };
        const makeLower = (): DatagramSocket => datagramSocket(socket, environment);
        return new DtlsClientSocket(
          { settings, provider, socket, credentials, tlsa, ...wanted, makeLower },
          environment,
        );
      });
    },

    createServer(configuration, environment) {
      const { security, additionalConfiguration } = configuration;
      const { maxSessions = DEFAULT_MAX_SESSIONS, maxHandshakes = DEFAULT_MAX_HANDSHAKES } = configuration;
      const socket: CheckedSocketConfiguration = checkedSocketConfiguration(configuration.socket);
      const limits = {
        maxSessions: checkCount('maxSessions', maxSessions, LARGEST_COUNT),
        maxHandshakes: checkCount('maxHandshakes', maxHandshakes, LARGEST_COUNT),
      };
      const settings = dtlsSettings(configuration, security.mode, provider, environment.log);
      const resumption = resumptionSettings(configuration.resumption);
      const unknownIdentity = (security.mode === 'psk' ? security.unknownIdentity : undefined) ?? 'hide';
      const credentials = serverCredentials(security, loading(environment), environment);
      const makeLower = (): DatagramSocket => datagramSocket(socket, environment);
      const wanted = { resumption, unknownIdentity, additionalConfiguration };
      return new DtlsServerSocket(
        { settings, provider, socket, credentials, ...limits, ...wanted, makeLower },
        environment,
      );
    },
  };
}

/** Nobody can dispose of a socket that was refused. */
function forgottenOnFailure<S>(credentials: ClientCredentials, make: () => S): S {
  try {
    return make();
  } catch (error) {
    credentials.forget();
    throw error;
  }
}

function clientCredentials(security: Security, loading: Loading, environment: Environment): ClientCredentials {
  if (security.mode === 'psk') return pskClient(security, loading);
  if (security.mode === 'certificate') return certificateClient(security, loading, environment);
  return rawKeyClient(security, loading);
}

function serverCredentials(security: ServerSecurity, loading: Loading, environment: Environment): ServerCredentials {
  if (security.mode === 'psk') return pskServer(security, loading);
  if (security.mode === 'certificate') return certificateServer(security, loading, environment);
  return rawKeyServer(security, loading);
}
