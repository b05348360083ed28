// Which of our certificates a CertificateRequest accepts (RFC 5246 §7.4.4 and §7.4.6), and what to send with it.

import { DecodeError } from '../../bytes/index.ts';
import { DerReader } from '../der.ts';
import type { LoadedPrivateKey } from '../load-private-key.ts';
import { SIGNATURE_PARAMETERS, type SignatureScheme, TLS12_ONLY_SCHEMES } from '../provider/provider.ts';
import type { Certificate } from '../x509.ts';
import { type DistinguishedName, readName, sameName } from '../x509-name.ts';
import { schemeOf } from './certificate-signature.ts';
import { mayHaveIssued } from './path-builder.ts';

/** One of our certificates: leaf first, then CAs to send. */
export interface ClientCertificate {
  readonly chain: readonly Certificate[];
  readonly key: Pick<LoadedPrivateKey, 'algorithm' | 'schemes'>;
}

/** What the server's message says. */
export interface CertificateRequest {
  /** ClientCertificateType numbers. */
  readonly certificateTypes: readonly number[];
  /** SignatureScheme numbers, as the server prefers them. */
  readonly signatureAlgorithms: readonly number[];
  /** Names of acceptable CAs, DER; empty: any. */
  readonly authorities: readonly Uint8Array[];
}

export interface ChosenCertificate<T extends ClientCertificate> {
  readonly certificate: T;
  /** What to sign the handshake with. */
  readonly scheme: SignatureScheme;
}

/** RFC 5246 §7.4.4, RFC 8422 §5.5: Ed25519 goes by ecdsa_sign. */
const TYPES = { rsa: 1, 'ec-p256': 64, 'ec-p384': 64, ed25519: 64 } as const;

/** Chains in use have at most 5. */
const MAX_CHAIN = 10;

/**
 * The first certificate the request accepts, those whose whole chain is signed by algorithms of the request before
 * others; undefined if there is none, and then an empty Certificate is the answer.
 */
export function chooseCertificate<T extends ClientCertificate>(
  candidates: readonly T[],
  request: CertificateRequest,
): ChosenCertificate<T> | undefined {
  const authorities = request.authorities.flatMap(nameOf);
  const named = request.authorities.length > 0;
  const accepted = candidates.flatMap((certificate) => {
    const scheme = commonScheme(certificate.key.schemes, request.signatureAlgorithms);
    const fits =
      scheme !== undefined &&
      certificate.chain.length > 0 &&
      request.certificateTypes.includes(TYPES[certificate.key.algorithm.name]) &&
      (!named || isIssuedBy(certificate.chain, authorities));
    return fits ? [{ certificate, scheme }] : [];
  });
  return accepted.find(({ certificate }) => isSignedBy(certificate.chain, request.signatureAlgorithms)) ?? accepted[0];
}

/**
 * The chain with the CAs that follow it taken from `anchors`, up to but without the root, which the peer has.
 * What is there already is kept as it is.
 */
export function completeChain(chain: readonly Certificate[], anchors: readonly Certificate[]): readonly Certificate[] {
  const complete = [...chain];
  while (complete.length > 0 && complete.length < MAX_CHAIN) {
    const last = complete.at(-1)!;
    if (isSelfIssued(last)) break;
    const issuer = anchors.find((each) => mayHaveIssued(each, last) && !complete.includes(each));
    if (issuer === undefined || isSelfIssued(issuer)) break;
    complete.push(issuer);
  }
  return complete;
}

const isSelfIssued = ({ subject, issuer }: Certificate): boolean => sameName(subject, issuer);

/** As the server prefers, but rather one that every server takes. */
function commonScheme(ours: readonly SignatureScheme[], theirs: readonly number[]): SignatureScheme | undefined {
  const common = theirs.flatMap((id) => ours.filter((each) => SIGNATURE_PARAMETERS[each].id === id));
  return common.find((scheme) => !TLS12_ONLY_SCHEMES.has(scheme)) ?? common[0];
}

function isIssuedBy(chain: readonly Certificate[], authorities: readonly DistinguishedName[]): boolean {
  return chain.some(({ issuer }) => authorities.some((authority) => sameName(authority, issuer)));
}

/** RFC 5246 §7.4.4: certificates are to be signed by what the request lists; the last one's issuer is not at hand. */
function isSignedBy(chain: readonly Certificate[], ids: readonly number[]): boolean {
  return chain.slice(0, -1).every(({ signatureAlgorithm }, i) => {
    const scheme = schemeOf(signatureAlgorithm.name, chain[i + 1]!.publicKey.algorithm);
    return scheme !== undefined && ids.includes(SIGNATURE_PARAMETERS[scheme].id);
  });
}

/** What is no name is nobody's. */
function nameOf(der: Uint8Array): readonly DistinguishedName[] {
  try {
    const reader = new DerReader(der);
    const name = readName(reader, 'certificate_authorities');
    reader.end('certificate_authorities');
    return [name];
  } catch (error) {
    if (error instanceof DecodeError) return [];
    throw error;
  }
}
