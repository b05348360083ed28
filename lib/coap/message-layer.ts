// The message layer over UDP (RFC 7252 §4): message ids, retransmission, duplicates, acknowledgements, Reset.
// Sans-IO: it takes datagrams and `now`; after any input, `poll` until there is no output, then wait for `nextTimeout`.

import { type Instant, NEVER, type RandomSource, later, milliseconds, randomUnit } from '../runtime/index.ts';
import { CoapError } from './coap-error.ts';
import { decodeMessage, encodeMessage } from './codec.ts';
import {
  type CoapMessage,
  EMPTY_CODE,
  MESSAGE_TYPES,
  type MessageContent,
  NO_BYTES,
  NO_OPTIONS,
  isRequestCode,
  isResponseCode,
} from './message.ts';
import { MessageIds } from './message-ids.ts';
import { MessageMemory } from './message-memory.ts';
import { tokenKey } from './token-layer.ts';
import type {
  Inbound,
  MessageLayerCounters,
  MessageLayerOptions,
  MessageLayerOutput,
  Sent,
} from './message-layer-contract.ts';
import { ProbingBudget } from './probing.ts';
import { RoundTrips, backOffFactor } from './round-trips.ts';
import {
  type TransmissionParameters,
  checkedTransmission,
  exchangeLifetime,
  maxTransmitSpan,
  nonLifetime,
} from './transmission.ts';

const REFUSALS = 3; // ours: with the default ACK_TIMEOUT these are 6 to 9 s in which nobody listened
const MAX_LISTENED_NON = 256; // ours: non-confirmable messages for which a Reset is still understood

export class MessageLayer<Context> {
  readonly transmission: TransmissionParameters;
  readonly counters: MessageLayerCounters = {
    malformed: 0,
    duplicates: 0,
    unexpected: 0,
    retransmissions: 0,
    reusedMessageIds: 0,
  };
  readonly #random: RandomSource;
  readonly #memory: MessageMemory;
  readonly #maxQueued: number;
  readonly #outputs: MessageLayerOutput<Context>[] = [];
  readonly #inFlight = new Map<number, Sent<Context>>();
  readonly #nonConfirmable = new Map<number, Sent<Context>>();
  readonly #unanswered = new Set<Inbound>();
  #queue: Sent<Context>[] = [];
  /** Non-confirmable requests that wait for PROBING_RATE. */
  #probes: Sent<Context>[] = [];
  readonly #probing: ProbingBudget;
  readonly #roundTrips: RoundTrips | undefined;
  readonly #multicast: boolean;
  readonly #messageIds: MessageIds;

  constructor(random: RandomSource, options: MessageLayerOptions = {}) {
    this.transmission = checkedTransmission(options.transmission);
    this.#random = random;
    this.#multicast = options.multicast ?? false;
    const { timeout, ackTimeout, probingRate, probingBurst } = this.transmission;
    this.#probing = new ProbingBudget(probingRate, probingBurst);
    this.#roundTrips = timeout === 'cocoa' ? new RoundTrips(ackTimeout) : undefined;
    this.#maxQueued = options.maxQueuedMessages ?? 256;
    this.#memory = new MessageMemory(options.maxRememberedMessages ?? 1_024, options.maxRememberedBytes ?? 262_144);
    this.#messageIds = new MessageIds(random, exchangeLifetime(this.transmission));
  }

  poll(): MessageLayerOutput<Context> | undefined {
    return this.#outputs.shift();
  }

  /** Messages in flight, waiting for NSTART, remembered, and waiting for our answer. */
  get load(): { inFlight: number; queued: number; remembered: number; unanswered: number } {
    return {
      inFlight: this.#inFlight.size,
      queued: this.#queue.length + this.#probes.length,
      remembered: this.#memory.size,
      unanswered: this.#unanswered.size,
    };
  }

