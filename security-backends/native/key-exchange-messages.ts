// ServerKeyExchange and ClientKeyExchange with ephemeral Diffie-Hellman (RFC 8422 §5.4 and §5.7, RFC 5489 §2).

import { DecodeError, Reader, Writer } from '../../lib/bytes/index.ts';

const NAMED_CURVE = 3;

/** The server's ephemeral key. */
export interface EcdhParams {
  /** IANA's number of the group. */
  readonly group: number;
  readonly point: Uint8Array;
  /** As on the wire: what a certificate's key signs. */
  readonly encoded: Uint8Array;
}

/** A signature with the number of its scheme (RFC 5246 §4.7). */
export interface DigitallySigned {
  readonly scheme: number;
  readonly signature: Uint8Array;
}

export function encodeEcdhParams(group: number, point: Uint8Array): EcdhParams {
  const encoded = new Writer(4 + point.length).uint8(NAMED_CURVE).uint16(group).vector8(point).finish();
  return { group, point, encoded };
}

/** @throws DecodeError also for curves that are not named (RFC 8422 §5.4) */
export function decodeEcdhParams(bytes: Uint8Array, reader: Reader): EcdhParams {
  const start = reader.offset;
  const curveType = reader.uint8('curve_type');
  if (curveType !== NAMED_CURVE) throw new DecodeError('curve_type', 'named_curve (3)', `${curveType}`);
  const group = reader.uint16('namedcurve');
  const point = decodePoint(reader);
  return { group, point, encoded: bytes.subarray(start, reader.offset) };
}

/** ServerKeyExchange of ECDHE_PSK: the hint, then the unsigned params (RFC 5489 §2). @throws DecodeError */
export function decodeEcdhePskServerKeyExchange(body: Uint8Array): { hint: Uint8Array; params: EcdhParams } {
  const reader = new Reader(body);
  const hint = reader.vector16('psk_identity_hint');
  const params = decodeEcdhParams(body, reader);
  reader.end('ServerKeyExchange');
  return { hint, params };
}

export function encodeEcdhePskServerKeyExchange(hint: Uint8Array, params: EcdhParams): Uint8Array {
  return new Writer(2 + hint.length + params.encoded.length).vector16(hint).bytes(params.encoded).finish();
}

/** ServerKeyExchange of ECDHE with certificates: params and their signature. @throws DecodeError */
export function decodeSignedServerKeyExchange(body: Uint8Array): { params: EcdhParams; signed: DigitallySigned } {
  const reader = new Reader(body);
  const params = decodeEcdhParams(body, reader);
  const signed = decodeDigitallySigned(reader);
  reader.end('ServerKeyExchange');
  return { params, signed };
}

export function encodeSignedServerKeyExchange(params: EcdhParams, signed: DigitallySigned): Uint8Array {
  const writer = new Writer(params.encoded.length + 4 + signed.signature.length).bytes(params.encoded);
  encodeDigitallySigned(signed, writer);
  return writer.finish();
}

/** What the server signs: both randoms and the params (RFC 8422 §5.4). */
export function signedParams(
  randoms: { readonly client: Uint8Array; readonly server: Uint8Array },
  params: EcdhParams,
): Uint8Array {
  return new Writer(64 + params.encoded.length)
    .bytes(randoms.client)
    .bytes(randoms.server)
    .bytes(params.encoded)
    .finish();
}

/** ClientKeyExchange of ECDHE with certificates: the client's point. @throws DecodeError */
export function decodeEcdhClientKeyExchange(body: Uint8Array): Uint8Array {
  const reader = new Reader(body);
  const point = decodePoint(reader);
  reader.end('ClientKeyExchange');
  return point;
}

export function encodeEcdhClientKeyExchange(point: Uint8Array): Uint8Array {
  return new Writer(1 + point.length).vector8(point).finish();
}

/** ClientKeyExchange of ECDHE_PSK: identity, then point (RFC 5489 §2). @throws DecodeError */
export function decodeEcdhePskClientKeyExchange(body: Uint8Array): { identity: Uint8Array; point: Uint8Array } {
  const reader = new Reader(body);
  const identity = reader.vector16('psk_identity');
  const point = decodePoint(reader);
  reader.end('ClientKeyExchange');
  return { identity, point };
}

export function encodeEcdhePskClientKeyExchange(identity: Uint8Array, point: Uint8Array): Uint8Array {
  return new Writer(3 + identity.length + point.length).vector16(identity).vector8(point).finish();
}

/** @throws DecodeError */
export function decodeDigitallySigned(reader: Reader): DigitallySigned {
  const scheme = reader.uint16('SignatureAndHashAlgorithm');
  return { scheme, signature: reader.vector16('signature') };
}

export function encodeDigitallySigned({ scheme, signature }: DigitallySigned, writer: Writer): void {
  writer.uint16(scheme).vector16(signature);
}

function decodePoint(reader: Reader): Uint8Array {
  const point = reader.vector8('ECPoint');
  if (point.length === 0) throw new DecodeError('ECPoint', 'at least one byte', 'none');
  return point;
}
