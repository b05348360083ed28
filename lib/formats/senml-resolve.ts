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
  /** What holds for this record and those that follow; few records have any. */
  base: SenmlBase | undefined;
  n: string | undefined;
  /** The name, where it is a number and has been read as one. */
  id: number | undefined;
  /** Seconds. */
  t: number | undefined;
  /** The first value field, and what it holds: of `v` a number, of `vb` a boolean, of `vd` bytes, of others text. */
  field: ValueField | undefined;
  value: FieldValue | null | undefined;
  /** Another one, which is an error. */
  second: ValueField | undefined;
}

/** The base fields of one record. */
export interface SenmlBase {
  bver?: SenmlNumber | undefined;
  bn?: string | undefined;
  /** Seconds. */
  bt?: number | undefined;
  bv?: SenmlNumber | undefined;
}

/** Value fields, of which a record has one. */
export const VALUE_FIELDS = ['v', 'vs', 'vb', 'vd', 'vlo'] as const;
export type ValueField = (typeof VALUE_FIELDS)[number];
export type FieldValue = SenmlNumber | string | boolean | Uint8Array;

/** What the records of a pack are to be: values; values or their ends (PATCH); or paths alone (FETCH). */
export type PackUse = 'values' | 'changes' | 'paths';

export function emptyRecord(): SenmlRecord {
  return {
    base: undefined,
    n: undefined,
    id: undefined,
    t: undefined,
    field: undefined,
    value: undefined,
    second: undefined,
  };
}

/** `value` must be of the field's type. */
export function setValue(record: SenmlRecord, field: ValueField, value: FieldValue | null): void {
  if (record.field !== undefined) record.second ??= field;
  else {
    record.field = field;
    record.value = value;
  }
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
    if (record.base !== undefined) this.#rebase(record.base);
    if (this.items.length === this.#context.maxEntries) {
      throw new DecodeError('SenML pack', `at most ${this.#context.maxEntries} records`, 'more');
    }
    const path = this.#path(record);
    const timestamp = this.#timestamp(record.t === undefined ? this.#baseTime : this.#baseTime + record.t);
    if (timestamp === undefined && !this.#untimed.add(path)) throw new DecodeError(`${path}`, 'it once', 'it twice');
    const value = this.#value(record, path);
    this.items.push(timestamp === undefined ? { path, value } : { path, value, timestamp });
  }

  #rebase({ bver, bn, bt, bv }: SenmlBase): void {
    if (bver !== undefined && !(bver <= LARGEST_VERSION)) {
      throw new DecodeError(this.#field('bver'), `a version up to ${LARGEST_VERSION}`, `${bver}`);
    }
    if (bn !== undefined) this.#setBaseName(bn);
    this.#baseTime = bt ?? this.#baseTime;
    this.#baseValue = bv ?? this.#baseValue;
  }

  #setBaseName(name: string): void {
    this.#baseName = name;
    const ids = name.slice(name.startsWith('/') ? 1 : 0, -1);
    this.#basePath = name.endsWith('/') ? Path.root.resolve(ids) : undefined;
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
    if (id === undefined || id > MAX_ID || parent === undefined || parent.ids.length === 4) return undefined;
    return parent.child(id);
  }

  #named(name: string): Path {
    return this.#basePath?.resolve(name) ?? Path.parse(this.#baseName + name, this.#field('name'));
  }

  #timestamp(seconds: number): number | undefined {
    if (seconds === 0) return undefined;
    if (this.#use !== 'values') throw new DecodeError(this.#field('time'), 'none', `${seconds} s`);
    return toTimestamp(seconds, this.#context.now, this.#field('time'));
  }

  #value({ field, value, second }: SenmlRecord, path: Path): Value | null | undefined {
    if (this.#use === 'paths') {
      if (field === undefined) return undefined;
      throw new DecodeError(path.toString(), 'a path without value', field);
    }
    if (second !== undefined) throw new DecodeError(path.toString(), 'one value field', `${field} and ${second}`);
    if (value === null) {
      if (this.#use === 'changes') return null;
      throw new DecodeError(this.#field(`${field}`), 'a value', 'null');
    }
    const shape = this.#shapeOf(path.prefix(3));
    if (this.#baseValue !== undefined && (field === undefined || field === 'v')) {
      return toValue('v', sum(this.#baseValue, (value ?? 0) as SenmlNumber), shape, path);
    }
    return toValue(field, value, shape, path);
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

function sum(a: SenmlNumber, b: SenmlNumber): SenmlNumber {
  const whole = [a, b].every((part) => typeof part === 'bigint' || Number.isSafeInteger(part));
  return whole ? BigInt(a) + BigInt(b) : Number(a) + Number(b);
}

/** The value of a record, as its resource has it; of its own type where the resource is not known. @throws DecodeError */
export function toValue(
  field: ValueField | undefined,
  value: FieldValue | undefined,
  shape: ResourceShape | undefined,
  path: Path,
): Value {
  if (field === undefined || value === undefined) throw new DecodeError(path.toString(), 'one value field', 'none');
  // Leshan (2.0.0-M18) has links as text.
  if (shape?.type === 'objectLink' && field === 'vs') return linkFromText(value as string, path);
  if (shape !== undefined && field !== fieldOf(shape.type)) {
    throw new DecodeError(path.toString(), `${fieldOf(shape.type) ?? 'no value'} for type ${shape.type}`, field);
  }
  if (field === 'v') return fromNumber(value as SenmlNumber, shape, path);
  return field === 'vlo' ? linkFromText(value as string, path) : value;
}

function fromNumber(value: SenmlNumber, shape: ResourceShape | undefined, path: Path): Value {
  if (shape?.type === 'float') return Number(value);
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) {
    return shape?.type === 'time' ? fromSeconds(value, path) : fromInteger(value, shape, path);
  }
  if (shape === undefined) return value;
  throw new DecodeError(path.toString(), `an exact ${shape.type}`, 'another number');
}
