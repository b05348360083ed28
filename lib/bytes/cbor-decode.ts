// Strict CBOR (RFC 8949): whatever bytes come, the result is a value whose every item is valid, or a DecodeError.

import { type CborOptions, CborReader } from './cbor-reader.ts';
import { CborSimple, CborTag, type CborValue, MAJOR } from './cbor-value.ts';
import { MAX_CBOR_DEPTH, encodeCbor } from './cbor-encode.ts';
import { toBinary } from './bytes.ts';

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
  const settings = { ...DEFAULT_CBOR_OPTIONS, ...options };
  const reader = new CborReader(bytes, field, settings);
  const value = readCborItem(reader, settings.maxDepth);
  reader.end();
  return value;
}

/** The next item, whatever it is, with at most `maxDepth` levels (never more than 63). @throws DecodeError */
export function readCborItem(reader: CborReader, maxDepth: number): CborValue {
  return readItem(reader, Math.min(maxDepth, MAX_CBOR_DEPTH - 1), Math.min(maxDepth, MAX_CBOR_DEPTH - 1));
}

function readItem(reader: CborReader, depth: number, maxDepth: number): CborValue {
  switch (reader.major) {
    case MAJOR.unsigned:
    case MAJOR.negative:
      return reader.integer();
    case MAJOR.bytes:
      return reader.bytes();
    case MAJOR.text:
      return reader.text();
    case MAJOR.other:
      return toValue(reader.other());
  }
  if (depth === 0) throw reader.error(`at most ${maxDepth} levels`, 'more');
  if (reader.major === MAJOR.tag) return new CborTag(reader.tag(), readItem(reader, depth - 1, maxDepth));
  return reader.major === MAJOR.array ? readArray(reader, depth - 1, maxDepth) : readMap(reader, depth - 1, maxDepth);
}

function readArray(reader: CborReader, depth: number, maxDepth: number): CborValue {
  const items: CborValue[] = [];
  for (let left = reader.open(MAJOR.array); reader.more(left); left--) items.push(readItem(reader, depth, maxDepth));
  return items;
}

function readMap(reader: CborReader, depth: number, maxDepth: number): CborValue {
  const map = new Map<CborValue, CborValue>();
  const keys = new Set<unknown>();
  for (let left = reader.open(MAJOR.map); reader.more(left); left--) {
    const key = readItem(reader, depth, maxDepth);
    const identity = identityOf(key);
    if (keys.has(identity)) throw reader.error('each map key once', 'one twice');
    keys.add(identity);
    map.set(key, readItem(reader, depth, maxDepth));
  }
  return map;
}

/** Equal for keys that are one in different encodings. */
function identityOf(key: CborValue): unknown {
  if (Number.isSafeInteger(key) && !Object.is(key, -0)) return key;
  return toBinary(encodeCbor(key));
}

function toValue(item: number | { readonly simple: number }): CborValue {
  if (typeof item === 'number') return item;
  switch (item.simple) {
    case 20:
    case 21:
      return item.simple === 21;
    case 22:
      return null;
    case 23:
      return undefined;
    default:
      return new CborSimple(item.simple);
  }
}
