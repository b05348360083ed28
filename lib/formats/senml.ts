// SenML (RFC 8428) apart from its encodings: names, base fields, times, and values by data type (LwM2M Core 1.2 §7.4.6).

import { DecodeError } from '../bytes/index.ts';
import { type Entry, Path, type ResourceType, type Value } from '../model/index.ts';
import { FormatError, type FormatLimits, type ResourceShape, type ShapeOf } from './content-formats.ts';
import { checkLink, fromInteger, fromSeconds, linkFromText, linkToText, toSeconds, wireType } from './scalar.ts';

/** A number that is exact if it is an integer of at most 64 bits. */
export type SenmlNumber = number | bigint;

/** One SenML record with the labels LwM2M uses; what the encodings make of bytes, and bytes of. */
export interface SenmlRecord {
  readonly bn?: string | undefined;
  /** Seconds. */
  readonly bt?: number | undefined;
  readonly bv?: SenmlNumber | undefined;
  readonly n?: string | undefined;
  /** Seconds. */
  readonly t?: number | undefined;
  readonly v?: SenmlNumber | undefined;
  readonly vs?: string | undefined;
  readonly vb?: boolean | undefined;
  readonly vd?: Uint8Array | undefined;
  readonly vlo?: string | undefined;
}

/** What a receiver knows besides the bytes. */
export interface SenmlContext extends FormatLimits {
  /** Wall time in ms since 1970: what relative times are relative to. Without it they are refused. */
  readonly now?: number | undefined;
}

const ABSOLUTE_FROM = 2 ** 28; // RFC 8428 §4.5.3: smaller times are relative to now, in seconds
const LARGEST_TIME = 8.64e12; // seconds that a Date can hold

/** One record per entry; a common time stands once, as base time. @throws FormatError */
export function toRecords(base: Path, entries: readonly Entry[], shapeOf: ShapeOf, format: number): SenmlRecord[] {
  const whole = entries.every(({ path }) => path.equals(base));
  const holdsBase = entries.some(({ path }) => path.equals(base)); // its name is empty, so the others' begin with a slash
  const baseName = holdsBase || base.ids.length === 0 ? base.toString() : `${base}/`;
  const common = entries.every(({ timestamp }) => timestamp === entries[0]!.timestamp);
  return entries.map((entry, i) => {
    if (!base.contains(entry.path)) throw new FormatError(format, `${entry.path} is not below ${base}`);
    const time = absoluteTime(entry.timestamp, format);
    return {
      bn: i === 0 && base.ids.length > 0 ? baseName : undefined,
      bt: i === 0 && common ? time : undefined,
      n: whole ? undefined : entry.path.toString().slice(base.ids.length === 0 ? 0 : baseName.length),
      t: common ? undefined : time,
      ...valueFields(entry, shapeOf(entry.path.prefix(3)), format),
    };
  });
}

function absoluteTime(timestamp: number | undefined, format: number): number | undefined {
  if (timestamp === undefined) return undefined;
  const time = timestamp / 1_000;
  if (time >= ABSOLUTE_FROM && time <= LARGEST_TIME) return time;
  throw new FormatError(format, `a timestamp is from ${ABSOLUTE_FROM} s after 1970 on, not ${time}`);
}

function valueFields(entry: Entry, shape: ResourceShape | undefined, format: number): SenmlRecord {
  const { value } = entry;
  const what = entry.path.toString();
  switch (wireType(value, shape, format, what)) {
    case 'integer':
    case 'unsignedInteger':
    case 'float':
      return { v: value as number | bigint };
    case 'time':
      return { v: toSeconds(value as Date) };
    case 'boolean':
      return { vb: value as boolean };
    case 'opaque':
      return { vd: value as Uint8Array };
    case 'objectLink':
      return { vlo: linkToText(checkLink(value, format, what)) };
    default:
      return { vs: value as string };
  }
}

/**
 * Entries in the order of their records. A path twice is refused unless both have a time.
 * @throws DecodeError naming the record or path
 */
