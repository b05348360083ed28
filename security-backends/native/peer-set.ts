// One bound datagram socket, many DTLS peers: cookies first, then handshakes, then sessions, each within a bound.

import { type DatagramOutlet, type Endpoint, SocketError, asSocketError, formatEndpoint } from '../../lib/net/index.ts';
import type { CryptoProvider } from '../../lib/crypto/index.ts';
import { type Environment, type Instant, NEVER } from '../../lib/runtime/index.ts';
import type { DtlsConnection } from './connection.ts';
import { CookieGate, type VerifiedHello, isClientHello } from './cookie-gate.ts';
import { type Findable, PeerTable } from './peer-table.ts';
import { CONNECTION_ID_OFFSET, CONTENT_TYPE, RECORD_HEADER_BYTES } from './record.ts';

/** One peer: a handshake first, then a session. */
export interface Peer extends Findable {
  readonly peer: Endpoint;
  /** `randomText` of the ClientHello it began with, the peer's or ours: tells a late copy of it from a new one. */
  readonly clientRandom: string;
  /** Begins with this connection. */
  start(connection: DtlsConnection): void;
  /** A datagram for this peer, by its address or its id. @returns whether the connection could use any of it */
  takes(datagram: Uint8Array, from: Endpoint): boolean;
  /** Whether both showed the same identity, so that one takes the place of the other. */
  isSameAs(other: this): boolean;
  /** What goes to it goes to this address from now on. */
  moveTo(peer: Endpoint): void;
  /** When its handshake sends a flight again, or gives up; NEVER if none is in the air. */
  readonly nextTimeout: Instant;
  /** The layer below has room. */
  roomAgain(): void;
  /** It ends without our user's doing. */
  abandon(cause: SocketError): void;
  /** Another handshake or session of this peer takes over, so that close_notify would be noise. */
  giveWay(): void;
}

/** What a peer tells the set it is in. */
export interface PeerOwner<P> {
  readonly outlet: DatagramOutlet;
  /** The peer's Finished has verified. */
  established(peer: P): void;
  /** Authenticated data came from the peer, or something went to it. */
  used(peer: P): void;
  /** Its newest record came from another address. @returns whether it is found there now */
  moved(peer: P, to: Endpoint): boolean;
  /** The handshake failed, or the session ended; possibly more than once. */
  gone(peer: P, cause: SocketError | undefined): void;
}

/** What a set of peers is made from. */
export interface PeerSetOptions<P extends Peer> {
  readonly provider: CryptoProvider;
  /** Established sessions at once; the longest idle one gives way, of the newcomer's own identity if there is one. */
  readonly maxSessions: number;
  /** Handshakes at once, after the cookie; the oldest one gives way, of the newcomer's own host if there is one. */
  readonly maxHandshakes: number;
  /** Makes what stands for the sender of a hello that carried its cookie. */
  makePeer(verified: VerifiedHello, from: Endpoint, owner: PeerOwner<P>, ownConnectionId: Uint8Array): P;
  /** Bytes of the connection ids we give out; 0: none. */
  readonly connectionIdBytes: number;
  /** Makes what answers that hello; what it throws ends this handshake alone. */
  makeConnection(peer: P, verified: VerifiedHello): DtlsConnection;
  /** Called from within `dispatch` (or a key's late arrival) for every session that is established. */
  onSession(peer: P): void;
}

/** What a set of peers has done since it was made. */
export interface EndpointCounters {
  /** What the cookie gate has judged, stale and forged cookies among it. */
  readonly gate: Readonly<CookieGate['counters']>;
  /** Datagrams answered with a cookie; nothing else was done for them. */
  cookiesSent: number;
  /** ClientHellos that do not parse, or that an answer would amplify. */
  hellosDropped: number;
  /** Datagrams from addresses without a session that are no ClientHello, and repeated hellos of established peers. */
  straysDropped: number;
  handshakesStarted: number;
  handshakesFailed: number;
  /** Identities that the look-up does not know, or that are longer than 128 bytes. */
  unknownIdentities: number;
  /** Handshakes that gave way because there were too many. */
  handshakesDisplaced: number;
  sessionsEstablished: number;
  /** Sessions that gave way because there were too many. */
  sessionsDisplaced: number;
  /** Sessions that gave way to a new one of the same peer. */
  sessionsReplaced: number;
  /** Sessions whose peer came from another address, with its connection id. */
  sessionsMoved: number;
}

