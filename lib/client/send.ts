// The Send operation: values to a server that has not asked for them (LwM2M Core 1.2 §6.4.6, Transport §6.4.5).

import { CONTENT_FORMATS, encodeEntries } from '../formats/index.ts';
import { type CoapConnection, RESPONSE_CODES } from '../coap/index.ts';
import { LwM2mError, formatResponseCode } from './lwm2m-error.ts';
import { HIDDEN_OBJECTS } from './registration-payload.ts';
import type { LwM2mVersion } from './registration.ts';
import type { ObjectSet } from './object-set.ts';
import { Path } from '../model/index.ts';

export interface Sending {
  /** Undefined while not registered. */
  readonly connection: CoapConnection | undefined;
  readonly version: LwM2mVersion;
  /** /1/x/23 is true or absent. */
  readonly muted: boolean;
  readonly objects: ObjectSet;
  readonly paths: readonly Path[];
  readonly signal: AbortSignal | undefined;
}

/**
 * Sends what a server may read at these paths, as SenML JSON.
 * @throws LwM2mError ESTATE if not registered or the version has no Send, EMUTED by /1/x/23, EREFUSED by the server
 * @throws ModelError if a path is not there or not readable
 */
export async function sendValues({ connection, version, muted, objects, paths, signal }: Sending): Promise<void> {
  if (connection === undefined) throw new LwM2mError('ESTATE', 'Send: not registered; wait for the event registered');
  if (version === '1.0') throw new LwM2mError('ESTATE', 'Send: registered as LwM2M 1.0, which has no Send');
  if (muted) {
    throw new LwM2mError('EMUTED', 'Send: Mute Send (/1/x/23) is true or absent; set it to false in the account');
  }
  const payload = await gather(objects, paths);
  const contentFormat = CONTENT_FORMATS.senmlJson;
  const response = await connection.request({ method: 'POST', path: ['dp'], contentFormat, payload }, { signal });
  if (response.code === RESPONSE_CODES.changed) return;
  throw new LwM2mError('EREFUSED', `Send: the server answered ${formatResponseCode(response.code)}`, response.code);
}

async function gather(objects: ObjectSet, paths: readonly Path[]): Promise<Uint8Array> {
  if (paths.length === 0) throw new LwM2mError('ECONFIG', 'Send: expected at least one path, such as /3303/0/5700');
  const hidden = paths.find((path) => path.object === undefined || HIDDEN_OBJECTS.has(path.object));
  if (hidden !== undefined) throw new LwM2mError('ECONFIG', `Send: ${hidden} is not for servers`);
  const read = await Promise.all(paths.map(async (path) => objects.read(path, 'server')));
  const base = paths.length === 1 ? paths[0]! : Path.root;
  return encodeEntries(CONTENT_FORMATS.senmlJson, base, read.flat(), objects.shapeOf);
}
