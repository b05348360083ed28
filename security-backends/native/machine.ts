// What client and server connections share: dispatch of records, the current state, timers, alerts, the end.

import { Reader } from '../../lib/bytes/index.ts';
import type { HandshakeTimeouts, Negotiated } from '../../lib/net/index.ts';
import { SocketError, TlsAlertError, alertName } from '../../lib/net/index.ts';
import type { Instant } from '../../lib/runtime/index.ts';
import { NEVER } from '../../lib/runtime/index.ts';
import type { Alert } from './alerts.ts';
import { ALERT, alertFor, decodeAlert, encodeAlert } from './alerts.ts';
import type { DtlsConnection, DtlsCounters, DtlsJobAnswer, DtlsOutput } from './connection.ts';
import { Counters } from './counters.ts';
import type { FlightItem } from './flight.ts';
import { Flight, packFlight } from './flight.ts';
import { Reassembly, wholeMessage } from './fragments.ts';
import type { HandshakeFragment, HandshakeMessage } from './handshake-messages.ts';
import { HANDSHAKE_TYPE, decodeHandshakeFragment } from './handshake-messages.ts';
import type { Handshake, HandshakeState, JobRequest } from './handshake-state.ts';
import { Established } from './handshake-state.ts';
import type { ResolvedOptions } from './options.ts';
import { checkTimeouts } from './options.ts';
import type { DtlsRecord } from './record.ts';
import { CONTENT_TYPE, DTLS_1_2, MAX_PLAINTEXT_BYTES, decodeRecord } from './record.ts';
import { type Epoch, RecordLayer } from './record-layer.ts';

/** Where a connection begins. */
export interface Beginning {
  readonly role: 'client' | 'server';
  /** message_seq of the peer's first message to come. */
  readonly peerMessageSeq: number;
  /** message_seq of our first message. */
  readonly ownMessageSeq: number;
  /** Record sequence number of our first record. */
  readonly recordSequence: number;
  /** Sends the first flight. @throws HandshakeRefusal */
  begin(handshake: Handshake): HandshakeState;
}

/** Why a message was refused, and after how many tries of the current flight. */
interface Refusal {
  readonly error: Error;
  readonly tries: number;
}

export class DtlsMachine implements DtlsConnection {
  readonly #options: ResolvedOptions;
  readonly #beginning: Beginning;
  readonly #counters = new Counters();
  readonly #records: RecordLayer;
  readonly #reassembly: Reassembly;
  readonly #handshake: Handshake;
  readonly #outputs: DtlsOutput[] = [];
  #timeouts: HandshakeTimeouts;
  #state: HandshakeState | Established | 'idle' | 'closed' = 'idle';
  #flight: Flight | undefined;
  #now = 0 as Instant;
  #ownMessageSeq: number;
  #handledSeq: number;
  #jobs = 0;
  /** An alert or a refusal in the clear: perhaps forged, perhaps the reason. */
  #suspectedAlert: Alert | undefined;
  #refusal: Refusal | undefined;

  constructor(options: ResolvedOptions, beginning: Beginning) {
    this.#options = options;
    this.#timeouts = options.timeouts;
    this.#beginning = beginning;
    this.#records = new RecordLayer(options.limits, this.#counters, beginning.recordSequence);
    this.#reassembly = new Reassembly(options.limits, beginning.peerMessageSeq);
    this.#ownMessageSeq = beginning.ownMessageSeq;
    this.#handledSeq = beginning.peerMessageSeq - 1;
    this.#handshake = this.#services();
  }

