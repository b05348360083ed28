// Deterministic CBOR (RFC 8949 §4.2.1): shortest heads and floats, definite lengths, map keys sorted by their bytes.

import { CborFloat, CborSimple, CborTag, type CborValue, MAJOR } from './cbor-value.ts';
import { toHex, utf8Encode } from './bytes.ts';
import { toHalf } from './half-float.ts';
import { Writer } from './writer.ts';

/** Deeper is a cycle, or nothing our decoder would take back. */
export const MAX_CBOR_DEPTH = 64;

/** @throws RangeError for integers beyond 64 bits, map keys given twice, text that is no Unicode, cycles */
export function encodeCbor(value: CborValue): Uint8Array {
  const writer = new Writer();
  write(writer, value, MAX_CBOR_DEPTH);
  return writer.finish();
}

function write(writer: Writer, value: CborValue, depth: number): void {
  if (depth === 0) throw new RangeError(`CBOR values are nested at most ${MAX_CBOR_DEPTH} deep`);
  if (typeof value === 'number') writeNumber(writer, value);
  else if (typeof value === 'bigint') writeInteger(writer, value);
  else if (typeof value === 'string') writeText(writer, value);
  else if (value === false) writer.uint8(0xf4);
  else if (value === true) writer.uint8(0xf5);
  else if (value === null) writer.uint8(0xf6);
  else if (value === undefined) writer.uint8(0xf7);
  else if (value instanceof Uint8Array) writeHead(writer, MAJOR.bytes, value.length).bytes(value);
  else if (value instanceof CborFloat) writeFloat(writer, value.value);
  else if (value instanceof CborSimple) writeHead(writer, MAJOR.other, value.value);
  else if (value instanceof CborTag) write(writeHead(writer, MAJOR.tag, value.tag), value.value, depth - 1);
  else if (value instanceof Map) writeMap(writer, value as ReadonlyMap<CborValue, CborValue>, depth - 1);
  else {
    const items = value as readonly CborValue[];
    writeHead(writer, MAJOR.array, items.length);
    for (const item of items) write(writer, item, depth - 1);
  }
}

function writeNumber(writer: Writer, value: number): void {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) writeInteger(writer, BigInt(value));
  else writeFloat(writer, value);
}

function writeInteger(writer: Writer, value: bigint): void {
  if (value >= 0n) writeHead(writer, MAJOR.unsigned, value);
  else writeHead(writer, MAJOR.negative, -1n - value);
}

function writeText(writer: Writer, text: string): void {
  if (/\p{Surrogate}/u.test(text)) throw new RangeError('CBOR text must be well-formed Unicode');
  const bytes = utf8Encode(text);
  writeHead(writer, MAJOR.text, bytes.length).bytes(bytes);
}

function writeFloat(writer: Writer, value: number): void {
  const half = toHalf(value);
  if (half !== undefined) return void writer.uint8(0xf9).uint16(half);
  const single = Object.is(Math.fround(value), value);
  const bytes = new Uint8Array(single ? 4 : 8);
  const view = new DataView(bytes.buffer);
  if (single) view.setFloat32(0, value);
  else view.setFloat64(0, value);
  writer.uint8(single ? 0xfa : 0xfb).bytes(bytes);
}

function writeMap(writer: Writer, map: ReadonlyMap<CborValue, CborValue>, depth: number): void {
  const entries = [...map].map(([key, value]) => {
    const body = new Writer();
    write(body, key, depth);
    return { key: body.finish(), value };
  });
  // Lower-case hex sorts as the bytes do.
  const sorted = entries.map(({ key, value }) => ({ key, value, order: toHex(key) })).sort(byOrder);
  writeHead(writer, MAJOR.map, sorted.length);
  for (const [i, { key, value, order }] of sorted.entries()) {
    if (order === sorted[i - 1]?.order) throw new RangeError('a CBOR map has a key twice');
    writer.bytes(key);
    write(writer, value, depth);
  }
}

function byOrder(a: { readonly order: string }, b: { readonly order: string }): number {
  if (a.order === b.order) return 0;
  return a.order < b.order ? -1 : 1;
}

function writeHead(writer: Writer, major: number, argument: number | bigint): Writer {
  const initial = major << 5;
  const value = BigInt(argument);
  if (value < 0n || value >= 1n << 64n) throw new RangeError('a CBOR integer or tag has at most 64 bits');
  if (value < 24n) return writer.uint8(initial | Number(value));
  if (value < 1n << 8n) return writer.uint8(initial | 24).uint8(Number(value));
  if (value < 1n << 16n) return writer.uint8(initial | 25).uint16(Number(value));
  if (value < 1n << 32n) return writer.uint8(initial | 26).uint32(Number(value));
  return writer.uint8(initial | 27).uint64(value);
}
