// AEAD protection of records in one direction of one epoch (RFC 5246 §6.2.3.3, RFC 5288 §3, RFC 6655 §3).

import type { Aead, CryptoProvider } from '../../lib/crypto/provider/provider.ts';
import type { Ciphersuite } from './ciphersuites.ts';
import { DTLS_1_2, writeEpochAndSequence } from './record.ts';

const EXPLICIT_NONCE_BYTES = 8;
const NONCE_BYTES = 12;
const AAD_BYTES = 13;

/** Keys of one direction, from the key block. */
export interface DirectionKeys {
  readonly key: Uint8Array;
  readonly fixedNonce: Uint8Array;
}

/** Bytes a record of this suite is longer than its plaintext, header apart. */
export function protectionOverhead(suite: Ciphersuite): number {
  return EXPLICIT_NONCE_BYTES + suite.tagBytes;
}

/** Seals or opens record fragments. The explicit nonce is epoch and sequence number: unique without chance. */
export class RecordProtection {
  readonly overhead: number;
  readonly #aead: Aead;
  readonly #nonce = new Uint8Array(NONCE_BYTES);
  readonly #aad = new Uint8Array(AAD_BYTES);

  /** Takes what it needs of the keys; the caller zeroes them. */
  constructor(provider: CryptoProvider, suite: Ciphersuite, keys: DirectionKeys) {
    this.#aead = provider.aead(suite.aead, keys.key);
    this.#nonce.set(keys.fixedNonce);
    this.overhead = protectionOverhead(suite);
  }

  /** Writes explicit nonce, ciphertext and tag at `at`: `plaintext.length + overhead` bytes. */
  sealInto(target: Uint8Array, at: number, type: number, epoch: number, sequence: number, plaintext: Uint8Array): void {
    this.#prepare(type, epoch, sequence, plaintext.length);
    writeEpochAndSequence(target, at, epoch, sequence);
    writeEpochAndSequence(this.#nonce, NONCE_BYTES - EXPLICIT_NONCE_BYTES, epoch, sequence);
    target.set(this.#aead.seal(this.#nonce, this.#aad, plaintext), at + EXPLICIT_NONCE_BYTES);
  }

  /** The plaintext as a new array, or undefined if it does not authenticate. */
  open(type: number, epoch: number, sequence: number, fragment: Uint8Array): Uint8Array | undefined {
    const length = fragment.length - this.overhead;
    if (length < 0) return undefined;
    this.#prepare(type, epoch, sequence, length);
    // The peer may choose its explicit nonce otherwise than we do.
    for (let i = 0; i < EXPLICIT_NONCE_BYTES; i++) this.#nonce[4 + i] = fragment[i]!;
    return this.#aead.open(this.#nonce, this.#aad, fragment.subarray(EXPLICIT_NONCE_BYTES));
  }

  /** Zeroes the keys; any later call throws. */
  destroy(): void {
    this.#aead.destroy();
    this.#nonce.fill(0);
  }

  #prepare(type: number, epoch: number, sequence: number, length: number): void {
    const aad = this.#aad;
    writeEpochAndSequence(aad, 0, epoch, sequence);
    aad[8] = type;
    aad[9] = DTLS_1_2 >> 8;
    aad[10] = DTLS_1_2 & 0xff;
    aad[11] = length >> 8;
    aad[12] = length;
  }
}
