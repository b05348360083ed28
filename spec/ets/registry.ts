// Objects of the cases that this project has no definition of: from OMA's registry, where it lies beside the project.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type InstanceInit,
  type ManagedObject,
  type ObjectDefinition,
  type Value,
  defineObject,
  loadObjectDefinitions,
} from '../../lib/model/index.ts';

const REGISTRY = process.env['OMA_REGISTRY'] ?? fileURLToPath(new URL('../../../shared/oma-registry', import.meta.url));

/** For `EtsCase.lacks`. */
export function lacksRegistry(): string | undefined {
  return existsSync(REGISTRY) ? undefined : 'shared/oma-registry';
}

/** Values by resource id; of a multiple resource, by instance. */
export type ResourceValues = Readonly<Record<number, Value | Readonly<Record<number, Value>>>>;

/** The object of a file of the registry with these instances, by id. */
export async function registryObject(
  file: string,
  instances: Readonly<Record<number, ResourceValues>>,
): Promise<ManagedObject> {
  const source = path.join(REGISTRY, file);
  const [definition] = await loadObjectDefinitions(await readFile(source, 'utf8'), { source });
  if (definition === undefined) throw new Error(`${source} defines no object`);
  const named = Object.entries(instances).map(([id, values]) => [id, byName(definition, values)] as const);
  return defineObject(definition).create(Object.fromEntries(named));
}

function byName(definition: ObjectDefinition, values: ResourceValues): InstanceInit<ObjectDefinition> {
  const names = Object.entries(definition.resources).filter(([, { id }]) => id in values);
  return Object.fromEntries(names.map(([name, { id }]) => [name, values[id]])) as InstanceInit<ObjectDefinition>;
}
