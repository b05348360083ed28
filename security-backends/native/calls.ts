// The client side of an endpoint: handshakes and sessions that we began, found by the server's address.

import type { Endpoint, SocketError } from '../../lib/net/index.ts';
import type { Instant } from '../../lib/runtime/index.ts';
import type { Association } from './association.ts';
import type { DtlsConnection } from './connection.ts';
import { HANDSHAKE_TYPE } from './handshake-messages.ts';
import { earliestTimeout, epochOf } from './peer-set.ts';
import { PeerTable } from './peer-table.ts';
import { CONTENT_TYPE, RECORD_HEADER_BYTES } from './record.ts';

/** What in the clear is, or may be, said by a client; ClientHello never comes here. The rest is said by servers alone. */
const SAID_BY_CLIENTS: readonly number[] = [
  HANDSHAKE_TYPE.certificate,
  HANDSHAKE_TYPE.certificateVerify,
  HANDSHAKE_TYPE.clientKeyExchange,
];

/** At most one handshake and one session of ours for each server; how many servers, is the endpoint's to bound. */
export class Calls {
  readonly #handshakes = new PeerTable<Association>();
  readonly #sessions = new PeerTable<Association>();

  get sessions(): number {
    return this.#sessions.size;
  }

  get handshakes(): number {
    return this.#handshakes.size;
  }

  get nextTimeout(): Instant {
    return earliestTimeout(this.#handshakes);
  }

  /** Begins a handshake; a session with the same server goes on until the new one is there. */
  begin(call: Association, connection: DtlsConnection): void {
    this.#handshakes.at(call.key)?.giveWay();
    this.#handshakes.add(call);
    call.start(connection);
  }

  /** The handshake under way with the server at this address. */
  handshakeAt(key: string): Association | undefined {
    return this.#handshakes.at(key);
  }

  /**
   * Offers a datagram that is no ClientHello to whom it may be for.
   * @param shared whether a peer at the same address is our client too
   * @returns whether nobody else needs to see it
   */
  takes(datagram: Uint8Array, from: Endpoint, key: string, shared: boolean): boolean {
    const handshake = this.#handshakes.at(key);
    const session = this.#sessions.at(key);
    if (handshake === undefined && session === undefined) return false;
    if (epochOf(datagram) !== 0) {
      if (session?.takes(datagram, from) === true || handshake?.takes(datagram, from) === true) return true;
      return !shared && datagram[0] !== CONTENT_TYPE.tls12Cid; // an id finds its peer wherever it comes from
    }
    // Two handshakes between the same two addresses: most messages tell whose they are. What does not is given to both,
    // who drop what is not due.
    if (shared && isSaidByClients(datagram)) return false;
    (handshake ?? session)?.takes(datagram, from);
    return !shared || isHandshake(datagram);
  }

  /** Its handshake is complete: it takes the place of the session before. */
  established(call: Association): void {
    this.#handshakes.remove(call);
    this.#sessions.at(call.key)?.giveWay();
    this.#sessions.add(call);
  }

  gone(call: Association): void {
    this.#handshakes.remove(call);
    this.#sessions.remove(call);
  }

  /** Ends all. */
  close(cause: SocketError): void {
    for (const call of this.#handshakes) call.abandon(cause);
    for (const call of this.#sessions) call.abandon(cause);
  }
}

function isHandshake(datagram: Uint8Array): boolean {
  return datagram[0] === CONTENT_TYPE.handshake;
}

function isSaidByClients(datagram: Uint8Array): boolean {
  return isHandshake(datagram) && SAID_BY_CLIENTS.includes(datagram[RECORD_HEADER_BYTES]!);
}
