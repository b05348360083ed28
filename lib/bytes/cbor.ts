// CBOR (RFC 8949), strict: encoding is deterministic (§4.2.1), decoding refuses what is ambiguous.

export { encodeCbor } from './cbor-encode.ts';
export { DEFAULT_CBOR_OPTIONS, decodeCbor, readCborItem } from './cbor-decode.ts';
export { type CborOptions, CborReader } from './cbor-reader.ts';
export { CborWriter } from './cbor-writer.ts';
export { CborFloat, type CborMap, CborSimple, CborTag, type CborValue, MAJOR } from './cbor-value.ts';
