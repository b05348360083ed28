// Protection of records in one direction of one epoch, and its AEAD form (RFC 5246 §6.2.3.3, RFC 5288 §3, RFC 6655 §3,
// RFC 7905 §2).

import type { Aead, CryptoProvider } from '../../lib/crypto/provider/provider.ts';
import type { RandomSource } from '../../lib/runtime/index.ts';
import { CbcProtection } from './cbc-protection.ts';
import type { AeadSuite, Ciphersuite } from './ciphersuites.ts';
import { type RecordHeader, recordHeader } from './record-header.ts';
import { writeEpochAndSequence } from './record.ts';

const EXPLICIT_NONCE_BYTES = 8;
const NONCE_BYTES = 12;

// Work space of one call at a time, which all directions share: neither holds a secret by itself, and thousands of
// sessions would hold two each.
const NONCE = new Uint8Array(NONCE_BYTES);

/** Keys of one direction, from the key block. */
export interface DirectionKeys {
  readonly key: Uint8Array;
  readonly fixedNonce: Uint8Array;
  /** Of CBC suites alone. */
  readonly macKey: Uint8Array;
}

/** Seals or opens record fragments of one direction. Lengths in bytes, header apart. */
export interface Protection {
  /** How much longer a fragment is than its plaintext, at most. */
  readonly overhead: number;
  /** Length of the fragment that `length` bytes of plaintext become. */
  sealedLength(length: number): number;
  /** Longest plaintext whose fragment is at most `room`; negative if there is none. */
  largestPlaintext(room: number): number;
  /** Writes the fragment at `at`: `sealedLength(plaintext.length)` bytes. */
  sealInto(target: Uint8Array, at: number, type: number, epoch: number, sequence: number, plaintext: Uint8Array): void;
  /** The plaintext as a new array, or undefined if it does not authenticate. */
  open(type: number, epoch: number, sequence: number, fragment: Uint8Array): Uint8Array | undefined;
  /** Zeroes the keys; any later call throws. */
  destroy(): void;
}

/**
 * The protection of a suite. Takes what it needs of the keys; the caller zeroes them.
 * @param connectionId that the records of this direction bear; empty: none
 */
export function protectionOf(
  provider: CryptoProvider,
  suite: Ciphersuite,
  keys: DirectionKeys,
  random: RandomSource,
  connectionId: Uint8Array = new Uint8Array(0),
): Protection {
  const header = recordHeader(connectionId);
  if (suite.protection === 'cbc') return new CbcProtection(provider, suite, keys, random, header);
  return new RecordProtection(provider, suite, keys, header);
}

/** AEAD. The nonce follows from epoch and sequence number: unique without chance. */
export class RecordProtection implements Protection {
  readonly overhead: number;
  readonly #aead: Aead;
  readonly #explicit: boolean;
  // The fixed nonce in words: an array takes 200 bytes of each direction of thousands of sessions.
  #first: number;
  #second = 0;
  #third = 0;
  readonly #header: RecordHeader;

  /** Takes what it needs of the keys; the caller zeroes them. */
  constructor(
    provider: CryptoProvider,
    suite: AeadSuite,
    keys: Omit<DirectionKeys, 'macKey'>,
    header: RecordHeader = recordHeader(),
  ) {
    this.#header = header;
    this.#aead = provider.aead(suite.aead, keys.key);
    this.#first = word(keys.fixedNonce, 0);
    if (suite.fixedNonceBytes === NONCE_BYTES) {
      this.#second = word(keys.fixedNonce, 4);
      this.#third = word(keys.fixedNonce, 8);
    }
    this.#explicit = suite.fixedNonceBytes < NONCE_BYTES;
    this.overhead = (this.#explicit ? EXPLICIT_NONCE_BYTES : 0) + suite.tagBytes;
  }

  sealedLength(length: number): number {
    return length + this.overhead;
  }

  largestPlaintext(room: number): number {
    return room - this.overhead;
  }

  sealInto(target: Uint8Array, at: number, type: number, epoch: number, sequence: number, plaintext: Uint8Array): void {
    const aad = this.#header(type, epoch, sequence, plaintext.length);
    this.#setNonce(epoch, sequence);
    if (this.#explicit) writeEpochAndSequence(target, at, epoch, sequence);
    target.set(this.#aead.seal(NONCE, aad, plaintext), this.#explicit ? at + EXPLICIT_NONCE_BYTES : at);
  }

  open(type: number, epoch: number, sequence: number, fragment: Uint8Array): Uint8Array | undefined {
    const length = fragment.length - this.overhead;
    if (length < 0) return undefined;
    const aad = this.#header(type, epoch, sequence, length);
    this.#setNonce(epoch, sequence);
    if (!this.#explicit) return this.#aead.open(NONCE, aad, fragment);
    // The peer may choose its explicit nonce otherwise than we do.
    for (let i = 0; i < EXPLICIT_NONCE_BYTES; i++) NONCE[4 + i] = fragment[i]!;
    return this.#aead.open(NONCE, aad, fragment.subarray(EXPLICIT_NONCE_BYTES));
  }

  destroy(): void {
    this.#aead.destroy();
    NONCE.fill(0);
    this.#first = this.#second = this.#third = 0;
  }

  // RFC 5288 §3: the fixed part, then the sequence number. RFC 7905 §2: the number, padded on the left, XORed with all of it.
  #setNonce(epoch: number, sequence: number): void {
    const [first, second, third] = [this.#first, this.#second, this.#third];
    writeEpochAndSequence(NONCE, NONCE_BYTES - EXPLICIT_NONCE_BYTES, epoch, sequence);
    for (let i = 0; i < 4; i++) {
      const shift = 24 - 8 * i;
      NONCE[i] = first >>> shift;
      NONCE[4 + i]! ^= second >>> shift;
      NONCE[8 + i]! ^= third >>> shift;
    }
  }
}

/** Four bytes as a signed number, the kind that engines keep in place. */
function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}
