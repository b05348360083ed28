// Certificate, CertificateRequest and CertificateVerify (RFC 5246 §7.4.2, §7.4.4, §7.4.8; RFC 7250 §3).

import { DecodeError, Reader, Writer } from '../../lib/bytes/index.ts';
import { type DigitallySigned, decodeDigitallySigned, encodeDigitallySigned } from './key-exchange-messages.ts';

/** ClientCertificateType (RFC 8422 §5.5). */
export const CLIENT_CERTIFICATE_TYPE = { rsaSign: 1, ecdsaSign: 64 } as const;

const MAX_CERTIFICATES = 32; // a path is a handful; what is parsed for anybody has a bound

export interface CertificateRequest {
  readonly certificateTypes: Uint8Array;
  /** Numbers of signature schemes. */
  readonly schemes: readonly number[];
  /** Distinguished names in DER; none: any. */
  readonly authorities: readonly Uint8Array[];
}

/** The certificates, leaf first; none if the sender has none to show. @throws DecodeError */
export function decodeCertificate(body: Uint8Array): readonly Uint8Array[] {
  const reader = new Reader(body);
  const list = new Reader(reader.vector24('certificate_list'));
  reader.end('Certificate');
  const chain: Uint8Array[] = [];
  while (list.remaining > 0) {
    if (chain.length === MAX_CERTIFICATES) {
      throw new DecodeError('certificate_list', `at most ${MAX_CERTIFICATES} certificates`, 'more');
    }
    const certificate = list.vector24('ASN.1Cert');
    if (certificate.length === 0) throw new DecodeError('ASN.1Cert', 'at least one byte', 'none');
    chain.push(certificate);
  }
  return chain;
}

export function encodeCertificate(chain: readonly Uint8Array[]): Uint8Array {
  const writer = new Writer(1024);
  writer.vector24((list) => {
    for (const certificate of chain) list.vector24(certificate);
  });
  return writer.finish();
}

/** A raw public key in place of a chain; none if it is empty (RFC 7250 §3). @throws DecodeError */
export function decodeRawPublicKey(body: Uint8Array): readonly Uint8Array[] {
  const reader = new Reader(body);
  const key = reader.vector24('ASN.1_subjectPublicKeyInfo');
  reader.end('Certificate');
  return key.length === 0 ? [] : [key];
}

export function encodeRawPublicKey(chain: readonly Uint8Array[]): Uint8Array {
  return new Writer(128).vector24(chain[0] ?? new Uint8Array(0)).finish();
}

/** @throws DecodeError */
export function decodeCertificateRequest(body: Uint8Array): CertificateRequest {
  const reader = new Reader(body);
  const certificateTypes = reader.vector8('certificate_types');
  const schemes = decodeSchemes(reader.vector16('supported_signature_algorithms'));
  const names = new Reader(reader.vector16('certificate_authorities'));
  reader.end('CertificateRequest');
  const authorities: Uint8Array[] = [];
  while (names.remaining > 0) authorities.push(names.vector16('DistinguishedName'));
  return { certificateTypes, schemes, authorities };
}

export function encodeCertificateRequest(request: CertificateRequest): Uint8Array {
  const writer = new Writer(128).vector8(request.certificateTypes);
  writer.vector16((list) => {
    for (const scheme of request.schemes) list.uint16(scheme);
  });
  writer.vector16((list) => {
    for (const name of request.authorities) list.vector16(name);
  });
  return writer.finish();
}

/** @throws DecodeError */
export function decodeCertificateVerify(body: Uint8Array): DigitallySigned {
  const reader = new Reader(body);
  const signed = decodeDigitallySigned(reader);
  reader.end('CertificateVerify');
  return signed;
}

export function encodeCertificateVerify(signed: DigitallySigned): Uint8Array {
  const writer = new Writer(4 + signed.signature.length);
  encodeDigitallySigned(signed, writer);
  return writer.finish();
}

/** A list of numbers of signature schemes, its length before it taken off. @throws DecodeError */
export function decodeSchemes(bytes: Uint8Array): readonly number[] {
  const reader = new Reader(bytes);
  const schemes: number[] = [];
  while (reader.remaining > 0) schemes.push(reader.uint16('SignatureAndHashAlgorithm'));
  if (schemes.length === 0) throw new DecodeError('supported_signature_algorithms', 'at least one', 'none');
  return schemes;
}
