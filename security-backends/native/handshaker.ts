// Drives one handshake through its states: messages in order, flights until answered, refusals, the wait for answers.

import { Reader } from '../../lib/bytes/index.ts';
import type { HandshakeTimeouts, Negotiated } from '../../lib/net/index.ts';
import { SocketError, TlsAlertError } from '../../lib/net/index.ts';
import type { Instant } from '../../lib/runtime/index.ts';
import { NEVER } from '../../lib/runtime/index.ts';
import type { Alert } from './alerts.ts';
import { ALERT, alertFor } from './alerts.ts';
import type { DropReason, DtlsJob, DtlsJobAnswer, JobRequest } from './connection.ts';
import type { Counters } from './counters.ts';
import type { FlightItem } from './flight.ts';
import { Reassembly, wholeMessage } from './fragments.ts';
import { OwnFlight } from './own-flight.ts';
import type { HandshakeFragment, HandshakeMessage } from './handshake-messages.ts';
import { HANDSHAKE_TYPE, decodeHandshakeFragment } from './handshake-messages.ts';
import type { Handshake, HandshakeState, HandshakeStep } from './handshake-state.ts';
import { Established } from './handshake-state.ts';
import { HandshakeStory, type StoryTopic, alertMeaning } from './handshake-story.ts';
import type { ResolvedOptions } from './options.ts';
import type { ConnectionIds, Epoch, RecordLayer, RecordLimits } from './record-layer.ts';
import type { Protection } from './record-protection.ts';
import type { Agreed } from './agreed.ts';
import type { WindowState } from './replay-window.ts';
import type { OfferedSession } from './resumable-session.ts';

/** Where a connection begins. */
export interface Beginning {
  readonly role: 'client' | 'server';
  /** message_seq of the peer's first message to come. */
  readonly peerMessageSeq: number;
  /** message_seq of our first message. */
  readonly ownMessageSeq: number;
  /** Record sequence number of our first record. */
  readonly recordSequence: number;
  /** Sends the first flight; or goes on with a session of another process. @throws HandshakeRefusal */
  begin(handshake: Handshake): HandshakeStep;
}

/** What a handshake makes happen in its connection. */
export interface HandshakeEvents {
  transmit(datagram: Uint8Array): void;
  ask(job: DtlsJob): void;
  keyed(material: { readonly agreed: Agreed; readonly master: Uint8Array }): void;
  resumable(session: OfferedSession): void;
  established(negotiated: Negotiated): void;
  /** The peer asks for a second handshake, which there is not. */
  renegotiationRefused(): void;
  /** Ends the connection with a fatal alert of ours. */
  failed(description: number, message: string, cause: unknown): void;
  /** Ends the connection without a word. */
  ended(cause: SocketError, alert?: Alert): void;
}

/** Why a message was refused, and after how many tries of the current flight. */
interface Refusal {
  readonly error: Error;
  readonly tries: number;
}

export class Handshaker implements Handshake {
  readonly options: ResolvedOptions;
  /** The time of the input being handled. */
  now = 0 as Instant;
  timeouts: HandshakeTimeouts;
  readonly role: 'client' | 'server';
  readonly #records: RecordLayer;
  readonly #counters: Counters;
  readonly #events: HandshakeEvents;
  readonly #reassembly: Reassembly;
  readonly #story = new HandshakeStory();
  #state: HandshakeStep | 'idle' | 'over' = 'idle';
  readonly #flight: OwnFlight;
  #ownMessageSeq: number;
  #handledSeq: number;
  #jobs = 0;
  #keptChangeCipherSpec = false;
  #renegotiationRefusedAt = Number.NEGATIVE_INFINITY;
  // Both came in the clear: perhaps forged, perhaps the reason why nothing follows.
  #suspectedAlert: Alert | undefined;
  #refusal: Refusal | undefined;

  constructor(
    options: ResolvedOptions,
    beginning: Beginning,
    records: RecordLayer,
    counters: Counters,
    events: HandshakeEvents,
  ) {
    this.options = options;
    this.timeouts = options.timeouts;
    this.role = beginning.role;
    this.#records = records;
    this.#counters = counters;
    this.#events = events;
    this.#reassembly = new Reassembly(options.limits, beginning.peerMessageSeq);
    this.#flight = new OwnFlight(options, records, counters, (datagram) => events.transmit(datagram));
    this.#ownMessageSeq = beginning.ownMessageSeq;
    this.#handledSeq = beginning.peerMessageSeq - 1;
  }

