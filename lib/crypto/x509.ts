// X.509 certificates (RFC 5280 §4.1), read strictly: the facts this project decides by, and nothing decided here.

import { DecodeError } from '../bytes/index.ts';
import { DER_TAG, DerReader, bitString, derContext, derContextConstructed } from './der.ts';
import { type PublicKey, readPublicKey } from './public-key.ts';
import { type SignatureAlgorithm, expectSameAlgorithm, readSignatureAlgorithm } from './signature-algorithm.ts';
import { type DistinguishedName, readName } from './x509-name.ts';
import { type Extension, type ExtensionFacts, extensionFacts, readExtensions } from './x509-extensions.ts';

export interface Certificate extends ExtensionFacts {
  readonly der: Uint8Array;
  /** The signed part. */
  readonly tbs: Uint8Array;
  readonly version: 1 | 2 | 3;
  /** The INTEGER's bytes. */
  readonly serial: Uint8Array;
  readonly issuer: DistinguishedName;
  readonly subject: DistinguishedName;
  /** Milliseconds since 1970, both included. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKey: PublicKey;
  /** By object identifier, known ones too. */
  readonly extensions: ReadonlyMap<string, Extension>;
  readonly signatureAlgorithm: SignatureAlgorithm;
  readonly signature: Uint8Array;
}

/** Bytes: ten times a large certificate; a TLS Certificate message could carry 16 MiB. */
export const DEFAULT_MAX_CERTIFICATE_LENGTH = 65_536;

/**
 * One certificate, copied. That it is well-formed says nothing about trust: see `trust/`.
 * @param maxLength in bytes
 * @throws DecodeError naming the field
 */
export function parseCertificate(bytes: Uint8Array, maxLength = DEFAULT_MAX_CERTIFICATE_LENGTH): Certificate {
  if (bytes.length > maxLength) throw new DecodeError('Certificate', `at most ${maxLength} bytes`, `${bytes.length}`);
  const der = bytes.slice();
  const outer = new DerReader(der);
  const certificate = outer.sequence('Certificate');
  outer.end('after Certificate');
  const tbs = certificate.expect(DER_TAG.sequence, 'tbsCertificate').der;
  const { signed, ...facts } = readSigned(new DerReader(tbs).sequence('tbsCertificate'));
  const signatureAlgorithm = readSignatureAlgorithm(certificate, 'signatureAlgorithm');
  const signature = certificate.bitString('signatureValue');
  certificate.end('Certificate');
  expectSameAlgorithm(signed, signatureAlgorithm);
  return { der, tbs, ...facts, ...extensionFacts(facts.extensions), signatureAlgorithm, signature };
}

function readSigned(reader: DerReader) {
  const version = readVersion(reader.enterOptional(derContextConstructed(0), 'version'));
  const serial = reader.integer('serialNumber');
  const signed = readSignatureAlgorithm(reader, 'tbsCertificate signature');
  const issuer = readName(reader, 'issuer');
  const validity = reader.sequence('validity');
  const notBefore = validity.time('notBefore');
  const notAfter = validity.time('notAfter');
  validity.end('validity');
  const subject = readName(reader, 'subject');
  const publicKey = readPublicKey(reader);
  skipUniqueIdentifiers(reader, version);
  const extensions = readTrailingExtensions(reader, version);
  reader.end('tbsCertificate');
  return { version, serial, signed, issuer, notBefore, notAfter, subject, publicKey, extensions };
}

function readVersion(explicit: DerReader | undefined): 1 | 2 | 3 {
  if (explicit === undefined) return 1;
  const version = explicit.number('version', 2);
  explicit.end('version');
  if (version === 0) throw new DecodeError('version', 'v1 not written out', 'the default'); // X.690 §11.5
  return version === 1 ? 2 : 3;
}

function skipUniqueIdentifiers(reader: DerReader, version: number): void {
  for (const number of [1, 2]) {
    const identifier = reader.optional(derContext(number), 'uniqueIdentifier');
    if (identifier === undefined) continue;
    if (version === 1) throw new DecodeError('uniqueIdentifier', 'a certificate of version 2 or 3', 'version 1');
    bitString(identifier.content, 'uniqueIdentifier');
  }
}

function readTrailingExtensions(reader: DerReader, version: number): ReadonlyMap<string, Extension> {
  const explicit = reader.enterOptional(derContextConstructed(3), 'extensions');
  if (explicit === undefined) return new Map();
  if (version !== 3) throw new DecodeError('extensions', 'a certificate of version 3', `version ${version}`);
  const extensions = readExtensions(explicit, 'extensions');
  explicit.end('extensions');
  return extensions;
}
