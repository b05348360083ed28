// The client's options, checked before anything is made of them: every mistake is an ECONFIG that names the option.

import { type TransmissionParameters, checkedTransmission } from '../coap/index.ts';
import { type CommunicationRetry, DEFAULT_COMMUNICATION_RETRY } from './retry.ts';
import { LwM2mError } from './lwm2m-error.ts';
import type { LwM2mVersion } from './registration-parameters.ts';
import type { ManagedObject } from '../model/index.ts';

const MOST_ENDPOINT_BYTES = 255 - 'ep='.length; // one Uri-Query option (RFC 7252 §5.10)
const OBJECT_METHODS = ['read', 'write', 'execute', 'create', 'delete', 'subscribe', 'resourceIds'] as const;

/** @throws LwM2mError ECONFIG */
export function checkEndpoint(endpoint: unknown): string {
  if (typeof endpoint !== 'string') throw wrong('endpoint', 'text such as urn:dev:ops:32473-sensor-1', endpoint);
  const bytes = new TextEncoder().encode(endpoint).length;
  if (bytes >= 1 && bytes <= MOST_ENDPOINT_BYTES) return endpoint;
  throw new LwM2mError('ECONFIG', `endpoint: expected 1 to ${MOST_ENDPOINT_BYTES} bytes, found ${bytes}`);
}

/** @throws LwM2mError ECONFIG */
export function checkVersions(versions: readonly LwM2mVersion[]): readonly LwM2mVersion[] {
  if (!Array.isArray(versions)) throw wrong('versions', 'an array of 1.0, 1.1, 1.2', versions);
  const isKnown = versions.length > 0 && versions.every((version) => ['1.0', '1.1', '1.2'].includes(version));
  if (isKnown) return [...versions];
  throw new LwM2mError('ECONFIG', `versions: expected some of 1.0, 1.1, 1.2, found ${JSON.stringify(versions)}`);
}

/** @throws LwM2mError ECONFIG */
export function checkObjects(objects: readonly ManagedObject[]): void {
  if (!Array.isArray(objects)) throw wrong('objects', 'an array of objects such as createDevice(…) gives', objects);
  for (const [at, object] of (objects as readonly Partial<ManagedObject>[]).entries()) {
    const lacks = OBJECT_METHODS.find((name) => typeof object?.[name] !== 'function');
    if (lacks !== undefined || typeof object.definition?.id !== 'number') {
      throw wrong(`objects[${at}]`, 'an object such as createDevice(…) gives', object);
    }
  }
  const reserved = objects.find(({ definition }) => definition.id === 0 || definition.id === 1);
  if (reserved !== undefined) {
    const { id, name } = reserved.definition;
    throw new LwM2mError('ECONFIG', `objects: ${id} (${name}) comes from the option servers; leave it out here`);
  }
}

/** The defaults with what is given. @throws LwM2mError ECONFIG */
export function checkRetry(given: Partial<CommunicationRetry> = {}): CommunicationRetry {
  const known = Object.entries(given).filter(([, value]) => value !== undefined);
  const retry: CommunicationRetry = { ...DEFAULT_COMMUNICATION_RETRY, ...Object.fromEntries(known) };
  for (const name of ['count', 'sequenceCount'] as const) {
    if (!(Number.isInteger(retry[name]) && retry[name] >= 0))
      throw wrong(`retry.${name}`, 'an integer from 0', retry[name]);
  }
  for (const name of ['timer', 'sequenceDelay', 'maxDelay'] as const) checkDuration(retry[name], `retry.${name}`);
  return retry;
}

/** @throws LwM2mError ECONFIG */
export function checkDuration<D extends number>(value: D, name: string): D {
  if (typeof value === 'number' && value >= 0) return value;
  throw wrong(name, 'a duration such as seconds(10)', value);
}

/** @throws LwM2mError ECONFIG */
export function checkCount(value: number | undefined, name: string): number | undefined {
  if (value === undefined || (Number.isInteger(value) && value >= 0)) return value;
  throw wrong(name, 'an integer from 0', value);
}

/** @throws LwM2mError ECONFIG */
export function checkTransmission(given: Partial<TransmissionParameters> | undefined): void {
  try {
    checkedTransmission(given);
  } catch (error) {
    throw new LwM2mError('ECONFIG', `coap.${error instanceof Error ? error.message : String(error)}`);
  }
}

/** What was found is named by its kind, numbers as they are: texts may be secrets given in the wrong place. */
export function wrong(name: string, expected: string, found: unknown): LwM2mError {
  const kind =
    found === null
      ? 'null'
      : typeof found === 'number'
        ? String(found)
        : Array.isArray(found)
          ? 'an array'
          : typeof found;
  return new LwM2mError('ECONFIG', `${name}: expected ${expected}, found ${kind}`);
}
