// GHASH (NIST SP 800-38D §6.4) four bits at a time over sixteen kept multiples of the key: 256 bytes per key, since a
// fleet has thousands of them. Words are big-endian inside, little-endian at the door like AES's.

import { load, swap } from './words.ts';

const REDUCTION = 0xe1000000; // SP 800-38D §6.3: R = 11100001 || 0^120

/** What the four bits that fall off the end of a word come back as, in the first word. */
const FOLDED = Uint32Array.from({ length: 16 }, (_, bits) => {
  let word = bits;
  for (let i = 0; i < 4; i++) word = (word >>> 1) ^ (-(word & 1) & REDUCTION);
  return word;
});

/** One key's GHASH; `y0` to `y3` are little-endian words. Table-based, so not constant-time. */
export class Ghash {
  readonly #multiples = new Uint32Array(16 * 4);
  y0 = 0;
  y1 = 0;
  y2 = 0;
  y3 = 0;

  /** @param key H, 16 bytes */
  constructor(key: Uint8Array) {
    let [v0, v1, v2, v3] = [swap(load(key, 0)), swap(load(key, 4)), swap(load(key, 8)), swap(load(key, 12))];
    for (let bit = 8; bit > 0; bit >>= 1) {
      this.#add(bit, v0, v1, v2, v3);
      const carry = -(v3 & 1) & REDUCTION;
      v3 = (v2 << 31) | (v3 >>> 1);
      v2 = (v1 << 31) | (v2 >>> 1);
      v1 = (v0 << 31) | (v1 >>> 1);
      v0 = (v0 >>> 1) ^ carry;
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
    this.#multiply(w3);
    this.#multiply(w2);
    this.#multiply(w1);
    this.#multiply(w0);
    this.y0 = swap(this.y0);
    this.y1 = swap(this.y1);
    this.y2 = swap(this.y2);
    this.y3 = swap(this.y3);
  }

  destroy(): void {
    this.#multiples.fill(0);
    this.reset();
  }

  /** Eight steps of Y = Y · x^4 + bits · H, from the word's last four bits to its first. */
  #multiply(word: number): void {
    const multiples = this.#multiples;
    let { y0, y1, y2, y3 } = this;
    const bits = swap(word);
    for (let shift = 0; shift < 32; shift += 4) {
      const at = ((bits >>> shift) & 0xf) << 2;
      const folded = FOLDED[y3 & 0xf]!;
      y3 = ((y2 << 28) | (y3 >>> 4)) ^ multiples[at + 3]!;
      y2 = ((y1 << 28) | (y2 >>> 4)) ^ multiples[at + 2]!;
      y1 = ((y0 << 28) | (y1 >>> 4)) ^ multiples[at + 1]!;
      y0 = (y0 >>> 4) ^ folded ^ multiples[at]!;
    }
    this.y0 = y0;
    this.y1 = y1;
    this.y2 = y2;
    this.y3 = y3;
  }

  /** Adds one power of H to every multiple whose bit is set. */
  #add(bit: number, v0: number, v1: number, v2: number, v3: number): void {
    for (let multiple = bit; multiple < 16; multiple++) {
      if ((multiple & bit) === 0) continue;
      const at = multiple << 2;
      this.#multiples[at]! ^= v0;
      this.#multiples[at + 1]! ^= v1;
      this.#multiples[at + 2]! ^= v2;
      this.#multiples[at + 3]! ^= v3;
    }
  }
}
