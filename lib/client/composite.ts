// Read-Composite and Write-Composite: several paths at once (LwM2M Core 1.2 §6.3.8, §6.3.9).

import { type Entry, ModelError, type ModelErrorReason, Path, type Prepared } from '../model/index.ts';
import type { EntryChange } from '../formats/index.ts';
import { HIDDEN_OBJECTS } from './registration-payload.ts';
import type { ObjectSet } from './object-set.ts';

/** §6.3.8: what is not there, not readable or not for this server is left out; anything else is an error. */
const LEFT_OUT: ReadonlySet<ModelErrorReason> = new Set(['notFound', 'methodNotAllowed', 'unauthorized']);

/** Everything readable at these paths, each value once. The root stands for all objects. */
export function readSeveral(objects: ObjectSet, paths: readonly Path[]): readonly Entry[] | Promise<readonly Entry[]> {
  const wanted = paths.flatMap((path) =>
    path.level === 'root' ? [...objects].map(({ definition }) => Path.of(definition.id)) : [path],
  );
  const single = wanted.filter(({ level }) => level === 'resourceInstance');
  const readings = [
    ...wanted.filter(({ level }) => level !== 'resourceInstance').map((path) => readOrNothing(objects, path)),
    ...[...byResource(single)].map(([resource, ids]) => readSome(objects, resource, ids)),
  ];
  return allTogether(readings, distinct);
}

/** Ids of resource instances by their resource, which is read once however many of them are asked for. */
function byResource(paths: readonly Path[]): ReadonlyMap<Path, ReadonlySet<number>> {
  const resources = new Map<string, readonly [Path, Set<number>]>();
  for (const path of paths) {
    const resource = path.prefix(3);
    const key = resource.toString();
    const known = resources.get(key) ?? ([resource, new Set()] as const);
    resources.set(key, known);
    known[1].add(path.resourceInstance!);
  }
  return new Map(resources.values());
}

function readSome(
  objects: ObjectSet,
  resource: Path,
  ids: ReadonlySet<number>,
): readonly Entry[] | Promise<readonly Entry[]> {
  const among = (entries: readonly Entry[]): readonly Entry[] =>
    entries.filter(({ path }) => ids.has(path.resourceInstance ?? -1));
  const entries = readOrNothing(objects, resource);
  return entries instanceof Promise ? entries.then(among) : among(entries);
}

function readOrNothing(objects: ObjectSet, path: Path): readonly Entry[] | Promise<readonly Entry[]> {
  if (HIDDEN_OBJECTS.has(path.object!)) return [];
  try {
    const entries = objects.read(path, 'server');
    return entries instanceof Promise ? entries.catch(nothingIfLeftOut) : entries;
  } catch (error) {
    return nothingIfLeftOut(error);
  }
}

function nothingIfLeftOut(error: unknown): readonly Entry[] {
  if (error instanceof ModelError && LEFT_OUT.has(error.reason)) return [];
  throw error;
}

function distinct(readings: readonly (readonly Entry[])[]): readonly Entry[] {
  return [...new Map(readings.flat().map((entry) => [entry.path.toString(), entry])).values()];
}

/**
 * All of the changes, or none (§6.3.9): every object checks, and its application agrees, before the first value is touched.
 * @param perform what does it in the end
 * @throws ModelError notFound, methodNotAllowed, badRequest
 */
export function writeSeveral(
  objects: ObjectSet,
  changes: readonly EntryChange[],
  perform: typeof performAll = performAll,
): void | Promise<void> {
  const writes = [...byInstance(objects, changes)].map(([path, { entries, removed }]) =>
    objects.of(path).prepareWrite({ path, entries, removed, mode: 'update', by: 'server' }),
  );
  return allTogether(writes, (prepared) => void perform(prepared));
}

/** At once where nothing has to be waited for. */
export function allTogether<T, R>(parts: readonly (T | Promise<T>)[], use: (parts: readonly T[]) => R): R | Promise<R> {
  const isWaiting = (part: T | Promise<T>): part is Promise<T> => part instanceof Promise;
  if (!parts.some(isWaiting)) return use(parts as readonly T[]);
  return Promise.all(parts.map(async (part) => part)).then(use);
}

/**
 * Nothing is touched until the last has been checked; from then on all of it happens, whichever of the application's
 * listeners fail. @throws what the first one threw, in the end
 */
export function performAll<T>(prepared: readonly Prepared<T>[]): readonly T[] {
  const checked = prepared.map((check) => check());
  const done: T[] = [];
  const failures: unknown[] = [];
  for (const act of checked) {
    try {
      done.push(act());
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return done;
}

interface Changes {
  readonly entries: Entry[];
  readonly removed: Path[];
}

function byInstance(objects: ObjectSet, changes: readonly EntryChange[]): ReadonlyMap<Path, Changes> {
  const instances = new Map<string, readonly [Path, Changes]>();
  for (const { path, value } of changes) {
    checkTarget(objects, path, value === null);
    const instance = path.prefix(2);
    const [, group] = instances.get(instance.toString()) ?? [instance, { entries: [], removed: [] }];
    instances.set(instance.toString(), [instance, group]);
    if (value === null) group.removed.push(path);
    else group.entries.push({ path, value });
  }
  return new Map(instances.values());
}

/** Unlike a Write to an instance, nothing unknown is passed over: what is asked for happens, or nothing does. */
function checkTarget(objects: ObjectSet, path: Path, goes: boolean): void {
  if (HIDDEN_OBJECTS.has(path.object ?? -1)) {
    throw new ModelError('unauthorized', `no server may touch object ${path.object}`);
  }
  if (path.resource === undefined) throw new ModelError('badRequest', `${path} is no resource`);
  if (!objects.has(path.prefix(2)) || objects.definitionOf(path) === undefined) {
    throw new ModelError('notFound', `there is no ${path}`);
  }
  if (goes && path.resourceInstance === undefined) throw new ModelError('badRequest', `${path} cannot be taken away`);
}
