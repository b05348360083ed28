// One value in CBOR, application/cbor (LwM2M Core 1.2 §7.4.3, Appendix C).

import { CborFloat, CborTag, type CborValue, DecodeError, decodeCbor, encodeCbor } from '../bytes/index.ts';
import type { Value } from '../model/index.ts';
import { CONTENT_FORMATS, type FormatLimits, type ResourceShape } from './content-formats.ts';
import { checkLink, fromInteger, fromSeconds, linkFromText, linkToText, toSeconds, wireType } from './scalar.ts';

const EPOCH_TIME = 1; // RFC 8949 §3.4.2

/** @throws FormatError if the value is not of its resource's type */
export function encodeCborValue(value: Value, shape: ResourceShape | undefined, what: string): Uint8Array {
  switch (wireType(value, shape, CONTENT_FORMATS.cbor, what)) {
    case 'float':
      return encodeCbor(new CborFloat(value as number));
    case 'time':
      return encodeCbor(new CborTag(EPOCH_TIME, toSeconds(value as Date)));
    case 'objectLink':
      return encodeCbor(linkToText(checkLink(value, CONTENT_FORMATS.cbor, what)));
    default:
      return encodeCbor(value as string | number | bigint | boolean | Uint8Array);
  }
}

/** A value of its own type where the resource is not known. @throws DecodeError */
export function decodeCborValue(
  bytes: Uint8Array,
  shape: ResourceShape | undefined,
  what: string,
  limits: FormatLimits,
): Value {
  const given = decodeCbor(bytes, what, {
    maxDepth: limits.maxDepth,
    maxBytes: limits.maxBytes,
    allowIndefinite: true,
  });
  const tagged = given instanceof CborTag && given.tag === EPOCH_TIME;
  const value = tagged && (shape === undefined || shape.type === 'time') ? given.value : given;
  switch (shape?.type ?? (tagged ? 'time' : naturalType(value))) {
    case 'string':
    case 'coreLink':
      if (typeof value === 'string') return value;
      break;
    case 'integer':
    case 'unsignedInteger':
      if (isInteger(value)) return fromInteger(BigInt(value), shape, what);
      break;
    case 'time':
      if (isInteger(value)) return fromSeconds(BigInt(value), what);
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
  throw new DecodeError(what, `CBOR of type ${shape?.type ?? 'a resource'}`, 'another item');
}

function isInteger(value: CborValue): value is number | bigint {
  return typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value));
}

function naturalType(value: CborValue): ResourceShape['type'] {
  if (isInteger(value)) return 'integer';
  if (typeof value === 'number') return 'float';
  if (typeof value === 'string' || typeof value === 'boolean') return typeof value as 'string' | 'boolean';
  return value instanceof Uint8Array ? 'opaque' : 'none';
}
