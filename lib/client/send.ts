// What a Send carries: values read now, or samples with their times (LwM2M Core 1.2 §6.4.6, Transport §6.4.5).

import { CONTENT_FORMATS, carriesTimestamps, encodeEntries } from '../formats/index.ts';
import { type Entry, ModelError, Path, type Value, checkValue } from '../model/index.ts';
import { HIDDEN_OBJECTS } from './registration-payload.ts';
import { LwM2mError } from './lwm2m-error.ts';
import type { LwM2mVersion } from './registration-parameters.ts';
import type { ObjectSet } from './object-set.ts';
import type { Patience } from './patience.ts';

/** The value of one resource (instance) at one time. */
export interface Sample {
  /** `/3303/0/5700`. */
  readonly path: string | Path;
  readonly value: Value;
  /** When it was so. Default: not said, which means now. */
  readonly at?: Date | undefined;
}

/** Content-Formats of Send. LwM2M CBOR came with 1.2 and has no times: where either matters SenML CBOR stands in for it. */
export type SendFormat = 'senmlJson' | 'senmlCbor' | 'lwm2mCbor';

export const DEFAULT_SEND_FORMAT: SendFormat = 'senmlJson'; // mandatory for servers from 1.1 on (Core 1.2 §7.4)

const SEND_FORMATS: readonly SendFormat[] = ['senmlJson', 'senmlCbor', 'lwm2mCbor'];

/** Everything that goes in one request. */
export interface SendPack {
  readonly entries: readonly Entry[];
  readonly format: SendFormat;
  /** When the values without a time of their own were so, in milliseconds since 1970; undefined where nobody knows. */
  readonly at: number | undefined;
}

/** @throws LwM2mError ECONFIG */
export function checkSendFormat(format: SendFormat | undefined): SendFormat {
  if (format === undefined) return DEFAULT_SEND_FORMAT;
  if (SEND_FORMATS.includes(format)) return format;
  throw new LwM2mError('ECONFIG', `Send: format: expected ${SEND_FORMATS.join(', ')}, found another`);
}

/**
 * The values: what a server may read at the paths, and the samples.
 * @throws LwM2mError ECONFIG for nothing, for what is not for servers, and for two values of one path and time
 * @throws ModelError if a path is not there or not readable, or a value not of its type
 */
export async function gather(
  objects: ObjectSet,
  what: readonly (string | Path | Sample)[],
  patience: Patience,
): Promise<readonly Entry[]> {
  if (what.length === 0) throw new LwM2mError('ECONFIG', 'Send: expected at least one path, such as /3303/0/5700');
  const parts = what.map(async (each) =>
    isSample(each) ? [sampled(objects, each)] : read(objects, pathOf(each), patience),
  );
  const gathered = new Map<string, Entry>();
  for (const entry of (await Promise.all(parts)).flat()) {
    const key = `${entry.path} ${entry.timestamp}`;
    if (gathered.has(key) && what.some(isSample)) {
      throw new LwM2mError('ECONFIG', `Send: ${entry.path} is there twice; give each sample its own time`);
    }
    gathered.set(key, entry);
  }
  return [...gathered.values()];
}

function isSample(what: string | Path | Sample): what is Sample {
  return typeof what !== 'string' && !(what instanceof Path);
}

/** @throws DecodeError if it is no path; LwM2mError ECONFIG if it is for no server */
export function pathOf(given: string | Path): Path {
  const path = typeof given === 'string' ? Path.parse(given) : given;
  if (path.object !== undefined && !HIDDEN_OBJECTS.has(path.object)) return path;
  throw new LwM2mError('ECONFIG', `Send: ${path} is not for servers`);
}

async function read(objects: ObjectSet, path: Path, patience: Patience): Promise<readonly Entry[]> {
  const entries = objects.read(path, 'server');
  return entries instanceof Promise ? patience.wait(entries) : entries;
}

function sampled(objects: ObjectSet, { path: given, value, at }: Sample): Entry {
  const path = pathOf(given);
  const definition = objects.definitionOf(path);
  if (definition === undefined || !objects.has(path.prefix(3))) throw new ModelError('notFound', `there is no ${path}`);
  if (!definition.operations.includes('R')) {
    throw new ModelError('methodNotAllowed', `${path} (${definition.name}) cannot be read`);
  }
  if ((path.resourceInstance !== undefined) !== (definition.multiple === true)) {
    const expected = definition.multiple === true ? 'a resource instance' : 'a resource';
    throw new ModelError('badRequest', `${path} (${definition.name}): expected the path of ${expected}`);
  }
  checkValue(definition, value, path.toString());
  if (at === undefined) return { path, value };
  if (!Number.isNaN(at.getTime())) return { path, value, timestamp: at.getTime() };
  throw new LwM2mError('ECONFIG', `Send: ${path}: expected a time, found an invalid Date`);
}

/** @param late the values are not of now: their times are told, where they are known */
export function encodePack(
  pack: SendPack,
  version: LwM2mVersion,
  late: boolean,
  objects: ObjectSet,
): { readonly contentFormat: number; readonly payload: Uint8Array } {
  const timed = late && pack.at !== undefined;
  const entries = timed
    ? pack.entries.map((entry) => ({ ...entry, timestamp: entry.timestamp ?? pack.at }))
    : pack.entries;
  const wanted = CONTENT_FORMATS[pack.format];
  const isTimed = entries.some(({ timestamp }) => timestamp !== undefined);
  const fits = pack.format !== 'lwm2mCbor' || version >= '1.2';
  const contentFormat = fits && (!isTimed || carriesTimestamps(wanted)) ? wanted : CONTENT_FORMATS.senmlCbor;
  return { contentFormat, payload: encodeEntries(contentFormat, commonPath(entries), entries, objects.shapeOf) };
}

/** The longest path that all lie at or below: names count from there. */
function commonPath(entries: readonly Entry[]): Path {
  let common = entries[0]?.path ?? Path.root;
  while (!entries.every(({ path }) => common.contains(path))) common = common.prefix(common.ids.length - 1);
  return common;
}
