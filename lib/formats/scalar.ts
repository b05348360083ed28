// What the formats share about single values: integers kept exact, times in seconds, links as text (LwM2M Core Appendix C).

import { DecodeError } from '../bytes/index.ts';
import { type ObjectLink, type Path, type ResourceType, type Value, hasType, isObjectLink } from '../model/index.ts';
import { FormatError, type ResourceShape } from './content-formats.ts';

/** What errors name; a path becomes text only if there is one. */
export type Named = string | Path;

const INTEGER_RANGES = {
  integer: [-(1n << 63n), (1n << 63n) - 1n],
  unsignedInteger: [0n, (1n << 64n) - 1n],
} as const;
const COLON = 0x3a;
const SHORT_INTEGER = /^-?\d{1,15}$/; // below 2^53
const LARGEST_DATE_SECONDS = 8.64e12; // ECMA-262 §21.4.1.1: 8.64e15 ms either side of 1970
const LARGEST_EXPONENT = 32; // 2^64 has 20 digits: beyond this no integer fits, whatever its mantissa

/** The type to encode `value` as: its resource's, or the natural one where the resource is not known. @throws FormatError */
export function wireType(value: Value, shape: ResourceShape | undefined, format: number, what: Named): ResourceType {
  const type = shape?.type ?? naturalType(value);
  if (typeof value === 'string' && !value.isWellFormed()) {
    throw new FormatError(format, `${what}: a string is well-formed Unicode`);
  }
  if (!hasType(value, type)) throw new FormatError(format, `${what}: expected ${type}, found ${naturalType(value)}`);
  return type;
}

function naturalType(value: Value): ResourceType {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'integer' : 'float';
  if (typeof value === 'bigint') return value < INTEGER_RANGES.integer[1] ? 'integer' : 'unsignedInteger';
  if (typeof value === 'string' || typeof value === 'boolean') return typeof value as 'string' | 'boolean';
  if (value instanceof Uint8Array) return 'opaque';
  return value instanceof Date ? 'time' : 'objectLink';
}

/** Whole seconds since 1970, as times are on the wire. */
export function toSeconds(value: Date): number {
  return Math.floor(value.getTime() / 1_000);
}

/** @throws DecodeError if no Date can hold it */
export function fromSeconds(seconds: number | bigint, field: Named): Date {
  if (seconds > LARGEST_DATE_SECONDS || seconds < -LARGEST_DATE_SECONDS) {
    throw new DecodeError(`${field}`, 'a time within 8.64e12 s of 1970', `${seconds}`);
  }
  return new Date(Number(seconds) * 1_000);
}

/** A number where exact and not `wide`, a bigint otherwise. `value` is an integer. @throws DecodeError beyond 64 bits */
export function fromInteger(value: number | bigint, shape: ResourceShape | undefined, field: Named): number | bigint {
  const unsigned = shape?.type === 'unsignedInteger';
  if (typeof value === 'number' && shape?.wide !== true && (value >= 0 || !unsigned)) {
    return value === 0 ? 0 : value; // there is no integer -0
  }
  const type = unsigned ? 'unsignedInteger' : 'integer';
  const [min, max] = INTEGER_RANGES[type];
  if (value < min || value > (shape === undefined ? INTEGER_RANGES.unsignedInteger[1] : max)) {
    throw new DecodeError(`${field}`, `an ${type} of 64 bits`, 'a larger one');
  }
  if (shape?.wide === true) return BigInt(value);
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/** A number written in decimal: exact if it is an integer of at most 64 bits. @throws DecodeError beyond doubles */
export function fromDecimal(literal: string, field: string): number | bigint {
  if (SHORT_INTEGER.test(literal)) return Number(literal);
  const whole = exactInteger(literal);
  if (whole !== undefined && (BigInt.asIntN(64, whole) === whole || BigInt.asUintN(64, whole) === whole)) {
    if (whole === 0n && literal.startsWith('-')) return -0;
    return Number.isSafeInteger(Number(whole)) ? Number(whole) : whole;
  }
  const value = Number(literal);
  if (!Number.isFinite(value)) throw new DecodeError(field, 'a number that a double holds', 'a larger one');
  return value;
}

/** `66:0`. */
export function linkToText(link: ObjectLink): string {
  return `${link.object}:${link.instance}`;
}

/** @throws DecodeError unless two numbers of 16 bits with a colon between, or the `FFFF:FFFF` of Core §7.4.6's example */
export function linkFromText(text: string, field: Named): ObjectLink {
  if (text === 'FFFF:FFFF') return { object: 0xffff, instance: 0xffff };
  let object: number | undefined;
  let id = 0;
  let digits = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === COLON && digits > 0 && object === undefined) {
      object = id;
      id = 0;
      digits = 0;
    } else if (code >= 0x30 && code <= 0x39 && digits < 5) {
      id = id * 10 + code - 0x30;
      digits++;
    } else return badLink(field);
  }
  return object === undefined || digits === 0 || object > 0xffff || id > 0xffff
    ? badLink(field)
    : { object, instance: id };
}

function badLink(field: Named): never {
  throw new DecodeError(`${field}`, 'an object link such as 66:0', 'another text');
}

export function checkLink(link: Value, format: number, what: Named): ObjectLink {
  if (isObjectLink(link) && isLinkId(link.object) && isLinkId(link.instance)) return link;
  throw new FormatError(format, `${what}: an object link has two ids from 0 to 65535`);
}

function isLinkId(id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id <= 0xffff;
}

/** The exact integer a decimal literal (`12`, `1.5e3`) stands for, or undefined if it is none. */
export function exactInteger(literal: string): bigint | undefined {
  const match = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(literal);
  if (match === null) return undefined;
  const fraction = (match[3] ?? '').replace(/0+$/, '');
  const digits = match[2]! + fraction;
  const shift = Number(match[4] ?? 0) - fraction.length;
  if (/^0*$/.test(digits)) return 0n;
  const kept = shift < 0 ? digits.slice(0, shift) : digits;
  if (shift > LARGEST_EXPONENT || (shift < 0 && !/^0*$/.test(digits.slice(shift)))) return undefined;
  const magnitude = BigInt(kept === '' ? '0' : kept) * 10n ** BigInt(Math.max(0, shift));
  return match[1] === '-' ? -magnitude : magnitude;
}
