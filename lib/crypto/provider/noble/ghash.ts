// GHASH (NIST SP 800-38D §6.4) with the key's multiples kept: 32 positions of four bits, 16 multiples each, 8 KiB.

import { load, swap } from './words.ts';

const REDUCTION = 0xe1000000; // SP 800-38D §6.3: R = 11100001 || 0^120

/** One key's GHASH. Words are little-endian packed bytes. Table-based, so not constant-time. */
export class Ghash {
  readonly #multiples = new Uint32Array(32 * 16 * 4);
  y0 = 0;
  y1 = 0;
  y2 = 0;
  y3 = 0;

  /** @param key H, 16 bytes */
  constructor(key: Uint8Array) {
    let [v0, v1, v2, v3] = [swap(load(key, 0)), swap(load(key, 4)), swap(load(key, 8)), swap(load(key, 12))];
    for (let position = 0; position < 32; position++) {
      for (let bit = 8; bit > 0; bit >>= 1) {
        this.#add(position, bit, swap(v0), swap(v1), swap(v2), swap(v3));
        const carry = -(v3 & 1) & REDUCTION;
        v3 = (v2 << 31) | (v3 >>> 1);
        v2 = (v1 << 31) | (v2 >>> 1);
        v1 = (v0 << 31) | (v1 >>> 1);
        v0 = (v0 >>> 1) ^ carry;
      }
    }
  }

  /** Begins a new message. */
  reset(): void {
    this.y0 = this.y1 = this.y2 = this.y3 = 0;
  }

  /** Y = (Y xor block) · H. */
  block(w0: number, w1: number, w2: number, w3: number): void {
    w0 ^= this.y0;
    w1 ^= this.y1;
    w2 ^= this.y2;
    w3 ^= this.y3;
    this.reset();
    this.#multiply(w0, 0);
    this.#multiply(w1, 8);
    this.#multiply(w2, 16);
    this.#multiply(w3, 24);
  }

  destroy(): void {
    this.#multiples.fill(0);
    this.reset();
  }

  /** Adds (word at four-bit positions `position`...) · H to Y; within a byte the high four bits come first. */
  #multiply(word: number, position: number): void {
    const multiples = this.#multiples;
    let { y0, y1, y2, y3 } = this;
    for (let shift = 0; shift < 32; shift += 8, position += 2) {
      const high = (position << 6) | ((word >>> (shift + 2)) & 0x3c);
      const low = ((position + 1) << 6) | (((word >>> shift) << 2) & 0x3c);
      y0 ^= multiples[high]! ^ multiples[low]!;
      y1 ^= multiples[high + 1]! ^ multiples[low + 1]!;
      y2 ^= multiples[high + 2]! ^ multiples[low + 2]!;
      y3 ^= multiples[high + 3]! ^ multiples[low + 3]!;
    }
    this.y0 = y0;
    this.y1 = y1;
    this.y2 = y2;
    this.y3 = y3;
  }

  /** Adds one power of H to every multiple of this position whose bit is set. */
  #add(position: number, bit: number, w0: number, w1: number, w2: number, w3: number): void {
    for (let nibble = bit; nibble < 16; nibble++) {
      if ((nibble & bit) === 0) continue;
      const at = (position << 6) | (nibble << 2);
      this.#multiples[at]! ^= w0;
      this.#multiples[at + 1]! ^= w1;
      this.#multiples[at + 2]! ^= w2;
      this.#multiples[at + 3]! ^= w3;
    }
  }
}
