// Which format an answer has (LwM2M Core 1.2 §7.4, Transport §6.4.3).

import type { Path } from '../model/index.ts';
import { CONTENT_FORMATS, type ResourceShape } from './content-formats.ts';
import { SUPPORTED_READ_FORMATS } from './entries.ts';

export interface FormatChoice {
  /** The request's Accept option. */
  readonly accept?: number | undefined;
  /** What is read. */
  readonly path: Path;
  /** Of the resource at `path`, where it is one. */
  readonly shape?: ResourceShape | undefined;
  /** The version the client registered with. */
  readonly version: '1.0' | '1.1' | '1.2';
}

/**
 * What was asked for, if it can carry what is read; without Accept the client's preference. 1.0 knows text, opaque and
 * TLV; later versions are told to avoid TLV. Undefined: nothing fits, answer 4.06.
 */
export function chooseFormat({ accept, path, shape, version }: FormatChoice): number | undefined {
  if (accept !== undefined) return canCarry(accept, path, shape) ? accept : undefined;
  if (version !== '1.0') return CONTENT_FORMATS.senmlJson;
  if (!isSingle(path, shape)) return path.object === undefined ? undefined : CONTENT_FORMATS.tlv;
  return shape?.type === 'opaque' ? CONTENT_FORMATS.opaque : CONTENT_FORMATS.text;
}

function canCarry(format: number, path: Path, shape: ResourceShape | undefined): boolean {
  if (!SUPPORTED_READ_FORMATS.includes(format)) return false;
  switch (format) {
    case CONTENT_FORMATS.text:
    case CONTENT_FORMATS.cbor:
      return isSingle(path, shape);
    case CONTENT_FORMATS.opaque:
      return isSingle(path, shape) && (shape === undefined || shape.type === 'opaque');
    case CONTENT_FORMATS.tlv:
      return path.object !== undefined;
    default:
      return true;
  }
}

function isSingle(path: Path, shape: ResourceShape | undefined): boolean {
  return path.resourceInstance !== undefined || (path.resource !== undefined && shape?.multiple !== true);
}
