// The observations of one server across restarts, as JSON in the Storage (LwM2M Core 1.2 §6.4.1: until the next registration the
// server relies on us to remember them).

import { CONTENT_FORMATS, FormatError, type ShapeOf, decodeEntries, encodeEntries } from '../formats/index.ts';
import { DecodeError, fromBase64, fromHex, toBase64, toHex, utf8Encode } from '../bytes/index.ts';
import { type IncomingRequest, METHODS, type Method } from '../coap/index.ts';
import { type NotificationAttributes, isAttribute } from './attributes.ts';
import { HIDDEN_OBJECTS } from './registration-payload.ts';
import type { MemoryCodec } from './memory.ts';
import type { ObjectSet } from './object-set.ts';
import { Path } from '../model/index.ts';
import { parseSaved, savedArray, savedInteger, savedRecord, savedText } from './saved-json.ts';
import type { SavedFor } from './saved-registration.ts';
import type { Reading } from './stored-notifications.ts';
import type { Subject } from './notification-schedule.ts';

const FORMAT = 1;
const VALUES = CONTENT_FORMATS.lwm2mCbor; // which has a way to say any value
const LARGEST_TIME = 8.64e15; // ms that a Date can hold
const LONGEST_TOKEN = 8; // bytes, RFC 7252 §3
const LARGEST_SEQUENCE = 0xffffff; // RFC 7641 §4.4: 24 bits

/** One observation as it outlives its process. */
export interface SavedObservation extends Subject {
  readonly request: IncomingRequest;
  readonly contentFormat: number;
  /** Of the newest notification when it was saved. */
  readonly sequence: number;
  /** What the server should have heard, oldest first. */
  readonly readings: readonly Reading[];
}

/** The storage key of one account. */
export function observationsKey(shortServerId: number): string {
  return `observations-${shortServerId}`;
}

/** For a Memory. Those of another endpoint or server are none; null stands for what cannot be read, for something was there. */
export function observationsCodec(
  { endpoint, uri }: SavedFor,
  { shapeOf }: Pick<ObjectSet, 'shapeOf'>,
): MemoryCodec<readonly SavedObservation[] | null> {
  return {
    name: 'the observations',
    encode: (all) =>
      utf8Encode(
        JSON.stringify({
          format: FORMAT,
          endpoint,
          uri,
          observations: all?.map((each) => written(each, shapeOf)) ?? [],
        }),
      ),
    decode(bytes) {
      try {
        const saved = parseSaved(bytes, 'saved observations');
        if (saved['endpoint'] !== endpoint || saved['uri'] !== uri) return undefined;
        if (saved['format'] !== FORMAT) return null;
        return savedArray(saved['observations'], 'saved observations').map((each) => read(each, shapeOf));
      } catch {
        return null;
      }
    },
  };
}

function written(observation: SavedObservation, shapeOf: ShapeOf): object {
  const { request, paths, composite, parameters, contentFormat, sequence, readings } = observation;
  const { method, path, query, accept, confirmable } = request;
  return {
    paths: paths.map(String),
    composite,
    parameters,
    contentFormat,
    sequence,
    readings: readings.flatMap((reading) => writtenReading(reading, shapeOf)),
    request: {
      method,
      path,
      query,
      accept,
      confirmable,
      contentFormat: request.contentFormat,
      token: toHex(request.token),
      options: request.options.map(({ number, value }) => [number, toHex(value)]),
      payload: toHex(request.payload),
    },
  };
}

/** None where the values cannot be written (one with a time of its own): that costs this reading, not all observations. */
function writtenReading({ at, entries }: Reading, shapeOf: ShapeOf): readonly object[] {
  try {
    return [{ at, values: toBase64(encodeEntries(VALUES, Path.root, entries, shapeOf)) }];
  } catch (error) {
    if (error instanceof FormatError) return [];
    throw error;
  }
}

function read(given: unknown, shapeOf: ShapeOf): SavedObservation {
  const observation = savedRecord(given, 'observation');
  const { paths, composite, parameters, contentFormat, sequence, readings, request } = observation;
  const all = savedArray(paths, 'paths').map(pathOf);
  if (all.length === 0) throw new DecodeError('paths', 'one or more', 'none');
  return {
    paths: all,
    composite: composite === true,
    parameters: parameters === undefined ? undefined : parametersOf(savedRecord(parameters, 'parameters')),
    contentFormat: savedInteger(contentFormat, 0, 0xffff, 'contentFormat'),
    sequence: savedInteger(sequence, 0, LARGEST_SEQUENCE, 'sequence'),
    readings: savedArray(readings, 'readings').map((each) => readingOf(savedRecord(each, 'reading'), shapeOf)),
    request: requestOf(savedRecord(request, 'request')),
  };
}

/** Whatever the Storage says, no server observes what none may read. */
function pathOf(given: unknown): Path {
  const path = Path.parse(savedText(given, 'path'));
  if (HIDDEN_OBJECTS.has(path.object ?? -1)) throw new DecodeError('path', 'what servers may read', `${path}`);
  return path;
}

function tokenOf(given: unknown): Uint8Array {
  const token = fromHex(savedText(given, 'token'), 'token');
  if (token.length > LONGEST_TOKEN) throw new DecodeError('token', `at most ${LONGEST_TOKEN} bytes`, `${token.length}`);
  return token;
}

function readingOf({ at, values }: Record<string, unknown>, shapeOf: ShapeOf): Reading {
  if (at !== undefined && !(typeof at === 'number' && Math.abs(at) <= LARGEST_TIME)) {
    throw new DecodeError('reading: at', 'a time', typeof at);
  }
  const bytes = fromBase64(savedText(values, 'reading: values'), 'reading: values');
  return { at, entries: decodeEntries(VALUES, Path.root, bytes, shapeOf) };
}

function requestOf(given: Record<string, unknown>): IncomingRequest {
  const method = savedText(given['method'], 'method');
  if (!Object.hasOwn(METHODS, method)) throw new DecodeError('method', 'one of CoAP', 'another');
  const optional = (value: unknown, field: string): number | undefined =>
    value === undefined ? undefined : savedInteger(value, 0, 0xffff, field);
  return {
    method: method as Method,
    path: savedArray(given['path'], 'path').map((segment) => savedText(segment, 'path')),
    query: savedArray(given['query'], 'query').map((argument) => savedText(argument, 'query')),
    accept: optional(given['accept'], 'accept'),
    contentFormat: optional(given['contentFormat'], 'contentFormat'),
    confirmable: given['confirmable'] === true,
    token: tokenOf(given['token']),
    options: savedArray(given['options'], 'options').map((option) => {
      const [number, value] = savedArray(option, 'option');
      return { number: savedInteger(number, 0, 0xffff, 'option'), value: fromHex(savedText(value, 'option')) };
    }),
    payload: fromHex(savedText(given['payload'], 'payload')),
    acceptObservation: undefined,
    cancelsObservation: false,
  };
}

function parametersOf(given: Record<string, unknown>): NotificationAttributes {
  const wrong = Object.entries(given).find(([name, value]) => !isAttribute(name, value));
  if (wrong !== undefined) throw new DecodeError(`parameter ${wrong[0]}`, 'a number of its kind', 'another');
  return given;
}