/** The server side: found by address, told of every datagram of a bound socket through `dispatch`. */
export class PeerSet<P extends Peer> implements PeerOwner<P> {
  readonly outlet: DatagramOutlet;
  readonly counters: EndpointCounters;
  readonly #environment: Environment;
  readonly #options: PeerSetOptions<P>;
  readonly #gate: CookieGate;
  readonly #handshakes = new PeerTable<P>(); // the oldest first
  readonly #sessions = new PeerTable<P>(); // the longest idle first

  constructor(outlet: DatagramOutlet, options: PeerSetOptions<P>, environment: Environment) {
    this.outlet = outlet;
    this.#environment = environment;
    this.#options = options;
    this.#gate = new CookieGate({ provider: options.provider, random: environment.random });
    this.counters = {
      gate: this.#gate.counters,
      cookiesSent: 0,
      hellosDropped: 0,
      straysDropped: 0,
      handshakesStarted: 0,
      handshakesFailed: 0,
      unknownIdentities: 0,
      handshakesDisplaced: 0,
      sessionsEstablished: 0,
      sessionsDisplaced: 0,
      sessionsReplaced: 0,
      sessionsMoved: 0,
    };
  }

  /** Handshakes under way, after the cookie. */
  get handshakes(): number {
    return this.#handshakes.size;
  }

  /** Established sessions. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /** Whether a handshake or session is at this address (`formatEndpoint`). */
  has(key: string): boolean {
    return this.#handshakes.at(key) !== undefined || this.#sessions.at(key) !== undefined;
  }

  /** The established session at this address. */
  sessionAt(key: string): P | undefined {
    return this.#sessions.at(key);
  }

  /** The established sessions, the longest idle first. */
  [Symbol.iterator](): Iterator<P> {
    return this.#sessions[Symbol.iterator]();
  }

