export { DecodeError } from './decode-error.ts';
export { Reader } from './reader.ts';
export { Writer } from './writer.ts';
export { fromBase64, toBase64, toBase64Url } from './base64.ts';
export { concatBytes, copyBytes, equalBytes, equalSecrets, fromHex, toHex, utf8Decode, utf8Encode } from './bytes.ts';
export {
  CborFloat,
  type CborMap,
  type CborOptions,
  CborReader,
  CborSimple,
  CborTag,
  type CborValue,
  CborWriter,
  DEFAULT_CBOR_OPTIONS,
  MAJOR as CBOR_MAJOR,
  decodeCbor,
  encodeCbor,
  readCborItem,
} from './cbor.ts';
