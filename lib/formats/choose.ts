// Which format an answer has, and which formats a request may have (LwM2M Core 1.2 §7.4, Transport §6.4.3).

import { CONTENT_FORMATS, FormatError, type FormatVersion, type ResourceShape } from './content-formats.ts';
import type { Path } from '../model/index.ts';

const { text, opaque, cbor, senmlJson, senmlCbor, senmlEtchJson, senmlEtchCbor } = CONTENT_FORMATS;
const { legacyTlv, legacyJson, tlv, json, lwm2mCbor } = CONTENT_FORMATS;

const VERSIONS: readonly FormatVersion[] = ['1.0', '1.1', '1.2'];
/** First version of each format. The JSON of 1.0 is forbidden to clients of later ones (§7.4.6), so it has a last one, too. */
const SINCE: Readonly<Record<number, FormatVersion>> = {
  [text]: '1.0',
  [opaque]: '1.0',
  [tlv]: '1.0',
  [legacyTlv]: '1.0',
  [json]: '1.0',
  [legacyJson]: '1.0',
  [cbor]: '1.1',
  [senmlJson]: '1.1',
  [senmlCbor]: '1.1',
  [senmlEtchJson]: '1.2',
  [senmlEtchCbor]: '1.2',
  [lwm2mCbor]: '1.2',
};
const ONLY_IN_1_0: ReadonlySet<number> = new Set([json, legacyJson]);
const ETCH: ReadonlySet<number> = new Set([senmlEtchJson, senmlEtchCbor]);
const COMPOSITE: ReadonlySet<number> = new Set([senmlJson, senmlCbor, senmlEtchJson, senmlEtchCbor, lwm2mCbor]);
const ONE_VALUE: ReadonlySet<number> = new Set([text, opaque, cbor]);
const TIMED: ReadonlySet<number> = new Set([senmlJson, senmlCbor, json, legacyJson]);

export interface FormatChoice {
  /** The request's Accept option. */
  readonly accept?: number | undefined;
  /** What is read; the root for composites. */
  readonly path: Path;
  /** Of the resource at `path`, where it is one. */
  readonly shape?: ResourceShape | undefined;
  /** The version the client registered with. */
  readonly version: FormatVersion;
  /** What the client would rather have than its default (SenML JSON from 1.1 on), wherever that can carry the answer. */
  readonly preferred?: number | undefined;
}

/**
 * What was asked for, if it can carry what is read; without Accept the client's preference. 1.0 knows text, opaque, TLV and
 * its JSON; later versions are told to avoid the last two. Undefined: nothing fits, answer 4.06.
 */
export function chooseFormat({ accept, path, shape, version, preferred }: FormatChoice): number | undefined {
  if (accept !== undefined) return canCarry(accept, path, shape, version) ? accept : undefined;
  if (preferred !== undefined && canCarry(preferred, path, shape, version)) return preferred;
  if (version !== '1.0') return senmlJson;
  if (!isSingle(path, shape)) return path.object === undefined ? undefined : tlv;
  return shape?.type === 'opaque' ? opaque : text;
}

/** What can be answered with where the server has not asked for a format, and the chosen one has no way to say a value (NaN). */
export function otherFormats({ path, shape, version }: Omit<FormatChoice, 'accept' | 'preferred'>): readonly number[] {
  return [lwm2mCbor, cbor, tlv].filter((format) => canCarry(format, path, shape, version));
}

/** What a request with a payload does. */
export type PayloadUse = 'write' | 'readComposite' | 'writeComposite';

/**
 * Checks that a request may come in this format.
 * @throws FormatError `unsupportedContentFormat` if the version has it not, or not for this
 */
export function checkContentFormat(format: number, use: PayloadUse, version: FormatVersion): void {
  if (!isFormatOf(format, version)) {
    throw refused(format, `LwM2M ${version} has no Content-Format ${format}`);
  }
  if (use === 'write' ? ETCH.has(format) : !COMPOSITE.has(format)) {
    throw refused(format, `Content-Format ${format} is not for this operation`);
  }
}

function refused(format: number, message: string): FormatError {
  return new FormatError(format, message, 'unsupportedContentFormat');
}

/** Whether values in this format can have timestamps: what was stored must otherwise be sent one by one, without. */
export function carriesTimestamps(format: number): boolean {
  return TIMED.has(format);
}

function canCarry(format: number, path: Path, shape: ResourceShape | undefined, version: FormatVersion): boolean {
  if (!isFormatOf(format, version) || ETCH.has(format)) return false;
  if (ONE_VALUE.has(format) && !isSingle(path, shape)) return false;
  if (format === opaque) return shape === undefined || shape.type === 'opaque';
  return path.object !== undefined || (format !== tlv && format !== legacyTlv);
}

/** Whether the version has this format, and not forbids it. */
export function isFormatOf(format: number, version: FormatVersion): boolean {
  const since = SINCE[format];
  if (since === undefined || (ONLY_IN_1_0.has(format) && version !== '1.0')) return false;
  return VERSIONS.indexOf(version) >= VERSIONS.indexOf(since);
}

function isSingle(path: Path, shape: ResourceShape | undefined): boolean {
  return path.resourceInstance !== undefined || (path.resource !== undefined && shape?.multiple !== true);
}
