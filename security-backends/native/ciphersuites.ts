// The cipher suites this backend has, as a table: key exchange, AEAD, PRF hash and the lengths that follow.

import type { AeadName, HashName } from '../../lib/crypto/provider/provider.ts';

export interface Ciphersuite {
  /** IANA id. */
  readonly id: number;
  readonly name: string;
  readonly keyExchange: 'psk';
  readonly aead: AeadName;
  readonly prf: HashName;
  readonly keyBytes: 16 | 32;
  /** Implicit part of the nonce, from the key block (RFC 5288 §3, RFC 6655 §3). */
  readonly fixedNonceBytes: 4;
  readonly tagBytes: 8 | 16;
}

export const TLS_PSK_WITH_AES_128_CCM_8 = 0xc0a8;
export const TLS_PSK_WITH_AES_128_GCM_SHA256 = 0x00a8;

/** In order of preference: CCM_8 is what LwM2M and RFC 7925 §4.2 make mandatory. */
export const CIPHERSUITES: readonly Ciphersuite[] = Object.freeze([
  {
    id: TLS_PSK_WITH_AES_128_CCM_8, // RFC 6655 §4
    name: 'TLS_PSK_WITH_AES_128_CCM_8',
    keyExchange: 'psk',
    aead: 'aes-128-ccm-8',
    prf: 'sha256',
    keyBytes: 16,
    fixedNonceBytes: 4,
    tagBytes: 8,
  },
  {
    id: TLS_PSK_WITH_AES_128_GCM_SHA256, // RFC 5487 §2
    name: 'TLS_PSK_WITH_AES_128_GCM_SHA256',
    keyExchange: 'psk',
    aead: 'aes-128-gcm',
    prf: 'sha256',
    keyBytes: 16,
    fixedNonceBytes: 4,
    tagBytes: 16,
  },
]);

/** Signals secure renegotiation within cipher_suites (RFC 5746 §3.3); not a suite. */
export const EMPTY_RENEGOTIATION_INFO_SCSV = 0x00ff;

/** The suites of `ids` this backend has, in their order; all of them if none are named. */
export function selectCiphersuites(ids: readonly number[] | undefined): readonly Ciphersuite[] {
  if (ids === undefined) return CIPHERSUITES;
  return ids.flatMap((id) => CIPHERSUITES.filter((suite) => suite.id === id));
}
