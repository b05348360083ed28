// What the sockets of a simulated network need of it, and which address they take.

import { formatEndpoint, literalFamily } from '../address.ts';
import { SocketError } from '../errors.ts';
import type { Endpoint } from '../socket.ts';

/** The network as its sockets see it. */
export interface Wire {
  /** Largest packet, in bytes with IP and UDP headers. */
  readonly mtu: number;
  /** All addresses of a name; a literal gives itself. Rejects with ENOTFOUND. */
  resolve(host: string): Promise<readonly string[]>;
  /** Carries a copy of the bytes, as the conditions will have it. */
  transmit(from: Endpoint, to: Endpoint, bytes: Uint8Array): void;
  /** Calls back after one latency, in order; for what cannot be lost. */
  signal(from: Endpoint, to: Endpoint, arrived: () => void): void;
}

/** The addresses a socket may take. */
export interface Host {
  /** The only one, if given. */
  readonly fixed: string | undefined;
  readonly ipv4: string;
  readonly ipv6: string;
}

/** The local address for a bind to, or a conversation with, `address`. @throws SocketError EADDRNOTAVAIL, ENETUNREACH */
export function localAddress(host: Host, address: string, purpose: 'bind' | 'connect'): string {
  const family = literalFamily(address);
  if (family === undefined) throw new SocketError('EINVAL', `address: expected an address literal, found ${address}`);
  const wildcard = address === '0.0.0.0' || address === '::';
  const own = host.fixed ?? (purpose === 'bind' && !wildcard ? address : host[family]);
  if (purpose === 'bind' && !wildcard && own !== address) {
    throw new SocketError('EADDRNOTAVAIL', `${address} is not an address of this host (${own})`);
  }
  if (literalFamily(own) !== family) {
    throw new SocketError('ENETUNREACH', `${formatEndpoint({ address, port: 0 })} cannot be reached from ${own}`);
  }
  return own;
}
