// Whether links that a server writes lead anywhere (LwM2M Core 1.2 §6.3.3).

import { ModelError, type ObjectLink, type Path, type Value, isObjectLink } from '../model/index.ts';
import { HIDDEN_OBJECTS } from './registration-payload.ts';
import type { ObjectSet } from './object-set.ts';

const NO_ID = 65_535; // MAX_ID: as an instance, the object itself; as both, no link

/**
 * A link leads to an object, to an instance, or nowhere by the null link. What no server may see is not there.
 * @param created instances of the same request
 * @throws ModelError badRequest naming the path
 */
export function checkLinks(
  objects: ObjectSet,
  changes: readonly { readonly path: Path; readonly value: Value | null }[],
  created: readonly Path[] = [],
): void {
  for (const { path, value } of changes) {
    if (!isObjectLink(value) || leads(objects, value, created)) continue;
    throw new ModelError(
      'badRequest',
      `${path}: expected a link to what is there, found ${value.object}:${value.instance}`,
    );
  }
}

function leads(objects: ObjectSet, { object, instance }: ObjectLink, created: readonly Path[]): boolean {
  if (object === NO_ID) return instance === NO_ID;
  if (HIDDEN_OBJECTS.has(object)) return false;
  const target = objects.find(object);
  if (target === undefined || instance === NO_ID) return target !== undefined;
  return target.instanceIds.includes(instance) || created.some((path) => isAt(path, object, instance));
}

function isAt(path: Path, object: number, instance: number): boolean {
  return path.object === object && path.instance === instance;
}
