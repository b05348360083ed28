// One handshake and what comes of it, as an endpoint holds it: as little as there can be, for there are thousands.

import { type Endpoint, type Negotiated, type SocketError, formatEndpoint } from '../../lib/net/index.ts';
import { type Environment, type Instant, NEVER } from '../../lib/runtime/index.ts';
import { AddressProbation } from './address-probation.ts';
import type { DtlsConnection, DtlsCounters, DtlsJob, DtlsOutput } from './connection.ts';
import { type VerifiedHello, helloRandom } from './cookie-gate.ts';
import { ConnectionDriver, type DriverEvents } from './driver.ts';
import type { EndpointSession } from './endpoint-session.ts';
import { isSameIdentity } from './peer-identity.ts';
import { type Peer, randomText } from './peer-set.ts';
import type { OfferedSession } from './resumable-session.ts';

export type AlertOutput = Extract<DtlsOutput, { readonly kind: 'alert' }>;

/** What associations tell; one for all of an endpoint. */
export interface AssociationOwner {
  readonly environment: Environment;
  /** Of the credentials. */
  readonly revision: number;
  /** Hands a datagram to the layer below. */
  transmit(association: Association, datagram: Uint8Array): void;
  connected(association: Association, negotiated: Negotiated): void;
  /** Its newest record came from another address. @returns whether it is found there now */
  moved(association: Association, to: Endpoint): boolean;
  /** The bytes are the owner's to keep. */
  data(association: Association, bytes: Uint8Array): void;
  job(association: Association, job: DtlsJob): void;
  alert(association: Association, alert: AlertOutput): void;
  /** What a later handshake can go on from; its secret is the owner's. */
  resumable(association: Association, offered: OfferedSession): void;
  /** The last word. */
  ended(association: Association, cause: SocketError | undefined): void;
}

export class Association implements Peer, DriverEvents {
  /** Whom it is for. */
  readonly session: EndpointSession;
  peer: Endpoint;
  key: string;
  /** Why it ended; undefined before, and if it ended in order. */
  cause: SocketError | undefined;
  negotiated: Negotiated | undefined;
  /** Of the credentials that it began with: those it ends with may have changed since. */
  readonly revision: number;
  readonly #owner: AssociationOwner;
  readonly #givenId: Uint8Array | undefined;
  #probation: AddressProbation | undefined;
  #random = '';
  #driver: ConnectionDriver | undefined;
  #ended = false;
  #silent = false;

  /** @param verified the hello of a client; without it, we are the client */
  constructor(owner: AssociationOwner, session: EndpointSession, verified?: VerifiedHello, givenId?: Uint8Array) {
    this.#owner = owner;
    this.revision = owner.revision;
    this.session = session;
    this.peer = session.remote;
    this.key = session.key;
    this.#givenId = givenId;
    if (verified !== undefined) this.#random = randomText(verified.hello.random);
  }

  /** Empty before our own hello has been sent. */
  get clientRandom(): string {
    return this.#random;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  get isConnected(): boolean {
    return this.negotiated !== undefined && !this.#ended;
  }

  get nextTimeout(): Instant {
    return this.#driver?.connection.nextTimeout() ?? NEVER;
  }

  get innerMtu(): number {
    return this.#driver?.connection.innerMtu ?? 0;
  }

  get counters(): DtlsCounters | undefined {
    return this.#driver?.connection.counters;
  }

  /** For answers to its jobs; undefined once it has ended. */
  get driver(): ConnectionDriver | undefined {
    return this.#driver;
  }

  start(connection: DtlsConnection): void {
    this.#driver = new ConnectionDriver(connection, this.#owner.environment, this);
    this.#driver.start();
  }

  takes(datagram: Uint8Array, from: Endpoint): boolean {
    const driver = this.#driver;
    if (driver === undefined) return false;
    const { connection } = driver;
    const { counters, newestRecord } = connection;
    const before = counters.recordsReceived;
    driver.receive(datagram, () => this.#locate(datagram.length, from, connection.newestRecord !== newestRecord));
    return counters.recordsReceived !== before;
  }

  /** Until the handshake is done, the id that was offered; then the one agreed on, if any. */
  get ownConnectionId(): Uint8Array | undefined {
    return this.negotiated === undefined ? this.#givenId : this.negotiated.connectionId?.own;
  }

  isSameAs(other: Association): boolean {
    return isSameIdentity(this.negotiated, other.negotiated);
  }

  moveTo(peer: Endpoint): void {
    this.peer = peer;
    this.key = formatEndpoint(peer);
    this.session.moveTo(peer);
  }

  /** What may go to the peer's address now; it is counted. */
  mayTransmit(bytes: number): boolean {
    return this.#probation?.allows(bytes) !== false;
  }

  /** @throws SocketError what the connection refuses */
  send(bytes: Uint8Array): void {
    this.#driver?.send(bytes);
  }

  /** Ends with a fatal alert of ours (AlertDescription, 0 to 255). */
  abort(description: number): void {
    this.#driver?.abort(description);
  }

  /** Ends in order. */
  close(): void {
    this.#end(undefined);
  }

  abandon(cause: SocketError): void {
    this.#end(cause);
  }

  giveWay(cause?: SocketError): void {
    this.#silent = true;
    this.#end(cause);
  }

  /** What waits for room is the endpoint's. */
  roomAgain(): void {
    return undefined;
  }

  // What the connection makes happen.

  transmit(datagram: Uint8Array): void {
    if (this.#silent) return;
    if (this.#random.length === 0) this.#random = randomText(helloRandom(datagram));
    this.#owner.transmit(this, datagram);
  }

  connected(negotiated: Negotiated): void {
    this.negotiated = negotiated;
    this.#owner.connected(this, negotiated);
  }

  data(bytes: Uint8Array): void {
    this.#owner.data(this, bytes);
  }

  job(job: DtlsJob): void {
    this.#owner.job(this, job);
  }

  alert(alert: AlertOutput): void {
    if (!this.#silent) this.#owner.alert(this, alert);
  }

  resumable(offered: OfferedSession): void {
    this.#owner.resumable(this, offered);
  }

  closed(cause: SocketError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.cause ??= cause;
    this.#driver = undefined;
    this.#owner.ended(this, this.cause);
  }

  /** RFC 9146 §6: only the newest record, and only once it is authenticated, tells where the peer is; a server never moves. */
  #locate(bytes: number, from: Endpoint, newest: boolean): void {
    if (formatEndpoint(from) === this.key) {
      if (this.#probation?.heard(bytes, newest) === true) this.#probation = undefined;
    } else if (newest && this.isConnected && this.session.role === 'server' && this.#owner.moved(this, from)) {
      this.#probation = new AddressProbation(bytes);
    }
  }

  #end(cause: SocketError | undefined): void {
    if (this.#ended) return;
    this.cause = cause;
    if (this.#driver === undefined) this.closed(cause);
    else this.#driver.close();
  }
}