  get state(): string {
    if (this.#state === 'idle' || this.#state === 'closed') return this.#state;
    return this.#state instanceof Established ? 'connected' : this.#state.name;
  }

  get negotiated(): Negotiated | undefined {
    return this.#state instanceof Established ? this.#state.negotiated : undefined;
  }

  get counters(): DtlsCounters {
    return this.#counters;
  }

  get innerMtu(): number {
    if (!(this.#state instanceof Established)) return 0;
    return Math.min(MAX_PLAINTEXT_BYTES, this.#options.mtu - this.#records.overhead(1));
  }

  setHandshakeTimeouts(timeouts: HandshakeTimeouts): void {
    checkTimeouts(timeouts);
    this.#timeouts = timeouts;
  }

  start(now: Instant): void {
    if (this.#state !== 'idle') throw new SocketError('EBADF', `start: the connection is ${this.state}`);
    this.#now = now;
    this.#guarded(1, () => {
      this.#state = this.#beginning.begin(this.#handshake);
    });
  }

  handleDatagram(datagram: Uint8Array, now: Instant): void {
    this.#now = now;
    const reader = new Reader(datagram);
    while (reader.remaining > 0 && this.#state !== 'closed' && this.#state !== 'idle') {
      let record: DtlsRecord;
      try {
        record = decodeRecord(reader);
      } catch {
        this.#counters.drop('malformedRecord');
        return;
      }
      this.#handleRecord(record);
    }
  }

  handleTimeout(now: Instant): void {
    const flight = this.#flight;
    if (flight === undefined || now < flight.deadline || typeof this.#state === 'string') return;
    this.#now = now;
    if (this.#state instanceof Established) return;
    if (this.#suspectedAlert !== undefined) return this.#endBySuspectedAlert(this.#suspectedAlert, this.#state);
    if (flight.tries >= this.#options.tries) return this.#timeOut(this.#state, flight);
    flight.retry(this.#timeouts, now);
    // While a job is open the peer has done its part; only the count goes on, so that the wait is bounded.
    if (this.#state.job === undefined) this.#transmitAgain(flight);
  }

  nextTimeout(): Instant {
    return this.#flight?.deadline ?? NEVER;
  }

  answer(id: number, value: DtlsJobAnswer, now: Instant): void {
    const state = this.#state;
    if (typeof state === 'string' || state instanceof Established || state.job !== id) return;
    this.#now = now;
    this.#guarded(1, () => {
      this.#state = state.answer?.(value, this.#handshake) ?? state;
    });
    this.#takeUpEarlyRecords();
    this.#handleWaitingMessages(this.#records.readEpoch);
  }

  send(bytes: Uint8Array): void {
    if (this.#state === 'closed') throw new SocketError('EBADF', 'send: the connection is closed');
    if (!(this.#state instanceof Established)) {
      throw new SocketError('ENOTCONN', `send: the connection is ${this.state}`, { fatal: false });
    }
    if (bytes.length > this.innerMtu) {
      const message = `send: expected at most ${this.innerMtu} bytes, found ${bytes.length}`;
      throw new SocketError('EMSGSIZE', message, { fatal: false });
    }
    try {
      this.#transmit(this.#records.datagram(CONTENT_TYPE.applicationData, bytes));
    } catch (error) {
      if (error instanceof SocketError) this.#end(error);
      throw error;
    }
  }

  close(now: Instant): void {
    if (this.#state === 'closed') return;
    this.#now = now;
    if (this.#state !== 'idle') this.#sendAlert({ level: 'warning', description: ALERT.closeNotify });
    this.#end(undefined);
  }

  abort(description: number, now: Instant, message?: string): void {
    if (this.#state === 'closed') return;
    this.#now = now;
    this.#fail(description, message);
  }

  poll(): DtlsOutput | undefined {
    return this.#outputs.shift();
  }

  #handleRecord(record: DtlsRecord): void {
    const { type, version, epoch } = record;
    // Before a version is agreed, hellos may come in records of DTLS 1.0 (RFC 6347 §4.2.1).
    if (epoch === 0 ? version >> 8 !== DTLS_1_2 >> 8 : version !== DTLS_1_2) return this.#counters.drop('badVersion');
    if (type < CONTENT_TYPE.changeCipherSpec || type > CONTENT_TYPE.applicationData) {
      return this.#counters.drop('badType');
    }
    if (epoch === 0 && this.#state instanceof Established) return this.#counters.drop('wrongEpoch');
    const plaintext = this.#records.open(record);
    if (plaintext === undefined) {
      if (this.#records.forgeryLimitReached) this.#fail(ALERT.internalError, 'too many records failed authentication');
      return;
    }
    if (plaintext.length > MAX_PLAINTEXT_BYTES) return this.#counters.drop('malformedRecord');
    this.#counters.recordsReceived++;
    this.#handlePlaintext(type, plaintext, epoch === 0 ? 0 : 1);
  }

  #handlePlaintext(type: number, plaintext: Uint8Array, epoch: Epoch): void {
    switch (type) {
      case CONTENT_TYPE.applicationData:
        return this.#handleApplicationData(plaintext, epoch);
      case CONTENT_TYPE.handshake:
        return this.#handleHandshake(plaintext, epoch);
      case CONTENT_TYPE.alert:
        return this.#handleAlert(plaintext, epoch);
      default:
        return this.#handleChangeCipherSpec(plaintext, epoch);
    }
  }

  #handleApplicationData(bytes: Uint8Array, epoch: Epoch): void {
    if (epoch === 0 || !(this.#state instanceof Established)) return this.#counters.drop('unexpectedApplicationData');
    // Whoever sends data has our last flight (a client sends none before our Finished).
    this.#flight = undefined;
    this.#outputs.push({ kind: 'data', bytes });
  }

  #handleChangeCipherSpec(bytes: Uint8Array, epoch: Epoch): void {
    const state = this.#state;
    const due = typeof state !== 'string' && !(state instanceof Established) && state.changeCipherSpec !== undefined;
    if (!due || epoch !== 0 || bytes.length !== 1 || bytes[0] !== 1) {
      return this.#counters.drop('unexpectedChangeCipherSpec');
    }
    this.#state = state.changeCipherSpec!(this.#handshake);
    this.#takeUpEarlyRecords();
  }

  #takeUpEarlyRecords(): void {
    if (this.#records.readEpoch === 0) return;
    for (const record of this.#records.releaseEarly()) {
      if (this.#state !== 'closed') this.#handleRecord(record);
    }
  }

  #handleHandshake(bytes: Uint8Array, epoch: Epoch): void {
    const reader = new Reader(bytes);
    do {
      let fragment: HandshakeFragment;
      try {
        fragment = decodeHandshakeFragment(reader);
      } catch {
        return this.#counters.drop('malformedMessage');
      }
      if (this.#state instanceof Established) this.#handleLateFragment(fragment);
      else this.#handleFragment(fragment, epoch);
    } while (reader.remaining > 0 && this.#state !== 'closed');
  }

  #handleFragment(fragment: HandshakeFragment, epoch: Epoch): void {
    if (fragment.messageSeq < this.#reassembly.next) return this.#handleRepeat(fragment);
    if (epoch !== this.#records.readEpoch) return this.#counters.drop('wrongEpoch');
    const reason = this.#reassembly.add(fragment);
    if (reason !== undefined) this.#counters.drop(reason);
    this.#handleWaitingMessages(epoch);
  }

  #handleWaitingMessages(epoch: Epoch): void {
    for (;;) {
      const state = this.#state;
      if (typeof state === 'string' || state instanceof Established || state.job !== undefined) return;
      const message = this.#reassembly.peek();
      if (message === undefined || !this.#handleMessage(state, message, epoch)) return;
    }
  }

  /** @returns whether the message was taken */
  #handleMessage(state: HandshakeState, message: HandshakeMessage, epoch: Epoch): boolean {
    return this.#guarded(epoch, () => {
      this.#handledSeq = message.messageSeq;
      const next = state.handle(message, this.#handshake);
      this.#reassembly.consume();
      this.#state = next;
      if (next instanceof Established) this.#establish(next);
    });
  }

  #establish(established: Established): void {
    this.#suspectedAlert = undefined;
    this.#refusal = undefined;
    this.#reassembly.clear();
    // Only the side that spoke last keeps its flight, for a peer that did not hear it.
    if (this.#flight !== undefined && this.#flight.deadline !== NEVER) this.#flight = undefined;
    this.#outputs.push({ kind: 'connected', negotiated: established.negotiated });
  }

  /** Runs what may refuse a message or an answer. In the clear a refusal is not believed at once. */
  #guarded(epoch: Epoch, action: () => void): boolean {
    try {
      action();
      return true;
    } catch (error) {
      const description = alertFor(error);
      if (description !== undefined && error instanceof Error) {
        if (epoch === 1) this.#fail(description, error.message, error);
        else this.#refuse(description, error);
      } else if (error instanceof SocketError) this.#end(error);
      else throw error;
      return false;
    }
  }

  // One bad copy may be damage or forgery: it is dropped and a better one awaited. The same refusal again, after we
  // asked again, is the peer's meaning.
  #refuse(description: number, error: Error): void {
    this.#counters.drop(alertFor(error) === ALERT.decodeError ? 'malformedMessage' : 'unexpectedMessage');
    this.#reassembly.reject();
    const tries = this.#flight?.tries ?? 0;
    const before = this.#refusal;
    if (before !== undefined && before.error.message === error.message && tries > before.tries) {
      return this.#fail(description, error.message, error);
    }
    if (before?.error.message !== error.message) this.#refusal = { error, tries };
  }

  #handleRepeat(fragment: HandshakeFragment): void {
    const state = this.#state;
    if (typeof state === 'string' || state instanceof Established) return;
    if (state.handleRepeat !== undefined) {
      const message = wholeMessage(fragment);
      if (message !== undefined) {
        this.#guarded(0, () => {
          this.#state = state.handleRepeat!(message, this.#handshake);
        });
      }
    }
    if (state.job === undefined) this.#answerRepeat(fragment);
  }

  // The peer repeats the end of the flight that ours answers: ours was lost (RFC 6347 §4.2.4).
  #answerRepeat(fragment: HandshakeFragment): void {
    const flight = this.#flight;
    const atEnd = fragment.offset + fragment.bytes.length === fragment.length;
    if (flight === undefined || fragment.messageSeq !== flight.answers || !atEnd) return;
    if (fragment.type === HANDSHAKE_TYPE.helloVerifyRequest) return;
    // Bounded, so that nobody makes us an amplifier.
    if (flight.repeats >= this.#options.tries || this.#now - flight.lastSent < this.#timeouts.min / 2) return;
    flight.repeats++;
    flight.lastSent = this.#now;
    this.#transmitAgain(flight);
  }

  /** Handshake messages on an established connection; only authenticated ones come here. */
  #handleLateFragment(fragment: HandshakeFragment): void {
    const opening = this.#beginning.role === 'client' ? HANDSHAKE_TYPE.helloRequest : HANDSHAKE_TYPE.clientHello;
    if (fragment.type === opening) {
      if (fragment.offset === 0) this.#sendAlert({ level: 'warning', description: ALERT.noRenegotiation });
      return;
    }
    if (fragment.messageSeq >= this.#reassembly.next) return this.#counters.drop('unexpectedMessage');
    this.#answerRepeat(fragment);
  }

  #handleAlert(bytes: Uint8Array, epoch: Epoch): void {
    let alert: Alert;
    try {
      alert = decodeAlert(bytes);
    } catch {
      return this.#counters.drop('malformedMessage');
    }
    const ends = alert.level === 'fatal' || alert.description === ALERT.closeNotify;
    if (epoch === 0) {
      this.#counters.drop('unauthenticatedAlert');
      if (ends) this.#suspectedAlert = alert;
      return;
    }
    this.#outputs.push({ kind: 'alert', ...alert, direction: 'received' });
    if (alert.description === ALERT.closeNotify) return this.#endByPeer();
    if (ends) this.#end(new TlsAlertError({ ...alert, direction: 'received' }, `while ${this.state}`));
  }

  #endByPeer(): void {
    const cause =
      this.#state instanceof Established
        ? undefined
        : new SocketError('ECONNABORTED', `the peer ended the handshake while ${this.state}`);
    this.#sendAlert({ level: 'warning', description: ALERT.closeNotify });
    this.#end(cause);
  }

  #endBySuspectedAlert(alert: Alert, state: HandshakeState): void {
    this.#outputs.push({ kind: 'alert', ...alert, direction: 'received' });
    this.#end(new TlsAlertError({ ...alert, direction: 'received' }, `not authenticated, while ${state.name}`));
  }

  #timeOut(state: HandshakeState, flight: Flight): void {
    const cause = this.#refusal?.error;
    const reason = cause === undefined ? state.silence : `the peer's messages were refused: ${cause.message}`;
    const message = `no handshake after ${flight.tries} tries, ${state.name}: ${reason}`;
    this.#end(new SocketError('ETIMEDOUT', message, { cause }));
  }

  /** Ends with a fatal alert of ours. */
  #fail(description: number, message?: string, cause?: Error): void {
    const alert: Alert = { level: 'fatal', description };
    if (this.#state !== 'idle') this.#sendAlert(alert);
    this.#end(new TlsAlertError({ ...alert, direction: 'sent' }, message ?? alertName(description), { cause }));
  }

  #sendAlert(alert: Alert): void {
    try {
      this.#transmit(this.#records.datagram(CONTENT_TYPE.alert, encodeAlert(alert)));
    } catch (error) {
      if (error instanceof SocketError) return; // no sequence numbers left: the peer finds out by silence
      throw error;
    }
    this.#outputs.push({ kind: 'alert', ...alert, direction: 'sent' });
  }

  #end(cause: SocketError | undefined): void {
    const state = this.#state;
    if (state === 'closed') return;
    if (typeof state !== 'string' && !(state instanceof Established)) state.destroy?.();
    this.#state = 'closed';
    this.#flight = undefined;
    this.#reassembly.clear();
    this.#records.destroy();
    this.#outputs.push({ kind: 'closed', cause });
  }

  #transmit(datagram: Uint8Array): void {
    this.#outputs.push({ kind: 'transmit', datagram });
  }

  #transmitAgain(flight: Flight): void {
    this.#counters.retransmissions++;
    this.#guarded(1, () => this.#transmitFlight(flight));
  }

