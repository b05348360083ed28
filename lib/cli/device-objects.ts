// `--objects` and `--instance` of `lwm2m device`: any object of OMA's registry, simulated from its definition.

import { DefinitionError, type ManagedObject, type ObjectDefinition, Path, plausibleObject } from '../model/index.ts';
import { latestVersions, readObjectDefinitions } from '../model/node/index.ts';
import { CliError, wrongFlag } from './cli-error.ts';
import { DecodeError } from '../bytes/index.ts';
import type { CliIo } from './io.ts';
import { printableLines } from './printable.ts';

export const OBJECTS_EXAMPLE = '--objects ./registry --instance 3304/0 --instance 3304/1';

/** Objects that the client and its accounts are made of, whatever a directory has besides. */
const OWN_OBJECTS = [0, 1, 2, 21];

export interface ObjectFlags {
  readonly objects?: string;
  readonly instance?: readonly string[];
}

export interface ObjectSetting {
  /** Objects the device has already. */
  readonly taken: readonly ManagedObject[];
  readonly now: Date;
  readonly executed: (name: string) => void;
}

/**
 * The objects of `--objects`: each with instance 0, or with those of `--instance` alone.
 * @throws CliError naming the flag, or the file and line
 */
export async function objectsFrom(
  flags: ObjectFlags,
  setting: ObjectSetting,
  io: CliIo,
): Promise<readonly ManagedObject[]> {
  const wanted = instancesFrom(flags.instance ?? []);
  if (flags.objects === undefined) {
    if (wanted.size === 0) return [];
    throw wrongFlag(
      '--instance',
      'expected --objects with it, which says what the instance is made of',
      OBJECTS_EXAMPLE,
    );
  }
  const taken = new Set([...OWN_OBJECTS, ...setting.taken.map(({ definition }) => definition.id)]);
  const definitions = latestVersions(await read(flags.objects, io)).filter(({ id }) => !taken.has(id));
  for (const id of wanted.keys()) checkWanted(id, taken, definitions, flags.objects);
  return definitions.map((definition) =>
    plausibleObject(definition, {
      instances: wanted.size === 0 ? [0] : (wanted.get(definition.id) ?? []),
      now: setting.now,
      executed: ({ name }) => setting.executed(`${definition.name}: ${name}`),
    }),
  );
}

async function read(fileOrDirectory: string, io: CliIo): Promise<readonly ObjectDefinition[]> {
  const { definitions, problems } = await readObjectDefinitions(fileOrDirectory).catch((error: unknown) => {
    throw wrongFlag('--objects', error instanceof Error ? error.message : String(error), OBJECTS_EXAMPLE);
  });
  if (definitions.length === 0) {
    const reason = problems[0]?.message ?? `${fileOrDirectory} has no .xml files`;
    throw wrongFlag('--objects', reason, OBJECTS_EXAMPLE);
  }
  for (const { message } of problems) io.error(printableLines(`warning: passed over: ${message}`));
  return definitions;
}

function checkWanted(
  id: number,
  taken: ReadonlySet<number>,
  definitions: readonly ObjectDefinition[],
  where: string,
): void {
  if (taken.has(id)) throw wrongFlag('--instance', `the device has its own object ${id}`, OBJECTS_EXAMPLE);
  if (definitions.some((definition) => definition.id === id)) return;
  throw wrongFlag('--instance', `${where} has no object ${id}`, OBJECTS_EXAMPLE);
}

/** Instance ids by object. */
function instancesFrom(texts: readonly string[]): ReadonlyMap<number, readonly number[]> {
  const wanted = new Map<number, number[]>();
  for (const text of texts) {
    const { object, instance } = instancePath(text);
    const ids = wanted.get(object) ?? [];
    if (ids.includes(instance)) throw wrongFlag('--instance', `${text} is given twice`, OBJECTS_EXAMPLE);
    wanted.set(object, [...ids, instance]);
  }
  return wanted;
}

function instancePath(text: string): { readonly object: number; readonly instance: number } {
  try {
    const { object, instance, level } = Path.parse(text, '--instance');
    if (level === 'instance') return { object: object!, instance: instance! };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
  }
  throw wrongFlag('--instance', `expected OBJECT/INSTANCE, found ${JSON.stringify(text)}`, OBJECTS_EXAMPLE);
}

/** The definitions of one file, for commands that need it whole. @throws CliError naming file and line */
export async function definitionsOf(file: string): Promise<readonly ObjectDefinition[]> {
  const { definitions, problems } = await readObjectDefinitions(file).catch((error: unknown) => {
    throw new CliError(error instanceof Error ? error.message : String(error));
  });
  const [problem] = problems;
  if (problem instanceof DefinitionError) throw new CliError(problem.message);
  return definitions;
}
