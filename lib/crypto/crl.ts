// Certificate revocation lists (RFC 5280 §5), read strictly.

import { DecodeError, toHex } from '../bytes/index.ts';
import { DER_TAG, DerReader, derContextConstructed } from './der.ts';
import { type SignatureAlgorithm, expectSameAlgorithm, readSignatureAlgorithm } from './signature-algorithm.ts';
import { type DistinguishedName, readName } from './x509-name.ts';
import { type Extension, readExtensions } from './x509-extensions.ts';

export interface RevocationList {
  readonly der: Uint8Array;
  /** The signed part. */
  readonly tbs: Uint8Array;
  readonly issuer: DistinguishedName;
  /** Milliseconds since 1970. */
  readonly thisUpdate: number;
  readonly nextUpdate: number | undefined;
  /** Serial numbers (hex of the INTEGER), with the moment of revocation in milliseconds since 1970. */
  readonly revoked: ReadonlyMap<string, number>;
  /** Of the list. */
  readonly extensions: ReadonlyMap<string, Extension>;
  /** Object identifiers of the entries' critical extensions. */
  readonly criticalEntryExtensions: ReadonlySet<string>;
  readonly signatureAlgorithm: SignatureAlgorithm;
  readonly signature: Uint8Array;
}

/** Bytes: some 100,000 entries; what a device would hold in memory at most. */
export const DEFAULT_MAX_REVOCATION_LIST_LENGTH = 4 * 1024 * 1024;

/** How a certificate's serial number is looked up in `revoked`. */
export const serialKey = (serial: Uint8Array): string => toHex(serial);

/**
 * One list, copied. Who signed it is not checked here: see `trust/`.
 * @param maxLength in bytes
 * @throws DecodeError naming the field
 */
export function parseRevocationList(bytes: Uint8Array, maxLength = DEFAULT_MAX_REVOCATION_LIST_LENGTH): RevocationList {
  if (bytes.length > maxLength) {
    throw new DecodeError('CertificateList', `at most ${maxLength} bytes`, `${bytes.length}`);
  }
  const der = bytes.slice();
  const outer = new DerReader(der);
  const list = outer.sequence('CertificateList');
  outer.end('after CertificateList');
  const tbs = list.expect(DER_TAG.sequence, 'tbsCertList').der;
  const { signed, ...facts } = readSigned(new DerReader(tbs).sequence('tbsCertList'));
  const signatureAlgorithm = readSignatureAlgorithm(list, 'signatureAlgorithm');
  const signature = list.bitString('signatureValue');
  list.end('CertificateList');
  expectSameAlgorithm(signed, signatureAlgorithm);
  return { der, tbs, ...facts, signatureAlgorithm, signature };
}

function readSigned(reader: DerReader) {
  const v2 = reader.peek() === DER_TAG.integer;
  if (v2 && reader.number('version', 1) !== 1) throw new DecodeError('version', 'v2, or no version', 'v1');
  const signed = readSignatureAlgorithm(reader, 'tbsCertList signature');
  const issuer = readName(reader, 'issuer');
  const thisUpdate = reader.time('thisUpdate');
  const nextUpdate = isTime(reader.peek()) ? reader.time('nextUpdate') : undefined;
  const entries = reader.enterOptional(DER_TAG.sequence, 'revokedCertificates');
  const { revoked, criticalEntryExtensions } = readEntries(entries);
  const explicit = reader.enterOptional(derContextConstructed(0), 'crlExtensions');
  const extensions = explicit === undefined ? new Map<string, Extension>() : readExtensions(explicit, 'crlExtensions');
  explicit?.end('crlExtensions');
  reader.end('tbsCertList');
  return { signed, issuer, thisUpdate, nextUpdate, revoked, extensions, criticalEntryExtensions };
}

function readEntries(entries: DerReader | undefined) {
  const revoked = new Map<string, number>();
  const criticalEntryExtensions = new Set<string>();
  while (entries !== undefined && !entries.ended) {
    const entry = entries.sequence('revokedCertificate');
    const serial = entry.integer('userCertificate');
    revoked.set(serialKey(serial), entry.time('revocationDate'));
    if (!entry.ended) {
      for (const each of readExtensions(entry, 'crlEntryExtensions').values()) {
        if (each.critical) criticalEntryExtensions.add(each.oid);
      }
    }
    entry.end('revokedCertificate');
  }
  return { revoked, criticalEntryExtensions };
}

const isTime = (tag: number | undefined): boolean => tag === DER_TAG.utcTime || tag === DER_TAG.generalizedTime;
