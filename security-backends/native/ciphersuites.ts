// The cipher suites this backend has, as a table: key exchange, protection, PRF hash and the lengths that follow.

import { AEAD_PARAMETERS, type AeadName, type HashName } from '../../lib/crypto/provider/provider.ts';

/** How the premaster secret is agreed on, and with what the server shows who it is. */
export type KeyExchange = 'psk' | 'ecdhePsk' | 'ecdheEcdsa' | 'ecdheRsa';

export interface Ciphersuite {
  /** IANA id. */
  readonly id: number;
  readonly name: string;
  readonly keyExchange: KeyExchange;
  readonly aead: AeadName;
  readonly prf: HashName;
  readonly keyBytes: 16 | 32;
  /** Implicit part of the nonce, from the key block (RFC 5288 §3, RFC 6655 §3). */
  readonly fixedNonceBytes: 4;
  readonly tagBytes: 8 | 16;
}

export const TLS_PSK_WITH_AES_128_CCM_8 = 0xc0a8;
export const TLS_PSK_WITH_AES_128_GCM_SHA256 = 0x00a8;
export const TLS_PSK_WITH_AES_128_CCM = 0xc0a4;
export const TLS_PSK_WITH_AES_256_GCM_SHA384 = 0x00a9;
export const TLS_PSK_WITH_AES_256_CCM = 0xc0a5;
export const TLS_PSK_WITH_AES_256_CCM_8 = 0xc0a9;

/**
 * In order of preference: CCM_8 is what LwM2M and RFC 7925 §4.2 make mandatory, then GCM, which everybody has; the full
 * tag before longer keys, for 128 bits are enough and tags are what forgeries are tried against.
 */
export const CIPHERSUITES: readonly Ciphersuite[] = Object.freeze([
  aead(TLS_PSK_WITH_AES_128_CCM_8, 'TLS_PSK_WITH_AES_128_CCM_8', 'psk', 'aes-128-ccm-8'), // RFC 6655 §4
  aead(TLS_PSK_WITH_AES_128_GCM_SHA256, 'TLS_PSK_WITH_AES_128_GCM_SHA256', 'psk', 'aes-128-gcm'), // RFC 5487 §2
  aead(TLS_PSK_WITH_AES_128_CCM, 'TLS_PSK_WITH_AES_128_CCM', 'psk', 'aes-128-ccm'), // RFC 6655 §4
  aead(TLS_PSK_WITH_AES_256_GCM_SHA384, 'TLS_PSK_WITH_AES_256_GCM_SHA384', 'psk', 'aes-256-gcm', 'sha384'), // RFC 5487 §2
  aead(TLS_PSK_WITH_AES_256_CCM, 'TLS_PSK_WITH_AES_256_CCM', 'psk', 'aes-256-ccm'), // RFC 6655 §4
  aead(TLS_PSK_WITH_AES_256_CCM_8, 'TLS_PSK_WITH_AES_256_CCM_8', 'psk', 'aes-256-ccm-8'), // RFC 6655 §4
]);

/** Signals secure renegotiation within cipher_suites (RFC 5746 §3.3); not a suite. */
export const EMPTY_RENEGOTIATION_INFO_SCSV = 0x00ff;

/** The suites of `ids` this backend has, in their order; all of them if none are named. */
export function selectCiphersuites(ids: readonly number[] | undefined): readonly Ciphersuite[] {
  if (ids === undefined) return CIPHERSUITES;
  return ids.flatMap((id) => CIPHERSUITES.filter((suite) => suite.id === id));
}

function aead(
  id: number,
  name: string,
  keyExchange: KeyExchange,
  cipher: AeadName,
  prf: HashName = 'sha256',
): Ciphersuite {
  const { keyLength, tagLength } = AEAD_PARAMETERS[cipher];
  return { id, name, keyExchange, aead: cipher, prf, keyBytes: keyLength, fixedNonceBytes: 4, tagBytes: tagLength };
}