  get stateName(): string {
    if (typeof this.#state === 'string') return this.#state;
    return this.#state instanceof Established ? 'connected' : this.#state.name;
  }

  /** An end, told with the state and what led to it while there is no session yet. */
  tell(what: string): string {
    return this.#story.tell(what, this.#state === 'idle' ? this.#opening : this.stateName);
  }

  get negotiated(): Negotiated | undefined {
    return this.#state instanceof Established ? this.#state.negotiated : undefined;
  }

  get deadline(): Instant {
    return this.#flight.deadline;
  }

  begin(beginning: Beginning): void {
    this.#guarded(1, () => {
      const first = beginning.begin(this);
      this.#state = first;
      if (first instanceof Established) this.#establish(first);
    });
  }

  /** Takes the handshake messages of a record. */
  handleRecord(bytes: Uint8Array, epoch: Epoch): void {
    const reader = new Reader(bytes);
    do {
      let fragment: HandshakeFragment;
      try {
        fragment = decodeHandshakeFragment(reader);
      } catch {
        return this.#counters.drop('malformedMessage');
      }
      const reason = this.#handleFragment(fragment, epoch);
      if (reason !== undefined) this.#counters.drop(reason);
    } while (reader.remaining > 0 && this.#state !== 'over');
  }

  /** @returns whether ChangeCipherSpec was due */
  changeCipherSpec(): boolean {
    const state = this.#waiting();
    if (state?.changeCipherSpec === undefined) {
      if (state?.keepsChangeCipherSpec === true) this.#keptChangeCipherSpec = true;
      return state?.keepsChangeCipherSpec === true;
    }
    this.#state = state.changeCipherSpec(this);
    this.#progress();
    return true;
  }

  /** An alert in the clear: kept as the likely cause, believed at the next time-out if nothing better comes. */
  suspectAlert(alert: Alert): void {
    this.#suspectedAlert = alert;
  }

  answer(id: number, value: DtlsJobAnswer): void {
    const state = this.#waiting();
    if (state?.job !== id || state.answer === undefined) return;
    this.#guarded(1, () => {
      this.#state = state.answer!(value, this);
    });
    this.#handleMessages(this.#records.readEpoch);
    this.#takeUpChangeCipherSpec();
  }

  handleTimeout(): void {
    const state = this.#waiting();
    if (state === undefined || this.now < this.#flight.deadline) return;
    if (this.#suspectedAlert !== undefined) return this.#endBySuspectedAlert(this.#suspectedAlert, state);
    if (this.tries >= this.options.tries) return this.#timeOut(state);
    this.#flight.retry(this.timeouts, this.now);
    // While a job is open the peer has done its part; only the count goes on, so that the wait is bounded.
    if (state.job === undefined) this.#guarded(1, () => this.#flight.transmitAgain());
  }

  /** A fatal alert, of ours or authenticated, ends the session: it is not resumed from here (RFC 5246 §7.2.2). */
  forgetSession(): void {
    if (!(this.#state instanceof Established)) return;
    const { kept } = this.#state;
    kept?.by.forget(kept.sessionId);
  }

  /** The peer has shown that it has all of our flights. */
  releaseFlight(): void {
    this.#flight.release();
  }

  /** Forgets everything, zeroing what secrets the state holds. */
  destroy(): void {
    this.#waiting()?.destroy?.();
    this.#state = 'over';
    this.#flight.release();
    this.#reassembly.clear();
  }

  get tries(): number {
    return this.#flight.tries;
  }

  nextMessageSeq(): number {
    return this.#ownMessageSeq++;
  }

  sendFlight(items: readonly FlightItem[]): void {
    this.#flight.send(items, this.#handledSeq, this.timeouts, this.now);
  }

  replaceFlight(items: readonly FlightItem[]): void {
    this.#flight.replace(items, this.now);
  }

  sendLastFlight(items: readonly FlightItem[]): void {
    this.sendFlight(items);
    this.#flight.disarm();
  }

  protectWrites(protection: Protection): void {
    this.#records.protectWrites(protection);
  }

  protectReads(protection: Protection): void {
    this.#reassembly.clear();
    this.#records.protectReads(protection);
  }

  identifyRecords(ids: ConnectionIds): void {
    this.#records.identify(ids);
  }

  limitRecords(limits: RecordLimits): void {
    this.#records.limit(limits);
  }

  ask(job: JobRequest): number {
    const id = ++this.#jobs;
    this.#events.ask({ id, ...job });
    return id;
  }

  keyed(material: { readonly agreed: Agreed; readonly master: Uint8Array }): void {
    this.#events.keyed(material);
  }

  restoreRecords(nextSequence: number, window: WindowState): void {
    this.#records.restore(nextSequence, window);
  }

  keep(session: OfferedSession): void {
    this.#events.resumable(session);
  }

  note(topic: StoryTopic, fact: string): void {
    this.#story.note(topic, fact);
  }

  // It came behind messages that waited for an answer. If one of them was lost, it came early, and comes again.
  #takeUpChangeCipherSpec(): void {
    if (!this.#keptChangeCipherSpec || this.#waiting()?.keepsChangeCipherSpec === true) return;
    this.#keptChangeCipherSpec = false;
    this.changeCipherSpec();
  }

  /** What is done before the first state. */
  get #opening(): string {
    return this.role === 'client' ? 'sending ClientHello' : 'answering ClientHello';
  }

  /** The state, while the handshake is under way. */
  #waiting(): HandshakeState | undefined {
    return typeof this.#state === 'string' || this.#state instanceof Established ? undefined : this.#state;
  }

  /** @returns why the fragment was dropped, if it was */
  #handleFragment(fragment: HandshakeFragment, epoch: Epoch): DropReason | undefined {
    const state = this.#waiting();
    if (state === undefined) return this.#handleLateFragment(fragment);
    // RFC 5246 §7.4.1.1: to be ignored while a handshake is under way, and never part of it.
    if (fragment.type === HANDSHAKE_TYPE.helloRequest && this.role === 'client') return 'unexpectedMessage';
    if (fragment.messageSeq < this.#reassembly.next) return this.#handleRepeat(fragment, state);
    if (epoch !== this.#records.readEpoch) return 'wrongEpoch';
    const reason = this.#reassembly.add(fragment);
    this.#handleMessages(epoch);
    return reason;
  }

  #handleMessages(epoch: Epoch): void {
    for (let state = this.#waiting(); state !== undefined && state.job === undefined; state = this.#waiting()) {
      const message = this.#reassembly.peek();
      if (message === undefined || !this.#handleMessage(state, message, epoch)) return;
    }
  }

  /** @returns whether the message was taken */
  #handleMessage(state: HandshakeState, message: HandshakeMessage, epoch: Epoch): boolean {
    return this.#guarded(epoch, () => {
      this.#handledSeq = message.messageSeq;
      const next = state.handle(message, this);
      this.#reassembly.consume();
      this.#state = next;
      this.#progress();
      if (next instanceof Established) this.#establish(next);
    });
  }

  /** Whoever goes on has not ended the handshake, and has not been misunderstood. */
  #progress(): void {
    this.#suspectedAlert = undefined;
    this.#refusal = undefined;
  }

  #establish(established: Established): void {
    this.#reassembly.clear();
    this.#story.forget();
    // Only the side that spoke last keeps its flight, for a peer that did not hear it.
    if (this.deadline !== NEVER) this.#flight.release();
    this.#events.established(established.negotiated);
  }

  /** Runs what may refuse a message or an answer. In the clear a refusal is not believed at once. */
  #guarded(epoch: Epoch, action: () => void): boolean {
    try {
      action();
      return true;
    } catch (error) {
      const description = alertFor(error);
      if (error instanceof SocketError) this.#events.ended(error);
      else if (description === undefined) this.#events.failed(ALERT.internalError, 'an error of our own', error);
      else if (epoch === 1) this.#events.failed(description, this.tell((error as Error).message), error);
      else this.#refuse(description, error as Error);
      return false;
    }
  }

  // One bad copy may be damage or forgery: it is dropped and a better one awaited. The same refusal again, after we
  // asked again, is the peer's meaning.
  #refuse(description: number, error: Error): void {
    this.#counters.drop(description === ALERT.decodeError ? 'malformedMessage' : 'unexpectedMessage');
    this.#reassembly.reject();
    const { tries } = this;
    const before = this.#refusal;
    if (before?.error.message !== error.message) this.#refusal = { error, tries };
    else if (tries > before.tries) this.#events.failed(description, this.tell(error.message), error);
  }

  #handleRepeat(fragment: HandshakeFragment, state: HandshakeState): undefined {
    const message = state.handleRepeat === undefined ? undefined : wholeMessage(fragment);
    if (message !== undefined) {
      this.#guarded(0, () => {
        this.#state = state.handleRepeat!(message, this);
      });
    }
    if (state.job === undefined) this.#answerRepeat(fragment);
  }

  #answerRepeat(fragment: HandshakeFragment): void {
    this.#guarded(1, () => this.#flight.answerRepeat(fragment, this.timeouts, this.now));
  }

  /** Handshake messages after the handshake; only authenticated ones come here. */
  #handleLateFragment(fragment: HandshakeFragment): DropReason | undefined {
    const opening = this.role === 'client' ? HANDSHAKE_TYPE.helloRequest : HANDSHAKE_TYPE.clientHello;
    if (fragment.type === opening) {
      if (fragment.offset === 0) this.#refuseRenegotiation();
      return undefined;
    }
    if (fragment.messageSeq >= this.#reassembly.next) return 'unexpectedMessage';
    this.#answerRepeat(fragment);
    return undefined;
  }

  // Once in a while: a peer that asks without end must not have an answer made for each question.
  #refuseRenegotiation(): void {
    if (this.now - this.#renegotiationRefusedAt < this.timeouts.min) return;
    this.#renegotiationRefusedAt = this.now;
    this.#events.renegotiationRefused();
  }

  #endBySuspectedAlert(alert: Alert, state: HandshakeState): void {
    const meaning = alertMeaning(alert.description) ?? 'the peer ended the handshake';
    const what = this.#story.tell(`${meaning} (not authenticated)`, state.name);
    this.#events.ended(new TlsAlertError({ ...alert, direction: 'received' }, what), alert);
  }

  #timeOut(state: HandshakeState): void {
    const cause = this.#refusal?.error;
    const reason = cause === undefined ? state.silence : `the peer's messages were refused: ${cause.message}`;
    const message = `no handshake after ${this.tries} tries, ${state.name}: ${reason}`;
    this.#events.ended(new SocketError('ETIMEDOUT', this.#story.tell(message, state.name), { cause }));
  }
}
