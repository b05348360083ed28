// CBOR items one after the other (RFC 8949), for readers that know what may come next: strict, bounded, without recursion.

import { DecodeError } from './decode-error.ts';
import { MAJOR } from './cbor-value.ts';
import { fromHalf } from './half-float.ts';
import { utf8Decode } from './bytes.ts';

export interface CborOptions {
  /** Levels of arrays, maps and tags; more than 63 are never accepted. */
  readonly maxDepth: number;
  /** Data items in all, nested ones included. */
  readonly maxItems: number;
  /** Bytes of input. */
  readonly maxBytes: number;
  /** Whether strings, arrays and maps may have indefinite length (§3.2). */
  readonly allowIndefinite: boolean;
}

const INDEFINITE = 31;
const BREAK = 0xff;
const SHORT_TEXT = 32; // bytes: up to here a loop is faster than TextDecoder

/** What `open` gives for an array or map that ends with a break. */
const UNTIL_BREAK = -1;

/** A cursor over CBOR. Errors are DecodeErrors that name `field` and the offset. */
export class CborReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #field: string;
  readonly #options: CborOptions;
  #at = 0;
  #items = 0;

  /** @throws DecodeError if there are more bytes than `options` allows */
  constructor(bytes: Uint8Array, field: string, options: CborOptions) {
    if (bytes.length > options.maxBytes) {
      throw new DecodeError(field, `at most ${options.maxBytes} bytes`, `${bytes.length}`);
    }
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#field = field;
    this.#options = options;
  }

  /** Major type of the next item, without reading it. */
  get major(): number {
    return this.#peek() >> 5;
  }

  /** Whether the next item is null. */
  get atNull(): boolean {
    return this.#peek() === 0xf6;
  }

  /** @throws DecodeError if bytes are left */
  end(): void {
    const left = this.#bytes.length - this.#at;
    if (left > 0) throw this.error('no trailing bytes', `${left} bytes`);
  }

  /** Reads the head of an array or map, for `for (let left = reader.open(MAJOR.array); reader.more(left); left--)`. */
  open(major: typeof MAJOR.array | typeof MAJOR.map): number {
    const info = this.#initial(major, major === MAJOR.array ? 'an array' : 'a map');
    if (info === INDEFINITE) {
      this.#checkIndefinite();
      return UNTIL_BREAK;
    }
    return this.#length(info, major === MAJOR.array ? 1 : 2);
  }

  /** Whether one more item or pair follows; reads the break. */
  more(left: number): boolean {
    if (left >= 0) return left > 0;
    if (this.#peek() !== BREAK) return true;
    this.#at++;
    return false;
  }

  /** An integer: a number where exact, a bigint beyond 2^53. */
  integer(): number | bigint {
    const initial = this.#take();
    const argument = this.#argument(initial & 0x1f);
    if (initial >> 5 === MAJOR.unsigned) return argument;
    if (initial >> 5 !== MAJOR.negative) throw this.error('an integer', 'another item');
    return typeof argument === 'number' && argument < Number.MAX_SAFE_INTEGER ? -1 - argument : -1n - BigInt(argument);
  }

  /** An integer from 0 on, as `integer`. */
  unsigned(): number | bigint {
    return this.#argument(this.#initial(MAJOR.unsigned, 'an unsigned integer'));
  }

  tag(): number | bigint {
    return this.#argument(this.#initial(MAJOR.tag, 'a tag'));
  }

  /** What major type 7 holds: a float as a number, or the number of a simple value, `{ simple: 20 }` being false. */
  other(): number | { readonly simple: number } {
    const info = this.#initial(MAJOR.other, 'a float or simple value');
    if (info === 25) return fromHalf(this.#view.getUint16(this.#skip(2)));
    if (info === 26) return this.#view.getFloat32(this.#skip(4));
    if (info === 27) return this.#view.getFloat64(this.#skip(8));
    if (info > 27) throw this.error('an item', info === INDEFINITE ? 'a break' : 'a reserved value');
    if (info < 24) return { simple: info };
    const simple = this.#view.getUint8(this.#skip(1));
    if (simple < 32) throw this.error('a simple value from 32 on after f8', `${simple}`);
    return { simple };
  }

  boolean(): boolean {
    const initial = this.#take();
    if (initial !== 0xf4 && initial !== 0xf5) throw this.error('true or false', 'another item');
    return initial === 0xf5;
  }

  null(): void {
    if (this.#take() !== 0xf6) throw this.error('null', 'another item');
  }

  text(): string {
    const info = this.#initial(MAJOR.text, 'text');
    if (info !== INDEFINITE) return this.#decode(this.#length(info, 1));
    this.#checkIndefinite();
    let text = '';
    // §3.2.3: every chunk is well-formed by itself.
    while (this.more(UNTIL_BREAK)) text += this.#decode(this.#chunk(MAJOR.text));
    return text;
  }

  /** A copy. */
  bytes(): Uint8Array {
    const info = this.#initial(MAJOR.bytes, 'bytes');
    if (info !== INDEFINITE) return this.#view8(this.#length(info, 1)).slice();
    this.#checkIndefinite();
    const chunks: Uint8Array[] = [];
    let length = 0;
    while (this.more(UNTIL_BREAK)) {
      const chunk = this.#view8(this.#chunk(MAJOR.bytes));
      chunks.push(chunk);
      length += chunk.length;
    }
    const whole = new Uint8Array(length);
    for (const chunk of chunks.reverse()) whole.set(chunk, (length -= chunk.length));
    return whole;
  }

  /** Of the place read last. */
  error(expected: string, found: string): DecodeError {
    return new DecodeError(this.#field, expected, found, this.#at);
  }

  #decode(length: number): string {
    const start = this.#at;
    if (length > SHORT_TEXT) return utf8Decode(this.#view8(length), this.#field);
    let text = '';
    for (let i = start; i < start + length; i++) {
      const byte = this.#bytes[i]!;
      if (byte > 0x7f) return utf8Decode(this.#view8(length), this.#field);
      text += String.fromCharCode(byte);
    }
    this.#at += length;
    return text;
  }

  /** Bytes in the chunk whose head is read. */
  #chunk(major: number): number {
    const initial = this.#take();
    if (initial >> 5 !== major || (initial & 0x1f) === INDEFINITE) {
      throw this.error('chunks of definite length and the same type', 'another item');
    }
    return this.#length(initial & 0x1f, 1);
  }

  #initial(major: number, what: string): number {
    const initial = this.#take();
    if (initial >> 5 !== major) throw this.error(what, 'another item');
    return initial & 0x1f;
  }

  #argument(info: number): number | bigint {
    if (info < 24) return info;
    if (info === 24) return this.#view.getUint8(this.#skip(1));
    if (info === 25) return this.#view.getUint16(this.#skip(2));
    if (info === 26) return this.#view.getUint32(this.#skip(4));
    if (info !== 27) throw this.error('an argument of 0 to 8 bytes', `the additional information ${info}`);
    const argument = this.#view.getBigUint64(this.#skip(8));
    return argument <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(argument) : argument;
  }

  /** A count of things of at least `size` bytes, which the bytes left can hold. */
  #length(info: number, size: number): number {
    const length = this.#argument(info);
    const left = this.#bytes.length - this.#at;
    if (typeof length === 'bigint' || length * size > left)
      throw this.error(`${length} items or bytes`, `${left} bytes`);
    return length;
  }

  #take(): number {
    if (++this.#items > this.#options.maxItems) throw this.error(`at most ${this.#options.maxItems} items`, 'more');
    const initial = this.#peek();
    this.#at++;
    return initial;
  }

  #peek(): number {
    if (this.#at >= this.#bytes.length) throw this.error('1 bytes', '0 bytes');
    return this.#bytes[this.#at]!;
  }

  /** Passes `size` bytes. @returns where they start */
  #skip(size: number): number {
    const at = this.#at;
    const left = this.#bytes.length - at;
    if (size > left) throw this.error(`${size} bytes`, `${left} bytes`);
    this.#at += size;
    return at;
  }

  #view8(length: number): Uint8Array {
    const at = this.#skip(length);
    return this.#bytes.subarray(at, at + length);
  }

  #checkIndefinite(): void {
    if (!this.#options.allowIndefinite) throw this.error('a definite length', 'an indefinite one');
  }
}
