// CBOR items one after the other (RFC 8949), for readers that know what may come next: strict, bounded, without recursion.

import { DecodeError } from './decode-error.ts';
import { MAJOR } from './cbor-value.ts';
import { fromHalf } from './half-float.ts';
import { copyBytes, utf8Decode } from './bytes.ts';

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
const scratch = new DataView(new ArrayBuffer(8));

/** What `open` gives for an array or map that ends with a break. */
const UNTIL_BREAK = -1;

/** A cursor over CBOR. Errors are DecodeErrors that name `field` and the offset. */
export class CborReader {
  readonly #bytes: Uint8Array;
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
    if (initial < 24) return initial;
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
    if (info === 25) return fromHalf(this.#uint16());
    if (info === 26) return this.#scratch(4).getFloat32(0);
    if (info === 27) return this.#scratch(8).getFloat64(0);
    if (info > 27) throw this.error('an item', info === INDEFINITE ? 'a break' : 'a reserved value');
    if (info < 24) return { simple: info };
    const simple = this.#bytes[this.#skip(1)]!;
    if (simple < 32) throw this.error('a simple value from 32 on after f8', `${simple}`);
    return { simple };
  }

  boolean(): boolean {
    const initial = this.#take();
    if (initial !== 0xf4 && initial !== 0xf5) throw this.error('true or false', 'another item');
    return initial === 0xf5;
  }

  null(): null {
    if (this.#take() !== 0xf6) throw this.error('null', 'another item');
    return null;
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

  /** Text that is a number in decimal, up to five digits without leading zeros; undefined, nothing read, if the next item is not. */
  decimal(): number | undefined {
    const bytes = this.#bytes;
    const start = this.#at + 1;
    const length = this.#peek() - 0x60; // the head of a text of one to five bytes
    if (length < 1 || length > 5 || start + length > bytes.length) return undefined;
    if (length > 1 && bytes[start] === 0x30) return undefined;
    let value = 0;
    for (let i = start; i < start + length; i++) {
      const digit = bytes[i]! - 0x30;
      if (digit < 0 || digit > 9) return undefined;
      value = value * 10 + digit;
    }
    this.#take();
    this.#at += length;
    return value;
  }

  /** A copy. */
  bytes(): Uint8Array {
    const info = this.#initial(MAJOR.bytes, 'bytes');
    if (info !== INDEFINITE) return copyBytes(this.#view8(this.#length(info, 1)));
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
    const short = length <= SHORT_TEXT ? asciiDecode(this.#bytes, this.#at, length) : undefined;
    if (short === undefined) return utf8Decode(this.#view8(length), this.#field);
    this.#at += length;
    return short;
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
    if (info === 24) return this.#bytes[this.#skip(1)]!;
    if (info === 25) return this.#uint16();
    if (info === 26) return this.#scratch(4).getUint32(0);
    if (info !== 27) throw this.error('an argument of 0 to 8 bytes', `the additional information ${info}`);
    const argument = this.#scratch(8).getBigUint64(0);
    return argument <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(argument) : argument;
  }

  /** A count of things of at least `size` bytes, which the bytes left can hold. */
  #length(info: number, size: number): number {
    const length = info < 24 ? info : this.#argument(info);
    const left = this.#bytes.length - this.#at;
    if (typeof length === 'number' && length * size <= left) return length;
    throw this.error(`${length} items or bytes`, `${left} bytes`);
  }

  #take(): number {
    if (++this.#items > this.#options.maxItems) throw this.error(`at most ${this.#options.maxItems} items`, 'more');
    const at = this.#at;
    if (at >= this.#bytes.length) throw this.error('1 bytes', '0 bytes');
    this.#at = at + 1;
    return this.#bytes[at]!;
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

  #uint16(): number {
    const at = this.#skip(2);
    return (this.#bytes[at]! << 8) | this.#bytes[at + 1]!;
  }

  /** The next bytes where numbers are read from: a view of the whole would cost more than a short payload. */
  #scratch(size: 4 | 8): DataView {
    const at = this.#skip(size);
    for (let i = 0; i < size; i++) scratch.setUint8(i, this.#bytes[at + i]!);
    return scratch;
  }

  #view8(length: number): Uint8Array {
    const at = this.#skip(length);
    return this.#bytes.subarray(at, at + length);
  }

  #checkIndefinite(): void {
    if (!this.#options.allowIndefinite) throw this.error('a definite length', 'an indefinite one');
  }
}

/** Text of ASCII alone, or undefined if it is not: eight characters a string, as strings of one cost more than they hold. */
function asciiDecode(bytes: Uint8Array, start: number, length: number): string | undefined {
  const end = start + length;
  let bits = 0;
  for (let i = start; i < end; i++) bits |= bytes[i]!;
  if (bits > 0x7f) return undefined;
  let text = '';
  let i = start;
  for (; i + 8 <= end; i += 8) {
    text += String.fromCharCode(
      bytes[i]!,
      bytes[i + 1]!,
      bytes[i + 2]!,
      bytes[i + 3]!,
      bytes[i + 4]!,
      bytes[i + 5]!,
      bytes[i + 6]!,
      bytes[i + 7]!,
    );
  }
  if (i + 4 <= end) {
    text += String.fromCharCode(bytes[i]!, bytes[i + 1]!, bytes[i + 2]!, bytes[i + 3]!);
    i += 4;
  }
  for (; i < end; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}
