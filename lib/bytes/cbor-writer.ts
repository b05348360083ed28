// CBOR items one after the other (RFC 8949 §4.2.1: shortest heads and floats), for writers that know what comes next.

import { MAJOR } from './cbor-value.ts';
import { toHalf } from './half-float.ts';
import { utf8Encode } from './bytes.ts';

const SHORT_TEXT = 64; // characters: up to here a loop is faster than TextEncoder
const LONGEST_HEAD = 9; // bytes
const UINT64_LIMIT = 1n << 64n;
const scratch = new DataView(new ArrayBuffer(8));
const scratchBytes = new Uint8Array(scratch.buffer);

/** Appends heads and scalars; that arrays and maps get as many items as announced is the caller's part. */
export class CborWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 64) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** A head: of `length` items for arrays, pairs for maps, bytes for strings. @throws RangeError beyond 64 bits */
  head(major: number, argument: number | bigint): this {
    const initial = major << 5;
    if (typeof argument === 'bigint') return this.#wideHead(initial, argument);
    if (argument < 0 || argument > 0xffffffff) return this.#wideHead(initial, BigInt(argument));
    this.#reserve(LONGEST_HEAD);
    const bytes = this.#bytes;
    if (argument < 24) bytes[this.#length++] = initial | argument;
    else if (argument <= 0xff) {
      bytes[this.#length++] = initial | 24;
      bytes[this.#length++] = argument;
    } else if (argument <= 0xffff) {
      bytes[this.#length++] = initial | 25;
      bytes[this.#length++] = argument >> 8;
      bytes[this.#length++] = argument;
    } else {
      scratch.setUint32(0, argument);
      this.#scratch(initial | 26, 4);
    }
    return this;
  }

  array(length: number): this {
    return this.head(MAJOR.array, length);
  }

  map(pairs: number): this {
    return this.head(MAJOR.map, pairs);
  }

  /** @throws RangeError beyond 64 bits; numbers must be safe integers */
  integer(value: number | bigint): this {
    if (value >= 0) return this.head(MAJOR.unsigned, value);
    return this.head(MAJOR.negative, typeof value === 'bigint' ? -1n - value : -1 - value);
  }

  /** The shortest float that holds `value` exactly. */
  float(value: number): this {
    this.#reserve(LONGEST_HEAD);
    const half = toHalf(value);
    if (half !== undefined) {
      this.#bytes[this.#length++] = 0xf9;
      this.#bytes[this.#length++] = half >> 8;
      this.#bytes[this.#length++] = half;
    } else if (Math.fround(value) === value) {
      scratch.setFloat32(0, value);
      this.#scratch(0xfa, 4);
    } else {
      scratch.setFloat64(0, value);
      this.#scratch(0xfb, 8);
    }
    return this;
  }

  boolean(value: boolean): this {
    return this.initial(value ? 0xf5 : 0xf4);
  }

  null(): this {
    return this.initial(0xf6);
  }

  /** An item of one byte. */
  initial(byte: number): this {
    this.#reserve(1);
    this.#bytes[this.#length++] = byte;
    return this;
  }

  /** @throws RangeError if the text is no well-formed Unicode */
  text(text: string): this {
    const { length } = text;
    if (length > SHORT_TEXT) return this.#utf8(text);
    this.#reserve(LONGEST_HEAD + length);
    const bytes = this.#bytes;
    const start = this.#length + (length < 24 ? 1 : 2);
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return this.#utf8(text);
      bytes[start + i] = code;
    }
    this.head(MAJOR.text, length);
    this.#length += length;
    return this;
  }

  bytes(bytes: Uint8Array): this {
    return this.head(MAJOR.bytes, bytes.length).raw(bytes);
  }

  /** Bytes as they are: an encoded item, or the content of a string. */
  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** The bytes written, as a view; the writer must not be used afterwards. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #utf8(text: string): this {
    if (/\p{Surrogate}/u.test(text)) throw new RangeError('CBOR text must be well-formed Unicode');
    const bytes = utf8Encode(text);
    return this.head(MAJOR.text, bytes.length).raw(bytes);
  }

  #wideHead(initial: number, argument: bigint): this {
    if (argument < 0n || argument >= UINT64_LIMIT) throw new RangeError('a CBOR integer or tag has at most 64 bits');
    if (argument <= 0xffffffffn) return this.head(initial >> 5, Number(argument));
    this.#reserve(LONGEST_HEAD);
    scratch.setBigUint64(0, argument);
    this.#scratch(initial | 27, 8);
    return this;
  }

  /** `initial` and the first `size` bytes of the scratch; there must be room. */
  #scratch(initial: number, size: 4 | 8): void {
    this.#bytes[this.#length++] = initial;
    for (let i = 0; i < size; i++) this.#bytes[this.#length++] = scratchBytes[i]!;
  }

  /** Makes room for `size` bytes more. */
  #reserve(size: number): void {
    const needed = this.#length + size;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
