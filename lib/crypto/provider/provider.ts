// The only door to cryptography: what a provider offers. Every provider passes the known answers before it is trusted.

export type HashName = 'sha256' | 'sha384';

/** A running hash, for transcripts. */
export interface Hash {
  update(bytes: Uint8Array): void;
  /** The digest of everything so far; the hash can go on afterwards. */
  digest(): Uint8Array;
}

/** An HMAC with its key set up once, for what uses one key often (the PRF, cookies). */
export interface HmacKey {
  /** The MAC of all parts one after the other, as a new array. */
  mac(...parts: readonly Uint8Array[]): Uint8Array;
  /** Zeroes what key material this provider can reach; any later call throws. */
  destroy(): void;
}

export type AeadName =
  | 'aes-128-ccm-8'
  | 'aes-128-ccm'
  | 'aes-256-ccm-8'
  | 'aes-256-ccm'
  | 'aes-128-gcm'
  | 'aes-256-gcm';

/** What an AEAD's name stands for. All nonces are 12 bytes (`AEAD_NONCE_LENGTH`). Lengths in bytes. */
export interface AeadParameters {
  readonly mode: 'ccm' | 'gcm';
  readonly keyLength: 16 | 32;
  readonly tagLength: 8 | 16;
}

/** RFC 5116 §5, RFC 6655 §3 (CCM with L = 3). */
export const AEAD_PARAMETERS: Readonly<Record<AeadName, AeadParameters>> = {
  'aes-128-ccm-8': { mode: 'ccm', keyLength: 16, tagLength: 8 },
  'aes-128-ccm': { mode: 'ccm', keyLength: 16, tagLength: 16 },
  'aes-256-ccm-8': { mode: 'ccm', keyLength: 32, tagLength: 8 },
  'aes-256-ccm': { mode: 'ccm', keyLength: 32, tagLength: 16 },
  'aes-128-gcm': { mode: 'gcm', keyLength: 16, tagLength: 16 },
  'aes-256-gcm': { mode: 'gcm', keyLength: 32, tagLength: 16 },
};

/** Every AEAD's name. */
export const AEAD_NAMES: readonly AeadName[] = Object.keys(AEAD_PARAMETERS) as AeadName[];

/** Bytes (RFC 5116 §5.1, RFC 6655 §3). */
export const AEAD_NONCE_LENGTH = 12;

/** An AEAD with its key set up once. Nonces are 12 bytes; the tag follows the ciphertext. */
export interface Aead {
  readonly tagLength: 8 | 16;
  /**
   * Ciphertext and tag, as a new array.
   * @throws RangeError if the nonce has not 12 bytes, or the plaintext is longer than the AEAD allows
   */
  seal(nonce: Uint8Array, additionalData: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /**
   * The plaintext as a new array, or undefined if the tag is wrong. Never throws for what a peer sent.
   * @throws RangeError if the nonce has not 12 bytes
   */
  open(nonce: Uint8Array, additionalData: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
  /** Zeroes what key material this provider can reach; any later call throws. */
  destroy(): void;
}

/** What a primitive is called where primitives are chosen or judged one by one. */
export type Primitive = 'hash' | 'hmac' | AeadName;

export interface CryptoProvider {
  /** `noble`, `node`, or what a user calls theirs. */
  readonly name: string;
  createHash(name: HashName): Hash;
  hash(name: HashName, bytes: Uint8Array): Uint8Array;
  hmac(name: HashName, key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;
  /** The same HMAC with the key's part of the work done once. The key is copied. */
  hmacKey(name: HashName, key: Uint8Array): HmacKey;
  /** The key is copied. @throws RangeError if the key has not the AEAD's length */
  aead(name: AeadName, key: Uint8Array): Aead;
  /** Primitives that run in time independent of secrets; see SECURITY. */
  readonly constantTime: ReadonlySet<Primitive>;
}

/** The parameters of `name`. @throws RangeError if `key` has not their length */
export function checkAeadKey(name: AeadName, key: Uint8Array): AeadParameters {
  const parameters = AEAD_PARAMETERS[name];
  if (key.length === parameters.keyLength) return parameters;
  throw new RangeError(`${name} key: expected ${parameters.keyLength} bytes, found ${key.length}`);
}

/** @throws RangeError if `nonce` has not 12 bytes */
export function checkAeadNonce(nonce: Uint8Array): void {
  if (nonce.length === AEAD_NONCE_LENGTH) return;
  throw new RangeError(`AEAD nonce: expected ${AEAD_NONCE_LENGTH} bytes, found ${nonce.length}`);
}
