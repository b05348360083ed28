// Authenticated encryption (RFC 5116): names, parameters and what a provider offers.

export type AeadName =
  | 'aes-128-ccm-8'
  | 'aes-128-ccm'
  | 'aes-256-ccm-8'
  | 'aes-256-ccm'
  | 'aes-128-gcm'
  | 'aes-256-gcm'
  | 'chacha20-poly1305';

/** What an AEAD's name stands for. All nonces are 12 bytes (`AEAD_NONCE_LENGTH`). Lengths in bytes. */
export interface AeadParameters {
  readonly mode: 'ccm' | 'gcm' | 'chacha20-poly1305';
  readonly keyLength: 16 | 32;
  readonly tagLength: 8 | 16;
}

/** RFC 5116 §5, RFC 6655 §3 (CCM with L = 3), RFC 8439 §2.8. */
export const AEAD_PARAMETERS: Readonly<Record<AeadName, AeadParameters>> = {
  'aes-128-ccm-8': { mode: 'ccm', keyLength: 16, tagLength: 8 },
  'aes-128-ccm': { mode: 'ccm', keyLength: 16, tagLength: 16 },
  'aes-256-ccm-8': { mode: 'ccm', keyLength: 32, tagLength: 8 },
  'aes-256-ccm': { mode: 'ccm', keyLength: 32, tagLength: 16 },
  'aes-128-gcm': { mode: 'gcm', keyLength: 16, tagLength: 16 },
  'aes-256-gcm': { mode: 'gcm', keyLength: 32, tagLength: 16 },
  'chacha20-poly1305': { mode: 'chacha20-poly1305', keyLength: 32, tagLength: 16 },
};

/** Every AEAD's name. */
export const AEAD_NAMES: readonly AeadName[] = Object.keys(AEAD_PARAMETERS) as AeadName[];

/** Bytes (RFC 5116 §5.1, RFC 6655 §3, RFC 8439 §2.8). */
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
