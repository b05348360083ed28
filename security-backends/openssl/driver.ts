// Drives one connection: after any input calls OpenSSL until it waits, hands on what came of it, and arms one timer.

import { isCertificateRefused } from '../../lib/crypto/index.ts';
import { DecodeError } from '../../lib/bytes/index.ts';
import {
  type HandshakeTimeouts,
  type Negotiated,
  SocketError,
  TlsAlertError,
  asSocketError,
} from '../../lib/net/index.ts';
import { type Duration, type Environment, type Timer, formatDuration, later } from '../../lib/runtime/index.ts';
import { type Progress, type SslConnection, verdictFor } from './connection.ts';
import { type ClearAlert, withoutClearAlerts } from './dtls-datagrams.ts';
import type { Transport } from './library.ts';

/** What a connection makes happen. None of these may throw; each may end the connection. */
export interface DriverEvents {
  /** Bytes for below: records one after the other. */
  transmit(bytes: Uint8Array): void;
  connected(negotiated: Negotiated): void;
  /** Application data, the receiver's to keep. */
  data(bytes: Uint8Array): void;
  /** Whether the server with this chain (DER, leaf first) is trusted. @throws CertificateRefusedError, DecodeError */
  judge(chain: readonly Uint8Array[]): Promise<unknown>;
  /** Input that was left below while a verdict was out has a use again. */
  wanted(): void;
  /** A session to resume from later: a secret. */
  session(der: Uint8Array): void;
  keyLog(line: string): void;
  /** The peer has ended its side in order. */
  ended(): void;
  /** The last event. */
  failed(cause: SocketError): void;
}

export interface DriverOptions {
  readonly transport: Transport;
  /** How often a flight is sent before the attempt ends. */
  readonly tries: number;
  /** A handshake that takes longer is ended. Undefined: the tries alone end it. */
  readonly handshakeLimit: Duration | undefined;
  readonly requireExtendedMasterSecret: boolean;
}

type Phase = 'handshake' | 'judging' | 'open' | 'ended' | 'over';

/** Owns its connection, and frees it exactly once: by `close`, or before `failed`. */
export class ConnectionDriver {
  readonly #connection: SslConnection;
  readonly #environment: Environment;
  readonly #events: DriverEvents;
  readonly #options: DriverOptions;
  #phase: Phase = 'handshake';
  #timer: Timer | undefined;
  #limit: Timer | undefined;
  /** In the clear: perhaps forged, perhaps the reason why nothing follows. It counts while the handshake is where it was. */
  #suspected: { readonly alert: ClearAlert; readonly progress: number } | undefined;

  constructor(connection: SslConnection, environment: Environment, events: DriverEvents, options: DriverOptions) {
    this.#connection = connection;
    this.#environment = environment;
    this.#events = events;
    this.#options = options;
  }

  /** Whether more input has a use now: while a verdict is out it has to wait below. */
  get takesInput(): boolean {
    return this.#phase === 'handshake' || this.#phase === 'open';
  }

  /** Largest message that leaves in one datagram, in bytes; 0 once over. */
  get dataMtu(): number {
    return this.#phase === 'over' ? 0 : this.#connection.dataMtu();
  }

  get resumed(): boolean {
    return this.#phase !== 'over' && this.#connection.resumed;
  }

  start(): void {
    const { handshakeLimit } = this.#options;
    if (handshakeLimit !== undefined) this.#limitTo(handshakeLimit);
    this.#pump();
  }

