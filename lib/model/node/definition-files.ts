// Object definitions from files: one, or all of a directory.

import { readFile, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { DefinitionError } from '../xml/definition-error.ts';
import type { ObjectDefinition } from '../definition.ts';
import { loadObjectDefinitions } from '../xml/load.ts';

export interface DefinitionFileLimits {
  /** Bytes of one file. */
  readonly maxBytes: number;
  /** Files of one directory. */
  readonly maxFiles: number;
}

// The registry has 750 files, versions of old included, of at most 240,000 bytes.
const DEFAULT_LIMITS: DefinitionFileLimits = Object.freeze({ maxBytes: 4_194_304, maxFiles: 5_000 });

export interface ReadDefinitions {
  /** Ascending by file name. */
  readonly definitions: readonly ObjectDefinition[];
  /** What could not be used, by file and line: the rest can. */
  readonly problems: readonly DefinitionError[];
}

/**
 * The definitions of an XML file, or of every `.xml` file of a directory (not of those inside it).
 * @throws Error as node:fs if there is no such file, RangeError if the directory has too many
 */
export async function readObjectDefinitions(
  fileOrDirectory: string,
  limits: Partial<DefinitionFileLimits> = {},
): Promise<ReadDefinitions> {
  const settings = { ...DEFAULT_LIMITS, ...limits };
  const files = await filesOf(fileOrDirectory, settings.maxFiles);
  const definitions: ObjectDefinition[] = [];
  const problems: DefinitionError[] = [];
  for (const file of files) {
    try {
      definitions.push(...(await readOne(file, settings.maxBytes)));
    } catch (error) {
      if (!(error instanceof DefinitionError)) throw error;
      problems.push(error);
    }
  }
  return { definitions, problems };
}

async function filesOf(fileOrDirectory: string, most: number): Promise<readonly string[]> {
  if (!(await stat(fileOrDirectory)).isDirectory()) return [fileOrDirectory];
  const names = (await readdir(fileOrDirectory)).filter((name) => name.toLowerCase().endsWith('.xml')).sort();
  if (names.length > most)
    throw new RangeError(`${fileOrDirectory}: expected at most ${most} files, found ${names.length}`);
  return names.map((name) => path.join(fileOrDirectory, name));
}

async function readOne(file: string, maxBytes: number): Promise<readonly ObjectDefinition[]> {
  const { size } = await stat(file);
  if (size > maxBytes) throw new DefinitionError(file, undefined, `expected at most ${maxBytes} bytes, found ${size}`);
  return loadObjectDefinitions(await readFile(file, 'utf8'), { source: file });
}

/** Of each object the definition of its highest version, ascending by id. */
export function latestVersions(definitions: readonly ObjectDefinition[]): readonly ObjectDefinition[] {
  const latest = new Map<number, ObjectDefinition>();
  for (const definition of definitions) {
    const known = latest.get(definition.id);
    if (known === undefined || isLater(definition, known)) latest.set(definition.id, definition);
  }
  return [...latest.values()].sort((a, b) => a.id - b.id);
}

function isLater(a: ObjectDefinition, b: ObjectDefinition): boolean {
  const [left, right] = [a, b].map(({ version = '1.0' }) => version.split('.').map(Number) as [number, number]);
  return left![0] === right![0] ? left![1] > right![1] : left![0] > right![0];
}
