// Which instances a Create asks for (LwM2M Core 1.2 §6.3.6).

import { CONTENT_FORMATS, type ShapeOf, checkContentFormat, decodeEntries } from '../formats/index.ts';
import { type Entry, type ManagedObject, ModelError, type Path } from '../model/index.ts';
import { DecodeError } from '../bytes/index.ts';
import type { IncomingRequest } from '../coap/index.ts';
import type { LwM2mVersion } from './registration-parameters.ts';

export interface NewInstance {
  /** Undefined: of our choice. */
  readonly id: number | undefined;
  readonly entries: readonly Entry[];
}

/**
 * The instance ids are in the payload, or (resources alone, or nothing) there is one of ours to choose.
 * @throws ModelError, DecodeError, FormatError
 */
export function newInstances(
  { contentFormat, payload }: Pick<IncomingRequest, 'contentFormat' | 'payload'>,
  object: ManagedObject,
  { path, shapeOf, version }: { readonly path: Path; readonly shapeOf: ShapeOf; readonly version: LwM2mVersion },
): readonly NewInstance[] {
  if (payload.length === 0) return [{ id: undefined, entries: [] }];
  if (contentFormat === undefined) throw new ModelError('badRequest', 'Create: expected a Content-Format, found none');
  checkContentFormat(contentFormat, 'write', version);
  const alone = (): readonly NewInstance[] => {
    const entries = decodeEntries(contentFormat, path.child(freeId(object)), payload, shapeOf);
    return [{ id: undefined, entries }];
  };
  if (isResourcesAlone(contentFormat, payload)) return alone();
  try {
    return byInstance(decodeEntries(contentFormat, path, payload, shapeOf));
  } catch (error) {
    if (contentFormat !== CONTENT_FORMATS.lwm2mCbor || !(error instanceof DecodeError)) throw error;
    return orElse(alone, error);
  }
}

/** What `attempt` gives; `error` if it fails as well, for what is meant to name instances fails for the first reason. */
function orElse<T>(attempt: () => T, error: DecodeError): T {
  try {
    return attempt();
  } catch {
    throw error;
  }
}

/** TLV says it in its first byte. In LwM2M CBOR ids that can name an instance do; only if they cannot, they are of resources. */
function isResourcesAlone(contentFormat: number, payload: Uint8Array): boolean {
  const OBJECT_INSTANCE = 0; // bits 7-6 of a TLV's type byte
  const isTlv = contentFormat === CONTENT_FORMATS.tlv || contentFormat === CONTENT_FORMATS.legacyTlv;
  return isTlv && payload[0]! >> 6 !== OBJECT_INSTANCE;
}

function byInstance(entries: readonly Entry[]): readonly NewInstance[] {
  const groups = new Map<number, Entry[]>();
  for (const entry of entries) {
    const group = groups.get(entry.path.instance!) ?? [];
    groups.set(entry.path.instance!, group);
    group.push(entry);
  }
  if (groups.size === 0) return [{ id: undefined, entries: [] }];
  return [...groups].map(([id, group]) => ({ id, entries: group }));
}

function freeId(object: ManagedObject): number {
  const taken = new Set(object.instanceIds);
  let id = 0;
  while (taken.has(id)) id++;
  return id;
}