  #limitTo(limit: Duration): void {
    const { clock, timers } = this.#environment;
    this.#limit = timers.at(later(clock.now(), limit), () =>
      this.#fail(new SocketError('ETIMEDOUT', `the handshake took longer than ${formatDuration(limit)}`)),
    );
  }

  setTimeouts(timeouts: HandshakeTimeouts): void {
    if (this.#phase !== 'over') this.#connection.setTimeouts(timeouts);
  }

  /** What came from below: one datagram, or a piece of the stream. */
  receive(bytes: Uint8Array): void {
    if (this.#phase === 'over' || this.#phase === 'ended') return; // what follows the peer's end is never read
    this.#connection.feed(this.#options.transport === 'datagram' ? this.#believable(bytes) : bytes);
    this.#pump();
  }

  /** OpenSSL would end a handshake by any alert that comes, and so by one that somebody else has sent. */
  #believable(datagram: Uint8Array): Uint8Array {
    const { rest, alert } = withoutClearAlerts(datagram);
    if (alert !== undefined) this.#suspected = { alert, progress: this.#connection.progress };
    return rest;
  }

  /** @throws SocketError what OpenSSL refuses, which is the end of the connection */
  send(bytes: Uint8Array): void {
    if (this.#phase !== 'open' && this.#phase !== 'ended') return;
    try {
      this.#connection.write(bytes);
    } catch (error) {
      const cause = asSocketError(error);
      this.#fail(cause);
      throw cause;
    }
    this.#flush();
  }

  /** Says that nothing more will be sent; what the peer still says is heard. */
  endOutput(): void {
    if (this.#phase === 'over') return;
    this.#connection.sayGoodbye();
    this.#flush();
  }

  /** Says close_notify if there is a session, and frees everything; no event follows. */
  close(): void {
    if (this.#phase === 'over') return;
    if (this.#phase === 'open' || this.#phase === 'ended') this.endOutput();
    if (!this.#isOver()) this.#end();
  }

  #pump(): void {
    for (let more = true; more;) more = this.#step();
    this.#arm();
  }

  /** @returns whether there may be more to do at once */
  #step(): boolean {
    if (this.#phase === 'handshake') return this.#handshake();
    if (this.#phase !== 'open') return false;
    const got = this.#connection.read();
    this.#flush();
    if (this.#isOver()) return false;
    if (!(got instanceof Uint8Array)) return this.#settle(got);
    this.#events.data(got);
    return !this.#isOver();
  }

  #handshake(): boolean {
    const progress = this.#connection.handshake();
    this.#flush();
    // What left may have been answered within the call that sent it.
    if (this.#phase !== 'handshake') return this.#phase === 'open';
    if (progress !== 'done') return this.#settle(progress);
    return this.#connected();
  }

  #connected(): boolean {
    try {
      const negotiated = this.#connection.negotiated();
      if (this.#options.requireExtendedMasterSecret && !negotiated.extendedMasterSecret) {
        const what = 'the server does not offer an extended master secret, which is required (RFC 7627)';
        throw new SocketError('EPROTO', what);
      }
      this.#phase = 'open';
      this.#limit?.cancel();
      this.#events.connected(negotiated);
      this.#flush();
    } catch (error) {
      if (this.#isOver()) return false;
      this.#connection.sayGoodbye();
      this.#flush();
      this.#fail(asSocketError(error));
    }
    return !this.#isOver();
  }

  #settle(progress: Exclude<Progress, 'done'>): boolean {
    if (progress instanceof SocketError) this.#fail(progress);
    else if (progress === 'judge') this.#judge();
    else if (progress === 'end') this.#peerEnded();
    return false;
  }

  #peerEnded(): void {
    if (this.#phase === 'handshake') {
      return this.#fail(new SocketError('ECONNABORTED', 'the peer ended the session as soon as it was made'));
    }
    this.#phase = 'ended';
    this.#events.ended();
  }

  #judge(): void {
    this.#phase = 'judging';
    const { chain } = this.#connection;
    this.#events.judge(chain ?? []).then(
      () => this.#judged(() => this.#connection.giveVerdict('accepted')),
      (error: unknown) => {
        const alert = alertOf(error);
        const reason = error instanceof Error ? error.message : String(error);
        if (alert !== undefined) this.#judged(() => this.#connection.giveVerdict(verdictFor(alert), reason));
        else if (this.#phase === 'judging') this.#fail(asSocketError(error));
      },
    );
  }

  #judged(answer: () => void): void {
    if (this.#phase !== 'judging') return;
    answer();
    this.#phase = 'handshake';
    this.#pump();
    if (this.takesInput) this.#events.wanted();
  }

  /** Hands on what the last call brought beside its result. */
  #flush(): void {
    const { keyLogLines, sessions } = this.#connection;
    for (const line of keyLogLines.splice(0)) this.#events.keyLog(line);
    // What is to be resumed is known once we know with whom we speak.
    if (this.#phase === 'open' || this.#phase === 'ended') {
      for (const session of sessions.splice(0)) this.#events.session(session);
    }
    if (this.#isOver()) return;
    const bytes = this.#connection.output();
    if (bytes.length > 0) this.#events.transmit(bytes);
  }

  #isOver(): boolean {
    return this.#phase === 'over';
  }

  #fail(cause: SocketError): void {
    if (this.#isOver()) return;
    this.#flush(); // the alert that tells the peer
    if (this.#isOver()) return;
    this.#end();
    this.#events.failed(cause);
  }

  #end(): void {
    this.#phase = 'over';
    this.#limit?.cancel();
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const session of this.#connection.sessions) session.fill(0);
    this.#connection.free();
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#phase !== 'handshake' && this.#phase !== 'open') return;
    const left = this.#connection.timeLeft();
    if (left === undefined) return;
    const { clock, timers } = this.#environment;
    this.#timer = timers.at(later(clock.now(), left), () => this.#wake());
  }

  get #likelyAlert(): ClearAlert | undefined {
    return this.#suspected?.progress === this.#connection.progress ? this.#suspected.alert : undefined;
  }

  #wake(): void {
    this.#timer = undefined;
    if (this.#phase !== 'handshake' && this.#phase !== 'open') return;
    const isDue = this.#connection.timeLeft() === 0;
    const alert = this.#likelyAlert;
    if (isDue && alert !== undefined)
      return this.#fail(new TlsAlertError({ ...alert, direction: 'received' }, 'nothing else came of the server'));
    if (isDue && this.#connection.flights >= this.#options.tries) {
      const tries = `${this.#options.tries} times`;
      return this.#fail(new SocketError('ETIMEDOUT', `no answer to a flight of the handshake that was sent ${tries}`));
    }
    const failure = this.#connection.handleTimeout();
    this.#flush();
    if (this.#isOver()) return;
    if (failure !== undefined) return this.#fail(failure);
    this.#pump();
  }
}

/** The name of the alert for a chain that is refused; undefined where it is not the peer's fault. */
function alertOf(error: unknown): string | undefined {
  if (error instanceof DecodeError) return 'bad_certificate';
  return isCertificateRefused(error) ? error.alert : undefined;
}
