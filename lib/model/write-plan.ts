// What a Write or Create would change, worked out and checked before anything is touched (LwM2M Core 1.2 §6.3.3, §6.3.6).

import type { Actor, WriteRequest } from './managed-object.ts';
import { type Holding, type Instance, type Values, checkHolding, checkValue, isValues } from './instance.ts';
import { type Schema, mayWrite } from './schema.ts';
import type { Entry, Value } from './value.ts';
import { ModelError } from './model-error.ts';
import type { Path } from './path.ts';

/** New holdings by resource id; undefined takes the resource away. */
export type Changes = ReadonlyMap<number, Holding | undefined>;

/** @throws ModelError if any part of the write is not allowed, not known or not of its type */
export function planWrite(schema: Schema, instance: Instance, request: WriteRequest): Changes {
  const { path, entries, mode, by } = request;
  if (path.resource !== undefined) checkTarget(schema, instance, path, by);
  const stray = entries.find((entry) => !path.contains(entry.path));
  if (stray !== undefined) throw new ModelError('badRequest', `${stray.path} is not below ${path}`);
  for (const resource of knownResources(schema, entries)) checkWritable(schema, schema.path(instance.id, resource), by);
  const changes = new Map<number, Holding | undefined>();
  for (const [resource, given] of grouped(schema, entries)) {
    const at = schema.path(instance.id, resource);
    const before = instance.holding(resource);
    const merges = mode === 'update' || path.resourceInstance !== undefined;
    const holding = merges && isValues(given) && isValues(before) ? merged(before, given) : given;
    if (isValues(holding) && by === 'server') checkSize(holding, at);
    checkHolding(schema.resource(resource), holding, at.toString());
    changes.set(resource, holding);
  }
  if (path.resource !== undefined) completeResource(schema, request, changes);
  else if (mode === 'replace') takeAbsent(schema, instance, by, changes);
  takeAway(schema, instance, request, changes);
  return changes;
}

/** Each resource is gone through once, however many of its instances go. */
function takeAway(
  schema: Schema,
  instance: Instance,
  { removed = [], by }: WriteRequest,
  changes: Map<number, Holding | undefined>,
): void {
  const going = new Map<number, Set<number>>();
  for (const path of removed) {
    checkWritable(schema, path, by);
    if (path.resourceInstance === undefined) {
      throw new ModelError('badRequest', `${path} cannot be taken away: it is no resource instance`);
    }
    const ids = going.get(path.resource!) ?? new Set();
    going.set(path.resource!, ids.add(path.resourceInstance));
  }
  for (const [resource, ids] of going) {
    const held = changes.has(resource) ? changes.get(resource) : instance.holding(resource);
    const path = schema.path(instance.id, resource);
    if (typeof held === 'function') throw new ModelError('methodNotAllowed', `${path} is computed`);
    if (!isValues(held)) continue;
    const [before, left] = [Object.entries(held), new Map<number, Value>()];
    for (const [id, value] of before) if (!ids.has(Number(id))) left.set(Number(id), value);
    if (left.size < before.length) changes.set(resource, Object.fromEntries(left));
  }
}

const MOST_HELD_BYTES = 1_048_576; // as one request body: many requests must not add up to more

/** One request is bounded; this bounds what many of them build up in a multiple resource. */
function checkSize(values: Values, at: Path): void {
  let total = 0;
  for (const value of Object.values(values)) total += sizeOf(value);
  if (total <= MOST_HELD_BYTES) return;
  throw new ModelError('badRequest', `${at}: expected at most ${MOST_HELD_BYTES} bytes in all, found ${total}`);
}

function sizeOf(value: Value): number {
  const OVERHEAD = 16; // an id and a number, roughly
  return OVERHEAD + (typeof value === 'string' || value instanceof Uint8Array ? value.length : 0);
}

function merged(before: Values, given: Values): Values {
  return Object.fromEntries([...Object.entries(before), ...Object.entries(given)]);
}

