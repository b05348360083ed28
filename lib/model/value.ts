// The values a resource can have, by data type (LwM2M Core 1.2 Appendix C).

import type { Path } from './path.ts';

/** Data types in OMA's words; `none` is that of executable resources. */
export type ResourceType =
  | 'string'
  | 'integer'
  | 'unsignedInteger'
  | 'float'
  | 'boolean'
  | 'opaque'
  | 'time'
  | 'objectLink'
  | 'coreLink'
  | 'none';

/** A link to an object instance; both 65535 is the null link (Appendix C). */
export interface ObjectLink {
  readonly object: number;
  readonly instance: number;
}

/**
 * Any value. Integers are numbers where exact (below 2^53) and bigints beyond; times are Dates of whole seconds on the wire;
 * CoRE links are strings.
 */
export type Value = string | number | bigint | boolean | Uint8Array | Date | ObjectLink;

/** The TypeScript type of each data type; `wide` integers are always bigints. */
export interface ValueOfType {
  string: string;
  integer: number;
  unsignedInteger: number;
  float: number;
  boolean: boolean;
  opaque: Uint8Array;
  time: Date;
  objectLink: ObjectLink;
  coreLink: string;
  none: never;
}

/** A value at its path: the neutral form between content formats and objects. */
export interface Entry {
  /** Of a resource or a resource instance. */
  readonly path: Path;
  readonly value: Value;
  /** When it was so, milliseconds since 1970; absent means now. */
  readonly timestamp?: number | undefined;
}

export function isObjectLink(value: unknown): value is ObjectLink {
  return typeof value === 'object' && value !== null && 'object' in value && 'instance' in value;
}

const INT64_MIN = -(1n << 63n);
const INT64_MAX = (1n << 63n) - 1n;
const UINT64_MAX = (1n << 64n) - 1n;

function isWithin(value: Value, min: bigint, max: bigint): boolean {
  return typeof value === 'bigint' && value >= min && value <= max;
}

/** Whether `value` is one of data type `type`. */
export function hasType(value: Value, type: ResourceType): boolean {
  switch (type) {
    case 'string':
    case 'coreLink':
      return typeof value === 'string';
    case 'integer':
      return Number.isSafeInteger(value) || isWithin(value, INT64_MIN, INT64_MAX);
    case 'unsignedInteger':
      return (Number.isSafeInteger(value) && (value as number) >= 0) || isWithin(value, 0n, UINT64_MAX);
    case 'float':
      return typeof value === 'number';
    case 'boolean':
      return typeof value === 'boolean';
    case 'opaque':
      return value instanceof Uint8Array;
    case 'time':
      return value instanceof Date && !Number.isNaN(value.getTime());
    case 'objectLink':
      return isObjectLink(value);
    case 'none':
      return false;
  }
}

/** Value equality: opaque by content, times by instant, links by ids; NaN equals NaN. */
export function equalValues(a: Value, b: Value): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array)
    return a.length === b.length && a.every((byte, i) => byte === b[i]);
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime();
  if (isObjectLink(a) && isObjectLink(b)) return a.object === b.object && a.instance === b.instance;
  return Object.is(a, b) || a === b;
}
