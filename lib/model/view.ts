// How holdings show: to the application as properties, to readers as entries.

import type { Entry } from './value.ts';
import type { Holding } from './instance.ts';
import { ModelError } from './model-error.ts';
import type { Path } from './path.ts';
import type { ResourceDefinition } from './definition.ts';

/** Entries at once, or later where a source is asynchronous. */
export type Reading = readonly Entry[] | Promise<readonly Entry[]>;

/** What the typed view shows of a holding: functions of non-executable resources are asked. */
export function present(held: Holding | undefined, resource: ResourceDefinition, name: string): unknown {
  if (typeof held !== 'function' || resource.operations === 'E') return held;
  const value: unknown = (held as () => unknown)();
  if (value instanceof Promise) throw new ModelError('internal', `${name} is asynchronous: read it with read()`);
  return value;
}

/** Of a resource's entries, those at or below `path`. @throws ModelError notFound for a resource instance that is not there */
export function entriesBelow(entries: Reading, path: Path): Reading {
  if (path.resourceInstance === undefined) return entries;
  if (entries instanceof Promise) return entries.then((later) => entriesBelow(later, path));
  const found = entries.filter((entry) => path.contains(entry.path));
  if (found.length === 0) throw new ModelError('notFound', `there is no ${path}`);
  return found;
}

/** All entries in order. Once a source fails no further one is asked, and none of those asked fails unheard. */
export function joined(sources: readonly (() => Reading)[]): Reading {
  const readings: Reading[] = [];
  try {
    for (const source of sources) readings.push(source());
  } catch (error) {
    for (const reading of readings) if (reading instanceof Promise) reading.catch(() => undefined);
    throw error;
  }
  if (!readings.some((reading) => reading instanceof Promise)) return (readings as (readonly Entry[])[]).flat();
  return Promise.all(readings.map((reading) => Promise.resolve(reading))).then((all) => all.flat());
}
