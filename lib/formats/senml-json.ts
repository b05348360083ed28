// SenML JSON, application/senml+json (RFC 8428 §5, LwM2M Core 1.2 §7.4.6).

import { DecodeError, fromBase64, toBase64Url, utf8Decode, utf8Encode } from '../bytes/index.ts';
import type { Entry, Path } from '../model/index.ts';
import { CONTENT_FORMATS, FormatError, type ShapeOf } from './content-formats.ts';
import { JsonNumber, type JsonRecord, type JsonScalar, readJsonRecords } from './json-records.ts';
import { exactInteger } from './scalar.ts';
import { type SenmlContext, type SenmlNumber, type SenmlRecord, fromRecords, toRecords } from './senml.ts';

const MAX_MEMBERS = 64; // RFC 8428 §12.2 registers 18 labels
const LARGEST_VERSION = 10; // RFC 8428 §4.4

/** @throws FormatError for values not of their type, and for floats JSON cannot write (NaN, infinities) */
export function encodeSenmlJson(base: Path, entries: readonly Entry[], shapeOf: ShapeOf): Uint8Array {
  const records = toRecords(base, entries, shapeOf, CONTENT_FORMATS.senmlJson).map(writeRecord);
  return utf8Encode(`[${records.join(',')}]`);
}

const LABELS = ['bn', 'bt', 'n', 't', 'v', 'vs', 'vb', 'vd', 'vlo'] as const;

function writeRecord(record: SenmlRecord): string {
  const members = LABELS.filter((label) => record[label] !== undefined);
  return `{${members.map((label) => `"${label}":${writeValue(record[label]!)}`).join(',')}}`;
}

function writeValue(value: string | number | bigint | boolean | Uint8Array): string {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return `"${toBase64Url(value)}"`;
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new FormatError(CONTENT_FORMATS.senmlJson, `JSON has no number ${value}`);
  }
  return JSON.stringify(value);
}

/** @throws DecodeError naming the record, path or member */
export function decodeSenmlJson(
  base: Path,
  bytes: Uint8Array,
  shapeOf: ShapeOf,
  context: SenmlContext,
): readonly Entry[] {
  const records = readJsonRecords(utf8Decode(bytes, 'SenML pack'), {
    maxRecords: context.maxEntries,
    maxMembers: MAX_MEMBERS,
    maxDepth: context.maxDepth,
  });
  return fromRecords(base, records.map(readRecord), shapeOf, context);
}

function readRecord(members: JsonRecord, index: number): SenmlRecord {
  const of = (label: string): string => `record ${index}: ${label}`;
  const version = number(members.get('bver'), of('bver'));
  if (version !== undefined && !(version <= LARGEST_VERSION)) {
    throw new DecodeError(of('bver'), `a version up to ${LARGEST_VERSION}`, `${version}`);
  }
  // RFC 8428 §4.4: a label ending in _ must be understood, and we know none.
  const unknown = [...members.keys()].find((label) => label.endsWith('_'));
  if (unknown !== undefined) throw new DecodeError(of('label'), 'labels this version knows', 'one that ends in _');
  const data = string(members.get('vd'), of('vd'));
  return {
    bn: string(members.get('bn'), of('bn')),
    bt: seconds(members.get('bt'), of('bt')),
    bv: number(members.get('bv'), of('bv')),
    n: string(members.get('n'), of('n')),
    t: seconds(members.get('t'), of('t')),
    v: number(members.get('v'), of('v')),
    vs: string(members.get('vs'), of('vs')),
    vb: boolean(members.get('vb'), of('vb')),
    vd: data === undefined ? undefined : fromBase64(data, of('vd')),
    vlo: string(members.get('vlo'), of('vlo')),
  };
}

function string(member: JsonScalar | undefined, field: string): string | undefined {
  if (member === undefined || typeof member === 'string') return member;
  throw new DecodeError(field, 'a string', kindOf(member));
}

function boolean(member: JsonScalar | undefined, field: string): boolean | undefined {
  if (member === undefined || typeof member === 'boolean') return member;
  throw new DecodeError(field, 'true or false', kindOf(member));
}

function seconds(member: JsonScalar | undefined, field: string): number | undefined {
  const value = number(member, field);
  return value === undefined ? undefined : Number(value);
}

function number(member: JsonScalar | undefined, field: string): SenmlNumber | undefined {
  if (member === undefined) return undefined;
  if (!(member instanceof JsonNumber)) throw new DecodeError(field, 'a number', kindOf(member));
  const whole = exactInteger(member.literal);
  if (whole !== undefined && (BigInt.asIntN(64, whole) === whole || BigInt.asUintN(64, whole) === whole)) {
    return Number.isSafeInteger(Number(whole)) ? Number(whole) : whole;
  }
  const value = Number(member.literal);
  if (!Number.isFinite(value)) throw new DecodeError(field, 'a number that a double holds', 'a larger one');
  return value;
}

function kindOf(member: JsonScalar): string {
  if (member instanceof JsonNumber) return 'a number';
  return member === null ? 'null, an array or an object' : `a ${typeof member}`;
}
