// When the patience with the other end of a stream is over: with its CSM, a message it began, its silence, its slowness.

import { type Duration, type Instant, NEVER, later } from '../runtime/index.ts';

export interface StreamPatience {
  readonly csmTimeout: Duration;
  readonly messageTimeout: Duration;
  readonly pingInterval: Duration;
  readonly pingTimeout: Duration;
}

/** What is due, and the words for it. */
export type Overdue =
  | { readonly kind: 'ping' }
  | { readonly kind: 'over'; readonly why: string }
  /** The peer had time enough to end the connection itself. */
  | { readonly kind: 'end' };

export class StreamDeadlines {
  readonly #patience: StreamPatience;
  #csm: Instant;
  #message: Instant = NEVER;
  #stalled: Instant = NEVER;
  #end: Instant = NEVER;
  #ping: Instant;
  #pong: Instant = NEVER;

  constructor(patience: StreamPatience, now: Instant) {
    this.#patience = patience;
    this.#csm = later(now, patience.csmTimeout);
    this.#ping = later(now, patience.pingInterval);
  }

  /** Bytes came: the peer is there. */
  heard(now: Instant): void {
    this.#ping = later(now, this.#patience.pingInterval);
    this.#pong = NEVER;
  }

  /** We asked whether it is there. */
  pinged(now: Instant): void {
    if (this.#pong === NEVER) this.#pong = later(now, this.#patience.pingTimeout);
  }

  introduced(): void {
    this.#csm = NEVER;
  }

  /** @param isAmidst whether a message has begun that has not ended; each has the whole time */
  received(isAmidst: boolean, ended: boolean, now: Instant): void {
    if (!isAmidst) this.#message = NEVER;
    else if (ended || this.#message === NEVER) this.#message = later(now, this.#patience.messageTimeout);
  }

  /** @param progressed whether the stream took something just now */
  sending(isBlocked: boolean, progressed: boolean, now: Instant): void {
    if (!isBlocked) this.#stalled = NEVER;
    else if (progressed || this.#stalled === NEVER) this.#stalled = later(now, this.#patience.messageTimeout);
  }

  /** The connection is to end, and does not wait for long. */
  ending(now: Instant): void {
    if (this.#end === NEVER) this.#end = later(now, this.#patience.messageTimeout);
  }

  next(): Instant {
    return Math.min(this.#csm, this.#message, this.#stalled, this.#end, this.#ping, this.#pong) as Instant;
  }

  /** What is due first; a ping that is due counts as sent. */
  overdue(now: Instant): Overdue | undefined {
    if (this.#end <= now) return { kind: 'end' };
    if (this.#csm <= now) return { kind: 'over', why: 'no CSM came' };
    if (this.#message <= now) return { kind: 'over', why: 'a message was begun and not ended' };
    if (this.#stalled <= now) return { kind: 'over', why: 'the peer takes nothing' };
    if (this.#pong <= now) return { kind: 'over', why: 'the peer is silent' };
    if (this.#ping > now) return undefined;
    this.#ping = NEVER;
    this.pinged(now);
    return { kind: 'ping' };
  }
}
