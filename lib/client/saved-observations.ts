// The observations of one server across restarts, as JSON in the Storage (LwM2M Core 1.2 §6.4.1: until the next registration the
// server relies on us to remember them).

import { DecodeError, fromHex, toHex, utf8Decode, utf8Encode } from '../bytes/index.ts';
import { type IncomingRequest, METHODS, type Method } from '../coap/index.ts';
import { type NotificationAttributes, isAttribute } from './attributes.ts';
import type { MemoryCodec } from './memory.ts';
import { Path } from '../model/index.ts';
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
        const saved = record(JSON.parse(utf8Decode(bytes, 'saved observations')), 'saved observations');
        if (saved['endpoint'] !== endpoint || saved['uri'] !== uri) return undefined;
        if (saved['format'] !== FORMAT) return null;
        return array(saved['observations'], 'saved observations').map(read);
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
  const { paths, composite, parameters, contentFormat, sequence, request } = record(given, 'observation');
  const all = array(paths, 'paths').map((path) => Path.parse(text(path, 'path')));
  if (all.length === 0) throw new DecodeError('paths', 'one or more', 'none');
  return {
    paths: all,
    composite: composite === true,
    parameters: parameters === undefined ? undefined : parametersOf(record(parameters, 'parameters')),
    contentFormat: integer(contentFormat, 0xffff, 'contentFormat'),
    sequence: integer(sequence, LARGEST_SEQUENCE, 'sequence'),
    request: requestOf(record(request, 'request')),
  };
}

function requestOf(given: Record<string, unknown>): IncomingRequest {
  const method = text(given['method'], 'method');
  if (!Object.hasOwn(METHODS, method)) throw new DecodeError('method', 'one of CoAP', 'another');
  const optional = (value: unknown, field: string): number | undefined =>
    value === undefined ? undefined : integer(value, 0xffff, field);
  return {
    method: method as Method,
    path: array(given['path'], 'path').map((segment) => text(segment, 'path')),
    query: array(given['query'], 'query').map((argument) => text(argument, 'query')),
    accept: optional(given['accept'], 'accept'),
    contentFormat: optional(given['contentFormat'], 'contentFormat'),
    confirmable: given['confirmable'] === true,
    token: fromHex(text(given['token'], 'token')),
    options: array(given['options'], 'options').map((option) => {
      const [number, value] = array(option, 'option');
      return { number: integer(number, 0xffff, 'option'), value: fromHex(text(value, 'option')) };
    }),
    payload: fromHex(text(given['payload'], 'payload')),
    acceptObservation: undefined,
    cancelsObservation: false,
  };
}

function parametersOf(given: Record<string, unknown>): NotificationAttributes {
  const wrong = Object.entries(given).find(([name, value]) => !isAttribute(name, value));
  if (wrong !== undefined) throw new DecodeError(`parameter ${wrong[0]}`, 'a number of its kind', 'another');
  return given;
}

function record(value: unknown, field: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new DecodeError(field, 'an object', typeof value);
}

function array(value: unknown, field: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new DecodeError(field, 'an array', typeof value);
}

function text(value: unknown, field: string): string {
  if (typeof value === 'string') return value;
  throw new DecodeError(field, 'text', typeof value);
}

function integer(value: unknown, most: number, field: string): number {
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most) return value as number;
  throw new DecodeError(field, `an integer from 0 to ${most}`, typeof value);
}
