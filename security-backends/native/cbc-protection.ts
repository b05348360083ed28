// Block chaining with encrypt-then-MAC (RFC 5246 §6.2.3.2, RFC 7366 §3): nothing is deciphered whose MAC is not good.

import { equalSecrets } from '../../lib/bytes/index.ts';
import type { Cbc, CryptoProvider, HmacKey } from '../../lib/crypto/provider/provider.ts';
import type { RandomSource } from '../../lib/runtime/index.ts';
import type { CbcSuite } from './ciphersuites.ts';
import { type RecordHeader, recordHeader } from './record-header.ts';
import type { DirectionKeys, Protection } from './record-protection.ts';

const BLOCK_BYTES = 16;
const MAC_BYTES = 32;

/** IV, ciphertext, MAC. The IV comes from chance, for with CBC it must not be foreseen (RFC 5246 appendix F.3). */
export class CbcProtection implements Protection {
  readonly overhead = BLOCK_BYTES + BLOCK_BYTES + MAC_BYTES; // IV, a whole block of padding, MAC
  readonly #cbc: Cbc;
  readonly #mac: HmacKey;
  readonly #random: RandomSource;
  readonly #header: RecordHeader;

  /** Takes what it needs of the keys; the caller zeroes them. */
  constructor(
    provider: CryptoProvider,
    suite: CbcSuite,
    keys: DirectionKeys,
    random: RandomSource,
    header: RecordHeader = recordHeader(),
  ) {
    this.#header = header;
    this.#cbc = provider.cbc(suite.cbc, keys.key);
    this.#mac = provider.hmacKey(suite.mac, keys.macKey);
    this.#random = random;
  }

  sealedLength(length: number): number {
    return BLOCK_BYTES + paddedLength(length) + MAC_BYTES;
  }

  largestPlaintext(room: number): number {
    const blocks = Math.floor((room - BLOCK_BYTES - MAC_BYTES) / BLOCK_BYTES);
    return blocks * BLOCK_BYTES - 1;
  }

  sealInto(target: Uint8Array, at: number, type: number, epoch: number, sequence: number, plaintext: Uint8Array): void {
    const padded = new Uint8Array(paddedLength(plaintext.length));
    padded.fill(padded.length - plaintext.length - 1, plaintext.length); // padding and padding_length have one value
    padded.set(plaintext);
    const iv = this.#random.bytes(BLOCK_BYTES);
    target.set(iv, at);
    target.set(this.#cbc.encrypt(iv, padded), at + BLOCK_BYTES);
    const end = at + BLOCK_BYTES + padded.length;
    target.set(this.#macOf(type, epoch, sequence, target.subarray(at, end)), end);
  }

  open(type: number, epoch: number, sequence: number, fragment: Uint8Array): Uint8Array | undefined {
    const end = fragment.length - MAC_BYTES;
    if (end < 2 * BLOCK_BYTES || end % BLOCK_BYTES !== 0) return undefined;
    const expected = this.#macOf(type, epoch, sequence, fragment.subarray(0, end));
    if (!equalSecrets(expected, fragment.subarray(end))) return undefined;
    const padded = this.#cbc.decrypt(fragment.subarray(0, BLOCK_BYTES), fragment.subarray(BLOCK_BYTES, end));
    return padded === undefined ? undefined : withoutPadding(padded);
  }

  destroy(): void {
    this.#cbc.destroy();
    this.#mac.destroy();
  }

  #macOf(type: number, epoch: number, sequence: number, sealed: Uint8Array): Uint8Array {
    return this.#mac.mac(this.#header(type, epoch, sequence, sealed.length), sealed);
  }
}

function paddedLength(length: number): number {
  return (Math.floor(length / BLOCK_BYTES) + 1) * BLOCK_BYTES;
}

// The MAC was good, so whoever has the key wrote it: to be strict here tells nobody else anything.
function withoutPadding(padded: Uint8Array): Uint8Array | undefined {
  const padding = padded.at(-1) ?? 0;
  const end = padded.length - padding - 1;
  if (end < 0) return undefined;
  return padded.subarray(end).every((byte) => byte === padding) ? padded.subarray(0, end) : undefined;
}
