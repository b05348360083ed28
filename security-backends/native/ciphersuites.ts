// The cipher suites this backend has, as a table: key exchange, protection, PRF hash and the lengths that follow.

import { AEAD_PARAMETERS, type AeadName, type CbcName, type HashName } from '../../lib/crypto/provider/provider.ts';

/** How the premaster secret is agreed on, and with what the server shows who it is. */
export type KeyExchange = 'psk' | 'ecdhePsk' | 'ecdheEcdsa' | 'ecdheRsa';

interface SuiteCommon {
  /** IANA id. */
  readonly id: number;
  readonly name: string;
  readonly keyExchange: KeyExchange;
  readonly prf: HashName;
  readonly keyBytes: 16 | 32;
  /** What the key block gives each direction beside its key: the implicit part of the nonce. */
  readonly fixedNonceBytes: 0 | 4 | 12;
  readonly macKeyBytes: 0 | 32;
}

/** Explicit nonces of 8 bytes beside 4 fixed ones (RFC 5288 §3, RFC 6655 §3), or 12 fixed bytes alone (RFC 7905 §2). */
export interface AeadSuite extends SuiteCommon {
  readonly protection: 'aead';
  readonly aead: AeadName;
  readonly fixedNonceBytes: 4 | 12;
  readonly macKeyBytes: 0;
  readonly tagBytes: 8 | 16;
}

/** Block chaining, with encrypt-then-MAC always (RFC 7366). */
export interface CbcSuite extends SuiteCommon {
  readonly protection: 'cbc';
  readonly cbc: CbcName;
  readonly mac: 'sha256';
  readonly fixedNonceBytes: 0;
  readonly macKeyBytes: 32;
}

export type Ciphersuite = AeadSuite | CbcSuite;

export const TLS_PSK_WITH_AES_128_CCM_8 = 0xc0a8;
export const TLS_PSK_WITH_AES_128_GCM_SHA256 = 0x00a8;

/**
 * In order of preference. CCM_8 is what LwM2M and RFC 7925 §4 make mandatory, then GCM, which everybody has; the full tag
 * before longer keys, for 128 bits are enough and tags are what forgeries are tried against.
 */
