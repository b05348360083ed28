// Strict CBOR decoding (RFC 8949 §3, §5.3): a value whose every part is valid, or a DecodeError.

import { CborSimple, CborTag, type CborValue, MAJOR } from './cbor-value.ts';
import { toHex, utf8Decode } from './bytes.ts';
import { DecodeError } from './decode-error.ts';
import { MAX_CBOR_DEPTH, encodeCbor } from './cbor-encode.ts';
import { fromHalf } from './half-float.ts';
import { Reader } from './reader.ts';
import { Writer } from './writer.ts';

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

// RFC 8949 §10 asks for bounds without naming any: far above what LwM2M's payloads need.
export const DEFAULT_CBOR_OPTIONS: CborOptions = Object.freeze({
  maxDepth: 16,
  maxItems: 100_000,
  maxBytes: 1_048_576,
  allowIndefinite: false,
});

/**
 * The one value `bytes` are. Byte strings are copied. Heads and floats longer than needed are accepted.
 * @throws DecodeError naming `field` for malformed or invalid CBOR, a map key given twice, trailing bytes, more than the limits
 */
export function decodeCbor(bytes: Uint8Array, field = 'CBOR', options: Partial<CborOptions> = {}): CborValue {
  const given = { ...DEFAULT_CBOR_OPTIONS, ...options };
  const settings = { ...given, maxDepth: Math.min(given.maxDepth, MAX_CBOR_DEPTH - 1) };
  if (bytes.length > settings.maxBytes) {
    throw new DecodeError(field, `at most ${settings.maxBytes} bytes`, `${bytes.length}`);
  }
  return new Decoder(bytes, field, settings).decode();
}

const INDEFINITE = 31;
const BREAK = 0xff;

class Decoder {
  readonly #reader: Reader;
  readonly #field: string;
  readonly #options: CborOptions;
  #items = 0;

  constructor(bytes: Uint8Array, field: string, options: CborOptions) {
    this.#reader = new Reader(bytes);
    this.#field = field;
    this.#options = options;
  }

  decode(): CborValue {
    const value = this.#item(0);
    this.#reader.end(this.#field);
    return value;
  }

  #item(depth: number): CborValue {
    if (++this.#items > this.#options.maxItems) throw this.#error(`at most ${this.#options.maxItems} items`, 'more');
    const initial = this.#reader.uint8(this.#field);
    const [major, info] = [initial >> 5, initial & 0x1f];
    switch (major) {
      case MAJOR.unsigned:
        return narrow(this.#argument(info));
      case MAJOR.negative:
        return narrow(-1n - this.#argument(info));
      case MAJOR.bytes:
        return this.#string(major, info).slice();
      case MAJOR.text:
        return this.#text(info);
      case MAJOR.other:
        return this.#other(info);
      default:
        if (depth === this.#options.maxDepth) throw this.#error(`at most ${this.#options.maxDepth} levels`, 'more');
        if (major === MAJOR.tag) return new CborTag(narrow(this.#argument(info)), this.#item(depth + 1));
        return major === MAJOR.array ? this.#array(info, depth + 1) : this.#map(info, depth + 1);
    }
  }

  #array(info: number, depth: number): CborValue {
    const items: CborValue[] = [];
    for (const more = this.#counter(info, 1); more();) items.push(this.#item(depth));
    return items;
  }

  #map(info: number, depth: number): CborValue {
    const map = new Map<CborValue, CborValue>();
    const keys = new Set<string>();
    for (const more = this.#counter(info, 2); more();) {
      const key = this.#item(depth);
      const identity = toHex(encodeCbor(key)); // equal keys in different encodings are one
      if (keys.has(identity)) throw this.#error('each map key once', 'one twice');
      keys.add(identity);
      map.set(key, this.#item(depth));
    }
    return map;
  }

  /** Tells before each of `size` items (1 or 2) whether there is one more. */
  #counter(info: number, size: number): () => boolean {
    if (info === INDEFINITE) {
      this.#checkIndefinite();
      return () => !this.#break();
    }
    let left = this.#length(info, size);
    return () => left-- > 0;
  }

  #text(info: number): string {
    if (info !== INDEFINITE) return utf8Decode(this.#string(MAJOR.text, info), this.#field);
    this.#checkIndefinite();
    let text = '';
    // §3.2.3: every chunk is well-formed by itself.
    while (!this.#break()) text += utf8Decode(this.#chunk(MAJOR.text), this.#field);
    return text;
  }

  /** The bytes of a string, as a view or joined from its chunks. */
  #string(major: number, info: number): Uint8Array {
    if (info !== INDEFINITE) return this.#reader.bytes(this.#length(info, 1), this.#field);
    this.#checkIndefinite();
    const whole = new Writer();
    while (!this.#break()) whole.bytes(this.#chunk(major));
    return whole.finish();
  }

  #chunk(major: number): Uint8Array {
    if (++this.#items > this.#options.maxItems) throw this.#error(`at most ${this.#options.maxItems} items`, 'more');
    const initial = this.#reader.uint8(this.#field);
    if (initial >> 5 !== major || (initial & 0x1f) === INDEFINITE) {
      throw this.#error('chunks of definite length and the same type', 'another item');
    }
    return this.#reader.bytes(this.#length(initial & 0x1f, 1), this.#field);
  }

  #other(info: number): CborValue {
    switch (info) {
      case 20:
      case 21:
        return info === 21;
      case 22:
        return null;
      case 23:
        return undefined;
      case 24: {
        const value = this.#reader.uint8(this.#field);
        if (value < 32) throw this.#error('a simple value from 32 on after f8', `${value}`);
        return new CborSimple(value);
      }
      case 25:
        return fromHalf(this.#reader.uint16(this.#field));
      case 26:
      case 27:
        return this.#float(info === 26 ? 4 : 8);
      default:
        if (info > 27) throw this.#error('an item', info === INDEFINITE ? 'a break' : 'a reserved value');
        return new CborSimple(info);
    }
  }

  #float(size: 4 | 8): number {
    const bytes = this.#reader.bytes(size, this.#field);
    const view = new DataView(bytes.buffer, bytes.byteOffset, size);
    return size === 4 ? view.getFloat32(0) : view.getFloat64(0);
  }

  #argument(info: number): bigint {
    if (info < 24) return BigInt(info);
    if (info === 24) return BigInt(this.#reader.uint8(this.#field));
    if (info === 25) return BigInt(this.#reader.uint16(this.#field));
    if (info === 26) return BigInt(this.#reader.uint32(this.#field));
    if (info === 27) return this.#reader.uint64(this.#field);
    throw this.#error('an argument of 0 to 8 bytes', `the additional information ${info}`);
  }

  /** A count of things of at least `size` bytes, which the bytes left can hold. */
  #length(info: number, size: number): number {
    const length = this.#argument(info);
    if (length * BigInt(size) > BigInt(this.#reader.remaining)) {
      throw this.#error(`${length} items or bytes`, `${this.#reader.remaining} bytes`);
    }
    return Number(length);
  }

  #checkIndefinite(): void {
    if (!this.#options.allowIndefinite) throw this.#error('a definite length', 'an indefinite one');
  }

  #break(): boolean {
    if (this.#reader.peek() !== BREAK) return false;
    this.#reader.uint8(this.#field);
    return true;
  }

  #error(expected: string, found: string): DecodeError {
    return new DecodeError(this.#field, expected, found, this.#reader.offset);
  }
}

function narrow(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
