// Deterministic CBOR (RFC 8949 §4.2.1): shortest heads and floats, definite lengths, map keys sorted by their bytes.

import { CborFloat, CborSimple, CborTag, type CborValue, MAJOR } from './cbor-value.ts';
import { CborWriter } from './cbor-writer.ts';
import { equalBytes } from './bytes.ts';

/** Deeper is a cycle, or nothing our decoder would take back. */
export const MAX_CBOR_DEPTH = 64;

/** @throws RangeError for integers beyond 64 bits, map keys given twice, text that is no Unicode, cycles */
export function encodeCbor(value: CborValue): Uint8Array {
  const writer = new CborWriter();
  write(writer, value, MAX_CBOR_DEPTH);
  return writer.finish();
}

function write(writer: CborWriter, value: CborValue, depth: number): void {
  if (depth === 0) throw new RangeError(`CBOR values are nested at most ${MAX_CBOR_DEPTH} deep`);
  if (typeof value === 'number') writeNumber(writer, value);
  else if (typeof value === 'bigint') writer.integer(value);
  else if (typeof value === 'string') writer.text(value);
  else if (typeof value === 'boolean') writer.boolean(value);
  else if (value === null) writer.null();
  else if (value === undefined) writer.initial(0xf7);
  else if (value instanceof Uint8Array) writer.bytes(value);
  else if (value instanceof CborFloat) writer.float(value.value);
  else if (value instanceof CborSimple) writer.head(MAJOR.other, value.value);
  else if (value instanceof CborTag) write(writer.head(MAJOR.tag, value.tag), value.value, depth - 1);
  else if (value instanceof Map) writeMap(writer, value as ReadonlyMap<CborValue, CborValue>, depth - 1);
  else {
    const items = value as readonly CborValue[];
    writer.array(items.length);
    for (const item of items) write(writer, item, depth - 1);
  }
}

function writeNumber(writer: CborWriter, value: number): void {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) writer.integer(value);
  else writer.float(value);
}

function writeMap(writer: CborWriter, map: ReadonlyMap<CborValue, CborValue>, depth: number): void {
  const entries = [...map].map(([key, value]) => {
    const body = new CborWriter(16);
    write(body, key, depth);
    return { key: body.finish(), value };
  });
  const sorted = entries.sort((a, b) => compare(a.key, b.key));
  writer.map(sorted.length);
  for (const [i, { key, value }] of sorted.entries()) {
    if (i > 0 && equalBytes(key, sorted[i - 1]!.key)) throw new RangeError('a CBOR map has a key twice');
    writer.raw(key);
    write(writer, value, depth);
  }
}

/** Bytewise (§4.2.1). */
function compare(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}
