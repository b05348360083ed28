// Plain text of one value (LwM2M Core 1.2 §7.4.1, Appendix C).

import { DecodeError, fromBase64, toBase64, utf8Decode, utf8Encode } from '../bytes/index.ts';
import type { ResourceType, Value } from '../model/index.ts';
import { CONTENT_FORMATS, FormatError, type ResourceShape } from './content-formats.ts';
import { checkLink, fromInteger, fromSeconds, linkFromText, linkToText, toSeconds, wireType } from './scalar.ts';

const INTEGER = /^-?\d{1,20}$/; // 64 bits are at most 20 digits
const FLOAT = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?$/;

/** @throws FormatError if the value is not of its resource's type, or a float that has no decimal form */
export function encodeText(value: Value, shape: ResourceShape | undefined, what: string): Uint8Array {
  return utf8Encode(toText(value, wireType(value, shape, CONTENT_FORMATS.text, what), what));
}

/** The value `bytes` are; a string where the resource is not known. @throws DecodeError */
export function decodeText(bytes: Uint8Array, shape: ResourceShape | undefined, what: string): Value {
  const text = utf8Decode(bytes, what);
  switch (shape?.type) {
    case 'integer':
    case 'unsignedInteger':
      return fromInteger(integer(text, what), shape, what);
    case 'time':
      return fromSeconds(integer(text, what), what);
    case 'float':
      if (!FLOAT.test(text)) throw new DecodeError(what, 'a decimal number', 'another text');
      return finite(Number(text), what);
    case 'boolean':
      if (text !== '0' && text !== '1') throw new DecodeError(what, '0 or 1', 'another text');
      return text === '1';
    case 'opaque':
      return fromBase64(text, what);
    case 'objectLink':
      return linkFromText(text, what);
    case 'none':
      throw new DecodeError(what, 'a resource with a value', 'an executable one');
    default:
      return text;
  }
}

function toText(value: Value, type: ResourceType, what: string): string {
  switch (type) {
    case 'boolean':
      return value === true ? '1' : '0';
    case 'float':
      return plainDecimal(value as number, what);
    case 'time':
      return String(toSeconds(value as Date));
    case 'opaque':
      return toBase64(value as Uint8Array);
    case 'objectLink':
      return linkToText(checkLink(value, CONTENT_FORMATS.text, what));
    default:
      return String(value as string | number | bigint);
  }
}

/** Digits and a point: peers that follow 1.0 do not read exponents. */
function plainDecimal(value: number, what: string): string {
  if (!Number.isFinite(value)) throw new FormatError(CONTENT_FORMATS.text, `${what}: ${value} has no decimal form`);
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(String(value));
  if (match === null) return String(value);
  const [, sign = '', lead = '', fraction = ''] = match;
  const exponent = Number(match[4]);
  const digits = lead + fraction;
  return exponent < 0
    ? `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
    : `${sign}${digits}${'0'.repeat(exponent - fraction.length)}`;
}

function integer(text: string, what: string): bigint {
  if (!INTEGER.test(text)) throw new DecodeError(what, 'a decimal integer', 'another text');
  return BigInt(text);
}

function finite(value: number, what: string): number {
  if (!Number.isFinite(value)) throw new DecodeError(what, 'a number that a double holds', 'a larger one');
  return value;
}
