// Paths from a certificate to a trust anchor, within limits: what a peer sends must not decide how long we search.
// (Measured with pkijs 4.0: two certificates that sign each other keep its search going for ever.)

import { equalBytes } from '../../bytes/index.ts';
import type { Certificate } from '../x509.ts';
import { sameName } from '../x509-name.ts';
import type { SignatureVerdict } from './certificate-signature.ts';

export interface PathLimits {
  /** Most certificates of a path, leaf and anchor included. Default 10. */
  readonly maxPathLength?: number | undefined;
  /** Most signatures verified while searching. Default 40. */
  readonly maxSignatureChecks?: number | undefined;
}

/** Chains in use have at most 5; mbed TLS stops at 8 (MBEDTLS_X509_MAX_INTERMEDIATE_CA). */
export const DEFAULT_PATH_LIMITS = Object.freeze({ maxPathLength: 10, maxSignatureChecks: 40 });

/** What came of the signatures looked at: tells why there is no path. */
export interface SearchFindings {
  invalid: boolean;
  unsupported: boolean;
}

/**
 * Paths, leaf first and anchor last, whose names chain and whose signatures hold. No two certificates of a path share a
 * key, so every path ends.
 * @param chain as received: the leaf first, the rest in any order
 */
export function* pathsToAnchors(
  chain: readonly Certificate[],
  anchors: readonly Certificate[],
  verify: (signed: Certificate, issuer: Certificate) => SignatureVerdict,
  findings: SearchFindings,
  limits: PathLimits = {},
): Generator<readonly Certificate[], void, undefined> {
  const longest = limits.maxPathLength ?? DEFAULT_PATH_LIMITS.maxPathLength;
  let checksLeft = limits.maxSignatureChecks ?? DEFAULT_PATH_LIMITS.maxSignatureChecks;
  const isAnchor = (each: Certificate): boolean => anchors.some((anchor) => equalBytes(anchor.der, each.der));
  const issuers = [...anchors, ...chain.slice(1).filter((each) => !isAnchor(each))];

  function* extend(path: readonly Certificate[]): Generator<readonly Certificate[], void, undefined> {
    const last = path.at(-1)!;
    if (isAnchor(last)) yield path;
    if (path.length >= longest || isAnchor(last)) return;
    for (const issuer of issuers) {
      if (!mayHaveIssued(issuer, last) || path.some((each) => sharesKey(each, issuer))) continue;
      if (checksLeft-- <= 0) return;
      const verdict = verify(last, issuer);
      if (verdict === 'valid') yield* extend([...path, issuer]);
      else findings[verdict] = true;
    }
  }

  const [leaf] = chain;
  if (leaf !== undefined) yield* extend([leaf]);
}

/** By name, and by key identifiers where both are there (RFC 5280 §4.2.1.1). */
export function mayHaveIssued(issuer: Certificate, certificate: Certificate): boolean {
  if (!sameName(issuer.subject, certificate.issuer)) return false;
  const [expected, found] = [certificate.authorityKeyIdentifier, issuer.subjectKeyIdentifier];
  return expected === undefined || found === undefined || equalBytes(expected, found);
}

function sharesKey(a: Certificate, b: Certificate): boolean {
  return equalBytes(a.publicKey.spki, b.publicKey.spki);
}