  nextTimeout(): Instant {
    let next = NEVER;
    for (const { deadline } of this.#inFlight.values()) if (deadline < next) next = deadline;
    for (const { acknowledgeAt } of this.#unanswered) if (acknowledgeAt < next) next = acknowledgeAt;
    return this.#probes.length > 0 && this.#probing.readyAt() < next ? this.#probing.readyAt() : next;
  }

  /** Whether so much went to a silent peer that the next message must ask for an acknowledgement (RFC 7252 §4.7). */
  mustConfirm(now: Instant): boolean {
    return this.#probing.readyAt() > now;
  }

  handleTimeout(now: Instant): void {
    for (const inbound of this.#unanswered) {
      if (inbound.acknowledgeAt <= now) this.#acknowledgeAlone(inbound, 'acknowledged');
    }
    for (const sent of this.#inFlight.values()) {
      if (sent.deadline > now) continue;
      if (sent.transmissions > this.transmission.maxRetransmit || this.#isTooLate(sent, now))
        this.#settle(sent, 'timeout', now);
      else this.#retransmit(sent, now);
    }
    this.#startProbes(now);
  }

  /** Sends at once, or as soon as NSTART (confirmable) or PROBING_RATE allows. @throws CoapError ENOBUFS if too many wait */
  send(content: MessageContent, confirmable: boolean, context: Context, now: Instant): Sent<Context> {
    const sent: Sent<Context> = {
      content,
      confirmable,
      context,
      messageId: undefined,
      bytes: NO_BYTES,
      transmissions: 0,
      refusals: 0,
      timeout: 0,
      backOff: 2, // RFC 7252 §4.2: binary exponential
      sentAt: now,
      deadline: NEVER,
    };
    if (confirmable && this.#inFlight.size >= this.transmission.nstart) this.#wait(sent, this.#queue);
    else if (!confirmable && isRequestCode(content.code) && this.mustConfirm(now)) this.#wait(sent, this.#probes);
    else this.#start(sent, now);
    return sent;
  }

  /**
   * The network says that nothing takes our datagrams (ICMP port unreachable). Anybody can say so, and the peer may be
   * restarting: given up is only what was refused each time, and often enough (RFC 7252 §4.2 lets a sender give up early).
   */
  refused(now: Instant): void {
    for (const sent of this.#inFlight.values()) {
      if (sent.refusals < sent.transmissions) sent.refusals++;
      const always = sent.refusals === sent.transmissions;
      if (always && sent.refusals >= Math.min(REFUSALS, this.transmission.maxRetransmit + 1)) {
        this.#settle(sent, 'refused', now);
      }
    }
  }

  /** Stops sending it and hearing of it: it was answered otherwise, or nobody cares any more. */
  cancel(sent: Sent<Context>, now: Instant): void {
    if (sent.messageId === undefined) {
      this.#queue = this.#queue.filter((other) => other !== sent);
      this.#probes = this.#probes.filter((other) => other !== sent);
    } else if (this.#inFlight.get(sent.messageId) === sent) {
      this.#inFlight.delete(sent.messageId);
      this.#startQueued(now);
    } else if (this.#nonConfirmable.get(sent.messageId) === sent) this.#nonConfirmable.delete(sent.messageId);
  }

  /** An empty confirmable message; the Reset that answers it comes back as `failed` by `reset` (RFC 7252 §4.3). */
  ping(context: Context, now: Instant): Sent<Context> {
    return this.send({ code: EMPTY_CODE, token: NO_BYTES, options: NO_OPTIONS, payload: NO_BYTES }, true, context, now);
  }

  /** Answers a request: piggy-backed if nothing was said yet, as a message of its own otherwise (RFC 7252 §5.2). */
  respond(inbound: Inbound, content: MessageContent, context: Context, now: Instant): void {
    const { message, state } = inbound;
    if (state === 'done') return;
    if (message.type !== MESSAGE_TYPES.confirmable || state === 'acknowledged') {
      this.#finish(inbound);
      this.send(content, message.type === MESSAGE_TYPES.confirmable, context, now);
      return;
    }
    const bytes = encodeMessage({ ...content, type: MESSAGE_TYPES.acknowledgement, messageId: message.messageId });
    this.#reply(inbound, bytes, 'done');
  }

  /** Says that the message was received and nothing else will come. */
  acknowledge(inbound: Inbound): void {
    if (inbound.state === 'open' && inbound.message.type === MESSAGE_TYPES.confirmable) {
      this.#acknowledgeAlone(inbound, 'done');
    } else this.#finish(inbound);
  }

  /** Takes it as if it had been lost on the way: the peer's next try is delivered anew, unless it was acknowledged already. */
  ignore(inbound: Inbound): void {
    if (inbound.state === 'open') this.#memory.forget(inbound.remembered);
    this.#finish(inbound);
  }

  /** Refuses the message by Reset. */
  reject(inbound: Inbound): void {
    if (inbound.state === 'open')
      this.#reply(inbound, emptyMessage(MESSAGE_TYPES.reset, inbound.message.messageId), 'done');
    else this.#finish(inbound);
  }

  /** Forgets everything under way, handing over each context. */
  abandon(each: (context: Context) => void): void {
    const sent = [...this.#inFlight.values(), ...this.#queue, ...this.#probes];
    this.#inFlight.clear();
    this.#nonConfirmable.clear();
    this.#unanswered.clear();
    this.#queue = [];
    this.#probes = [];
    this.#outputs.length = 0;
    for (const { context } of sent) each(context);
  }

  handleDatagram(bytes: Uint8Array, now: Instant): void {
    let message: CoapMessage;
    try {
      message = decodeMessage(bytes);
    } catch {
      this.#refuseMalformed(bytes);
      return;
    }
    this.#probing.heard();
    this.#startProbes(now);
    if (message.type === MESSAGE_TYPES.acknowledgement) this.#handleAcknowledgement(message, now);
    else if (message.type === MESSAGE_TYPES.reset) this.#handleReset(message, now);
    else if (isRequestCode(message.code) || isResponseCode(message.code)) this.#handleContent(message, now);
    else this.#refuse(message);
  }

  // RFC 7252 §4.2: a confirmable message that is malformed is rejected, any other ignored; another version is ignored (§3).
  #refuseMalformed(bytes: Uint8Array): void {
    this.counters.malformed++;
    if (this.#multicast || bytes.length < 4 || bytes[0]! >> 4 !== 0b0100) return;
    this.#outputs.push({ kind: 'transmit', bytes: emptyMessage(MESSAGE_TYPES.reset, (bytes[2]! << 8) | bytes[3]!) });
  }

  // An empty confirmable message is a ping (RFC 7252 §4.3); the reserved classes are rejected alike (§4.2).
  #refuse(message: CoapMessage): void {
    if (message.code !== EMPTY_CODE) this.counters.unexpected++;
    if (message.type !== MESSAGE_TYPES.confirmable || this.#multicast) return;
    this.#outputs.push({ kind: 'transmit', bytes: emptyMessage(MESSAGE_TYPES.reset, message.messageId) });
  }

  #handleAcknowledgement(message: CoapMessage, now: Instant): void {
    const sent = this.#inFlight.get(message.messageId);
    const empty = message.code === EMPTY_CODE;
    const fits = empty || (isResponseCode(message.code) && sent !== undefined && sameToken(sent.content, message));
    if (sent === undefined || !fits) {
      this.counters.unexpected++;
      return;
    }
    this.#roundTrips?.measured(milliseconds(now - sent.sentAt), sent.transmissions - 1, now);
    this.#settle(sent, 'acknowledged', now);
    if (!empty) this.#outputs.push({ kind: 'response', message, inbound: undefined });
  }

  #handleReset(message: CoapMessage, now: Instant): void {
    const sent = this.#inFlight.get(message.messageId) ?? this.#nonConfirmable.get(message.messageId);
    if (message.code !== EMPTY_CODE || sent === undefined) {
      this.counters.unexpected++;
      return;
    }
    this.#settle(sent, 'reset', now);
  }

  #handleContent(message: CoapMessage, now: Instant): void {
    const { messageId, code } = message;
    if (this.#multicast && (message.type !== MESSAGE_TYPES.nonConfirmable || !isRequestCode(code))) {
      this.counters.unexpected++;
      return;
    }
    const token = tokenKey(message.token);
    const heard = this.#memory.find(messageId, code, token, now);
    if (heard !== undefined) {
      this.counters.duplicates++;
      if (heard.reply !== undefined && message.type === MESSAGE_TYPES.confirmable) {
        this.#outputs.push({ kind: 'transmit', bytes: heard.reply.slice() });
      }
      return;
    }
    const confirmable = message.type === MESSAGE_TYPES.confirmable;
    const lifetime = confirmable ? exchangeLifetime(this.transmission) : nonLifetime(this.transmission);
    const remembered = this.#memory.remember(messageId, code, token, lifetime, now);
    const acknowledgeAt = confirmable ? later(now, this.transmission.processingDelay) : NEVER;
    const inbound: Inbound = { message, remembered, state: 'open', acknowledgeAt };
    if (confirmable) this.#unanswered.add(inbound);
    this.#outputs.push(isRequestCode(code) ? { kind: 'request', inbound } : { kind: 'response', message, inbound });
  }

  #acknowledgeAlone(inbound: Inbound, state: 'acknowledged' | 'done'): void {
    this.#reply(inbound, emptyMessage(MESSAGE_TYPES.acknowledgement, inbound.message.messageId), state);
  }

  #reply(inbound: Inbound, bytes: Uint8Array, state: 'acknowledged' | 'done'): void {
    this.#unanswered.delete(inbound);
    inbound.state = state;
    this.#memory.setReply(inbound.remembered, bytes.slice()); // what is sent belongs to the socket
    this.#outputs.push({ kind: 'transmit', bytes, inbound });
  }

  #finish(inbound: Inbound): void {
    this.#unanswered.delete(inbound);
    inbound.state = 'done';
  }

