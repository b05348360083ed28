// The value part of a TLV by data type (LwM2M Core 1.2 Appendix C).

import { DecodeError, Reader, Writer, copyBytes, utf8Decode, utf8Encode } from '../bytes/index.ts';
import type { Value } from '../model/index.ts';
import { CONTENT_FORMATS, type ResourceShape } from './content-formats.ts';
import { type Named, checkLink, fromInteger, fromSeconds, toSeconds, wireType } from './scalar.ts';

const FORMAT = CONTENT_FORMATS.tlv;

/** Integers and floats take the smallest width that is exact. @throws FormatError if the value is not of its type */
export function encodeTlvValue(value: Value, shape: ResourceShape | undefined, what: Named): Uint8Array {
  switch (wireType(value, shape, FORMAT, what)) {
    case 'integer':
      return signed(value as number | bigint);
    case 'unsignedInteger':
      return unsigned(value as number | bigint);
    case 'time':
      return signed(toSeconds(value as Date));
    case 'float':
      return float(value as number);
    case 'boolean':
      return Uint8Array.of(value === true ? 1 : 0);
    case 'opaque':
      return value as Uint8Array;
    case 'objectLink': {
      const { object, instance } = checkLink(value, FORMAT, what);
      return new Writer(4).uint16(object).uint16(instance).finish();
    }
    default:
      return utf8Encode(value as string);
  }
}

/** Opaque bytes are copied; where the resource is not known everything is opaque. @throws DecodeError */
export function decodeTlvValue(bytes: Uint8Array, shape: ResourceShape | undefined, what: Named): Value {
  switch (shape?.type) {
    case 'integer':
      return fromInteger(signedInteger(bytes, what), shape, what);
    case 'unsignedInteger':
      return fromInteger(integer(bytes, what), shape, what);
    case 'time':
      return fromSeconds(signedInteger(bytes, what), what);
    case 'float':
      return fromFloat(bytes, what);
    case 'boolean':
      if (bytes.length !== 1 || bytes[0]! > 1) throw new DecodeError(`${what}`, 'one byte, 0 or 1', 'other bytes');
      return bytes[0] === 1;
    case 'objectLink': {
      if (bytes.length !== 4) throw new DecodeError(`${what}`, 'an object link of 4 bytes', `${bytes.length} bytes`);
      const reader = new Reader(bytes);
      return { object: reader.uint16('object link'), instance: reader.uint16('object link') };
    }
    case 'string':
    case 'coreLink':
      return utf8Decode(bytes, `${what}`);
    case 'none':
      throw new DecodeError(`${what}`, 'a resource with a value', 'an executable one');
    default:
      return copyBytes(bytes);
  }
}

function signed(value: number | bigint): Uint8Array {
  if (value >= -0x80 && value <= 0x7f) return Uint8Array.of(Number(value));
  if (value >= -0x8000 && value <= 0x7fff) return wide(2, Number(value) & 0xffff);
  if (value >= -0x8000_0000 && value <= 0x7fff_ffff) return wide(4, Number(value) >>> 0);
  return new Writer(8).uint64(BigInt.asUintN(64, BigInt(value))).finish();
}

function unsigned(value: number | bigint): Uint8Array {
  if (value <= 0xff) return Uint8Array.of(Number(value));
  if (value <= 0xffff) return wide(2, Number(value));
  if (value <= 0xffff_ffff) return wide(4, Number(value));
  return new Writer(8).uint64(BigInt(value)).finish();
}

function wide(size: 2 | 4, value: number): Uint8Array {
  return new Writer(size).uint(value, size).finish();
}

function integer(bytes: Uint8Array, what: Named): number | bigint {
  const reader = new Reader(bytes);
  if (bytes.length === 8) return reader.uint64('integer');
  if (![1, 2, 4].includes(bytes.length)) {
    throw new DecodeError(`${what}`, 'an integer of 1, 2, 4 or 8 bytes', `${bytes.length} bytes`);
  }
  return reader.uint(bytes.length, 'integer');
}

/** In two's complement. */
function signedInteger(bytes: Uint8Array, what: Named): number | bigint {
  const value = integer(bytes, what);
  if (typeof value === 'bigint') return BigInt.asIntN(64, value);
  const unused = 32 - 8 * bytes.length;
  return (value << unused) >> unused;
}

function float(value: number): Uint8Array {
  const bytes = new Uint8Array(Object.is(Math.fround(value), value) ? 4 : 8);
  const view = new DataView(bytes.buffer);
  if (bytes.length === 4) view.setFloat32(0, value);
  else view.setFloat64(0, value);
  return bytes;
}

function fromFloat(bytes: Uint8Array, what: Named): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length === 4) return view.getFloat32(0);
  if (bytes.length === 8) return view.getFloat64(0);
  throw new DecodeError(`${what}`, 'a float of 4 or 8 bytes', `${bytes.length} bytes`);
}
