// One bound datagram socket, many DTLS peers: cookies first, then handshakes, then sessions, each within a bound.

import {
  type CheckedSocketConfiguration,
  type DatagramSocket,
  type Endpoint,
  SocketError,
  asSocketError,
  formatEndpoint,
} from '../../lib/net/index.ts';
import { equalBytes } from '../../lib/bytes/index.ts';
import type { CryptoProvider } from '../../lib/crypto/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';
import type { DtlsSettings } from './configuration.ts';
import type { DtlsJob, PskAnswer } from './connection.ts';
import { CookieGate, type VerifiedHello, isClientHello } from './cookie-gate.ts';
import type { Answer, ServerCredentials } from './credentials.ts';
import { PeerTable } from './peer-table.ts';
import { RECORD_HEADER_BYTES } from './record.ts';
import { DtlsServer, type DtlsServerOptions } from './server.ts';
import { DtlsSession, type SessionOwner } from './session.ts';

/** What the backend makes a set of peers from: checked and copied. */
export interface PeerSetOptions {
  readonly settings: DtlsSettings;
  readonly provider: CryptoProvider;
  /** Options of the sessions. */
  readonly socket: CheckedSocketConfiguration;
  readonly credentials: ServerCredentials;
  /** Whether an unknown identity looks like a wrong key, or is answered by an alert (RFC 4279 §2). */
  readonly unknownIdentity: 'hide' | 'alert';
  /** Established sessions at once; the longest idle one gives way. */
  readonly maxSessions: number;
  /** Handshakes at once, after the cookie; the oldest one gives way, of the newcomer's own host if there is one. */
  readonly maxHandshakes: number;
  readonly additionalConfiguration: ((native: unknown) => void) | undefined;
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
}

const MAX_IDENTITY_BYTES = 128; // RFC 4279 §5.3: what must be supported; nothing longer reaches a look-up
const UNKNOWN_KEY_BYTES = 16;

/** The server side: found by address, told of every datagram of a bound socket through `dispatch`. */
export class PeerSet implements SessionOwner {
  readonly outlet: DatagramSocket;
  readonly counters: EndpointCounters;
  readonly #environment: Environment;
  readonly #options: PeerSetOptions;
  readonly #onSession: (session: DtlsSession) => void;
  readonly #gate: CookieGate;
  readonly #handshakes = new PeerTable<DtlsSession>(); // the oldest first
  readonly #sessions = new PeerTable<DtlsSession>(); // the longest idle first

  /** @param onSession called from within `dispatch` (or a key's late arrival) for every session that is established */
  constructor(
    outlet: DatagramSocket,
    options: PeerSetOptions,
    environment: Environment,
    onSession: (session: DtlsSession) => void,
  ) {
    this.outlet = outlet;
    this.#environment = environment;
    this.#options = options;
    this.#onSession = onSession;
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

  /** A datagram came in. Before its address has shown a cookie, nothing is kept (rule 20). */
  dispatch(datagram: Uint8Array, from: Endpoint): void {
    const key = formatEndpoint(from);
    if (isClientHello(datagram)) return this.#hello(datagram, from, key);
    const handshake = this.#handshakes.at(key);
    const session = this.#sessions.at(key);
    if (handshake === undefined) {
      if (session === undefined) this.counters.straysDropped++;
      else session.takes(datagram);
      return;
    }
    // Rule 19: both live. Plaintext belongs to the handshake; for the rest, whoever can authenticate it.
    if (session !== undefined && epochOf(datagram) !== 0 && session.takes(datagram)) return;
    handshake.takes(datagram);
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

  // For the sessions.

  lookup(identity: Uint8Array, from: Endpoint): PskAnswer | undefined | Promise<PskAnswer | undefined> {
    if (identity.length > MAX_IDENTITY_BYTES) return this.#orUnknown(undefined);
    const found = this.#options.credentials.lookup(identity, from);
    return found instanceof Promise ? found.then((later) => this.#orUnknown(later)) : this.#orUnknown(found);
  }

  answer(job: DtlsJob, from: Endpoint): Answer {
    return this.#options.credentials.answer(job, from);
  }

  /** A key that nobody has goes the way of a wrong one, in the same time and with the same silence. */
  #orUnknown(found: PskAnswer | undefined): PskAnswer | undefined {
    if (found !== undefined) return found;
    this.counters.unknownIdentities++;
    if (this.#options.unknownIdentity === 'alert') return undefined;
    return { key: this.#environment.random.bytes(UNKNOWN_KEY_BYTES), unknownIdentity: true };
  }

  established(session: DtlsSession): void {
    this.#handshakes.remove(session);
    const old = this.#sessions.at(session.key);
    if (old !== undefined) {
      this.counters.sessionsReplaced++;
      old.giveWay();
    } else if (this.#sessions.size >= this.#options.maxSessions) {
      this.counters.sessionsDisplaced++;
      this.#sessions.first?.abandon(
        new SocketError('ECONNABORTED', `gave way: ${this.#options.maxSessions} sessions are open`),
      );
    }
    this.#sessions.add(session);
    this.counters.sessionsEstablished++;
    this.#onSession(session);
  }

  used(session: DtlsSession): void {
    this.#sessions.touch(session);
  }

  gone(session: DtlsSession, cause: SocketError | undefined): void {
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
    const { hello } = verdict;
    const handshake = this.#handshakes.at(key);
    if (handshake !== undefined && equalBytes(handshake.clientRandom, hello.random))
      return void handshake.takes(datagram);
    const session = this.#sessions.at(key);
    if (session !== undefined && equalBytes(session.clientRandom, hello.random)) {
      this.counters.straysDropped++;
      return;
    }
    handshake?.giveWay(); // in silence: an alert in the clear would meet the new handshake
    this.#begin(verdict, from);
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
    const { settings, provider, socket, credentials, additionalConfiguration } = this.#options;
    const { identityHint, clientCertificate, authorities } = credentials;
    const session = new DtlsSession(this.#environment, socket, peer, verified, this);
    const native: DtlsServerOptions = {
      ...settings,
      provider,
      identityHint,
      clientCertificate,
      authorities,
      verified,
      mtu: session.payload,
      random: this.#environment.random,
    };
    this.counters.handshakesStarted++;
    this.#handshakes.add(session);
    try {
      additionalConfiguration?.(native);
      session.start(new DtlsServer(native));
    } catch (error) {
      // The fault of our own configuration: it must not take the other peers with it.
      this.#environment.log.error({ error }, 'a handshake could not be begun');
      this.gone(session, asSocketError(error));
    }
  }

  // A host has as many ports as it likes: its handshakes give way to each other before anybody else's do.
  #displaceFor({ address }: Endpoint): void {
    this.counters.handshakesDisplaced++;
    const ofHost = find(this.#handshakes, (handshake) => handshake.peer.address === address);
    const victim = ofHost ?? this.#handshakes.first;
    victim?.abandon(new SocketError('ECONNABORTED', 'gave way to a newer handshake'));
  }
}

function epochOf(datagram: Uint8Array): number | undefined {
  return datagram.length < RECORD_HEADER_BYTES ? undefined : (datagram[3]! << 8) | datagram[4]!;
}

function find<T>(items: Iterable<T>, wanted: (item: T) => boolean): T | undefined {
  for (const item of items) if (wanted(item)) return item;
  return undefined;
}
