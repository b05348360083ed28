// Resolved SenML records (RFC 8428 §4.6): base fields applied, names as paths, values by data type (LwM2M Core 1.2 §7.4.6).

import {
  ABSOLUTE_FROM,
  LARGEST_TIME,
  LARGEST_VERSION,
  type SenmlContext,
  type SenmlItem,
  type SenmlNumber,
} from './senml.ts';
import { type Entry, MAX_ID, Path, type ResourceType, type Value } from '../model/index.ts';
import type { ResourceShape, ShapeOf } from './content-formats.ts';
import { fromInteger, fromSeconds, linkFromText } from './scalar.ts';
import { DecodeError } from '../bytes/index.ts';
import { PathSet } from './path-set.ts';

/** One record with the labels LwM2M uses, as the encodings read it. */
export interface SenmlRecord {
  bver: SenmlNumber | undefined;
  bn: string | undefined;
  /** Seconds. */
  bt: number | undefined;
  bv: SenmlNumber | undefined;
  n: string | undefined;
  /** The name, where it is a number and has been read as one. */
  id: number | undefined;
  /** Seconds. */
  t: number | undefined;
  v: SenmlNumber | undefined;
  vs: string | undefined;
  vb: boolean | undefined;
  vd: Uint8Array | undefined;
  vlo: string | undefined;
  /** The value field that is null. */
  nothing: string | undefined;
}

/** What the records of a pack are to be: values; values or their ends (PATCH); or paths alone (FETCH). */
export type PackUse = 'values' | 'changes' | 'paths';

export function emptyRecord(): SenmlRecord {
  return {
    bver: undefined,
    bn: undefined,
    bt: undefined,
    bv: undefined,
    n: undefined,
    id: undefined,
    t: undefined,
    v: undefined,
    vs: undefined,
    vb: undefined,
    vd: undefined,
    vlo: undefined,
    nothing: undefined,
  };
}

/** Takes records in order and gives what they say. A path twice is refused unless both have a time. */
export class SenmlResolver {
  readonly items: SenmlItem[] = [];
  readonly #base: Path;
  readonly #shapeOf: ShapeOf;
  readonly #context: SenmlContext;
  readonly #use: PackUse;
  readonly #untimed = new PathSet();
  #baseName = '';
  /** What the base name is as a path, where it is one and a slash. */
  #basePath: Path | undefined;
  #baseTime = 0;
  #baseValue: SenmlNumber | undefined;

  constructor(base: Path, shapeOf: ShapeOf, context: SenmlContext, use: PackUse) {
    this.#base = base;
    this.#shapeOf = shapeOf;
    this.#context = context;
    this.#use = use;
  }

  /** @throws DecodeError naming the record or path */
  add(record: SenmlRecord): void {
    if (record.bver !== undefined && !(record.bver <= LARGEST_VERSION)) {
      throw new DecodeError(this.#field('bver'), `a version up to ${LARGEST_VERSION}`, `${record.bver}`);
    }
    if (this.items.length === this.#context.maxEntries) {
      throw new DecodeError('SenML pack', `at most ${this.#context.maxEntries} records`, 'more');
    }
    if (record.bn !== undefined) this.#setBaseName(record.bn);
    this.#baseTime = record.bt ?? this.#baseTime;
    this.#baseValue = record.bv ?? this.#baseValue;
    const path = this.#path(record);
    const timestamp = this.#timestamp(record.t === undefined ? this.#baseTime : this.#baseTime + record.t);
    if (timestamp === undefined && !this.#untimed.add(path)) throw new DecodeError(`${path}`, 'it once', 'it twice');
    const value = this.#value(record, path);
    this.items.push(timestamp === undefined ? { path, value } : { path, value, timestamp });
  }

  #setBaseName(name: string): void {
    this.#baseName = name;
    this.#basePath = name.length > 1 && name.endsWith('/') ? Path.root.resolve(name.slice(1, -1)) : undefined;
  }

  #path({ n, id }: SenmlRecord): Path {
    const path = this.#childOfBase(id) ?? this.#named(n ?? `${id ?? ''}`);
    if (path.ids.length < 3 && this.#use !== 'paths') {
      throw new DecodeError(this.#field('name'), 'the path of a resource', path.toString());
    }
    if (!this.#base.contains(path)) {
      throw new DecodeError(this.#field('name'), `a path at or below ${this.#base}`, path.toString());
    }
    return path;
  }

  /** Most records of an instance, without their names as text. */
  #childOfBase(id: number | undefined): Path | undefined {
    const parent = this.#basePath;
    return id === undefined || id > MAX_ID || parent === undefined || parent.ids.length === 4
      ? undefined
      : parent.child(id);
  }

  #named(name: string): Path {
    return this.#basePath?.resolve(name) ?? Path.parse(this.#baseName + name, this.#field('name'));
  }

