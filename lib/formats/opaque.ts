// The bytes of one opaque value, as they are (LwM2M Core 1.2 §7.4.2).

import { DecodeError, copyBytes } from '../bytes/index.ts';
import type { Value } from '../model/index.ts';
import { CONTENT_FORMATS, FormatError, type ResourceShape } from './content-formats.ts';

/** A copy of the value's bytes. @throws FormatError unless the value is opaque */
export function encodeOpaque(value: Value, shape: ResourceShape | undefined, what: string): Uint8Array {
  if (!(value instanceof Uint8Array) || (shape !== undefined && shape.type !== 'opaque')) {
    throw new FormatError(CONTENT_FORMATS.opaque, `${what}: the opaque format carries opaque values only`);
  }
  return value.slice();
}

/** A copy of `bytes`. @throws DecodeError if the resource is known and not opaque */
export function decodeOpaque(bytes: Uint8Array, shape: ResourceShape | undefined, what: string): Value {
  if (shape !== undefined && shape.type !== 'opaque') {
    throw new DecodeError(what, `a format for type ${shape.type}`, 'application/octet-stream');
  }
  return copyBytes(bytes);
}
