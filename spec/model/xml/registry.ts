// OMA's registry, where it is there: a clone of OpenMobileAlliance/lwm2m-registry beside the repository.

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** The directory, or undefined. */
export const REGISTRY: string | undefined = findRegistry();

function findRegistry(): string | undefined {
  for (let at = import.meta.dirname; at !== path.dirname(at); at = path.dirname(at)) {
    if (!existsSync(path.join(at, 'package.json'))) continue;
    const candidate = path.join(at, '../shared/oma-registry');
    return existsSync(candidate) ? candidate : undefined;
  }
  return undefined;
}

/** Every XML file, old versions included, by its path in the registry. */
export function registryFiles(): readonly string[] {
  if (REGISTRY === undefined) return [];
  return readdirSync(REGISTRY, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.xml'))
    .sort();
}

export function registryText(file: string): string {
  return readFileSync(path.join(REGISTRY!, file), 'utf8');
}
