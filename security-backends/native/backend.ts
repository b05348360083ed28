// The plug: DTLS 1.2 in TypeScript as a security backend over any datagram socket.

import {
  type CryptoProvider,
  type FileSource,
  type LoadOptions,
  defaultProvider,
  loadPsk,
  loadPskKey,
} from '../../lib/crypto/index.ts';
import {
  type Capabilities,
  type CheckedSocketConfiguration,
  type DatagramSocket,
  type PskSecurity,
  type PskServerSecurity,
  type Security,
  type SecurityBackend,
  type ServerConfiguration,
  type ServerSecurity,
  type SocketConfiguration,
  SocketError,
  type SslConfiguration,
  checkedSocketConfiguration,
} from '../../lib/net/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';
import { CIPHERSUITES, selectCiphersuites, usesPsk } from './ciphersuites.ts';
import { SUPPORTED_VERSIONS, checkCount, dtlsSettings } from './configuration.ts';
import type { PskAnswer } from './connection.ts';
import type { DtlsEndpointOptions } from './endpoint.ts';
import { DtlsServerSocket } from './server-socket.ts';
import { DtlsClientSocket } from './socket.ts';

export interface NativeDtlsOptions {
  /** A closed socket of the layer below, for sockets that are not given one by `decorate`. */
  readonly datagramSocket: (configuration: SocketConfiguration, environment: Environment) => DatagramSocket;
  /** Default: `defaultProvider()`, the fastest per primitive. */
  readonly provider?: CryptoProvider | undefined;
  /** Where `file` sources of credentials are read. Default: they are refused. */
  readonly files?: FileSource | undefined;
}

/** `DtlsClientSocket`s and `DtlsServerSocket`s by configuration. */
export interface NativeDtls extends SecurityBackend<DatagramSocket> {
  createSocket(configuration: SslConfiguration, environment: Environment): DtlsClientSocket;
  createServer(configuration: ServerConfiguration, environment: Environment): DtlsServerSocket;
}

const PSK_SUITES: readonly number[] = Object.freeze(CIPHERSUITES.filter(usesPsk).map(({ id }) => id));
const DEFAULT_PSK_SUITES: readonly number[] = selectCiphersuites(undefined, 'psk').map(({ id }) => id);

const CAPABILITIES: Capabilities = Object.freeze({
  versions: SUPPORTED_VERSIONS,
  ciphersuites: PSK_SUITES,
  credentials: Object.freeze(['psk'] as const),
  roles: Object.freeze(['client', 'server'] as const),
  resumption: false,
  connectionId: false,
  dane: false,
  clock: 'injected',
});

const DEFAULT_MAX_SESSIONS = 10_000; // about 10 KB each: 100 MB
const DEFAULT_MAX_HANDSHAKES = 1_000;
const LARGEST_COUNT = 10_000_000;

/** DTLS 1.2 with pre-shared keys, client and server. `additionalConfiguration` is given the connection's DtlsOptions. */
export function nativeDtls(options: NativeDtlsOptions): NativeDtls {
  const { datagramSocket } = options;
  const provider = options.provider ?? defaultProvider();
  const loading = (environment: Environment): LoadOptions => ({ files: options.files, log: environment.log });

  return {
    name: 'native',
    capabilities: CAPABILITIES,

    createSocket(configuration, environment) {
      const security = pskOf(configuration.security);
      const settings = dtlsSettings(configuration, PSK_SUITES, environment.log, DEFAULT_PSK_SUITES);
      const socket = checkedSocketConfiguration(configuration.socket);
      if ((configuration.daneTlsaRecords?.length ?? 0) > 0)
        throw refused('daneTlsaRecords: this backend knows pre-shared keys alone');
      const { identity, key } = loadPsk(security, loading(environment));
      return new DtlsClientSocket(
        {
          settings,
          provider,
          socket,
          serverName: configuration.serverName,
          additionalConfiguration: configuration.additionalConfiguration,
          makeLower: () => datagramSocket(socket, environment),
          choosePsk: () => ({ identity, key: key.bytes }),
          forget: () => key.close(),
        },
        environment,
      );
    },

    createServer(configuration, environment) {
      const security = pskServerOf(configuration.security);
      const socket: CheckedSocketConfiguration = checkedSocketConfiguration(configuration.socket);
      return new DtlsServerSocket(
        {
          settings: dtlsSettings(configuration, PSK_SUITES, environment.log, DEFAULT_PSK_SUITES),
          provider,
          socket,
          identityHint: security.identityHint?.slice(),
          lookup: pskLookup(security.lookup, loading(environment)),
          unknownIdentity: security.unknownIdentity ?? 'hide',
          maxSessions: checkCount('maxSessions', configuration.maxSessions ?? DEFAULT_MAX_SESSIONS, LARGEST_COUNT),
          maxHandshakes: checkCount(
            'maxHandshakes',
            configuration.maxHandshakes ?? DEFAULT_MAX_HANDSHAKES,
            LARGEST_COUNT,
          ),
          additionalConfiguration: configuration.additionalConfiguration,
          makeLower: () => datagramSocket(socket, environment),
        },
        environment,
      );
    },
  };
}

/** Turns the application's look-up into answers, whose keys the session zeroes. */
function pskLookup(lookup: PskServerSecurity['lookup'], options: LoadOptions): DtlsEndpointOptions['lookup'] {
  const load = (info: Awaited<ReturnType<typeof lookup>>): PskAnswer | undefined => {
    const secret = info === undefined ? undefined : loadPskKey(info, options);
    return secret === undefined ? undefined : { key: secret.bytes };
  };
  return (identity, from) => {
    const info = lookup(identity.slice(), from);
    return info instanceof Promise ? info.then(load) : load(info);
  };
}

function pskOf(security: Security): PskSecurity {
  if (security.mode === 'psk') return security;
  throw refused(
    `security.mode: expected psk, found ${security.mode}: this backend has no certificates or raw public keys`,
  );
}

function pskServerOf(security: ServerSecurity): PskServerSecurity {
  if (security.mode === 'psk') return security;
  throw refused(
    `security.mode: expected psk, found ${security.mode}: this backend has no certificates or raw public keys`,
  );
}

function refused(message: string): SocketError {
  return new SocketError('ENOTSUP', message);
}
