// Opaque values part by part, between CoAP's streams and the application (LwM2M Core 1.2 §7.4.2, RFC 7959).

import { CONTENT_FORMATS } from '../formats/index.ts';
import { CoapError, type OutgoingResponse, RESPONSE_CODES, type RequestHead } from '../coap/index.ts';
import { type ManagedObject, ModelError, type OpaqueSource, Path } from '../model/index.ts';
import { HIDDEN_OBJECTS } from './registration-payload.ts';
import type { ObjectSet } from './object-set.ts';
import type { Patience } from './patience.ts';

/** Whether the application reads the body of a request as it comes; asked before there is one. */
export function comesInParts(objects: ObjectSet, { method, path, contentFormat }: RequestHead): boolean {
  if (method !== 'PUT' || contentFormat !== CONTENT_FORMATS.opaque || path.length !== 3) return false;
  const ids = path.map((segment) => (/^(0|[1-9]\d{0,4})$/.test(segment) ? Number(segment) : Number.NaN));
  if (ids.some((id) => !(id < 65_535)) || HIDDEN_OBJECTS.has(ids[0]!)) return false;
  return objects.find(ids[0])?.takesParts?.(Path.of(...ids), 'server') === true;
}

/** A Write whose value the application takes as it comes; a body that breaks off is 4.08. */
export async function writeParts(
  object: ManagedObject,
  path: Path,
  parts: AsyncIterable<Uint8Array>,
  patience: Patience,
): Promise<OutgoingResponse> {
  try {
    await patience.waitForParts(parts, (watched) => object.writeParts!(path, watched, 'server'));
    return { code: RESPONSE_CODES.changed };
  } catch (error) {
    if (error instanceof CoapError) return { code: RESPONSE_CODES.requestEntityIncomplete };
    throw error;
  }
}

/** One value that is there already, as parts. */
export async function* inOnePart(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}

/** A source whose every part comes in bounded time, and whose errors say no more than their kind. */
export function patientSource(source: OpaqueSource, path: Path, patience: Patience): OpaqueSource {
  return {
    byteLength: source.byteLength,
    async read(offset, length) {
      try {
        return await patience.wait(Promise.resolve(source.read(offset, length)));
      } catch (error) {
        if (error instanceof ModelError) throw error;
        const kind = error instanceof Error ? error.name : typeof error;
        throw new ModelError('internal', `${path} cannot be read: ${kind}`);
      }
    },
  };
}