export function fromRecords(
  base: Path,
  records: readonly SenmlRecord[],
  shapeOf: ShapeOf,
  context: SenmlContext,
): readonly Entry[] {
  const entries: Entry[] = [];
  const untimed = new Set<string>();
  let [baseName, baseTime, baseValue]: [string, number, SenmlNumber | undefined] = ['', 0, undefined];
  for (const [i, record] of records.entries()) {
    baseName = record.bn ?? baseName;
    baseTime = record.bt ?? baseTime;
    baseValue = record.bv ?? baseValue;
    const path = resourcePath(baseName + (record.n ?? ''), base, `record ${i}: name`);
    const timestamp = toTimestamp(baseTime + (record.t ?? 0), context, `record ${i}: time`);
    if (timestamp === undefined) {
      if (untimed.has(path.toString())) throw new DecodeError(`${path}`, 'it once', 'it twice');
      untimed.add(path.toString());
    }
    const value = toValue(withBase(record, baseValue), shapeOf(path.prefix(3)), path.toString());
    entries.push(timestamp === undefined ? { path, value } : { path, value, timestamp });
  }
  return entries;
}

function resourcePath(name: string, base: Path, field: string): Path {
  const path = Path.parse(name, field);
  if (path.resource === undefined) throw new DecodeError(field, 'the path of a resource', path.toString());
  if (!base.contains(path)) throw new DecodeError(field, `a path at or below ${base}`, path.toString());
  return path;
}

function toTimestamp(seconds: number, { now }: SenmlContext, field: string): number | undefined {
  if (seconds === 0) return undefined;
  if (!(Math.abs(seconds) <= LARGEST_TIME)) throw new DecodeError(field, 'a time a Date can hold', `${seconds} s`);
  if (seconds >= ABSOLUTE_FROM) return Math.round(seconds * 1_000);
  if (now === undefined) throw new DecodeError(field, 'an absolute time', `${seconds} s relative to now`);
  return Math.round(now + seconds * 1_000);
}

const VALUE_FIELDS = ['v', 'vs', 'vb', 'vd', 'vlo'] as const;

function withBase(record: SenmlRecord, baseValue: SenmlNumber | undefined): SenmlRecord {
  if (baseValue === undefined || VALUE_FIELDS.some((field) => field !== 'v' && record[field] !== undefined)) {
    return record;
  }
  const value = record.v ?? 0;
  const whole = [baseValue, value].every((part) => typeof part === 'bigint' || Number.isSafeInteger(part));
  return { ...record, v: whole ? BigInt(baseValue) + BigInt(value) : Number(baseValue) + Number(value) };
}

const FIELD_OF_TYPE: Readonly<Record<ResourceType, (typeof VALUE_FIELDS)[number] | undefined>> = {
  string: 'vs',
  integer: 'v',
  unsignedInteger: 'v',
  float: 'v',
  boolean: 'vb',
  opaque: 'vd',
  time: 'v',
  objectLink: 'vlo',
  coreLink: 'vs',
  none: undefined,
};

function toValue(record: SenmlRecord, shape: ResourceShape | undefined, what: string): Value {
  const given = VALUE_FIELDS.filter((field) => record[field] !== undefined);
  const [field] = given;
  if (field === undefined || given.length > 1) {
    throw new DecodeError(what, 'one value field', given.length === 0 ? 'none' : given.join(' and '));
  }
  const expected = shape === undefined ? field : FIELD_OF_TYPE[shape.type];
  if (field !== expected) throw new DecodeError(what, `${expected ?? 'no value'} for type ${shape?.type}`, field);
  if (record.v !== undefined) return fromNumber(record.v, shape, what);
  if (record.vlo !== undefined) return linkFromText(record.vlo, what);
  return record.vs ?? record.vb ?? record.vd!.slice();
}

function fromNumber(value: SenmlNumber, shape: ResourceShape | undefined, what: string): Value {
  if (shape?.type === 'float') return Number(value);
  const whole = typeof value === 'bigint' || Number.isSafeInteger(value) ? BigInt(value) : undefined;
  if (shape === undefined) return whole === undefined ? Number(value) : fromInteger(whole, undefined, what);
  if (whole === undefined) throw new DecodeError(what, `an exact ${shape.type}`, 'another number');
  return shape.type === 'time' ? fromSeconds(whole, what) : fromInteger(whole, shape, what);
}
