export {
  CONTENT_FORMATS,
  DEFAULT_FORMAT_LIMITS,
  FormatError,
  type FormatLimits,
  type ResourceShape,
  type ShapeOf,
} from './content-formats.ts';
export {
  type DecodeOptions,
  SUPPORTED_READ_FORMATS,
  SUPPORTED_WRITE_FORMATS,
  decodeEntries,
  encodeEntries,
} from './entries.ts';
export { type FormatChoice, chooseFormat } from './choose.ts';
export { type CoreLink, type LinkLimits, decodeLinks, encodeLinks } from './core-link.ts';