  #transmitFlight(flight: Flight): void {
    packFlight(flight.items, flight.mtu(this.#options.mtu), this.#records, (datagram) => this.#transmit(datagram));
  }

  #startFlight(items: readonly FlightItem[]): Flight {
    this.#suspectedAlert = undefined;
    this.#refusal = undefined;
    this.#flight = new Flight(items, this.#handledSeq, this.#timeouts, this.#now);
    this.#transmitFlight(this.#flight);
    return this.#flight;
  }

  #services(): Handshake {
    return {
      options: this.#options,
      nextMessageSeq: () => this.#ownMessageSeq++,
      sendFlight: (items) => void this.#startFlight(items),
      replaceFlight: (items) => {
        if (this.#flight === undefined) return;
        this.#flight.items = items;
        this.#flight.lastSent = this.#now;
        this.#transmitFlight(this.#flight);
      },
      sendLastFlight: (items) => this.#startFlight(items).disarm(),
      protectWrites: (protection) => this.#records.protectWrites(protection),
      protectReads: (protection) => {
        this.#reassembly.clear();
        this.#records.protectReads(protection);
      },
      ask: (job: JobRequest) => {
        const id = ++this.#jobs;
        this.#outputs.push({ kind: 'job', job: { id, ...job } });
        return id;
      },
    };
  }
}
