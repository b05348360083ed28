// The suites of OpenSSL that this backend takes, by IANA id, and how node:tls is told about them.

import { createSecureContext, getCiphers } from 'node:tls';
import type { SecurityVersion } from '../../lib/net/index.ts';

/** What authenticates the peer; of TLS 1.3, every suite goes with both. */
export type Credential = 'psk' | 'certificate';

/** A suite under its three names. */
export interface Ciphersuite {
  readonly id: number;
  /** What `ciphers` of node:tls calls it. */
  readonly opensslName: string;
  /** What IANA and `getCipher().standardName` call it. */
  readonly standardName: string;
  readonly version: 'TLS1.2' | 'TLS1.3';
  readonly credentials: readonly Credential[];
  /** Not used unless named: CBC, whose padding has been attacked again and again. */
  readonly onlyNamed: boolean;
}

const ANY: readonly Credential[] = ['psk', 'certificate'];
const CERTIFICATE: readonly Credential[] = ['certificate'];
const PSK: readonly Credential[] = ['psk'];

/** In the order preferred. */
export const CIPHERSUITES: readonly Ciphersuite[] = [
  suite(0x1301, 'TLS_AES_128_GCM_SHA256', 'AES_128_GCM_SHA256', ANY),
  suite(0x1303, 'TLS_CHACHA20_POLY1305_SHA256', 'CHACHA20_POLY1305_SHA256', ANY),
  suite(0x1304, 'TLS_AES_128_CCM_SHA256', 'AES_128_CCM_SHA256', ANY),
  suite(0x1305, 'TLS_AES_128_CCM_8_SHA256', 'AES_128_CCM_8_SHA256', ANY),
  // SHA-256 is the hash of an external PSK (RFC 8446 §4.2.11): this one goes with certificates alone.
  suite(0x1302, 'TLS_AES_256_GCM_SHA384', 'AES_256_GCM_SHA384', CERTIFICATE),
  suite(0xccac, 'ECDHE-PSK-CHACHA20-POLY1305', 'ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256', PSK),
  suite(0xc0a8, 'PSK-AES128-CCM8', 'PSK_WITH_AES_128_CCM_8', PSK), // the one LwM2M asks for
  suite(0x00a8, 'PSK-AES128-GCM-SHA256', 'PSK_WITH_AES_128_GCM_SHA256', PSK),
  suite(0xc0a4, 'PSK-AES128-CCM', 'PSK_WITH_AES_128_CCM', PSK),
  suite(0x00a9, 'PSK-AES256-GCM-SHA384', 'PSK_WITH_AES_256_GCM_SHA384', PSK),
  suite(0xc0a5, 'PSK-AES256-CCM', 'PSK_WITH_AES_256_CCM', PSK),
  suite(0xc0a9, 'PSK-AES256-CCM8', 'PSK_WITH_AES_256_CCM_8', PSK),
  suite(0xc0ae, 'ECDHE-ECDSA-AES128-CCM8', 'ECDHE_ECDSA_WITH_AES_128_CCM_8', CERTIFICATE), // the one LwM2M asks for
  suite(0xc02b, 'ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', CERTIFICATE),
  suite(0xc0ac, 'ECDHE-ECDSA-AES128-CCM', 'ECDHE_ECDSA_WITH_AES_128_CCM', CERTIFICATE),
  suite(0xcca9, 'ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', CERTIFICATE),
  suite(0xc02c, 'ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', CERTIFICATE),
  suite(0xc0ad, 'ECDHE-ECDSA-AES256-CCM', 'ECDHE_ECDSA_WITH_AES_256_CCM', CERTIFICATE),
  suite(0xc0af, 'ECDHE-ECDSA-AES256-CCM8', 'ECDHE_ECDSA_WITH_AES_256_CCM_8', CERTIFICATE),
  suite(0xc02f, 'ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE_RSA_WITH_AES_128_GCM_SHA256', CERTIFICATE),
  suite(0xcca8, 'ECDHE-RSA-CHACHA20-POLY1305', 'ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', CERTIFICATE),
  suite(0xc030, 'ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE_RSA_WITH_AES_256_GCM_SHA384', CERTIFICATE),
  suite(0x00ae, 'PSK-AES128-CBC-SHA256', 'PSK_WITH_AES_128_CBC_SHA256', PSK),
  suite(0xc037, 'ECDHE-PSK-AES128-CBC-SHA256', 'ECDHE_PSK_WITH_AES_128_CBC_SHA256', PSK),
  suite(0xc023, 'ECDHE-ECDSA-AES128-SHA256', 'ECDHE_ECDSA_WITH_AES_128_CBC_SHA256', CERTIFICATE),
  suite(0xc027, 'ECDHE-RSA-AES128-SHA256', 'ECDHE_RSA_WITH_AES_128_CBC_SHA256', CERTIFICATE),
];

/** The suites asked for, of the versions and the credential asked for, in that order; ids nobody knows are ignored. */
export function chooseSuites(
  ids: readonly number[] | undefined,
  versions: readonly SecurityVersion[],
  credential: Credential,
): readonly Ciphersuite[] {
  const here = availableSuites();
  const wanted =
    ids === undefined
      ? here.filter(({ onlyNamed }) => !onlyNamed)
      : [...new Set(ids)].flatMap((id) => here.filter((each) => each.id === id));
  return wanted.filter(({ version, credentials }) => versions.includes(version) && credentials.includes(credential));
}

/** Those that the OpenSSL of this Node has. */
export function availableSuites(): readonly Ciphersuite[] {
  return (available ??= Object.freeze(CIPHERSUITES.filter(isAvailable)));
}

/**
 * What `ciphers` of node:tls is set to. OpenSSL 3.2 and later count the short tag of CCM_8 as weak and drop it at every
 * security level but 0. What else that level would let through is asked for by name here, or judged by lib/crypto/trust.
 */
export function cipherList(suites: readonly Ciphersuite[]): string {
  const names = suites.map(({ opensslName }) => opensslName);
  if (!suites.some(({ standardName }) => standardName.includes('CCM_8'))) return names.join(':');
  // The level goes with suites of TLS 1.2; below the least version this one is never offered.
  if (suites.every(({ version }) => version === 'TLS1.3')) names.push('ECDHE-ECDSA-AES128-GCM-SHA256');
  return [...names, '@SECLEVEL=0'].join(':');
}

let available: readonly Ciphersuite[] | undefined;

/** `getCiphers` leaves out what needs another security level, so those of TLS 1.2 are tried. */
function isAvailable({ opensslName, version }: Ciphersuite): boolean {
  if (version === 'TLS1.3') return getCiphers().includes(opensslName.toLowerCase());
  try {
    createSecureContext({ ciphers: `${opensslName}:@SECLEVEL=0` });
    return true;
  } catch {
    return false;
  }
}

function suite(
  id: number,
  opensslName: string,
  withoutPrefix: string,
  credentials: readonly Credential[],
): Ciphersuite {
  const standardName = `TLS_${withoutPrefix}`;
  const version = id >> 8 === 0x13 ? 'TLS1.3' : 'TLS1.2';
  return { id, opensslName, standardName, version, credentials, onlyNamed: standardName.includes('_CBC_') };
}
