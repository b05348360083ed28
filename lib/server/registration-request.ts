// What a Register or Update says: its query and its CoRE links (LwM2M Core 1.2 §6.2.1, §6.2.2).

import { DecodeError, utf8Decode } from '../bytes/index.ts';
import { type CoreLink, decodeLinks } from '../formats/index.ts';
import { type Duration, seconds } from '../runtime/index.ts';
import { MAX_ID } from '../model/index.ts';

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
  /** Bytes the links came in. */
  readonly linkBytes?: number | undefined;
}

/** Seconds a registration lives if the device names none (LwM2M Core 1.2 §6.2.1, lt). */
export const DEFAULT_LIFETIME = seconds(86_400);
const MAX_ENDPOINT_LENGTH = 256; // no limit in the text; RFC 7252 §5.10 allows 255 bytes for a query argument with its name
/** Ours: links of some 6,000 object instances. */
export const DEFAULT_MOST_LINK_BYTES = 65_536;
const VERSIONS: readonly string[] = ['1.0', '1.1', '1.2'];

/** @throws DecodeError naming the parameter; also if the payload has more than `mostLinkBytes` */
export function parseRegistration(
  query: readonly string[],
  payload: Uint8Array,
  mostLinkBytes: number = DEFAULT_MOST_LINK_BYTES,
): RegistrationParameters {
  if (payload.length > mostLinkBytes) {
    throw new DecodeError('registration payload', `at most ${mostLinkBytes} bytes`, `${payload.length}`);
  }
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
    ...(links === undefined ? {} : { ...describeLinks(links), linkBytes: payload.length }),
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

/** Also for a name that comes from elsewhere. @throws DecodeError */
export function endpointName(text: string | undefined): string | undefined {
  if (text === '') throw new DecodeError('ep', 'a name', 'nothing');
  if (text !== undefined && text.length > MAX_ENDPOINT_LENGTH) {
    throw new DecodeError('ep', `at most ${MAX_ENDPOINT_LENGTH} characters`, `${text.length}`);
  }
  // A name with NUL or an escape sequence looks like another one, or worse, to what it is passed on to.
  if (text !== undefined && /\p{Cc}/u.test(text)) throw new DecodeError('ep', 'no control characters', 'some');
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
  const objects = new Map<number, { version: string | undefined; instances: Set<number> }>();
  for (const { target, attributes } of links) {
    const match = /^\/(\d{1,5})(?:\/(\d{1,5}))?\/?$/.exec(
      target.startsWith(rootPath) ? target.slice(rootPath.length) : '',
    );
    const [id, instance] = [Number(match?.[1]), match?.[2] === undefined ? undefined : Number(match[2])];
    // Links beside the objects are allowed and not ours to judge.
    if (match === null || id > MAX_ID || (instance !== undefined && instance > MAX_ID)) continue;
    const object = objects.get(id) ?? { version: undefined, instances: new Set() };
    if (attributes['ver'] !== undefined) object.version = String(attributes['ver']);
    if (instance !== undefined) object.instances.add(instance);
    objects.set(id, object);
  }
  const listed = [...objects].map(
    ([id, { version, instances }]) => [id, { version, instances: [...instances] }] as const,
  );
  return { rootPath, links, objects: new Map(listed) };
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 32));
}
