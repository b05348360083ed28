// What is kept of a registration across restarts, as JSON in the Storage.

import { type Clock, type Instant, NEVER, later } from '../runtime/index.ts';
import { DecodeError, utf8Encode } from '../bytes/index.ts';
import { checkLocation } from './location.ts';
import type { MemoryCodec } from './memory.ts';
import { parseSaved, savedInteger, savedRecord } from './saved-json.ts';
import type { LwM2mVersion, RegistrationParameters } from './registration-parameters.ts';
import type { Registration } from './registration.ts';

/** A registration and the local port it was made from. */
export interface SavedState {
  readonly localPort: number | undefined;
  readonly registration: Registration | undefined;
}

/** Whose registration it is: that of another endpoint or server is not taken up. */
export interface SavedFor {
  readonly endpoint: string;
  readonly uri: string;
}

const FORMAT = 1;

/** The storage key of one account. */
export function stateKey(shortServerId: number): string {
  return `registration-${shortServerId}`;
}

/** For a Memory. */
export function registrationCodec(owner: SavedFor, clock: Clock): MemoryCodec<SavedState> {
  return {
    name: 'the registration',
    encode: (state) => encodeState(state, owner, clock),
    decode: (bytes) => decodeState(bytes, owner, clock),
  };
}

export function encodeState({ localPort, registration }: SavedState, owner: SavedFor, clock: Clock): Uint8Array {
  const saved = registration && {
    ...registration,
    validUntil: registration.validUntil === NEVER ? null : clock.wallTime() + (registration.validUntil - clock.now()),
  };
  return utf8Encode(JSON.stringify({ format: FORMAT, ...owner, localPort, registration: saved }));
}

/**
 * The state of this endpoint at this server; nothing if it is another's.
 * @throws DecodeError if it is not what `encodeState` writes
 */
export function decodeState(bytes: Uint8Array, owner: SavedFor, clock: Clock): SavedState {
  const state = parseSaved(bytes, 'saved registration');
  if (state['format'] !== FORMAT) throw new DecodeError('saved registration format', `${FORMAT}`, 'another');
  if (state['endpoint'] !== owner.endpoint || state['uri'] !== owner.uri) {
    return { localPort: undefined, registration: undefined };
  }
  const port = state['localPort'];
  const given = state['registration'];
  return {
    localPort: port === undefined ? undefined : savedInteger(port, 1, 65_535, 'localPort'),
    registration: given === undefined ? undefined : registrationOf(savedRecord(given, 'registration'), clock),
  };
}

function registrationOf(given: Record<string, unknown>, clock: Clock): Registration {
  const parameters = parametersOf(savedRecord(given['parameters'], 'parameters'));
  const { location, version } = given;
  if (!Array.isArray(location) || !location.every((part) => typeof part === 'string')) {
    throw new DecodeError('location', 'path segments', typeof location);
  }
  checkLocation(location);
  if (version !== '1.0' && version !== '1.1' && version !== '1.2') {
    throw new DecodeError('version', '1.0, 1.1 or 1.2', typeof version);
  }
  const validUntil = untilOf(given['validUntil'], parameters.lifetime, clock);
  return { location, version: version satisfies LwM2mVersion, parameters, validUntil };
}

/** Never longer than the lifetime, should the wall clock have gone back since. */
function untilOf(validUntil: unknown, lifetime: number, clock: Clock): Instant {
  if (validUntil === null) return NEVER;
  if (typeof validUntil !== 'number') throw new DecodeError('validUntil', 'milliseconds since 1970', typeof validUntil);
  return later(clock.now(), Math.min(validUntil - clock.wallTime(), lifetime * 1_000));
}

function parametersOf(given: Record<string, unknown>): RegistrationParameters {
  const { lifetime, binding, queueMode, smsNumber, objects } = given;
  if (typeof binding !== 'string' || typeof objects !== 'string' || typeof queueMode !== 'boolean') {
    throw new DecodeError('parameters', 'binding, queueMode and objects', 'something else');
  }
  if (smsNumber !== undefined && typeof smsNumber !== 'string') throw new DecodeError('smsNumber', 'text', 'another');
  return { lifetime: savedInteger(lifetime, 0, 0xffff_ffff, 'lifetime'), binding, queueMode, smsNumber, objects };
}
