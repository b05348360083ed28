// One door to all formats that carry values: entries into bytes and back.

import { DecodeError } from '../bytes/index.ts';
import type { Entry, Path } from '../model/index.ts';
import {
  CONTENT_FORMATS,
  DEFAULT_FORMAT_LIMITS,
  FormatError,
  type FormatLimits,
  type ShapeOf,
} from './content-formats.ts';
import { decodeCborValue, encodeCborValue } from './cbor.ts';
import { decodeOpaque, encodeOpaque } from './opaque.ts';
import { decodeSenmlJson, encodeSenmlJson } from './senml-json.ts';
import { decodeText, encodeText } from './text.ts';
import { decodeTlv, encodeTlv } from './tlv.ts';

/** The formats values can be read in. */
export const SUPPORTED_READ_FORMATS: readonly number[] = Object.freeze([
  CONTENT_FORMATS.text,
  CONTENT_FORMATS.opaque,
  CONTENT_FORMATS.cbor,
  CONTENT_FORMATS.senmlJson,
  CONTENT_FORMATS.tlv,
]);
/** The formats values can be written in. */
export const SUPPORTED_WRITE_FORMATS: readonly number[] = SUPPORTED_READ_FORMATS;

export interface DecodeOptions extends Partial<FormatLimits> {
  /** Wall time in ms since 1970, which SenML's relative times count from; without it they are refused. */
  readonly now?: number | undefined;
}

/**
 * The payload for `entries`, which lie at or below `base`.
 * @throws FormatError for a format that is not delivered, or that cannot carry these entries (text of an instance)
 */
export function encodeEntries(format: number, base: Path, entries: readonly Entry[], shapeOf: ShapeOf): Uint8Array {
  switch (format) {
    case CONTENT_FORMATS.text: {
      const { path, value } = single(format, base, entries);
      return encodeText(value, shapeOf(path.prefix(3)), path.toString());
    }
    case CONTENT_FORMATS.opaque: {
      const { path, value } = single(format, base, entries);
      return encodeOpaque(value, shapeOf(path.prefix(3)), path.toString());
    }
    case CONTENT_FORMATS.cbor: {
      const { path, value } = single(format, base, entries);
      return encodeCborValue(value, shapeOf(path.prefix(3)), path.toString());
    }
    case CONTENT_FORMATS.senmlJson:
      return encodeSenmlJson(base, entries, shapeOf);
    case CONTENT_FORMATS.tlv:
      return encodeTlv(base, entries, shapeOf);
    default:
      throw new FormatError(format, `Content-Format ${format} is not supported`);
  }
}

/**
 * The entries of a payload, all at or below `base`, none twice. Nothing in them refers to `bytes`.
 * @throws DecodeError naming the field that is malformed
 * @throws FormatError for a format that is not delivered, or that cannot be for `base`
 */
export function decodeEntries(
  format: number,
  base: Path,
  bytes: Uint8Array,
  shapeOf: ShapeOf,
  options: DecodeOptions = {},
): readonly Entry[] {
  const context = { ...DEFAULT_FORMAT_LIMITS, ...options };
  if (bytes.length > context.maxBytes) {
    throw new DecodeError(`payload of ${base}`, `at most ${context.maxBytes} bytes`, `${bytes.length}`);
  }
  switch (format) {
    case CONTENT_FORMATS.text:
      return [{ path: singlePath(format, base), value: decodeText(bytes, shapeOf(base.prefix(3)), base.toString()) }];
    case CONTENT_FORMATS.opaque:
      return [{ path: singlePath(format, base), value: decodeOpaque(bytes, shapeOf(base.prefix(3)), base.toString()) }];
    case CONTENT_FORMATS.cbor: {
      const path = singlePath(format, base);
      return [{ path, value: decodeCborValue(bytes, shapeOf(base.prefix(3)), base.toString(), context) }];
    }
    case CONTENT_FORMATS.senmlJson:
      return decodeSenmlJson(base, bytes, shapeOf, context);
    case CONTENT_FORMATS.tlv:
      return decodeTlv(base, bytes, shapeOf, context);
    default:
      throw new FormatError(format, `Content-Format ${format} is not supported`);
  }
}

function single(format: number, base: Path, entries: readonly Entry[]): Entry {
  const [entry] = entries;
  if (entry === undefined || entries.length > 1 || !singlePath(format, base).equals(entry.path)) {
    throw new FormatError(format, `Content-Format ${format} carries one value, not those of ${base}`);
  }
  return entry;
}

/** `base` itself, if it may be the path of one value. */
function singlePath(format: number, base: Path): Path {
  if (base.resource === undefined) {
    throw new FormatError(format, `Content-Format ${format} carries one value, not those of ${base}`);
  }
  return base;
}
