// One door to all formats that carry values: entries, changes and paths into bytes and back.

import {
  CONTENT_FORMATS,
  DEFAULT_FORMAT_LIMITS,
  FormatError,
  type FormatLimits,
  type FormatVersion,
  type ShapeOf,
} from './content-formats.ts';
import { type Entry, Path, type Value } from '../model/index.ts';
import { decodeCborValue, encodeCborValue } from './cbor.ts';
import { decodeJson, encodeJson } from './json.ts';
import { decodeLwm2mCbor, encodeLwm2mCbor } from './lwm2m-cbor.ts';
import { decodeOpaque, encodeOpaque } from './opaque.ts';
import { decodeSenmlCbor, encodeSenmlCbor } from './senml-cbor.ts';
import { decodeSenmlJson, encodeSenmlJson } from './senml-json.ts';
import { decodeText, encodeText } from './text.ts';
import { decodeTlv, encodeTlv } from './tlv.ts';
import type { SenmlContext, SenmlItem } from './senml.ts';
import { DecodeError } from '../bytes/index.ts';
import type { PackUse } from './senml-resolve.ts';
import { carriesTimestamps, isFormatOf } from './choose.ts';

/** The formats values can be read in, as Register tells servers; besides, the JSON of 1.0 is spoken with who asks for it. */
export const SUPPORTED_READ_FORMATS: readonly number[] = Object.freeze([
  CONTENT_FORMATS.text,
  CONTENT_FORMATS.opaque,
  CONTENT_FORMATS.cbor,
  CONTENT_FORMATS.senmlJson,
  CONTENT_FORMATS.senmlCbor,
  CONTENT_FORMATS.tlv,
  CONTENT_FORMATS.lwm2mCbor,
]);
/** Those that a server of this version may know; one of 1.0 is told of its JSON, too. */
export function readFormatsOf(version: FormatVersion): readonly number[] {
  const all = version === '1.0' ? [...SUPPORTED_READ_FORMATS, CONTENT_FORMATS.json] : SUPPORTED_READ_FORMATS;
  return all.filter((format) => isFormatOf(format, version));
}

/** The formats values can be written in. */
export const SUPPORTED_WRITE_FORMATS: readonly number[] = SUPPORTED_READ_FORMATS;

export interface EncodeOptions {
  /** Wall time in ms since 1970, which times before 1978 are told relative to (RFC 8428 §4.5.3); without it they are refused. */
  readonly now?: number | undefined;
}

export interface DecodeOptions extends Partial<FormatLimits> {
  /** Wall time in ms since 1970, which SenML's relative times count from; without it they are refused. */
  readonly now?: number | undefined;
}

/** A new value at a path, or null for a resource instance that is to go (RFC 8790 §3.2). */
export interface EntryChange {
  readonly path: Path;
  readonly value: Value | null;
}

/**
 * The payload for `entries`, which lie at or below `base`. Opaque values are copied into it once.
 * @throws FormatError for a format that is not delivered, or that cannot carry these entries (text of an instance)
 */
export function encodeEntries(
  format: number,
  base: Path,
  entries: readonly Entry[],
  shapeOf: ShapeOf,
  options: EncodeOptions = {},
): Uint8Array {
  if (!carriesTimestamps(format) && entries.some(({ timestamp }) => timestamp !== undefined)) {
    throw new FormatError(format, `Content-Format ${format} carries no timestamps`);
  }
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
    case CONTENT_FORMATS.tlv:
    case CONTENT_FORMATS.legacyTlv:
      return encodeTlv(base, entries, shapeOf);
    case CONTENT_FORMATS.json:
    case CONTENT_FORMATS.legacyJson:
      return encodeJson(format, base, entries, shapeOf, options.now);
    default:
      return encodeItems(format, base, entries, shapeOf, options);
  }
}

/**
 * The entries of a payload, all at or below `base`, none twice unless it has times. Nothing in them refers to `bytes`.
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
  const context = contextOf(base, bytes, options);
  switch (format) {
    case CONTENT_FORMATS.text:
      return [{ path: singlePath(format, base), value: decodeText(bytes, shapeOf(base.prefix(3)), base.toString()) }];
    case CONTENT_FORMATS.opaque:
      return [{ path: singlePath(format, base), value: decodeOpaque(bytes, shapeOf(base.prefix(3)), base.toString()) }];
    case CONTENT_FORMATS.cbor: {
      const path = singlePath(format, base);
      return [{ path, value: decodeCborValue(bytes, shapeOf(base.prefix(3)), base.toString(), context) }];
    }
    case CONTENT_FORMATS.tlv:
    case CONTENT_FORMATS.legacyTlv:
      return decodeTlv(base, bytes, shapeOf, context);
    case CONTENT_FORMATS.json:
    case CONTENT_FORMATS.legacyJson:
      return decodeJson(base, bytes, shapeOf, context);
    default:
      return decodeItems(format, base, bytes, shapeOf, context, 'values') as readonly Entry[];
  }
}

/**
 * The payload of a Read-Composite or Observe-Composite: paths without values (Core 1.2 §6.3.7, RFC 8790 §3.1).
 * @throws FormatError for a format that has no paths, or cannot name these
 */
