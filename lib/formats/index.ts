export {
  CONTENT_FORMATS,
  DEFAULT_FORMAT_LIMITS,
  FormatError,
  type FormatErrorReason,
  type FormatLimits,
  type FormatVersion,
  type ResourceShape,
  type ShapeOf,
} from './content-formats.ts';
export {
  type DecodeOptions,
  type EncodeOptions,
  type EntryChange,
  SUPPORTED_READ_FORMATS,
  SUPPORTED_WRITE_FORMATS,
  decodeChanges,
  decodeEntries,
  decodePaths,
  encodeChanges,
  encodeEntries,
  encodePaths,
  readFormatsOf,
} from './entries.ts';
export {
  type FormatChoice,
  type PayloadUse,
  carriesTimestamps,
  checkContentFormat,
  chooseFormat,
  otherFormats,
} from './choose.ts';
export { type CoreLink, type LinkLimits, decodeLinks, encodeLinks } from './core-link.ts';
