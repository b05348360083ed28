// A server's side of one peer: first a handshake nobody has seen, then an accepted socket.

import {
  type CheckedSocketConfiguration,
  type Endpoint,
  SocketError,
  type WritableOptions,
  formatEndpoint,
  literalFamily,
  notSupported,
  udpOverhead,
} from '../../lib/net/index.ts';
import { type Environment, type Instant, NEVER } from '../../lib/runtime/index.ts';
import { equalBytes } from '../../lib/bytes/index.ts';
import { AddressProbation } from './address-probation.ts';
import { checkHandshakeTimeouts } from './configuration.ts';
import type { DtlsConnection, DtlsJob } from './connection.ts';
import type { VerifiedHello } from './cookie-gate.ts';
import { type Peer, type PeerOwner, randomText } from './peer-set.ts';
import { isSameIdentity } from './peer-identity.ts';
import { type ServerJobs, answerWith } from './server-jobs.ts';
import type { OfferedSession } from './resumable-session.ts';
import { SecuredDatagrams } from './secured-datagrams.ts';

/** What a session needs beside its connection. */
export interface SessionOwner {
  readonly peers: PeerOwner<DtlsSession>;
  readonly jobs: Pick<ServerJobs<Endpoint>, 'answer'>;
  /** Takes a session into keeping, with its secret. */
  keep(session: OfferedSession): void;
}

/** In state `closed` while it shakes hands, then `accepted`. */
export class DtlsSession extends SecuredDatagrams implements Peer {
  /** Whom it talks to; stays after close. */
  peer: Endpoint;
  /** The peer's address and port as one text: what the endpoint finds it by. */
  key: string;
  readonly #givenId: Uint8Array;
  #probation: AddressProbation | undefined;
  /** The random of the ClientHello it began with: tells a late copy of it from a new one. */
  readonly clientRandom: string;
  readonly #owner: SessionOwner;
  #hello: Uint8Array | undefined;
  #silent = false;
  #abandoned: SocketError | undefined;

  constructor(
    environment: Environment,
    configuration: CheckedSocketConfiguration,
    peer: Endpoint,
    { hello, message }: VerifiedHello,
    owner: SessionOwner,
    givenId: Uint8Array = new Uint8Array(0),
  ) {
    super(environment, configuration);
    this.peer = peer;
    this.key = formatEndpoint(peer);
    this.clientRandom = randomText(hello.random);
    this.#hello = message.raw;
    this.remoteEndpoint = peer;
    this.#owner = owner;
    this.#givenId = givenId;
  }

  // For the endpoint.

  /** Answers the verified ClientHello. */
  start(connection: DtlsConnection): void {
    this.begin(connection);
  }

  /** Whether this is the very hello it began with; a damaged one leads to a handshake that cannot succeed. */
  beganWith({ message }: VerifiedHello): boolean {
    return this.#hello !== undefined && equalBytes(this.#hello, message.raw);
  }

  /** A datagram from the peer's address. @returns whether the connection could use any of it */
  takes(datagram: Uint8Array, from: Endpoint): boolean {
    const before = this.counters?.recordsReceived;
    const newest = this.driver?.connection.newestRecord;
    this.arrived(datagram, () => this.#locate(datagram.length, from, this.driver?.connection.newestRecord !== newest));
    return this.counters?.recordsReceived !== before;
  }

  /** Until the handshake is done, the id that was offered; then the one agreed on, if any. */
  get ownConnectionId(): Uint8Array | undefined {
    return this.negotiated === undefined ? this.#givenId : this.negotiated.connectionId?.own;
  }

  isSameAs(other: DtlsSession): boolean {
    return isSameIdentity(this.negotiated, other.negotiated);
  }

  moveTo(peer: Endpoint): void {
    this.peer = peer;
    this.key = formatEndpoint(peer);
    this.remoteEndpoint = peer;
  }

  get nextTimeout(): Instant {
    return this.driver?.connection.nextTimeout() ?? NEVER;
  }

  /** Whether anything is left for a user: one that ended before it was accepted may still hold what the peer said. */
  get isWorthAccepting(): boolean {
    return this.state !== 'closed' || this.bufferedCost > 0;
  }

  /** The session ends without our user's doing. */
  abandon(cause: SocketError): void {
    if (this.state !== 'closed') return this.fail(cause);
    this.#abandoned = cause;
    this.release();
  }

  /** Another handshake or session of this peer takes over, so that close_notify would be noise. */
  giveWay(): void {
    this.#silent = true;
    this.abandon(new SocketError('ECONNRESET', 'the peer began a new session'));
  }

  /** Bytes of UDP payload that fit towards the peer. */
  get payload(): number {
    return this.mtu - udpOverhead(literalFamily(this.peer.address) ?? 'unspecified');
  }

  // The socket.

  async connect(): Promise<void> {
    if (this.state === 'closed') throw notSupported('connect', 'a session is made by its listening socket');
    throw new SocketError('EBADF', `the socket is ${this.state} already`, { fatal: false });
  }

  override setOption<K extends keyof WritableOptions>(key: K, value: WritableOptions[K]): void;
  override setOption(key: keyof WritableOptions, value: never): void {
    if (key === 'daneTlsaRecords') throw notSupported(`setOption ${key}`, 'a server looks up no DANE records');
    if (key !== 'dtlsHandshakeTimeouts') return super.setOption(key, value);
    this.driver?.connection.setHandshakeTimeouts(checkHandshakeTimeouts(value));
  }

  override get mtu(): number {
    return this.#owner.peers.outlet.getOption('mtu');
  }

  override get local(): Endpoint | undefined {
    return this.#owner.peers.outlet.local;
  }

  override get system(): unknown {
    return this.#owner.peers.outlet.system;
  }

  override get interfaceName(): string | undefined {
    return this.#owner.peers.outlet.interfaceName;
  }

  protected transmit(datagram: Uint8Array): void {
    if (this.#silent) return;
    if (this.#probation?.allows(datagram.length) === false) {
      throw new SocketError('EAGAIN', 'send: the new address of the peer is not proven yet', { fatal: false });
    }
    this.#owner.peers.outlet.sendTo(datagram, this.peer);
    if (this.state === 'accepted') this.#owner.peers.used(this);
  }

  /** RFC 9146 §6: only the newest record, and only once it is authenticated, tells where the peer is. */
  #locate(bytes: number, from: Endpoint, newest: boolean): void {
    if (formatEndpoint(from) === this.key) {
      if (this.#probation?.heard(bytes, newest) !== true) return;
      this.#probation = undefined;
      this.roomAgain();
    } else if (newest && this.state === 'accepted' && this.#owner.peers.moved(this, from)) {
      this.#probation = new AddressProbation(bytes);
    }
  }

  protected established(): void {
    this.#hello = undefined;
    this.adopt('accepted');
    this.#owner.peers.established(this);
  }

  protected ended(cause: SocketError | undefined): void {
    if (this.state === 'closed') this.#owner.peers.gone(this, cause);
    else if (cause === undefined) this.finish();
    else this.fail(cause);
  }

  protected resumable(session: OfferedSession): void {
    this.#owner.keep(session);
  }

  protected answerJob(job: DtlsJob): void {
    answerWith(this.driver, job, () => this.#owner.jobs.answer(job, this.peer), this.environment);
  }

  protected override announce(): void {
    this.#owner.peers.used(this);
    super.announce();
  }

  protected release(): void {
    this.dropConnection();
    this.#owner.peers.gone(this, this.#abandoned);
  }
}