  #start(sent: Sent<Context>, now: Instant): void {
    const { transmission } = this;
    const messageId = this.#freeMessageId(now);
    const type = sent.confirmable ? MESSAGE_TYPES.confirmable : MESSAGE_TYPES.nonConfirmable;
    const bytes = encodeMessage({ ...sent.content, type, messageId });
    sent.messageId = messageId;
    sent.sentAt = now;
    if (sent.confirmable) {
      const base = this.#roundTrips?.timeout(now) ?? transmission.ackTimeout;
      if (this.#roundTrips !== undefined) sent.backOff = backOffFactor(base);
      sent.timeout = base * (1 + (transmission.ackRandomFactor - 1) * randomUnit(this.#random));
      sent.deadline = later(now, sent.timeout);
      sent.bytes = bytes.slice(); // what is sent belongs to the socket
      this.#inFlight.set(messageId, sent);
    } else {
      this.#probing.spend(bytes.length, now);
      this.#listenForReset(sent, messageId, now);
    }
    this.#transmit(sent, bytes);
  }

  #listenForReset(sent: Sent<Context>, messageId: number, now: Instant): void {
    sent.deadline = later(now, nonLifetime(this.transmission));
    for (const [id, oldest] of this.#nonConfirmable) {
      if (oldest.deadline > now && this.#nonConfirmable.size < MAX_LISTENED_NON) break;
      this.#nonConfirmable.delete(id);
    }
    this.#nonConfirmable.set(messageId, sent);
  }

  #transmit(sent: Sent<Context>, bytes: Uint8Array): void {
    sent.transmissions++;
    this.#outputs.push({ kind: 'transmit', bytes, sent });
  }

  #retransmit(sent: Sent<Context>, now: Instant): void {
    this.counters.retransmissions++;
    sent.timeout *= sent.backOff;
    sent.deadline = later(now, sent.timeout);
    this.#transmit(sent, sent.bytes.slice());
  }

