// One object instance in memory: values and value functions by resource id, checked against the definition.

import { type Entry, type Value, equalValues, hasType, isObjectLink } from './value.ts';
import { utf8Encode } from '../bytes/index.ts';
import type { Executable, ResourceDefinition } from './definition.ts';
import { ModelError } from './model-error.ts';
import type { Path } from './path.ts';
import type { Schema } from './schema.ts';

/** Values of a multiple resource by resource instance id. */
export type Values = Readonly<Record<number, Value>>;
/** What a resource holds: a value, values, an executable, or a function asked at every read. */
export type Holding = Value | Values | Executable | (() => Value | Values | Promise<Value | Values>);

/** The resources of one instance. Knows values, not who may touch them. */
export class Instance {
  readonly id: number;
  readonly #schema: Schema;
  readonly #holdings = new Map<number, Holding>();

  constructor(id: number, schema: Schema) {
    this.id = id;
    this.#schema = schema;
  }

  get resourceIds(): readonly number[] {
    return [...this.#holdings.keys()].sort((a, b) => a - b);
  }

  holding(resource: number): Holding | undefined {
    return this.#holdings.get(resource);
  }

  set(resource: number, holding: Holding | undefined): void {
    if (holding === undefined) this.#holdings.delete(resource);
    else this.#holdings.set(resource, holding);
  }

  /** The entries of one resource: at once, or later where its function is asynchronous. */
  entries(path: Path, resource: number): readonly Entry[] | Promise<readonly Entry[]> {
    const definition = this.#schema.resource(resource);
    const held = this.#holdings.get(resource);
    const now = typeof held === 'function' ? (held as () => Value | Values | Promise<Value | Values>)() : held;
    if (now instanceof Promise) return now.then((value) => toEntries(definition, path, value));
    return now === undefined ? [] : toEntries(definition, path, now);
  }
}

function toEntries(definition: ResourceDefinition, path: Path, held: Value | Values): readonly Entry[] {
  checkAnswer(definition, held, path.toString());
  if (!definition.multiple) return [{ path, value: held as Value }];
  return Object.entries(held as Values).map(([id, value]) => ({ path: path.child(Number(id)), value }));
}

/** What a function of the application answers wrongly is no fault of who reads. */
function checkAnswer(definition: ResourceDefinition, held: Value | Values, where: string): void {
  try {
    checkHolding(definition, held, where);
  } catch (error) {
    throw error instanceof ModelError ? new ModelError('internal', error.message) : error;
  }
}

/** @throws ModelError if `held` is not what the definition says; `where` names it */
export function checkHolding(definition: ResourceDefinition, held: Holding, where: string): void {
  if (typeof held === 'function') return;
  if (definition.operations === 'E')
    throw new ModelError('badRequest', `${where}: an executable resource takes a function`);
  if (!definition.multiple) return checkValue(definition, held as Value, where);
  if (!isValues(held))
    throw new ModelError('badRequest', `${where}: a multiple resource takes values by resource instance id`);
  for (const [id, value] of Object.entries(held)) {
    if (!/^\d{1,5}$/.test(id) || Number(id) > 65_534) {
      throw new ModelError('badRequest', `${where}: a resource instance id is 0 to 65534, not ${id}`);
    }
    checkValue(definition, value, where, id);
  }
}

/** Whether `held` is the values of a multiple resource. */
export function isValues(held: unknown): held is Values {
  if (typeof held !== 'object' || held === null || held instanceof Uint8Array || held instanceof Date) return false;
  return !isObjectLink(held);
}

/**
 * @param id of its resource instance; only what is wrong becomes text, for there may be many
 * @throws ModelError naming the resource, the type or range expected, and (never the value) what was found
 */
export function checkValue(definition: ResourceDefinition, value: Value, where: string, id?: string): void {
  const problem = typeProblem(definition, value) ?? rangeProblem(definition, value);
  if (problem === undefined) return;
  const at = id === undefined ? where : `${where}/${id}`;
  throw new ModelError('badRequest', `${at} (${definition.name}): ${problem}`);
}

function typeProblem({ type, wide = false }: ResourceDefinition, value: Value): string | undefined {
  if (!hasType(value, type)) return `expected ${type}, found ${nameOf(value)}`;
  if (wide || typeof value !== 'bigint') return undefined;
  return 'expected an integer of at most 53 bits, found a larger one';
}

function rangeProblem(definition: ResourceDefinition, value: Value): string | undefined {
  const { range, ranges = range === undefined ? undefined : [range], oneOf } = definition;
  if (oneOf !== undefined && !oneOf.includes(value as string)) {
    return `expected ${oneOf.join(' or ')}, found another string`;
  }
  if (ranges === undefined) return undefined;
  const sized = typeof value === 'string' ? utf8Encode(value) : value;
  const size = sized instanceof Uint8Array ? sized.length : sized;
  if (typeof size !== 'number' && typeof size !== 'bigint') return undefined;
  if (ranges.some(([min, max]) => size >= min && size <= max)) return undefined;
  const kind = sized instanceof Uint8Array ? 'a length of ' : '';
  const expected = ranges.map(([min, max]) => (min === max ? `${min}` : `${min} to ${max}`)).join(' or ');
  return `expected ${kind}${expected}, found ${kind}${size}`;
}

function nameOf(value: unknown): string {
  if (value instanceof Uint8Array) return 'opaque';
  if (value instanceof Date) return 'time';
  return isObjectLink(value) ? 'objectLink' : typeof value;
}

/** Whether two holdings would read the same; functions only if they are one. */
export function sameHolding(a: Holding | undefined, b: Holding | undefined): boolean {
  if (a === undefined || b === undefined || typeof a === 'function' || typeof b === 'function') return a === b;
  if (!isValues(a) || !isValues(b)) return !isValues(a) && !isValues(b) && equalValues(a, b);
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => sameValueAt(a, b, Number(key)));
}

function sameValueAt(a: Values, b: Values, id: number): boolean {
  const [left, right] = [a[id], b[id]];
  return left !== undefined && right !== undefined && equalValues(left, right);
}
