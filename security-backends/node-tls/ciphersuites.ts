// The PSK suites of the OpenSSL in Node, by IANA id: what may be offered when only a shared key may authenticate.

import type { SecurityVersion } from '../../lib/net/index.ts';

/** A suite under its three names. */
export interface Ciphersuite {
  readonly id: number;
  /** What `ciphers` of node:tls calls it. */
  readonly opensslName: string;
  /** What IANA and `getCipher().standardName` call it. */
  readonly standardName: string;
  readonly version: 'TLS1.2' | 'TLS1.3';
}

/** In the order preferred. CBC suites are left out; of TLS 1.3, those with SHA-256, the hash of an external PSK (RFC 8446 §4.2.11). */
export const CIPHERSUITES: readonly Ciphersuite[] = [
  suite(0x1301, 'TLS_AES_128_GCM_SHA256', 'TLS_AES_128_GCM_SHA256', 'TLS1.3'),
  suite(0x1303, 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS1.3'),
  suite(0x1304, 'TLS_AES_128_CCM_SHA256', 'TLS_AES_128_CCM_SHA256', 'TLS1.3'),
  suite(0x1305, 'TLS_AES_128_CCM_8_SHA256', 'TLS_AES_128_CCM_8_SHA256', 'TLS1.3'),
  suite(0xccac, 'ECDHE-PSK-CHACHA20-POLY1305', 'TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256', 'TLS1.2'),
  suite(0xc0a8, 'PSK-AES128-CCM8', 'TLS_PSK_WITH_AES_128_CCM_8', 'TLS1.2'), // the one LwM2M asks for
  suite(0x00a8, 'PSK-AES128-GCM-SHA256', 'TLS_PSK_WITH_AES_128_GCM_SHA256', 'TLS1.2'),
  suite(0xc0a4, 'PSK-AES128-CCM', 'TLS_PSK_WITH_AES_128_CCM', 'TLS1.2'),
  suite(0x00a9, 'PSK-AES256-GCM-SHA384', 'TLS_PSK_WITH_AES_256_GCM_SHA384', 'TLS1.2'),
  suite(0xc0a5, 'PSK-AES256-CCM', 'TLS_PSK_WITH_AES_256_CCM', 'TLS1.2'),
  suite(0xc0a9, 'PSK-AES256-CCM8', 'TLS_PSK_WITH_AES_256_CCM_8', 'TLS1.2'),
];

/** The suites asked for, of the versions asked for; ids nobody knows are ignored. */
export function chooseSuites(
  ids: readonly number[] | undefined,
  versions: readonly SecurityVersion[],
): readonly Ciphersuite[] {
  const wanted =
    ids === undefined ? CIPHERSUITES : ids.flatMap((id) => CIPHERSUITES.filter((suite) => suite.id === id));
  return wanted.filter(({ version }) => versions.includes(version));
}

function suite(id: number, opensslName: string, standardName: string, version: Ciphersuite['version']): Ciphersuite {
  return { id, opensslName, standardName, version };
}