  #settle(sent: Sent<Context>, outcome: 'acknowledged' | 'timeout' | 'reset' | 'refused', now: Instant): void {
    this.cancel(sent, now);
    const { context } = sent;
    this.#outputs.push(
      outcome === 'acknowledged' ? { kind: 'acknowledged', context } : { kind: 'failed', context, reason: outcome },
    );
  }

  // Lifetimes of message ids rest on MAX_TRANSMIT_SPAN, which a timeout that was measured knows nothing of.
  #isTooLate(sent: Sent<Context>, now: Instant): boolean {
    return this.#roundTrips !== undefined && now > later(sent.sentAt, maxTransmitSpan(this.transmission));
  }

  #wait(sent: Sent<Context>, queue: Sent<Context>[]): void {
    if (queue.length >= this.#maxQueued) throw new CoapError('ENOBUFS', `${queue.length} messages wait already`);
    queue.push(sent);
  }

  #startProbes(now: Instant): void {
    while (this.#probes.length > 0 && !this.mustConfirm(now)) {
      const sent = this.#probes.shift();
      if (sent !== undefined) this.#start(sent, now);
    }
  }

  #startQueued(now: Instant): void {
    while (this.#inFlight.size < this.transmission.nstart) {
      const sent = this.#queue.shift();
      if (sent === undefined) return;
      this.#start(sent, now);
    }
  }

  #freeMessageId(now: Instant): number {
    const id = this.#messageIds.take(now, (taken) => this.#inFlight.has(taken) || this.#nonConfirmable.has(taken));
    this.counters.reusedMessageIds = this.#messageIds.reused;
    return id;
  }
}

function emptyMessage(type: 2 | 3, messageId: number): Uint8Array {
  return encodeMessage({ type, code: EMPTY_CODE, messageId, token: NO_BYTES, options: NO_OPTIONS, payload: NO_BYTES });
}

function sameToken(a: MessageContent, b: MessageContent): boolean {
  return tokenKey(a.token) === tokenKey(b.token);
}