/** What a new instance gets from a Create. Servers cannot set what they may not write: §6.3.6 has it passed over. */
export function planCreate(schema: Schema, id: number, entries: readonly Entry[], by: Actor): Changes {
  const stray = entries.find(({ path }) => path.instance !== id);
  if (stray !== undefined) throw new ModelError('badRequest', `${stray.path} is not below ${schema.path(id)}`);
  const passedOver = new Set(knownResources(schema, entries).filter((each) => !mayWrite(schema.resource(each), by)));
  const writable = entries.filter(({ path }) => !passedOver.has(path.resource!));
  const changes = new Map<number, Holding>();
  for (const [resource, given] of grouped(schema, writable)) {
    checkHolding(schema.resource(resource), given, schema.path(id, resource).toString());
    changes.set(resource, given);
  }
  return changes;
}

function checkTarget(schema: Schema, instance: Instance, path: Path, by: Actor): void {
  checkWritable(schema, path, by);
  if (path.resourceInstance === undefined || by !== 'server') return;
  const held = instance.holding(path.resource!);
  // §6.3.3: a server writes to resource instances that are there; it makes new ones through their resource.
  if (!isValues(held) || held[path.resourceInstance] === undefined) {
    throw new ModelError('notFound', `there is no ${path}`);
  }
}

function checkWritable(schema: Schema, path: Path, by: Actor): void {
  const definition = schema.resource(path.resource);
  if (!mayWrite(definition, by)) {
    throw new ModelError('methodNotAllowed', `${path} (${definition.name}) cannot be written`);
  }
  if (path.resourceInstance !== undefined && !definition.multiple) {
    throw new ModelError('notFound', `${path.prefix(3)} (${definition.name}) has no resource instances`);
  }
}

/** A write to one resource must say something about it; only a multiple one can be replaced by nothing. */
function completeResource(
  schema: Schema,
  { path, mode, removed = [] }: WriteRequest,
  changes: Map<number, Holding | undefined>,
): void {
  if (changes.has(path.resource!) || removed.length > 0) return;
  if (!schema.resource(path.resource).multiple || path.resourceInstance !== undefined) {
    throw new ModelError('badRequest', `the write to ${path} has no value`);
  }
  if (mode === 'replace') changes.set(path.resource!, {});
}

/** A replace of an instance takes away what it does not give, except what the application computes. */
function takeAbsent(schema: Schema, instance: Instance, by: Actor, changes: Map<number, Holding | undefined>): void {
  for (const resource of schema.resources) {
    const held = instance.holding(resource.id);
    if (!mayWrite(resource, by) || changes.has(resource.id) || held === undefined || typeof held === 'function')
      continue;
    if (resource.mandatory) {
      const path = schema.path(instance.id);
      throw new ModelError(
        'badRequest',
        `a replace of ${path} needs its mandatory resource ${resource.id} (${resource.name})`,
      );
    }
    changes.set(resource.id, undefined);
  }
}

function knownResources(schema: Schema, entries: readonly Entry[]): readonly number[] {
  const ids = new Set(entries.map(({ path }) => path.resource!));
  return [...ids].filter((id) => schema.find(id) !== undefined);
}

/** Values by resource. Resources that are not known are passed over: §6.3.3 has them be no error. */
function grouped(schema: Schema, entries: readonly Entry[]): ReadonlyMap<number, Value | Values> {
  const groups = new Map<number, Value | Values>();
  const collected = new Map<number, Record<number, Value>>(); // of multiple resources, each built in place
  for (const { path, value } of entries) {
    const definition = schema.find(path.resource);
    if (definition === undefined) continue;
    if (definition.multiple) {
      const values = collected.get(definition.id) ?? {};
      values[instanceOf(path)] = value;
      collected.set(definition.id, values);
      groups.set(definition.id, values);
    } else {
      if (path.resourceInstance !== undefined) {
        throw new ModelError('badRequest', `${path.prefix(3)} (${definition.name}) is not multiple`);
      }
      if (groups.has(definition.id)) throw new ModelError('badRequest', `${path} (${definition.name}) is given twice`);
      checkValue(definition, value, path.toString());
      groups.set(definition.id, value);
    }
  }
  return groups;
}

function instanceOf(path: Path): number {
  if (path.resourceInstance !== undefined) return path.resourceInstance;
  throw new ModelError('badRequest', `${path} is multiple: values need a resource instance id`);
}
