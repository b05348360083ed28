// What a server certificate is compared with: LwM2M's certificate usage (/0/x/15 with /0/x/4 and /0/x/13), DANE's TLSA
// records (RFC 6698 §2.1): one shape and one matcher for both.

import { equalBytes } from '../../bytes/index.ts';
import type { CryptoProvider } from '../provider/provider.ts';
import type { Certificate } from '../x509.ts';

/** LwM2M Core 1.2 Appendix E.1, Certificate Usage; the numbers are TLSA's (RFC 6698 §2.1.1, RFC 7218). */
export const CERTIFICATE_USAGE = {
  /** CA constraint: a valid path to a trust anchor, and the association is a CA in it. */
  caConstraint: 0,
  /** Service certificate constraint: a valid path to a trust anchor, and the association is the leaf. */
  serviceCertificateConstraint: 1,
  /** Trust anchor assertion: the association is the one trust anchor. */
  trustAnchorAssertion: 2,
  /** Domain-issued certificate: the association is the leaf, and neither name, path nor date counts. */
  domainIssuedCertificate: 3,
} as const;

export type CertificateUsage = (typeof CERTIFICATE_USAGE)[keyof typeof CERTIFICATE_USAGE];

/** One thing to compare certificates with. */
export interface CertificateAssociation {
  readonly usage: CertificateUsage;
  /** The whole certificate, or its SubjectPublicKeyInfo. */
  readonly selector: 'certificate' | 'spki';
  readonly matching: 'exact' | 'sha256' | 'sha384' | 'sha512';
  /** What is compared: DER, or its hash. */
  readonly data: Uint8Array;
}

/** In the order of /0/x/13. */
const LWM2M_MATCHING = ['exact', 'sha256', 'sha384', 'sha512'] as const;
/** In the order of RFC 6698 §2.1.3. */
const TLSA_MATCHING = ['exact', 'sha256', 'sha512'] as const;
const HASH_LENGTHS = { sha256: 32, sha384: 48, sha512: 64 } as const;

/**
 * What the Security object says of the server's certificate.
 * @param server `serverPublicKey` is /0/x/4 (a certificate's DER or its hash), `matchingType` /0/x/13 (default 0:
 *   exact), `certificateUsage` /0/x/15 (default 3: domain-issued certificate)
 * @returns For an empty /0/x/4: by usage 0 and 1 undefined, so that path and name decide; by usage 2 and 3 what matches
 *   nothing, so that every server is refused
 * @throws RangeError naming the resource
 */
export function lwm2mAssociation(server: {
  readonly serverPublicKey: Uint8Array;
  readonly matchingType?: number | undefined;
  readonly certificateUsage?: number | undefined;
}): CertificateAssociation | undefined {
  const matching = LWM2M_MATCHING[server.matchingType ?? 0];
  if (matching === undefined)
    throw new RangeError(`/0/x/13 Matching Type: expected 0 to 3, found ${server.matchingType}`);
  const usage = usageOf(server.certificateUsage ?? 3, '/0/x/15 Certificate Usage');
  const data = server.serverPublicKey;
  if (data.length === 0) return usage < 2 ? undefined : { usage, selector: 'certificate', matching, data };
  checkLength(matching, data, '/0/x/4 Server Public Key');
  return { usage, selector: 'certificate', matching, data: data.slice() };
}

/** A TLSA record as an association. @throws RangeError naming the field */
export function tlsaAssociation(record: {
  readonly usage: number;
  readonly selector: number;
  readonly matchingType: number;
  readonly associationData: Uint8Array;
}): CertificateAssociation {
  const matching = TLSA_MATCHING[record.matchingType];
  if (matching === undefined) throw new RangeError(`TLSA matching type: expected 0 to 2, found ${record.matchingType}`);
  if (record.selector !== 0 && record.selector !== 1) {
    throw new RangeError(`TLSA selector: expected 0 or 1, found ${record.selector}`);
  }
  checkLength(matching, record.associationData, 'TLSA association data');
  return {
    usage: usageOf(record.usage, 'TLSA usage'),
    selector: record.selector === 0 ? 'certificate' : 'spki',
    matching,
    data: record.associationData.slice(),
  };
}

/** Whether `certificate` is what the association means. */
export function matchesAssociation(
  certificate: Certificate,
  association: CertificateAssociation,
  hashing: Pick<CryptoProvider, 'hash'>,
): boolean {
  if (association.data.length === 0) return false;
  const selected = association.selector === 'certificate' ? certificate.der : certificate.publicKey.spki;
  const { matching } = association;
  return equalBytes(matching === 'exact' ? selected : hashing.hash(matching, selected), association.data);
}

function usageOf(number: number, field: string): CertificateUsage {
  if (number === 0 || number === 1 || number === 2 || number === 3) return number;
  throw new RangeError(`${field}: expected 0 to 3, found ${number}`);
}

function checkLength(matching: CertificateAssociation['matching'], data: Uint8Array, field: string): void {
  if (data.length === 0) throw new RangeError(`${field}: expected bytes, found none`);
  if (matching === 'exact' || data.length === HASH_LENGTHS[matching]) return;
  throw new RangeError(`${field}: expected ${HASH_LENGTHS[matching]} bytes for ${matching}, found ${data.length}`);
}
