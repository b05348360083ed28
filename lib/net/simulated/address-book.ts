// Who is bound where in a simulated network: ports, and which of several sockets a packet is for.

import { formatEndpoint, sameEndpoint } from '../address.ts';
import { SocketError } from '../errors.ts';
import type { Endpoint } from '../socket.ts';

interface Bound {
  readonly remote: Endpoint | undefined;
  readonly sharesAddress: boolean;
}

const FIRST_EPHEMERAL = 49_152; // RFC 6335 §6
const LAST_EPHEMERAL = 65_535;

/** Sockets by local endpoint. */
export class AddressBook<T extends Bound> {
  readonly #entries = new Map<string, T[]>();
  readonly #nextPort = new Map<string, number>();

  /** Takes an endpoint; port 0 takes a free one. @throws SocketError EADDRINUSE, EADDRNOTAVAIL if no port is left */
  bind(socket: T, address: string, port: number): Endpoint {
    const local = { address, port: port === 0 ? this.#freePort(address) : port };
    const key = formatEndpoint(local);
    const others = this.#entries.get(key) ?? [];
    if (others.length > 0 && !(socket.sharesAddress && others.every((other) => other.sharesAddress))) {
      throw new SocketError('EADDRINUSE', `${key} is taken`);
    }
    this.#entries.set(key, [...others, socket]);
    return local;
  }

  release(socket: T, local: Endpoint): void {
    const key = formatEndpoint(local);
    const left = (this.#entries.get(key) ?? []).filter((other) => other !== socket);
    if (left.length === 0) this.#entries.delete(key);
    else this.#entries.set(key, left);
  }

  /** The socket connected from `local` to `remote`, else the latest bound to `local` without a peer. */
  find(local: Endpoint, remote: Endpoint): T | undefined {
    const bound = this.#entries.get(formatEndpoint(local));
    if (bound === undefined) return undefined;
    return (
      bound.find((socket) => sameEndpoint(socket.remote, remote)) ??
      bound.findLast((socket) => socket.remote === undefined)
    );
  }

  #freePort(address: string): number {
    const start = this.#nextPort.get(address) ?? FIRST_EPHEMERAL;
    for (let port = start, tried = 0; tried <= LAST_EPHEMERAL - FIRST_EPHEMERAL; port++, tried++) {
      if (port > LAST_EPHEMERAL) port = FIRST_EPHEMERAL;
      if (this.#entries.has(formatEndpoint({ address, port }))) continue;
      this.#nextPort.set(address, port + 1);
      return port;
    }
    throw new SocketError('EADDRNOTAVAIL', `no free port at ${address}`);
  }
}
