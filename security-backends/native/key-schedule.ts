// From premaster secrets to record keys and verify_data (RFC 4279 §2, RFC 5246 §6.3 and §8.1, RFC 7627 §4).

import type { CryptoProvider, HashName } from '../../lib/crypto/provider/provider.ts';
import { prf } from '../../lib/crypto/prf.ts';
import { Reader, toHex } from '../../lib/bytes/index.ts';
import type { KeyLog } from '../../lib/net/index.ts';
import type { Ciphersuite } from './ciphersuites.ts';
import type { DirectionKeys } from './record-protection.ts';

const MASTER_SECRET_BYTES = 48;
export const VERIFY_DATA_BYTES = 12;

export interface HelloRandoms {
  readonly client: Uint8Array;
  readonly server: Uint8Array;
}

/** Plain PSK: as many zeros as the key is long, then the key, each with its length (RFC 4279 §2). */
export function pskPremasterSecret(key: Uint8Array): Uint8Array {
  return premasterSecret(new Uint8Array(key.length), key);
}

/** What every PSK key exchange shares: `other` is the ECDH secret, or zeros for plain PSK (RFC 5489 §2). */
export function premasterSecret(other: Uint8Array, key: Uint8Array): Uint8Array {
  const premaster = new Uint8Array(4 + other.length + key.length);
  premaster.set([other.length >> 8, other.length & 0xff]);
  premaster.set(other, 2);
  premaster.set([key.length >> 8, key.length & 0xff], 2 + other.length);
  premaster.set(key, 4 + other.length);
  return premaster;
}

/** RFC 5246 §8.1. */
export function masterSecret(
  provider: CryptoProvider,
  hash: HashName,
  premaster: Uint8Array,
  randoms: HelloRandoms,
): Uint8Array {
  return prf(provider, hash, premaster, 'master secret', MASTER_SECRET_BYTES, randoms.client, randoms.server);
}

/** RFC 7627 §4: bound to the whole handshake by the hash from ClientHello through ClientKeyExchange. */
export function extendedMasterSecret(
  provider: CryptoProvider,
  hash: HashName,
  premaster: Uint8Array,
  sessionHash: Uint8Array,
): Uint8Array {
  return prf(provider, hash, premaster, 'extended master secret', MASTER_SECRET_BYTES, sessionHash);
}

/** Keys of both directions. The arrays are views of one key block. */
export interface RecordKeys {
  readonly client: DirectionKeys;
  readonly server: DirectionKeys;
  /** Zeroes the key block. */
  destroy(): void;
}

/** RFC 5246 §6.3; MAC keys, keys, nonces; AEAD suites have no MAC keys, CBC suites no nonces. */
export function recordKeys(
  provider: CryptoProvider,
  suite: Ciphersuite,
  master: Uint8Array,
  randoms: HelloRandoms,
): RecordKeys {
  const { keyBytes, fixedNonceBytes, macKeyBytes } = suite;
  const length = 2 * (macKeyBytes + keyBytes + fixedNonceBytes);
  const block = prf(provider, suite.prf, master, 'key expansion', length, randoms.server, randoms.client);
  const reader = new Reader(block);
  const [clientMac, serverMac] = [reader.bytes(macKeyBytes, 'MAC key'), reader.bytes(macKeyBytes, 'MAC key')];
  const [clientKey, serverKey] = [reader.bytes(keyBytes, 'key'), reader.bytes(keyBytes, 'key')];
  const [clientNonce, serverNonce] = [reader.bytes(fixedNonceBytes, 'nonce'), reader.bytes(fixedNonceBytes, 'nonce')];
  return {
    client: { macKey: clientMac, key: clientKey, fixedNonce: clientNonce },
    server: { macKey: serverMac, key: serverKey, fixedNonce: serverNonce },
    destroy: () => void block.fill(0),
  };
}

/** What Finished carries (RFC 5246 §7.4.9). */
export function verifyData(
  provider: CryptoProvider,
  hash: HashName,
  master: Uint8Array,
  sender: 'client' | 'server',
  transcript: Uint8Array,
): Uint8Array {
  return prf(provider, hash, master, `${sender} finished`, VERIFY_DATA_BYTES, transcript);
}

/** One line of an NSS key log. */
export function logMasterSecret(keyLog: KeyLog | undefined, clientRandom: Uint8Array, master: Uint8Array): void {
  keyLog?.(`CLIENT_RANDOM ${toHex(clientRandom)} ${toHex(master)}`);
}
