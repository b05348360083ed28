// Whether a certificate is for a host (RFC 9525): names in subjectAltName only, unless the option says otherwise.

import { equalBytes } from '../../bytes/index.ts';
import type { Certificate } from '../x509.ts';
import { parseIpAddress } from './ip-address.ts';
import { CertificateRefusedError } from './refusal.ts';

export interface HostNameOptions {
  /**
   * Take the subject's commonName for a host name where the certificate has neither dNSName nor iPAddress. RFC 9525 §2
   * forbids it: such a name was never meant, nor constrained, as a host name. Default false.
   */
  readonly dangerMatchCommonName?: boolean | undefined;
}

const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;

/**
 * @param host a DNS name (A-labels for international ones) or an IP literal
 * @throws CertificateRefusedError `wrong-host`
 */
export function checkHostName(certificate: Certificate, host: string, options: HostNameOptions = {}): void {
  const address = parseIpAddress(host);
  const matches = address === undefined ? matchesDns(certificate, host) : matchesAddress(certificate, address);
  if (matches) return;
  const names = (certificate.subjectAltName ?? []).filter(({ kind }) => kind === 'dns' || kind === 'ip');
  const common = certificate.subject.commonNames;
  const commonMatches = names.length === 0 && common.some((name) => sameDnsName(name, host));
  if (commonMatches && options.dangerMatchCommonName === true) return;
  const hint = commonMatches ? '; only its commonName matches, which the option dangerMatchCommonName would take' : '';
  throw new CertificateRefusedError(
    'wrong-host',
    `expected '${host}', found ${describe(certificate)}${hint}`,
    certificate,
  );
}

/** One label of `pattern` may be `*`: the whole left-most one, with two labels after it. */
export function matchesDnsPattern(pattern: string, host: string): boolean {
  if (!pattern.startsWith('*.')) return sameDnsName(pattern, host);
  const [first, ...parent] = labels(host) ?? [];
  const expected = labels(pattern.slice(2));
  if (first === undefined || expected === undefined || expected.length < 2) return false;
  return parent.length === expected.length && parent.every((label, i) => label === expected[i]);
}

function matchesDns(certificate: Certificate, host: string): boolean {
  return (certificate.subjectAltName ?? []).some((name) => name.kind === 'dns' && matchesDnsPattern(name.value, host));
}

function matchesAddress(certificate: Certificate, address: Uint8Array): boolean {
  return (certificate.subjectAltName ?? []).some((name) => name.kind === 'ip' && equalBytes(name.value, address));
}

function sameDnsName(a: string, b: string): boolean {
  const left = labels(a);
  const right = labels(b);
  return left !== undefined && right !== undefined && left.join('.') === right.join('.');
}

/** In lower case, without the root's dot; undefined for what is no host name. */
function labels(name: string): string[] | undefined {
  const parts = name.toLowerCase().replace(/\.$/, '').split('.');
  return parts.every((part) => LABEL.test(part)) ? parts : undefined;
}

function describe({ subjectAltName = [] }: Certificate): string {
  const names = subjectAltName.flatMap((name) => {
    if (name.kind === 'dns') return [name.value];
    return name.kind === 'ip' ? [name.value.length === 4 ? name.value.join('.') : 'an IPv6 address'] : [];
  });
  if (names.length === 0) return 'no host names';
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
}
