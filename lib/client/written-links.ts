// Whether links that a server writes are some, and lead anywhere (LwM2M Core 1.2 §6.3.3, Appendix C).

import { ModelError, type ObjectLink, type Path, type Value, isObjectLink } from '../model/index.ts';
import { DecodeError } from '../bytes/index.ts';
import { HIDDEN_OBJECTS } from './registration-payload.ts';
import type { ObjectSet } from './object-set.ts';
import { decodeLinks } from '../formats/index.ts';

const NO_ID = 65_535; // MAX_ID: as an instance, the object itself; as both, no link

/**
 * An object link leads to an object, to an instance, or nowhere by the null link; what no server may see is not there. CoRE
 * links are in CoRE link format.
 * @param created instances of the same request
 * @throws ModelError badRequest naming the path
 */
export function checkLinks(
  objects: ObjectSet,
  changes: readonly { readonly path: Path; readonly value: Value | null }[],
  created: readonly Path[] = [],
): void {
  for (const { path, value } of changes) {
    if (isObjectLink(value) && !leads(objects, value, created)) {
      const found = `${value.object}:${value.instance}`;
      throw new ModelError('badRequest', `${path}: expected a link to what is there, found ${found}`);
    }
    if (typeof value === 'string' && objects.definitionOf(path)?.type === 'coreLink') checkCoreLinks(path, value);
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

function checkCoreLinks(path: Path, text: string): void {
  try {
    decodeLinks(text);
  } catch (error) {
    if (error instanceof DecodeError) throw new ModelError('badRequest', `${path}: ${error.message}`);
    throw error;
  }
}
