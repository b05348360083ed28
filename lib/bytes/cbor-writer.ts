// CBOR items one after the other (RFC 8949 §4.2.1: shortest heads and floats), for writers that know what comes next.

import { MAJOR } from './cbor-value.ts';
import { toHalf } from './half-float.ts';
import { utf8Encode } from './bytes.ts';

const SHORT_TEXT = 64; // characters: up to here a loop is faster than TextEncoder
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
    if (argument < 24) return this.initial(initial | argument);
    if (argument <= 0xff) return this.initial(initial | 24).initial(argument);
    if (argument <= 0xffff) return this.#uint16(initial | 25, argument);
    scratch.setUint32(0, argument);
    return this.#scratch(initial | 26, 4);
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
    const half = toHalf(value);
    if (half !== undefined) return this.#uint16(0xf9, half);
    if (Math.fround(value) === value) {
      scratch.setFloat32(0, value);
      return this.#scratch(0xfa, 4);
    }
    scratch.setFloat64(0, value);
    return this.#scratch(0xfb, 8);
  }

  boolean(value: boolean): this {
    return this.initial(value ? 0xf5 : 0xf4);
  }

  null(): this {
    return this.initial(0xf6);
  }

  /** An item of one byte. */
  initial(byte: number): this {
    const at = this.#grow(1);
    this.#bytes[at] = byte;
    this.#length = at + 1;
    return this;
  }

  /** @throws RangeError if the text is no well-formed Unicode */
  text(text: string): this {
    if (text.length <= SHORT_TEXT && this.#ascii(text)) return this;
    if (/\p{Surrogate}/u.test(text)) throw new RangeError('CBOR text must be well-formed Unicode');
    const bytes = utf8Encode(text);
    return this.head(MAJOR.text, bytes.length).raw(bytes);
  }

  bytes(bytes: Uint8Array): this {
    return this.head(MAJOR.bytes, bytes.length).raw(bytes);
  }

  /** Bytes as they are: an encoded item, or the content of a string. */
  raw(bytes: Uint8Array): this {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
    this.#length = at + bytes.length;
    return this;
  }

  /** The bytes written, as a view; the writer must not be used afterwards. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Writes text of ASCII alone, and says whether it was. */
  #ascii(text: string): boolean {
    const before = this.#length;
    this.head(MAJOR.text, text.length);
    const at = this.#grow(text.length);
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) {
        this.#length = before;
        return false;
      }
      this.#bytes[at + i] = code;
    }
    this.#length = at + text.length;
    return true;
  }

  #wideHead(initial: number, argument: bigint): this {
    if (argument < 0n || argument >= UINT64_LIMIT) throw new RangeError('a CBOR integer or tag has at most 64 bits');
    if (argument <= 0xffffffffn) return this.head(initial >> 5, Number(argument));
    scratch.setBigUint64(0, argument);
    return this.#scratch(initial | 27, 8);
  }

  #uint16(initial: number, value: number): this {
    const at = this.#grow(3);
    this.#bytes[at] = initial;
    this.#bytes[at + 1] = value >> 8;
    this.#bytes[at + 2] = value;
    this.#length = at + 3;
    return this;
  }

  /** `initial` and the first `size` bytes of the scratch. */
  #scratch(initial: number, size: 4 | 8): this {
    const at = this.#grow(1 + size);
    this.#bytes[at] = initial;
    for (let i = 0; i < size; i++) this.#bytes[at + 1 + i] = scratchBytes[i]!;
    this.#length = at + 1 + size;
    return this;
  }

  /** Room for `size` bytes more. @returns where they go */
  #grow(size: number): number {
    const needed = this.#length + size;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    return this.#length;
  }
}