export function encodePaths(format: number, paths: readonly Path[]): Uint8Array {
  return encodeItems(
    format,
    Path.root,
    paths.map((path) => ({ path })),
    () => undefined,
    {},
  );
}

/** The paths of a Read-Composite or Observe-Composite, none twice. @throws DecodeError @throws FormatError */
export function decodePaths(format: number, bytes: Uint8Array, options: DecodeOptions = {}): readonly Path[] {
  const context = contextOf(Path.root, bytes, options);
  return decodeItems(format, Path.root, bytes, () => undefined, context, 'paths').map(({ path }) => path);
}

/** The payload of a Write-Composite (Core 1.2 §6.3.8). @throws FormatError as `encodeEntries`; for null in formats of 1.1 */
export function encodeChanges(format: number, changes: readonly EntryChange[], shapeOf: ShapeOf): Uint8Array {
  if (!carriesRemovals(format) && changes.some(({ value }) => value === null)) {
    throw new FormatError(format, `Content-Format ${format} cannot take resource instances away`);
  }
  return encodeItems(format, Path.root, changes, shapeOf, {});
}

/**
 * The changes of a Write-Composite, none twice: null takes a resource instance away, where the format is SenML-ETCH or LwM2M
 * CBOR (Core 1.2 §7.4.6).
 * @throws DecodeError @throws FormatError
 */
export function decodeChanges(
  format: number,
  bytes: Uint8Array,
  shapeOf: ShapeOf,
  options: DecodeOptions = {},
): readonly EntryChange[] {
  const context = contextOf(Path.root, bytes, options);
  const use = carriesRemovals(format) ? 'changes' : 'values';
  return decodeItems(format, Path.root, bytes, shapeOf, context, use) as readonly EntryChange[];
}

function carriesRemovals(format: number): boolean {
  return format !== CONTENT_FORMATS.senmlJson && format !== CONTENT_FORMATS.senmlCbor;
}

function encodeItems(
  format: number,
  base: Path,
  items: readonly SenmlItem[],
  shapeOf: ShapeOf,
  { now }: EncodeOptions,
): Uint8Array {
  switch (format) {
    case CONTENT_FORMATS.senmlJson:
    case CONTENT_FORMATS.senmlEtchJson:
      return encodeSenmlJson(format, base, items, shapeOf, now);
    case CONTENT_FORMATS.senmlCbor:
    case CONTENT_FORMATS.senmlEtchCbor:
      return encodeSenmlCbor(format, base, items, shapeOf, now);
    case CONTENT_FORMATS.lwm2mCbor:
      return encodeLwm2mCbor(format, items, shapeOf);
    default:
      throw new FormatError(format, `Content-Format ${format} is not supported`);
  }
}

function decodeItems(
  format: number,
  base: Path,
  bytes: Uint8Array,
  shapeOf: ShapeOf,
  context: SenmlContext,
  use: PackUse,
): readonly SenmlItem[] {
  switch (format) {
    case CONTENT_FORMATS.senmlJson:
    case CONTENT_FORMATS.senmlEtchJson:
      return decodeSenmlJson(base, bytes, shapeOf, context, use);
    case CONTENT_FORMATS.senmlCbor:
    case CONTENT_FORMATS.senmlEtchCbor:
      return decodeSenmlCbor(base, bytes, shapeOf, context, use);
    case CONTENT_FORMATS.lwm2mCbor:
      return decodeLwm2mCbor(base, bytes, shapeOf, context, use);
    default:
      throw new FormatError(format, `Content-Format ${format} is not supported`, 'unsupportedContentFormat');
  }
}

function contextOf(base: Path, bytes: Uint8Array, options: DecodeOptions): SenmlContext {
  const { maxEntries, maxBytes, maxDepth } = DEFAULT_FORMAT_LIMITS;
  const context: SenmlContext = {
    maxEntries: options.maxEntries ?? maxEntries,
    maxBytes: options.maxBytes ?? maxBytes,
    maxDepth: options.maxDepth ?? maxDepth,
    now: options.now,
  };
  if (bytes.length > context.maxBytes) {
    throw new DecodeError(`payload of ${base}`, `at most ${context.maxBytes} bytes`, `${bytes.length}`);
  }
  return context;
}

function single(format: number, base: Path, entries: readonly Entry[]): Entry {
  const [entry] = entries;
  if (entry === undefined || entries.length > 1 || !entry.path.equals(base) || base.resource === undefined) {
    throw new FormatError(format, `Content-Format ${format} carries one value, not those of ${base}`);
  }
  return entry;
}

/** `base` itself, if it may be the path of one value. */
function singlePath(format: number, base: Path): Path {
  if (base.resource !== undefined) return base;
  const message = `Content-Format ${format} carries one value, not those of ${base}`;
  throw new FormatError(format, message, 'unsupportedContentFormat');
}
