// The observations of one server across restarts, as JSON in the Storage (LwM2M Core 1.2 §6.4.1: until the next registration the
// server relies on us to remember them).

import { DecodeError, fromHex, toHex, utf8Encode } from '../bytes/index.ts';
import { type IncomingRequest, METHODS, type Method } from '../coap/index.ts';
import { type NotificationAttributes, isAttribute } from './attributes.ts';
import type { MemoryCodec } from './memory.ts';
import { Path } from '../model/index.ts';
import { parseSaved, savedArray, savedInteger, savedRecord, savedText } from './saved-json.ts';
import type { SavedFor } from './saved-registration.ts';
import type { Subject } from './notification-schedule.ts';

const FORMAT = 1;
const LARGEST_SEQUENCE = 0xffffff; // RFC 7641 §4.4: 24 bits

/** One observation as it outlives its process. */
export interface SavedObservation extends Subject {
  readonly request: IncomingRequest;
  readonly contentFormat: number;
  /** Of the newest notification when it was saved. */
  readonly sequence: number;
}

/** The storage key of one account. */
export function observationsKey(shortServerId: number): string {
  return `observations-${shortServerId}`;
}

/** For a Memory. Those of another endpoint or server are none; null stands for what cannot be read, for something was there. */
export function observationsCodec({ endpoint, uri }: SavedFor): MemoryCodec<readonly SavedObservation[] | null> {
  return {
    name: 'the observations',
    encode: (all) =>
      utf8Encode(JSON.stringify({ format: FORMAT, endpoint, uri, observations: all?.map(written) ?? [] })),
    decode(bytes) {
      try {
        const saved = parseSaved(bytes, 'saved observations');
        if (saved['endpoint'] !== endpoint || saved['uri'] !== uri) return undefined;
        if (saved['format'] !== FORMAT) return null;
        return savedArray(saved['observations'], 'saved observations').map(read);
      } catch {
        return null;
      }
    },
  };
}

function written({ request, paths, composite, parameters, contentFormat, sequence }: SavedObservation): object {
  const { method, path, query, accept, confirmable } = request;
  return {
    paths: paths.map(String),
    composite,
    parameters,
    contentFormat,
    sequence,
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

function read(given: unknown): SavedObservation {
  const { paths, composite, parameters, contentFormat, sequence, request } = savedRecord(given, 'observation');
  const all = savedArray(paths, 'paths').map((path) => Path.parse(savedText(path, 'path')));
  if (all.length === 0) throw new DecodeError('paths', 'one or more', 'none');
  return {
    paths: all,
    composite: composite === true,
    parameters: parameters === undefined ? undefined : parametersOf(savedRecord(parameters, 'parameters')),
    contentFormat: savedInteger(contentFormat, 0, 0xffff, 'contentFormat'),
    sequence: savedInteger(sequence, 0, LARGEST_SEQUENCE, 'sequence'),
    request: requestOf(savedRecord(request, 'request')),
  };
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
    token: fromHex(savedText(given['token'], 'token')),
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