export const AEAD_SUITES: readonly AeadSuite[] = Object.freeze([
  aead(TLS_PSK_WITH_AES_128_CCM_8, 'TLS_PSK_WITH_AES_128_CCM_8', 'psk', 'aes-128-ccm-8'), // RFC 6655 §4
  aead(TLS_PSK_WITH_AES_128_GCM_SHA256, 'TLS_PSK_WITH_AES_128_GCM_SHA256', 'psk', 'aes-128-gcm'), // RFC 5487 §2
  aead(0xc0a4, 'TLS_PSK_WITH_AES_128_CCM', 'psk', 'aes-128-ccm'), // RFC 6655 §4
  aead(0x00a9, 'TLS_PSK_WITH_AES_256_GCM_SHA384', 'psk', 'aes-256-gcm', 'sha384'), // RFC 5487 §2
  aead(0xc0a5, 'TLS_PSK_WITH_AES_256_CCM', 'psk', 'aes-256-ccm'), // RFC 6655 §4
  aead(0xc0a9, 'TLS_PSK_WITH_AES_256_CCM_8', 'psk', 'aes-256-ccm-8'), // RFC 6655 §4
  aead(0xd001, 'TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256', 'ecdhePsk', 'aes-128-gcm'), // RFC 8442 §3
  aead(0xd003, 'TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256', 'ecdhePsk', 'aes-128-ccm-8'), // RFC 8442 §3
  aead(0xccac, 'TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256', 'ecdhePsk', 'chacha20-poly1305'), // RFC 7905 §3
  aead(0xc0ae, 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8', 'ecdheEcdsa', 'aes-128-ccm-8'), // RFC 7251 §2
  aead(0xc02b, 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'ecdheEcdsa', 'aes-128-gcm'), // RFC 5289 §3.2
  aead(0xc0ac, 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM', 'ecdheEcdsa', 'aes-128-ccm'), // RFC 7251 §2
  aead(0xc02c, 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 'ecdheEcdsa', 'aes-256-gcm', 'sha384'), // RFC 5289 §3.2
  aead(0xcca9, 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', 'ecdheEcdsa', 'chacha20-poly1305'), // RFC 7905 §3
  aead(0xc02f, 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'ecdheRsa', 'aes-128-gcm'), // RFC 5289 §3.2
  aead(0xcca8, 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'ecdheRsa', 'chacha20-poly1305'), // RFC 7905 §3
]);

/** Off unless named. */
export const CBC_SUITES: readonly CbcSuite[] = Object.freeze([
  cbc(0x00ae, 'TLS_PSK_WITH_AES_128_CBC_SHA256', 'psk'), // RFC 5487 §3.1
  cbc(0xc037, 'TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256', 'ecdhePsk'), // RFC 5489 §3.2
  cbc(0xc023, 'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256', 'ecdheEcdsa'), // RFC 5289 §3.1
  cbc(0xc027, 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256', 'ecdheRsa'), // RFC 5289 §3.1
]);

/** Every suite, in order of preference. */
export const CIPHERSUITES: readonly Ciphersuite[] = Object.freeze([...AEAD_SUITES, ...CBC_SUITES]);

/** Signals secure renegotiation within cipher_suites (RFC 5746 §3.3); not a suite. */
export const EMPTY_RENEGOTIATION_INFO_SCSV = 0x00ff;

/** What both sides show who they are with. One configuration has one of them, and completes no handshake of another. */
export type Credential = 'psk' | 'certificate' | 'rawPublicKey';

/** The credential a suite's handshake can be made with. */
export function suitsCredential(suite: Ciphersuite, credential: Credential): boolean {
  return usesPsk(suite) === (credential === 'psk');
}

export function usesPsk({ keyExchange }: Ciphersuite): boolean {
  return keyExchange === 'psk' || keyExchange === 'ecdhePsk';
}

export function usesEcdhe({ keyExchange }: Ciphersuite): boolean {
  return keyExchange !== 'psk';
}

/**
 * Whether a suite is on unless others are named. CBC is not. ECDHE with a pre-shared key is not either: it costs both
 * sides public-key work, and its extensions would take the first hello beyond the smallest MTU.
 */
export function isOnByDefault(suite: Ciphersuite): boolean {
  return suite.protection === 'aead' && suite.keyExchange !== 'ecdhePsk';
}

/** The suites of `ids` that suit the credential, in their order; those that are on by default if none are named. */
export function selectCiphersuites(ids: readonly number[] | undefined, credential: Credential): readonly Ciphersuite[] {
  if (ids === undefined) return credential === 'psk' ? DEFAULTS.psk : DEFAULTS.certificate;
  return ids.flatMap((id) => {
    const suite = BY_ID.get(id);
    return suite !== undefined && suitsCredential(suite, credential) ? [suite] : [];
  });
}

const BY_ID: ReadonlyMap<number, Ciphersuite> = new Map(CIPHERSUITES.map((suite) => [suite.id, suite]));

const DEFAULTS = {
  psk: CIPHERSUITES.filter((suite) => usesPsk(suite) && isOnByDefault(suite)),
  certificate: CIPHERSUITES.filter((suite) => !usesPsk(suite) && isOnByDefault(suite)),
} as const;

function aead(
  id: number,
  name: string,
  keyExchange: KeyExchange,
  cipher: AeadName,
  prf: HashName = 'sha256',
): AeadSuite {
  const { mode, keyLength, tagLength } = AEAD_PARAMETERS[cipher];
  return {
    id,
    name,
    keyExchange,
    protection: 'aead',
    aead: cipher,
    prf,
    keyBytes: keyLength,
    fixedNonceBytes: mode === 'chacha20-poly1305' ? 12 : 4,
    macKeyBytes: 0,
    tagBytes: tagLength,
  };
}

function cbc(id: number, name: string, keyExchange: KeyExchange): CbcSuite {
  return {
    id,
    name,
    keyExchange,
    protection: 'cbc',
    cbc: 'aes-128-cbc',
    mac: 'sha256',
    prf: 'sha256',
    keyBytes: 16,
    fixedNonceBytes: 0,
    macKeyBytes: 32,
  };
}
