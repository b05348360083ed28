// Revocation by lists that are at hand (RFC 5280 §6.3). Where the issuer's list is there but cannot be used, refuse.

import { type RevocationList, serialKey } from '../crl.ts';
import type { Certificate } from '../x509.ts';
import { sameName } from '../x509-name.ts';
import type { SignatureVerdict } from './certificate-signature.ts';
import { CertificateRefusedError } from './refusal.ts';

export interface RevocationPolicy {
  readonly lists: readonly RevocationList[];
  /** Wall time in milliseconds since 1970; undefined: lists are taken whatever their date. */
  readonly time: number | undefined;
  /** For which certificates there must be a list: none, the leaf, or all but the anchor. Default none. */
  readonly required?: 'none' | 'leaf' | 'all' | undefined;
}

/** @param path leaf first, anchor last @throws CertificateRefusedError `revoked` or `revocation-list` */
export function checkRevocation(
  path: readonly Certificate[],
  policy: RevocationPolicy,
  verify: (list: RevocationList, issuer: Certificate) => SignatureVerdict,
): void {
  for (const [depth, certificate] of path.slice(0, -1).entries()) {
    const issuer = path[depth + 1]!;
    const lists = policy.lists.filter((list) => sameName(list.issuer, certificate.issuer));
    const required = policy.required === 'all' || (policy.required === 'leaf' && depth === 0);
    if (lists.length === 0 && !required) continue;
    const usable = usableLists(certificate, issuer, lists, policy, verify);
    const revoked = usable.find((list) => list.revoked.has(serialKey(certificate.serial)));
    if (revoked === undefined) continue;
    const at = new Date(revoked.revoked.get(serialKey(certificate.serial))!).toISOString();
    throw new CertificateRefusedError('revoked', `its issuer revoked it at ${at}`, certificate);
  }
}

function usableLists(
  certificate: Certificate,
  issuer: Certificate,
  lists: readonly RevocationList[],
  policy: RevocationPolicy,
  verify: (list: RevocationList, issuer: Certificate) => SignatureVerdict,
): readonly RevocationList[] {
  const reasons = lists.map((list) => unusable(list, issuer, policy.time) ?? unverified(verify(list, issuer)));
  const usable = lists.filter((_, i) => reasons[i] === undefined);
  if (usable.length > 0) return usable;
  const detail = `expected a revocation list of its issuer, found ${reasons[0] ?? 'none'}`;
  throw new CertificateRefusedError('revocation-list', detail, certificate);
}

function unverified(verdict: SignatureVerdict): string | undefined {
  if (verdict === 'valid') return undefined;
  return verdict === 'invalid' ? 'one that the issuer did not sign' : 'one signed by an algorithm not allowed';
}

function unusable(list: RevocationList, issuer: Certificate, time: number | undefined): string | undefined {
  if (issuer.keyUsage !== undefined && !issuer.keyUsage.has('cRLSign')) return 'one whose issuer may not sign lists';
  const critical = [...list.extensions.values()].find((each) => each.critical);
  // Partial (issuingDistributionPoint), delta and indirect lists are critical extensions: RFC 5280 §5.2.
  if (critical !== undefined) return `one with the critical extension ${critical.oid}`;
  const [entry] = list.criticalEntryExtensions;
  if (entry !== undefined) return `one with the critical entry extension ${entry}`;
  if (time === undefined) return undefined;
  if (time < list.thisUpdate) return 'one from the future';
  return list.nextUpdate !== undefined && time > list.nextUpdate ? 'an outdated one' : undefined;
}
