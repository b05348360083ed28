// Hashes and HMAC: what a provider offers.

/** SHA-512 is for what certificates are matched by (/0/x/13), not for any suite. */
export type HashName = 'sha256' | 'sha384' | 'sha512';

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
