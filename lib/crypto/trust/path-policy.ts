// Our own rules for every certificate of a path (RFC 5280 §6.1, RFC 9325 §4.5): none is left to a library.

import { OID } from '../oids.ts';
import type { Certificate } from '../x509.ts';
import { sameName } from '../x509-name.ts';
import { checkNameConstraints } from './name-constraints.ts';
import { CertificateRefusedError, type RefusalReason } from './refusal.ts';

/** What the peer is to be. */
export type Purpose = 'serverAuth' | 'clientAuth';

/** When all certificates of a path are valid, in milliseconds since 1970; empty where `notAfter` is the lesser. */
export interface ValidityWindow {
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface PathPolicy {
  readonly purpose: Purpose;
  /** Wall time in milliseconds since 1970; undefined where no clock can be trusted. */
  readonly time: number | undefined;
  /**
   * Decides where `time` is undefined, e.g. by the time of the last update, or not at all. Without it such paths are
   * refused: a certificate whose date nobody looks at is valid for ever.
   */
  readonly withoutClock?: ((window: ValidityWindow, path: readonly Certificate[]) => boolean) | undefined;
  /** Shortest RSA modulus, in bits. Default 2048. */
  readonly minRsaBits?: number | undefined;
}

export const DEFAULT_PATH_POLICY = Object.freeze({
  minRsaBits: 2048, // RFC 9325 §4.5
});

/** Extensions that may be critical: what this file decides by, and the policies, which the library processes. */
const UNDERSTOOD: ReadonlySet<string> = new Set([
  OID.basicConstraints,
  OID.keyUsage,
  OID.extKeyUsage,
  OID.subjectAltName,
  OID.nameConstraints,
  OID.certificatePolicies,
  OID.policyMappings,
  OID.policyConstraints,
  OID.inhibitAnyPolicy,
]);

/** @param path leaf first, anchor last; the anchor is held to the same rules @throws CertificateRefusedError */
export function checkPathPolicy(path: readonly Certificate[], policy: PathPolicy): void {
  for (const [depth, certificate] of path.entries()) {
    checkExtensions(certificate);
    checkKey(certificate, policy);
    if (policy.time !== undefined) checkDate(certificate, policy.time);
    if (depth === 0) checkLeafUsage(certificate);
    else checkAuthority(certificate, path.slice(1, depth));
    checkPurpose(certificate, policy.purpose, depth > 0);
  }
  checkNameConstraints(path);
  if (policy.time === undefined) checkWithoutClock(path, policy);
}

/** The time all certificates of the path have in common. */
export function validityWindow(path: readonly Certificate[]): ValidityWindow {
  return {
    notBefore: Math.max(...path.map(({ notBefore }) => notBefore)),
    notAfter: Math.min(...path.map(({ notAfter }) => notAfter)),
  };
}

function refuse(reason: RefusalReason, detail: string, certificate: Certificate): never {
  throw new CertificateRefusedError(reason, detail, certificate);
}

function checkExtensions(certificate: Certificate): void {
  for (const { oid, critical } of certificate.extensions.values()) {
    if (critical && !UNDERSTOOD.has(oid)) {
      refuse('unknown-critical-extension', `expected critical extensions we know, found ${oid}`, certificate);
    }
  }
}

function checkKey(certificate: Certificate, policy: PathPolicy): void {
  const { algorithm } = certificate.publicKey;
  if (algorithm.name === 'unsupported' || algorithm.name === 'x25519') {
    refuse('weak-key', 'expected a key for ECDSA on P-256 or P-384, Ed25519 or RSA, found another', certificate);
  }
  const least = policy.minRsaBits ?? DEFAULT_PATH_POLICY.minRsaBits;
  if (algorithm.name === 'rsa' && algorithm.modulusBits < least) {
    refuse('weak-key', `expected RSA of at least ${least} bits, found ${algorithm.modulusBits}`, certificate);
  }
}

function checkDate(certificate: Certificate, time: number): void {
  const at = (moment: number): string => new Date(moment).toISOString();
  const { notBefore, notAfter } = certificate;
  if (time < notBefore) refuse('not-yet-valid', `valid from ${at(notBefore)}, now it is ${at(time)}`, certificate);
  if (time > notAfter) refuse('expired', `valid until ${at(notAfter)}, now it is ${at(time)}`, certificate);
}

/** Every suite we have makes the peer sign; none encrypts to its key. */
function checkLeafUsage(certificate: Certificate): void {
  if (certificate.keyUsage?.has('digitalSignature') ?? true) return;
  refuse('wrong-key-usage', 'expected the key usage digitalSignature, found others', certificate);
}

/** @param below the CAs between this one and the leaf */
function checkAuthority(certificate: Certificate, below: readonly Certificate[]): void {
  const { basicConstraints, keyUsage } = certificate;
  if (basicConstraints?.ca !== true) refuse('not-a-ca', 'expected a CA, found no CA flag', certificate);
  if (keyUsage !== undefined && !keyUsage.has('keyCertSign')) {
    refuse('wrong-key-usage', 'expected the key usage keyCertSign, found others', certificate);
  }
  const counted = below.filter(({ subject, issuer }) => !sameName(subject, issuer)).length;
  const most = basicConstraints.pathLength ?? Infinity;
  if (counted > most) refuse('path-too-long', `expected at most ${most} CAs below it, found ${counted}`, certificate);
}

/** A CA's purposes bound those below it, as all browsers and OpenSSL have it. */
function checkPurpose(certificate: Certificate, purpose: Purpose, authority: boolean): void {
  const { extKeyUsage } = certificate;
  if (extKeyUsage === undefined || extKeyUsage.includes(OID[purpose])) return;
  if (authority && extKeyUsage.includes(OID.anyExtendedKeyUsage)) return;
  refuse('wrong-purpose', `expected the extended key usage ${purpose}, found others`, certificate);
}

function checkWithoutClock(path: readonly Certificate[], { withoutClock }: PathPolicy): void {
  if (withoutClock?.(validityWindow(path), path) === true) return;
  const detail = withoutClock === undefined ? 'and nothing decides without one' : 'and the policy for this refuses it';
  refuse('unknown-time', `no clock to judge its dates by, ${detail} (option withoutClock)`, path[0]!);
}
