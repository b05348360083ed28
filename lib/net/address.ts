// Address literals: which family, what headers they cost, and which of a name's addresses to try in which order.

import { SocketError } from './errors.ts';
import type { SocketConfiguration } from './socket-configuration.ts';
import type { Endpoint, Family } from './socket.ts';

/** All addresses of a name, in the order to be tried; a literal address gives itself. Rejects with ENOTFOUND. */
export type Resolver = (
  host: string,
  options: { readonly signal?: AbortSignal | undefined },
) => Promise<readonly string[]>;

const UDP_OVERHEAD = { ipv4: 20 + 8, ipv6: 40 + 8, unspecified: 40 + 8 } as const; // RFC 791, RFC 8200 §3, RFC 768
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** Bytes of IP and UDP header on a datagram; before the family is known, the larger. */
export function udpOverhead(family: Family): number {
  return UDP_OVERHEAD[family];
}

/** The family of an address literal, or undefined if it is none (a name). A zone id (`%eth0`) is part of a literal. */
export function literalFamily(host: string): 'ipv4' | 'ipv6' | undefined {
  if (IPV4.test(host)) return 'ipv4';
  return isIpv6(host.replace(/%[^%]+$/, '')) ? 'ipv6' : undefined;
}

/** RFC 4291 §2.2: eight groups, one `::` for a run of zeros, the last two groups possibly as IPv4. */
function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  let groups = 0;
  for (const [at, half] of halves.entries()) {
    if (half === '') continue;
    const parts = half.split(':');
    const last = parts.at(-1)!;
    if (at === halves.length - 1 && IPV4.test(last)) {
      parts.pop();
      groups += 2;
    }
    if (!parts.every((part) => /^[0-9a-fA-F]{1,4}$/.test(part))) return false;
    groups += parts.length;
  }
  return halves.length === 2 ? groups < 8 : groups === 8;
}

/** One text for one endpoint: `192.0.2.1:5683`, `[2001:db8::1]:5683`. */
export function formatEndpoint({ address, port }: Endpoint): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

export function sameEndpoint(a: Endpoint | undefined, b: Endpoint | undefined): boolean {
  return a !== undefined && b !== undefined && a.port === b.port && a.address === b.address;
}

/**
 * What to try, first to last: the preferred endpoint if the name still resolves to it, then the preferred family.
 * @throws SocketError EAFNOSUPPORT if the forced family leaves none
 */
export function orderAddresses(
  addresses: readonly string[],
  port: number,
  wishes: Pick<SocketConfiguration, 'forcedAddressFamily' | 'preferredAddressFamily' | 'preferredEndpoint'>,
): readonly Endpoint[] {
  const forced = wishes.forcedAddressFamily ?? 'unspecified';
  const allowed = addresses.filter((address) => forced === 'unspecified' || literalFamily(address) === forced);
  if (allowed.length === 0) {
    throw new SocketError('EAFNOSUPPORT', `no ${forced} address among ${addresses.length} that the name has`);
  }
  const endpoints = allowed.map((address): Endpoint => ({ address, port }));
  const rank = (endpoint: Endpoint): number => {
    if (sameEndpoint(endpoint, wishes.preferredEndpoint)) return 0;
    return literalFamily(endpoint.address) === wishes.preferredAddressFamily ? 1 : 2;
  };
  return endpoints.sort((a, b) => rank(a) - rank(b));
}
