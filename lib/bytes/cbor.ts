// CBOR (RFC 8949), strict: encoding is deterministic (§4.2.1), decoding refuses what is ambiguous.

export { encodeCbor } from './cbor-encode.ts';
export { type CborOptions, DEFAULT_CBOR_OPTIONS, decodeCbor } from './cbor-decode.ts';
export { CborFloat, type CborMap, CborSimple, CborTag, type CborValue } from './cbor-value.ts';
