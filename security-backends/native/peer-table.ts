// Where peers are found: by the address a datagram came from, or by the connection id in its records (RFC 9146 §3).

import { toHex } from '../../lib/bytes/index.ts';

/** What can be found in a table. Its address may change only through the table; its id counts as it was when it was added. */
export interface Findable {
  /** The peer's address and port as one text (`formatEndpoint`). */
  readonly key: string;
  /** The id that the peer puts into its records; undefined or empty if it puts none. */
  readonly ownConnectionId?: Uint8Array | undefined;
}

/** At most one peer an address, beside those that are found by their id. In the order of use: the longest unused first. */
export class PeerTable<P extends Findable> {
  /** With the ids they are found by. */
  readonly #peers = new Map<P, string | undefined>();
  readonly #byAddress = new Map<string, P>();
  readonly #byId = new Map<string, P>();

  get size(): number {
    return this.#peers.size;
  }

  at(key: string): P | undefined {
    return this.#byAddress.get(key);
  }

  withId(id: Uint8Array): P | undefined {
    return this.#byId.size === 0 ? undefined : this.#byId.get(toHex(id));
  }

  /** The one longest unused. */
  get first(): P | undefined {
    return this.#peers.keys().next().value;
  }

  [Symbol.iterator](): Iterator<P> {
    return this.#peers.keys();
  }

  /** Puts a peer last. Whoever was at its address is no longer found by it, but by its id, if it has one; else not at all. */
  add(peer: P): void {
    const before = this.#byAddress.get(peer.key);
    if (before !== undefined && before !== peer && this.#peers.get(before) === undefined) this.remove(before);
    const id = idOf(peer);
    this.#peers.set(peer, id);
    this.#byAddress.set(peer.key, peer);
    if (id !== undefined) this.#byId.set(id, peer);
  }

  /** Makes a peer the last, if it is here. */
  touch(peer: P): void {
    const id = this.#peers.get(peer);
    if (this.#peers.delete(peer)) this.#peers.set(peer, id);
  }

  /** @returns whether it was here; another peer at the same address stays */
  remove(peer: P): boolean {
    const id = this.#peers.get(peer);
    if (id !== undefined && this.#byId.get(id) === peer) this.#byId.delete(id);
    if (this.#byAddress.get(peer.key) === peer) this.#byAddress.delete(peer.key);
    return this.#peers.delete(peer);
  }

  /** Finds a peer that is here by another address from now on: `change` gives it its new key. */
  move(peer: P, change: () => void): void {
    this.remove(peer);
    change();
    this.add(peer);
  }
}

function idOf({ ownConnectionId }: Findable): string | undefined {
  return ownConnectionId === undefined || ownConnectionId.length === 0 ? undefined : toHex(ownConnectionId);
}
