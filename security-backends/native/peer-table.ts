// Where peers are found: by the address a datagram came from, or by the connection id in its records (RFC 9146 §3).

import { toHex } from '../../lib/bytes/index.ts';

/** What can be found in a table. Both ways to find it may change only through the table. */
export interface Findable {
  /** The peer's address and port as one text (`formatEndpoint`). */
  readonly key: string;
  /** The id that the peer puts into its records; undefined or empty if it puts none. */
  readonly ownConnectionId?: Uint8Array | undefined;
}

/** At most one peer an address. In the order of use: the one longest unused comes first. */
export class PeerTable<P extends Findable> {
  readonly #byAddress = new Map<string, P>();
  readonly #byId = new Map<string, P>();

  get size(): number {
    return this.#byAddress.size;
  }

  at(key: string): P | undefined {
    return this.#byAddress.get(key);
  }

  withId(id: Uint8Array): P | undefined {
    return this.#byId.size === 0 ? undefined : this.#byId.get(toHex(id));
  }

  /** The one longest unused. */
  get first(): P | undefined {
    return this.#byAddress.values().next().value;
  }

  [Symbol.iterator](): Iterator<P> {
    return this.#byAddress.values();
  }

  /** Puts a peer last, in place of whoever is at its address. */
  add(peer: P): void {
    const before = this.#byAddress.get(peer.key);
    if (before !== undefined) this.remove(before);
    this.#byAddress.set(peer.key, peer);
    const id = idOf(peer);
    if (id !== undefined) this.#byId.set(id, peer);
  }

  /** Makes a peer the last, if it is here. */
  touch(peer: P): void {
    if (this.#byAddress.get(peer.key) !== peer || !this.#byAddress.delete(peer.key)) return;
    this.#byAddress.set(peer.key, peer);
  }

  /** @returns whether it was here; another peer at the same address stays */
  remove(peer: P): boolean {
    const id = idOf(peer);
    if (id !== undefined && this.#byId.get(id) === peer) this.#byId.delete(id);
    return this.#byAddress.get(peer.key) === peer && this.#byAddress.delete(peer.key);
  }

  /** Finds the peer by another address from now on: `change` gives it its new key. Whoever was there is displaced. */
  move(peer: P, change: () => void): P | undefined {
    this.remove(peer);
    change();
    const displaced = this.#byAddress.get(peer.key);
    this.add(peer);
    return displaced;
  }
}

function idOf({ ownConnectionId }: Findable): string | undefined {
  return ownConnectionId === undefined || ownConnectionId.length === 0 ? undefined : toHex(ownConnectionId);
}
