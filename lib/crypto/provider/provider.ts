// The only door to cryptography: what a provider offers. Every provider passes the known answers before it is trusted.

export type HashName = 'sha256' | 'sha384';

/** A running hash, for transcripts. */
export interface Hash {
  update(bytes: Uint8Array): void;
  /** The digest of everything so far; the hash can go on afterwards. */
  digest(): Uint8Array;
}

export type AeadName = 'aes-128-ccm-8' | 'aes-128-ccm' | 'aes-256-ccm-8' | 'aes-256-ccm' | 'aes-128-gcm' | 'aes-256-gcm';

/** An AEAD with its key set up once. Nonces are 12 bytes; the tag follows the ciphertext. */
export interface Aead {
  readonly tagLength: 8 | 16;
  /** Ciphertext and tag, as a new array. */
  seal(nonce: Uint8Array, additionalData: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** The plaintext as a new array, or undefined if the tag is wrong. Never throws for what a peer sent. */
  open(nonce: Uint8Array, additionalData: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
  /** Zeroes what key material this provider can reach; any later call throws. */
  destroy(): void;
}

export interface CryptoProvider {
  /** `noble`, `node`, or what a user calls theirs. */
  readonly name: string;
  createHash(name: HashName): Hash;
  hash(name: HashName, bytes: Uint8Array): Uint8Array;
  hmac(name: HashName, key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;
  /** @throws RangeError if the key has not the AEAD's length */
  aead(name: AeadName, key: Uint8Array): Aead;
  /** Primitives that run in time independent of secrets; see SECURITY. */
  readonly constantTime: ReadonlySet<'hash' | 'hmac' | AeadName>;
}
