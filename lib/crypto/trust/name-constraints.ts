// Name constraints (RFC 5280 §4.2.1.10): every name of a certificate must lie within what the CAs above it may name.

import { equalBytes } from '../../bytes/index.ts';
import type { Certificate } from '../x509.ts';
import { type DistinguishedName, type GeneralName, sameName } from '../x509-name.ts';
import { CertificateRefusedError } from './refusal.ts';

/** Most comparisons of a name with a constraint, as in Go's crypto/x509: a few hundred names may meet as many constraints. */
const MAX_COMPARISONS = 250_000;

/**
 * @param path leaf first, anchor last; the constraints of each CA hold for all below it, self-issued CAs excepted
 * @throws CertificateRefusedError `name-constraints`
 */
export function checkNameConstraints(path: readonly Certificate[]): void {
  let left = MAX_COMPARISONS;
  for (const [depth, authority] of path.entries()) {
    const { nameConstraints } = authority;
    if (nameConstraints === undefined || depth === 0) continue;
    for (const [i, below] of path.slice(0, depth).entries()) {
      if (i > 0 && sameName(below.subject, below.issuer)) continue; // RFC 5280 §6.1.3 (b)
      const names = namesOf(below);
      left -= names.length * (nameConstraints.permitted.length + nameConstraints.excluded.length);
      if (left < 0) refuse("more names than can be compared with its issuers' constraints", below);
      for (const name of names) checkName(name, nameConstraints, below);
    }
  }
}

function checkName(
  name: GeneralName,
  constraints: { readonly permitted: readonly GeneralName[]; readonly excluded: readonly GeneralName[] },
  certificate: Certificate,
): void {
  const ofKind = (list: readonly GeneralName[]): readonly GeneralName[] =>
    list.filter((each) => each.kind === name.kind && !(each.kind === 'other' && !sameAlternative(each, name)));
  const permitted = ofKind(constraints.permitted);
  const excluded = ofKind(constraints.excluded);
  if (permitted.length + excluded.length === 0) return;
  if (name.kind === 'other') refuse('a constraint on a form of name that is not understood', certificate);
  if (excluded.some((base) => within(name, base, true))) refuse('a name that its issuer may not give', certificate);
  if (permitted.length > 0 && !permitted.some((base) => within(name, base, false))) {
    refuse('a name outside of what its issuer may give', certificate);
  }
}

function refuse(detail: string, certificate: Certificate): never {
  throw new CertificateRefusedError('name-constraints', `it has ${detail}`, certificate);
}

function sameAlternative(a: GeneralName, b: GeneralName): boolean {
  return a.kind === 'other' && b.kind === 'other' && a.alternative === b.alternative;
}

/**
 * The subject, its e-mail addresses, the alternative names; and, where there are none, common names that look like
 * hosts, so that matching them by option does not get round the constraints.
 */
function namesOf({ subject, subjectAltName = [] }: Certificate): readonly GeneralName[] {
  const names: GeneralName[] = [...subjectAltName];
  if (subject.canonical.length > 0) names.push({ kind: 'directory', value: subject });
  for (const value of subject.emailAddresses) names.push({ kind: 'email', value });
  if (subjectAltName.some(({ kind }) => kind === 'dns' || kind === 'ip')) return names;
  for (const value of subject.commonNames) {
    if (/^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/.test(value)) names.push({ kind: 'dns', value });
  }
  return names;
}

/** When in doubt, a name lies within what is excluded, and not within what is permitted. */
function within(name: GeneralName, base: GeneralName, doubt: boolean): boolean {
  if (name.kind === 'dns' && base.kind === 'dns') return withinDns(name.value, base.value, doubt);
  if (name.kind === 'ip' && base.kind === 'ip') return withinNetwork(name.value, base.value);
  if (name.kind === 'directory' && base.kind === 'directory') return withinDirectory(name.value, base.value);
  if (name.kind === 'email' && base.kind === 'email') return withinEmail(name.value, base.value);
  if (name.kind === 'uri' && base.kind === 'uri') return withinUri(name.value, base.value, doubt);
  return doubt;
}

/** `example.com` takes in itself and whatever ends in `.example.com`; with a dot in front, not itself. */
function withinDns(name: string, base: string, doubt: boolean): boolean {
  const [host, suffix] = [name.toLowerCase().replace(/\.$/, ''), base.toLowerCase()];
  if (suffix === '') return true;
  if (suffix.startsWith('.')) return host.endsWith(suffix);
  if (host === suffix || host.endsWith(`.${suffix}`)) return true;
  return doubt && host.startsWith('*.') && suffix.endsWith(host.slice(1)); // a wildcard that could mean an excluded host
}

/** Address and mask. */
function withinNetwork(address: Uint8Array, base: Uint8Array): boolean {
  const size = base.length / 2;
  return address.length === size && address.every((byte, i) => ((byte ^ base[i]!) & base[size + i]!) === 0);
}

function withinDirectory(name: DistinguishedName, base: DistinguishedName): boolean {
  if (equalBytes(name.der, base.der)) return true;
  return base.canonical.every((each, i) => each === name.canonical[i]);
}

/** A mailbox, a host, or (with a dot in front) a domain. */
function withinEmail(name: string, base: string): boolean {
  const at = name.lastIndexOf('@');
  const host = name.slice(at + 1).toLowerCase();
  if (base.includes('@')) {
    const split = base.lastIndexOf('@');
    return name.slice(0, at) === base.slice(0, split) && host === base.slice(split + 1).toLowerCase();
  }
  return base.startsWith('.') ? host.endsWith(base.toLowerCase()) : host === base.toLowerCase();
}

function withinUri(name: string, base: string, doubt: boolean): boolean {
  const host = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#:[\]]+)(?::\d*)?(?:[/?#]|$)/
    .exec(name)?.[1]
    ?.toLowerCase();
  if (host === undefined) return doubt; // RFC 5280: no host to compare must be refused
  return base.startsWith('.') ? host.endsWith(base.toLowerCase()) : host === base.toLowerCase();
}
