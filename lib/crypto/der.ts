// Strict DER (X.690 §8 and §10): definite, shortest lengths; low tag numbers; one way to write each value.

import { DecodeError, Reader, toHex } from '../bytes/index.ts';

/** Identifier octets (X.690 §8.1.2). */
export const DER_TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  t61String: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** `[number] IMPLICIT` of a primitive type. */
export const derContext = (number: number): number => 0x80 | number;

/** `[number] EXPLICIT`, or `[number] IMPLICIT` of a constructed type. */
export const derContextConstructed = (number: number): number => 0xa0 | number;

/** One tag, length, value. Views of the input. */
export interface DerElement {
  /** The identifier octet. */
  readonly tag: number;
  /** Identifier, length and content. */
  readonly der: Uint8Array;
  readonly content: Uint8Array;
}

/** How deep elements may lie within each other. A certificate's names, its deepest part, need about 10. */
const MAX_DEPTH = 24;
/** RFC 5280 sets no limit; the longest OIDs in use (UUIDs under 2.25) have 19 bytes. */
const MAX_OID_LENGTH = 64;

/** A cursor over DER elements. All reads throw DecodeError naming the field, and nothing else. */
export class DerReader {
  readonly #bytes: Uint8Array;
  readonly #reader: Reader;
  readonly #depth: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length, depth = 0) {
    this.#bytes = bytes;
    this.#reader = new Reader(bytes, start, end);
    this.#depth = depth;
  }

  /** Whether nothing is left. */
  get ended(): boolean {
    return this.#reader.remaining === 0;
  }

  /** The next identifier octet, or undefined at the end. */
  peek(): number | undefined {
    return this.#reader.peek();
  }

  /** @throws DecodeError if elements are left */
  end(what: string): void {
    this.#reader.end(what);
  }

  /** The next element, whatever it is. */
  element(field: string): DerElement {
    const start = this.#reader.offset;
    const tag = this.#reader.uint8(`${field} tag`);
    if ((tag & 0x1f) === 0x1f) throw new DecodeError(`${field} tag`, 'a tag number below 31', 'a longer one', start);
    const content = this.#reader.bytes(this.#length(field), field);
    return { tag, der: this.#bytes.subarray(start, this.#reader.offset), content };
  }

  /** The next element, which must have this tag. */
  expect(tag: number, field: string): DerElement {
    const start = this.#reader.offset;
    const element = this.element(field);
    if (element.tag === tag) return element;
    throw new DecodeError(field, `tag ${hexByte(tag)}`, hexByte(element.tag), start);
  }

  /** The next element if it has this tag. */
  optional(tag: number, field: string): DerElement | undefined {
    return this.peek() === tag ? this.expect(tag, field) : undefined;
  }

  /** The inside of the next element, which must be constructed and have this tag. */
  enter(tag: number, field: string): DerReader {
    const { content } = this.expect(tag, field);
    return this.#inside(content, field);
  }

  /** The inside of the next element if it has this tag. */
  enterOptional(tag: number, field: string): DerReader | undefined {
    return this.peek() === tag ? this.enter(tag, field) : undefined;
  }

  sequence(field: string): DerReader {
    return this.enter(DER_TAG.sequence, field);
  }

  /** `TRUE` is 0xff alone (X.690 §11.1). */
  boolean(field: string): boolean {
    const { content } = this.expect(DER_TAG.boolean, field);
    if (content.length === 1 && (content[0] === 0xff || content[0] === 0)) return content[0] === 0xff;
    throw new DecodeError(field, 'ff or 00', 'another boolean');
  }

  /** The bytes of an INTEGER, shortest form, two's complement. */
  integer(field: string): Uint8Array {
    return shortestInteger(this.expect(DER_TAG.integer, field).content, field);
  }

  /** An INTEGER ≥ 0 without its sign byte. */
  unsigned(field: string): Uint8Array {
    const bytes = this.integer(field);
    if (bytes[0]! >= 0x80) throw new DecodeError(field, 'an integer of at least 0', 'a negative one');
    return bytes[0] === 0 && bytes.length > 1 ? bytes.subarray(1) : bytes;
  }

  /** An INTEGER from 0 to `max` (below 2^48). */
  number(field: string, max: number): number {
    const bytes = this.unsigned(field);
    const value = bytes.length > 6 ? Infinity : new Reader(bytes).uint(bytes.length, field);
    if (value <= max) return value;
    throw new DecodeError(field, `at most ${max}`, value === Infinity ? 'more than 48 bits' : `${value}`);
  }

  /** Dotted decimals. */
  oid(field: string): string {
    return oidText(this.expect(DER_TAG.oid, field).content, field);
  }

  octetString(field: string): Uint8Array {
    return this.expect(DER_TAG.octetString, field).content;
  }

  /** The bytes of a BIT STRING that fills whole bytes. */
  bitString(field: string): Uint8Array {
    const { bytes, unused } = bitString(this.expect(DER_TAG.bitString, field).content, field);
    if (unused !== 0) throw new DecodeError(field, 'whole bytes', `${unused} unused bits`);
    return bytes;
  }

  null(field: string): void {
    if (this.expect(DER_TAG.null, field).content.length !== 0) throw new DecodeError(field, 'an empty NULL', 'content');
  }

  /** UTCTime or GeneralizedTime as RFC 5280 §4.1.2.5 restricts them, in milliseconds since 1970. */
  time(field: string): number {
    const { tag, content } = this.element(field);
    return derTime(tag, content, field);
  }

  #inside(content: Uint8Array, field: string): DerReader {
    if (this.#depth + 1 > MAX_DEPTH) throw new DecodeError(field, `at most ${MAX_DEPTH} nested elements`, 'more');
    const start = content.byteOffset - this.#bytes.byteOffset;
    return new DerReader(this.#bytes, start, start + content.length, this.#depth + 1);
  }

  #length(field: string): number {
    const first = this.#reader.uint8(`${field} length`);
    if (first < 0x80) return first;
    const size = first & 0x7f;
    if (size === 0 || size > 4) {
      throw new DecodeError(`${field} length`, 'a definite length of at most 4 bytes', hexByte(first));
    }
    const length = this.#reader.uint(size, `${field} length`);
    if (length >= 0x80 && length >= 2 ** (8 * (size - 1))) return length;
    throw new DecodeError(`${field} length`, 'the shortest form', `${size} bytes for ${length}`);
  }
}

