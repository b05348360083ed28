// Which algorithm signed a certificate or revocation list (RFC 5758, RFC 4055, RFC 8410).

import { DecodeError, equalBytes } from '../bytes/index.ts';
import { DER_TAG, DerReader, derContextConstructed } from './der.ts';
import { OID } from './oids.ts';

/** Named after what TLS calls them; ECDSA's hash says nothing of the curve here. */
export type CertificateSignatureName =
  | 'ecdsa_sha256'
  | 'ecdsa_sha384'
  | 'ecdsa_sha512'
  | 'ed25519'
  | 'rsa_pkcs1_sha256'
  | 'rsa_pkcs1_sha384'
  | 'rsa_pkcs1_sha512'
  | 'rsa_pss_sha256'
  | 'rsa_pss_sha384'
  | 'rsa_pss_sha512';

export interface SignatureAlgorithm {
  /** The whole AlgorithmIdentifier. */
  readonly der: Uint8Array;
  readonly oid: string;
  /** Undefined for what this project does not verify (SHA-1, MD5, DSA, …). */
  readonly name: CertificateSignatureName | undefined;
}

const BY_OID: Readonly<Record<string, CertificateSignatureName>> = {
  [OID.ecdsaWithSha256]: 'ecdsa_sha256',
  [OID.ecdsaWithSha384]: 'ecdsa_sha384',
  [OID.ecdsaWithSha512]: 'ecdsa_sha512',
  [OID.ed25519]: 'ed25519',
  [OID.sha256WithRsa]: 'rsa_pkcs1_sha256',
  [OID.sha384WithRsa]: 'rsa_pkcs1_sha384',
  [OID.sha512WithRsa]: 'rsa_pkcs1_sha512',
};

const PSS_HASHES: Readonly<Record<string, { name: CertificateSignatureName; saltLength: number }>> = {
  [OID.sha256]: { name: 'rsa_pss_sha256', saltLength: 32 },
  [OID.sha384]: { name: 'rsa_pss_sha384', saltLength: 48 },
  [OID.sha512]: { name: 'rsa_pss_sha512', saltLength: 64 },
};

/** The next element as an AlgorithmIdentifier. @throws DecodeError */
export function readSignatureAlgorithm(reader: DerReader, field: string): SignatureAlgorithm {
  const { der } = reader.expect(DER_TAG.sequence, field);
  const inside = new DerReader(der).sequence(field);
  const oid = inside.oid(field);
  if (oid === OID.rsassaPss) return { der, oid, name: pssName(inside) };
  const name = BY_OID[oid];
  if (name === undefined) return { der, oid, name };
  // RFC 4055 §5 wants NULL for RSA; RFC 5758 §3.2 and RFC 8410 §3 want nothing for the others.
  if (name.startsWith('rsa')) inside.null(`${field} parameters`);
  inside.end(field);
  return { der, oid, name };
}

/** The inner and the outer AlgorithmIdentifier must agree (RFC 5280 §4.1.1.2). @throws DecodeError */
export function expectSameAlgorithm(inner: SignatureAlgorithm, outer: SignatureAlgorithm): void {
  if (equalBytes(inner.der, outer.der)) return;
  throw new DecodeError('signatureAlgorithm', 'the algorithm that the signed part names', 'another');
}

/** As TLS uses it (RFC 8446 §4.2.3): one hash for message and mask, salt as long as the hash. Others have no name. */
function pssName(inside: DerReader): CertificateSignatureName | undefined {
  const parameters = inside.sequence('RSASSA-PSS parameters');
  inside.end('RSASSA-PSS algorithm');
  const hash = parameters.enterOptional(derContextConstructed(0), 'hashAlgorithm');
  const mask = parameters.enterOptional(derContextConstructed(1), 'maskGenAlgorithm');
  const salt = parameters.enterOptional(derContextConstructed(2), 'saltLength');
  const trailer = parameters.enterOptional(derContextConstructed(3), 'trailerField');
  parameters.end('RSASSA-PSS parameters');
  if (hash === undefined || mask === undefined || salt === undefined || trailer !== undefined) return undefined;
  const chosen = PSS_HASHES[hash.sequence('hashAlgorithm').oid('hashAlgorithm')];
  const mgf = mask.sequence('maskGenAlgorithm');
  if (mgf.oid('maskGenAlgorithm') !== OID.mgf1) return undefined;
  const maskHash = PSS_HASHES[mgf.sequence('MGF1 hash').oid('MGF1 hash')];
  const same = chosen === maskHash && salt.number('saltLength', 0xffff) === chosen?.saltLength;
  return same ? chosen?.name : undefined;
}
