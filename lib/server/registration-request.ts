// What a Register or Update says: its query and its CoRE links (LwM2M Core 1.2 §6.2.1, §6.2.2).

import { DecodeError, utf8Decode } from '../bytes/index.ts';
import { type CoreLink, decodeLinks } from '../formats/index.ts';
import { type Duration, seconds } from '../runtime/index.ts';

export type LwM2mVersion = '1.0' | '1.1' | '1.2';

/** An object the device said it has. */
export interface RegisteredObject {
  readonly version: string | undefined;
  readonly instances: readonly number[];
}

/** The parameters a Register or Update carried; what was absent is undefined. */
export interface RegistrationParameters {
  readonly endpoint?: string | undefined;
  readonly lifetime?: Duration | undefined;
  readonly version?: LwM2mVersion | undefined;
  readonly binding?: string | undefined;
  readonly queueMode?: boolean | undefined;
  readonly smsNumber?: string | undefined;
  /** Path of the root with rt="oma.lwm2m", without a trailing slash; '' if none was named. */
  readonly rootPath?: string | undefined;
  readonly links?: readonly CoreLink[] | undefined;
  readonly objects?: ReadonlyMap<number, RegisteredObject> | undefined;
}

/** Seconds a registration lives if the device names none (LwM2M Core 1.2 §6.2.1, lt). */
export const DEFAULT_LIFETIME = seconds(86_400);
const MAX_ENDPOINT_LENGTH = 256; // no limit in the text; RFC 7252 §5.10 allows 255 bytes for a query argument with its name
const VERSIONS: readonly string[] = ['1.0', '1.1', '1.2'];

/** @throws DecodeError naming the parameter */
export function parseRegistration(query: readonly string[], payload: Uint8Array): RegistrationParameters {
  const given = parseQuery(query);
  const links = payload.length === 0 ? undefined : decodeLinks(utf8Decode(payload, 'registration payload'));
  const version = given.get('lwm2m');
  if (version !== undefined && !VERSIONS.includes(version))
    throw new DecodeError('lwm2m', '1.0, 1.1 or 1.2', quoted(version));
  const binding = given.get('b');
  if (binding !== undefined && !/^[UTSNQMH]{1,7}$/.test(binding)) {
    throw new DecodeError('b', 'letters of U, T, S, N, M, H, Q', quoted(binding));
  }
  return {
    endpoint: endpointName(given.get('ep')),
    lifetime: lifetime(given.get('lt')),
    version: version as LwM2mVersion | undefined,
    binding,
    queueMode: given.has('Q') || binding?.includes('Q') ? true : undefined,
    smsNumber: given.get('sms'),
    ...(links === undefined ? {} : describeLinks(links)),
  };
}

function parseQuery(query: readonly string[]): Map<string, string> {
  const given = new Map<string, string>();
  for (const argument of query) {
    const equals = argument.indexOf('=');
    const name = equals < 0 ? argument : argument.slice(0, equals);
    if (given.has(name)) throw new DecodeError('query', `${quoted(name)} once`, 'it twice');
    given.set(name, equals < 0 ? '' : argument.slice(equals + 1));
  }
  return given;
}

function endpointName(text: string | undefined): string | undefined {
  if (text === '') throw new DecodeError('ep', 'a name', 'nothing');
  if (text !== undefined && text.length > MAX_ENDPOINT_LENGTH) {
    throw new DecodeError('ep', `at most ${MAX_ENDPOINT_LENGTH} characters`, `${text.length}`);
  }
  return text;
}

function lifetime(text: string | undefined): Duration | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d{1,10}$/.test(text) || value < 1 || value > 0xffffffff)
    throw new DecodeError('lt', 'seconds from 1 to 4294967295', quoted(text));
  return seconds(value);
}

function describeLinks(links: readonly CoreLink[]): Pick<RegistrationParameters, 'rootPath' | 'links' | 'objects'> {
  const root = links.find((link) => link.attributes['rt'] === 'oma.lwm2m');
  const rootPath = root === undefined ? '' : root.target.replace(/\/$/, '');
  const objects = new Map<number, { version: string | undefined; instances: number[] }>();
  for (const { target, attributes } of links) {
    const match = /^\/(\d{1,5})(?:\/(\d{1,5}))?\/?$/.exec(
      target.startsWith(rootPath) ? target.slice(rootPath.length) : '',
    );
    if (match === null) continue; // links beside the objects are allowed and not ours to judge
    const object = objects.get(Number(match[1])) ?? { version: undefined, instances: [] };
    if (attributes['ver'] !== undefined) object.version = String(attributes['ver']);
    if (match[2] !== undefined) object.instances.push(Number(match[2]));
    objects.set(Number(match[1]), object);
  }
  return { rootPath, links, objects };
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 32));
}