/** The one element that `bytes` must be, from outside to its last byte. @throws DecodeError */
export function derWhole(bytes: Uint8Array, tag: number, field: string): DerReader {
  const outer = new DerReader(bytes);
  const inside = outer.enter(tag, field);
  outer.end(`after ${field}`);
  return inside;
}

/** A BIT STRING's content: its bytes, and how many low bits of the last one do not count (they must be 0). */
export function bitString(content: Uint8Array, field: string): { readonly bytes: Uint8Array; readonly unused: number } {
  const unused = content[0];
  if (unused === undefined || unused > 7 || (unused > 0 && content.length === 1)) {
    throw new DecodeError(field, 'a BIT STRING', 'a wrong count of unused bits');
  }
  const last = content.at(-1)!;
  if (content.length > 1 && (last & ((1 << unused) - 1)) !== 0) {
    throw new DecodeError(field, 'zero in unused bits', 'others'); // X.690 §11.2.1
  }
  return { bytes: content.subarray(1), unused };
}

/** @throws DecodeError for content that is no OBJECT IDENTIFIER in shortest form */
export function oidText(content: Uint8Array, field: string): string {
  if (content.length === 0 || content.length > MAX_OID_LENGTH || content.at(-1)! >= 0x80) {
    throw new DecodeError(field, `an object identifier of at most ${MAX_OID_LENGTH} bytes`, `${content.length} bytes`);
  }
  const arcs: bigint[] = [];
  let arc = 0n;
  let starts = true;
  for (const byte of content) {
    if (starts && byte === 0x80) throw new DecodeError(field, 'the shortest object identifier', 'padding');
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    starts = byte < 0x80;
    if (!starts) continue;
    arcs.push(arc);
    arc = 0n;
  }
  const first = arcs[0]!;
  const top = first < 40n ? 0n : first < 80n ? 1n : 2n;
  return [top, first - top * 40n, ...arcs.slice(1)].join('.');
}

function shortestInteger(content: Uint8Array, field: string): Uint8Array {
  const [first, second] = content;
  if (first === undefined) throw new DecodeError(field, 'an INTEGER', 'no byte');
  const padded = second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
  if (padded) throw new DecodeError(field, 'the shortest INTEGER', 'padding');
  return content;
}

function derTime(tag: number, content: Uint8Array, field: string): number {
  const text = String.fromCharCode(...content.subarray(0, 16));
  const utc = tag === DER_TAG.utcTime;
  if (!utc && tag !== DER_TAG.generalizedTime) throw new DecodeError(field, 'UTCTime or GeneralizedTime', hexByte(tag));
  const pattern = utc ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/ : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
  const parts = content.length > 15 ? undefined : pattern.exec(text)?.slice(1).map(Number);
  if (parts === undefined) throw new DecodeError(field, utc ? 'YYMMDDHHMMSSZ' : 'YYYYMMDDHHMMSSZ', 'another time');
  const [written, month, day, hour, minute, second] = parts as [number, number, number, number, number, number];
  const year = !utc ? written : written < 50 ? 2000 + written : 1900 + written; // RFC 5280 §4.1.2.5.1
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  if (date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60) {
    return date.getTime();
  }
  throw new DecodeError(field, 'a date of the calendar', 'another');
}

function hexByte(byte: number): string {
  return `0x${toHex(Uint8Array.of(byte))}`;
}
