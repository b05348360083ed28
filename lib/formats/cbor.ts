// One value in CBOR, application/cbor (LwM2M Core 1.2 §7.4.3, Appendix C), alone and inside of LwM2M CBOR.

import { CborTag, type CborValue, CBOR_MAJOR, CborWriter, DecodeError, decodeCbor } from '../bytes/index.ts';
import {
  type Named,
  checkLink,
  fromInteger,
  fromSeconds,
  linkFromText,
  linkToText,
  toSeconds,
  wireType,
} from './scalar.ts';
import { CONTENT_FORMATS, type FormatLimits, type ResourceShape } from './content-formats.ts';
import type { Value } from '../model/index.ts';

const EPOCH_TIME = 1; // RFC 8949 §3.4.2
const ITEM_OVERHEAD = 16; // bytes: more than head and tag

/** @throws FormatError if the value is not of its resource's type */
export function encodeCborValue(value: Value, shape: ResourceShape | undefined, what: string): Uint8Array {
  const writer = new CborWriter(ITEM_OVERHEAD + (value instanceof Uint8Array ? value.length : 0));
  const type = wireType(value, shape, CONTENT_FORMATS.cbor, what);
  if (type === 'time') writer.head(CBOR_MAJOR.tag, EPOCH_TIME);
  writeCborValue(writer, value, type, CONTENT_FORMATS.cbor, what);
  return writer.finish();
}

/** Appends the item for a value of wire type `type`, times without tag. @throws FormatError */
export function writeCborValue(
  writer: CborWriter,
  value: Value,
  type: ResourceShape['type'],
  format: number,
  what: Named,
): void {
  switch (type) {
    case 'integer':
    case 'unsignedInteger':
      return void writer.integer(value as number | bigint);
    case 'float':
      return void writer.float(value as number);
    case 'time':
      return void writer.integer(toSeconds(value as Date));
    case 'boolean':
      return void writer.boolean(value as boolean);
    case 'opaque':
      return void writer.bytes(value as Uint8Array);
    case 'objectLink':
      return void writer.text(linkToText(checkLink(value, format, what)));
    default:
      return void writer.text(value as string);
  }
}

/** A value of its own type where the resource is not known. @throws DecodeError */
export function decodeCborValue(
  bytes: Uint8Array,
  shape: ResourceShape | undefined,
  what: string,
  limits: FormatLimits,
): Value {
  const item = decodeCbor(bytes, what, {
    maxDepth: limits.maxDepth,
    maxBytes: limits.maxBytes,
    allowIndefinite: true,
  });
  return valueOfItem(item, shape, what);
}

/** The value that `item` is for its resource. @throws DecodeError */
export function valueOfItem(item: CborValue, shape: ResourceShape | undefined, what: Named): Value {
  const tagged = item instanceof CborTag && item.tag === EPOCH_TIME;
  const value = tagged && (shape === undefined || shape.type === 'time') ? item.value : item;
  switch (shape?.type ?? (tagged ? 'time' : naturalType(value))) {
    case 'string':
    case 'coreLink':
      if (typeof value === 'string') return value;
      break;
    case 'integer':
    case 'unsignedInteger':
      if (isInteger(value)) return fromInteger(value, shape, what);
      break;
    case 'time':
      if (isInteger(value)) return fromSeconds(value, what);
      break;
    case 'float':
      if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
      break;
    case 'boolean':
      if (typeof value === 'boolean') return value;
      break;
    case 'opaque':
      if (value instanceof Uint8Array) return value;
      break;
    case 'objectLink':
      if (typeof value === 'string') return linkFromText(value, what);
      break;
  }
  throw new DecodeError(`${what}`, `CBOR of type ${shape?.type ?? 'a resource'}`, 'another item');
}

function isInteger(value: CborValue): value is number | bigint {
  return typeof value === 'bigint' || Number.isSafeInteger(value);
}

function naturalType(value: CborValue): ResourceShape['type'] {
  if (isInteger(value)) return 'integer';
  if (typeof value === 'number') return 'float';
  if (typeof value === 'string' || typeof value === 'boolean') return typeof value as 'string' | 'boolean';
  return value instanceof Uint8Array ? 'opaque' : 'none';
}