  /** The next time at which a handshake under way sends its flight again, or gives up; NEVER if there is none. */
  get nextTimeout(): Instant {
    return earliestTimeout(this.#handshakes);
  }

  /** A datagram came in. Before its address has shown a cookie, nothing is kept (rule 20). */
  dispatch(datagram: Uint8Array, from: Endpoint, key = formatEndpoint(from)): void {
    if (datagram[0] === CONTENT_TYPE.tls12Cid) return this.#dispatchById(datagram, from);
    if (isClientHello(datagram)) return this.#hello(datagram, from, key);
    const handshake = this.#handshakes.at(key);
    const session = this.#sessions.at(key);
    if (handshake === undefined) {
      if (session === undefined) this.counters.straysDropped++;
      else session.takes(datagram, from);
      return;
    }
    // Rule 19: both live. Plaintext belongs to the handshake; for the rest, whoever can authenticate it.
    if (session !== undefined && epochOf(datagram) !== 0 && session.takes(datagram, from)) return;
    handshake.takes(datagram, from);
  }

  /** The socket below has room again. */
  roomAgain(): void {
    for (const session of this.#sessions) session.roomAgain();
  }

  /** Ends every handshake and session. */
  close(cause?: SocketError): void {
    const why = new SocketError(
      'ECONNABORTED',
      'its listening socket was closed',
      cause === undefined ? {} : { cause },
    );
    for (const handshake of this.#handshakes) handshake.abandon(why);
    for (const session of this.#sessions) session.abandon(why);
  }

  // For the peers.

  established(session: P): void {
    this.#handshakes.remove(session);
    const old = this.#sessions.at(session.key);
    // One that is found by its id may be another device, whose address somebody else has now.
    if (old !== undefined && (!hasId(old) || old.isSameAs(session))) {
      this.counters.sessionsReplaced++;
      old.giveWay();
    } else if (this.#sessions.size >= this.#options.maxSessions) {
      this.#displaceSessionFor(session);
    }
    this.#sessions.add(session);
    this.counters.sessionsEstablished++;
    this.#options.onSession(session);
  }

  used(session: P): void {
    this.#sessions.touch(session);
  }

  moved(session: P, to: Endpoint): boolean {
    const there = this.#sessions.at(formatEndpoint(to));
    // Whoever has no id is found by its address alone: nobody else's record may take it away.
    if (there !== undefined && !hasId(there)) return false;
    this.#sessions.move(session, () => session.moveTo(to));
    this.counters.sessionsMoved++;
    return true;
  }

  gone(session: P, cause: SocketError | undefined): void {
    this.#sessions.remove(session);
    if (!this.#handshakes.remove(session)) return;
    this.counters.handshakesFailed++;
    this.#environment.log.debug({ peer: session.key, code: cause?.code, reason: cause?.message }, 'a handshake failed');
  }

  #hello(datagram: Uint8Array, from: Endpoint, key: string): void {
    const verdict = this.#gate.inspect(datagram, from, this.#environment.clock.now());
    if (verdict.kind === 'drop') {
      this.counters.hellosDropped++;
      return;
    }
    if (verdict.kind === 'reply') return this.#sendCookie(verdict.datagram, from);
    const random = randomText(verdict.hello.random);
    const handshake = this.#handshakes.at(key);
    if (handshake !== undefined && handshake.clientRandom === random) return void handshake.takes(datagram, from);
    const session = this.#sessions.at(key);
    if (session !== undefined && session.clientRandom === random) {
      this.counters.straysDropped++;
      return;
    }
    handshake?.giveWay(); // in silence: an alert in the clear would meet the new handshake
    this.#begin(verdict, from);
  }

  #dispatchById(datagram: Uint8Array, from: Endpoint): void {
    const end = CONNECTION_ID_OFFSET + this.#options.connectionIdBytes;
    const id = datagram.subarray(CONNECTION_ID_OFFSET, end);
    const peer = this.#sessions.withId(id) ?? this.#handshakes.withId(id);
    if (peer === undefined) this.counters.straysDropped++;
    else peer.takes(datagram, from);
  }

  /** Random, and nobody else's here. */
  #freshId(): Uint8Array {
    const { connectionIdBytes } = this.#options;
    if (connectionIdBytes === 0) return NO_ID;
    for (let tries = 0; tries < MOST_ID_TRIES; tries++) {
      const id = this.#environment.random.bytes(connectionIdBytes);
      const taken = this.#sessions.withId(id) ?? this.#handshakes.withId(id);
      if (taken === undefined) return id;
    }
    throw new SocketError('ENOBUFS', `connectionId.length: ${connectionIdBytes} bytes are too few for so many peers`);
  }

  #sendCookie(datagram: Uint8Array, to: Endpoint): void {
    try {
      this.outlet.sendTo(datagram, to);
      this.counters.cookiesSent++;
    } catch (error) {
      this.#environment.log.debug({ error }, 'a cookie was not sent');
    }
  }

  #begin(verified: VerifiedHello, peer: Endpoint): void {
    if (this.#handshakes.size >= this.#options.maxHandshakes) this.#displaceFor(peer);
    let id: Uint8Array;
    try {
      id = this.#freshId();
    } catch (error) {
      this.#environment.log.error({ error }, 'a handshake could not be begun');
      return;
    }
    const handshake = this.#options.makePeer(verified, peer, this, id);
    this.counters.handshakesStarted++;
    this.#handshakes.add(handshake);
    try {
      handshake.start(this.#options.makeConnection(handshake, verified));
    } catch (error) {
      // The fault of our own configuration: it must not take the other peers with it.
      this.#environment.log.error({ error }, 'a handshake could not be begun');
      this.gone(handshake, asSocketError(error));
    }
  }

  // Whoever has sessions already makes room for his next one: nobody ends everybody's with one key.
  #displaceSessionFor(session: P): void {
    this.counters.sessionsDisplaced++;
    const victim = find(this.#sessions, (other) => other.isSameAs(session)) ?? this.#sessions.first;
    victim?.abandon(new SocketError('ECONNABORTED', `gave way: ${this.#options.maxSessions} sessions are open`));
  }

  // A host has as many ports as it likes: its handshakes give way to each other before anybody else's do.
  #displaceFor({ address }: Endpoint): void {
    this.counters.handshakesDisplaced++;
    const ofHost = find(this.#handshakes, (handshake) => handshake.peer.address === address);
    const victim = ofHost ?? this.#handshakes.first;
    victim?.abandon(new SocketError('ECONNABORTED', 'gave way to a newer handshake'));
  }
}

const NO_ID = new Uint8Array(0);
const MOST_ID_TRIES = 100; // by then nearly all ids are taken

function hasId({ ownConnectionId }: Findable): boolean {
  return ownConnectionId !== undefined && ownConnectionId.length > 0;
}

/** A hello's random with one character for each byte: a fifth of what an array takes, and there are thousands of them. */
export function randomText(random: Uint8Array): string {
  return String.fromCharCode(...random);
}

/** NEVER if there is none. */
export function earliestTimeout(peers: Iterable<Pick<Peer, 'nextTimeout'>>): Instant {
  let next: Instant = NEVER;
  for (const { nextTimeout } of peers) if (nextTimeout < next) next = nextTimeout;
  return next;
}

/** Of the first record; undefined where there is none. */
export function epochOf(datagram: Uint8Array): number | undefined {
  return datagram.length < RECORD_HEADER_BYTES ? undefined : (datagram[3]! << 8) | datagram[4]!;
}

function find<T>(items: Iterable<T>, wanted: (item: T) => boolean): T | undefined {
  for (const item of items) if (wanted(item)) return item;
  return undefined;
}
