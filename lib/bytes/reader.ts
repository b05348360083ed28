// A cursor over bytes. Every read names what it reads, so that an error can say which field was short.

import { DecodeError } from './decode-error.ts';

/** Big-endian cursor. Reads of bytes are views (`subarray`): whoever keeps them beyond the datagram copies them. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** Position of the next read in the underlying bytes. */
  get offset(): number {
    return this.#at;
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.#end - this.#at;
  }

  uint8(field: string): number {
    return this.#bytes[this.#take(1, field)]!;
  }

  uint16(field: string): number {
    const at = this.#take(2, field);
    return (this.#bytes[at]! << 8) | this.#bytes[at + 1]!;
  }

  uint24(field: string): number {
    const at = this.#take(3, field);
    return (this.#bytes[at]! << 16) | (this.#bytes[at + 1]! << 8) | this.#bytes[at + 2]!;
  }

  uint32(field: string): number {
    return this.uint16(field) * 0x10000 + this.uint16(field);
  }

  /** 48 bits as a number (exact: below 2^53). */
  uint48(field: string): number {
    return this.uint16(field) * 0x100000000 + this.uint32(field);
  }

  uint64(field: string): bigint {
    return (BigInt(this.uint32(field)) << 32n) | BigInt(this.uint32(field));
  }

  /** An unsigned integer of 0 to 6 bytes. */
  uint(size: number, field: string): number {
    let value = 0;
    for (const byte of this.bytes(size, field)) value = value * 256 + byte;
    return value;
  }

  /** A view of the next `length` bytes. */
  bytes(length: number, field: string): Uint8Array {
    const at = this.#take(length, field);
    return this.#bytes.subarray(at, at + length);
  }

  /** A view of what an 8-bit length announces. */
  vector8(field: string): Uint8Array {
    return this.bytes(this.uint8(`${field} length`), field);
  }

  /** A view of what a 16-bit length announces. */
  vector16(field: string): Uint8Array {
    return this.bytes(this.uint16(`${field} length`), field);
  }

  /** A view of what a 24-bit length announces. */
  vector24(field: string): Uint8Array {
    return this.bytes(this.uint24(`${field} length`), field);
  }

  /** The next byte without reading it, or undefined at the end. */
  peek(): number | undefined {
    return this.remaining > 0 ? this.#bytes[this.#at] : undefined;
  }

  /** A view of everything left. */
  rest(): Uint8Array {
    return this.bytes(this.remaining, 'rest');
  }

  /** @throws DecodeError if bytes are left: trailing bytes are errors. */
  end(what: string): void {
    if (this.remaining > 0) throw new DecodeError(what, 'no trailing bytes', `${this.remaining} bytes`, this.#at);
  }

  #take(length: number, field: string): number {
    if (length > this.remaining) {
      throw new DecodeError(field, `${length} bytes`, `${this.remaining} bytes`, this.#at);
    }
    const at = this.#at;
    this.#at += length;
    return at;
  }
}
