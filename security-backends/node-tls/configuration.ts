// What a TLS socket takes from its configuration: checked once, copied, refused before anything is sent.

import { utf8Decode } from '../../lib/bytes/index.ts';
import { type LoadOptions, type Secret, loadPsk } from '../../lib/crypto/index.ts';
import {
  type CheckedSocketConfiguration,
  type SecurityVersion,
  SocketError,
  type SslConfiguration,
  checkedSocketConfiguration,
} from '../../lib/net/index.ts';
import { type Ciphersuite, chooseSuites } from './ciphersuites.ts';

/** Complete and checked. */
export interface TlsSettings {
  readonly socket: CheckedSocketConfiguration;
  readonly suites: readonly Ciphersuite[];
  readonly versions: readonly SecurityVersion[];
  readonly identity: string;
  readonly key: Secret;
  readonly requireExtendedMasterSecret: boolean;
  readonly serverName: string | undefined;
  readonly keyLog: ((line: string) => void) | undefined;
  readonly additionalConfiguration: ((native: unknown) => void) | undefined;
}

export const VERSIONS: readonly SecurityVersion[] = Object.freeze(['TLS1.3', 'TLS1.2'] as const);

/** @throws SocketError ENOTSUP, EINVAL; SecurityInfoError for credentials that cannot be loaded */
export function tlsSettings(configuration: SslConfiguration, loading: LoadOptions): TlsSettings {
  const { security } = configuration;
  if (security.mode !== 'psk') {
    throw notSupported(
      `security.mode: expected psk, found ${security.mode}: certificates are not read by this version`,
    );
  }
  for (const option of ['connectionId', 'sessionStore', 'daneTlsaRecords'] as const) {
    const value = configuration[option];
    if (value !== undefined && value !== false) throw notSupported(`${option}: this backend has none`);
  }
  const versions = VERSIONS.filter((version) => configuration.versions?.includes(version) ?? true);
  if (versions.length === 0) {
    throw notSupported(`versions: expected one of ${VERSIONS.join(', ')}, found ${configuration.versions?.join(', ')}`);
  }
  const suites = chooseSuites(configuration.ciphersuites, versions);
  if (suites.length === 0)
    throw notSupported(`ciphersuites: none of those asked for is here for ${versions.join(', ')}`);
  const socket = checkedSocketConfiguration(configuration.socket);
  const { identity, key } = loadPsk(security, loading);
  return {
    socket,
    suites,
    versions: versions.filter((version) => suites.some((suite) => suite.version === version)),
    identity: identityText(identity),
    key,
    requireExtendedMasterSecret: (configuration.extendedMasterSecret ?? 'require') === 'require',
    serverName: configuration.serverName,
    keyLog: configuration.dangerKeyLog,
    additionalConfiguration: configuration.additionalConfiguration,
  };
}

/** Node hands OpenSSL a C string made from a JavaScript one: other bytes would arrive as another identity. */
function identityText(identity: Uint8Array): string {
  if (identity.includes(0))
    throw notSupported('identity: expected no NUL byte, found one: node:tls would cut it there');
  try {
    return utf8Decode(identity);
  } catch {
    throw notSupported('identity: expected well-formed UTF-8, found other bytes: node:tls takes text only');
  }
}

function notSupported(message: string): SocketError {
  return new SocketError('ENOTSUP', message, { fatal: false });
}