  #timestamp(seconds: number): number | undefined {
    if (seconds === 0) return undefined;
    if (this.#use !== 'values') throw new DecodeError(this.#field('time'), 'none', `${seconds} s`);
    return toTimestamp(seconds, this.#context.now, this.#field('time'));
  }

  #value(record: SenmlRecord, path: Path): Value | null | undefined {
    if (record.nothing !== undefined || this.#use === 'paths') return this.#noValue(record, path);
    if (this.#baseValue !== undefined) addBase(record, this.#baseValue);
    return toValue(record, this.#shapeOf(path.prefix(3)), path);
  }

  #noValue(record: SenmlRecord, path: Path): null | undefined {
    const given = fieldsOf(record);
    if (this.#use === 'paths') {
      if (given.length === 0 && record.nothing === undefined) return undefined;
      throw new DecodeError(path.toString(), 'a path without value', record.nothing ?? given[0]!);
    }
    if (given.length > 0) throw new DecodeError(path.toString(), 'one value field', [...given, 'null'].join(' and '));
    if (this.#use === 'changes') return null;
    throw new DecodeError(this.#field(record.nothing!), 'a value', 'null');
  }

  #field(label: string): string {
    return `record ${this.items.length}: ${label}`;
  }
}

/** Items that were all read with values. */
export function toEntries(items: readonly SenmlItem[]): readonly Entry[] {
  return items as readonly Entry[];
}

/** Milliseconds since 1970 of a SenML time in seconds that is not 0. @throws DecodeError */
export function toTimestamp(seconds: number, now: number | undefined, field: string): number {
  if (!(Math.abs(seconds) <= LARGEST_TIME)) throw new DecodeError(field, 'a time a Date can hold', `${seconds} s`);
  if (seconds >= ABSOLUTE_FROM) return Math.round(seconds * 1_000);
  if (now === undefined) throw new DecodeError(field, 'an absolute time', `${seconds} s relative to now`);
  return Math.round(now + seconds * 1_000);
}

type ValueField = 'v' | 'vs' | 'vb' | 'vd' | 'vlo';
const VALUE_FIELDS: readonly ValueField[] = ['v', 'vs', 'vb', 'vd', 'vlo'];
type ValueRecord = Pick<SenmlRecord, ValueField>;

function fieldOf(type: ResourceType): ValueField | undefined {
  switch (type) {
    case 'string':
    case 'coreLink':
      return 'vs';
    case 'integer':
    case 'unsignedInteger':
    case 'float':
    case 'time':
      return 'v';
    case 'boolean':
      return 'vb';
    case 'opaque':
      return 'vd';
    case 'objectLink':
      return 'vlo';
    case 'none':
      return undefined;
  }
}

function fieldsOf(record: ValueRecord): readonly ValueField[] {
  return VALUE_FIELDS.filter((field) => record[field] !== undefined);
}

function addBase(record: SenmlRecord, baseValue: SenmlNumber): void {
  if (fieldsOf(record).some((field) => field !== 'v')) return;
  const value = record.v ?? 0;
  const whole = [baseValue, value].every((part) => typeof part === 'bigint' || Number.isSafeInteger(part));
  record.v = whole ? BigInt(baseValue) + BigInt(value) : Number(baseValue) + Number(value);
}

/** The one value of a record, as its resource has it; of its own type where the resource is not known. @throws DecodeError */
export function toValue(record: ValueRecord, shape: ResourceShape | undefined, path: Path): Value {
  const field = soleField(record, path);
  // Leshan (2.0.0-M18) has links as text.
  if (shape?.type === 'objectLink' && field === 'vs') return linkFromText(record.vs!, path);
  if (shape !== undefined && field !== fieldOf(shape.type)) {
    throw new DecodeError(path.toString(), `${fieldOf(shape.type) ?? 'no value'} for type ${shape.type}`, field);
  }
  switch (field) {
    case 'v':
      return fromNumber(record.v!, shape, path);
    case 'vs':
      return record.vs!;
    case 'vb':
      return record.vb!;
    case 'vd':
      return record.vd!;
    case 'vlo':
      return linkFromText(record.vlo!, path);
  }
}

function soleField(record: ValueRecord, path: Path): ValueField {
  let count = 0;
  let found: ValueField = 'v';
  if (record.v !== undefined) count++;
  if (record.vs !== undefined && ++count) found = 'vs';
  if (record.vb !== undefined && ++count) found = 'vb';
  if (record.vd !== undefined && ++count) found = 'vd';
  if (record.vlo !== undefined && ++count) found = 'vlo';
  if (count === 1) return found;
  throw new DecodeError(path.toString(), 'one value field', count === 0 ? 'none' : fieldsOf(record).join(' and '));
}

function fromNumber(value: SenmlNumber, shape: ResourceShape | undefined, path: Path): Value {
  if (shape?.type === 'float') return Number(value);
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) {
    return shape?.type === 'time' ? fromSeconds(value, path) : fromInteger(value, shape, path);
  }
  if (shape === undefined) return value;
  throw new DecodeError(path.toString(), `an exact ${shape.type}`, 'another number');
}
