// One observation as its server sees it (RFC 7641 §4): one confirmable notification in flight, the newest kept behind it,
// and no more of them out than there are turns.

import { type Instant, days, later } from '../runtime/index.ts';
import type { Delivery } from './carrier.ts';
import { CoapError } from './coap-error.ts';
import type { NotificationTurns, TurnTaker } from './notification-turns.ts';
import type { Observation, ObservationWatcher, OutgoingResponse } from './exchange.ts';

const CONFIRMABLE_AT_LEAST_EVERY = days(1); // RFC 7641 §4.5

type EndReason = Parameters<ObservationWatcher['ended']>[0];

export interface ServerObservationContext {
  now(): Instant;
  /** Whether the peer has been silent for so long that the next notification must be confirmable. */
  mustConfirm(): boolean;
  readonly turns: NotificationTurns;
  /** Sends one notification; throws what the carrier throws. @returns its sequence number */
  transmit(response: OutgoingResponse, confirmable: boolean, delivery: Delivery): number;
  /** Forgets the observation. */
  removed(): void;
}

interface Pending {
  response: OutgoingResponse;
  confirmable: boolean;
  readonly waiting: { resolve(): void; reject(error: Error): void }[];
}

export class ServerObservation implements Observation, TurnTaker {
  readonly #watcher: ObservationWatcher;
  readonly #context: ServerObservationContext;
  sequence = 0;
  #active = true;
  #busy = true; // until the response that accepts it has gone out
  #lastConfirmable: Instant;
  #pending: Pending | undefined;

  constructor(watcher: ObservationWatcher, context: ServerObservationContext) {
    this.#watcher = watcher;
    this.#context = context;
    this.#lastConfirmable = context.now();
  }

  get active(): boolean {
    return this.#active;
  }

  notify(response: OutgoingResponse, options: { readonly confirmable?: boolean } = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!this.#active) return reject(new CoapError('ECANCELED', 'the observation has ended'));
      const waiting = this.#pending?.waiting ?? [];
      waiting.push({ resolve, reject });
      this.#pending = { response, confirmable: options.confirmable ?? false, waiting };
      if (!this.#busy) this.#sendPending();
    });
  }

  /** Hears what becomes of the response that accepts it, if that is a message of its own. */
  get registration(): Delivery {
    return { acknowledged: () => undefined, failed: (error) => this.#fail(error) };
  }

  /** The response that accepts it, of that number, is out: notifications may follow. */
  established(sequence: number): void {
    this.sequence = sequence;
    this.#busy = false;
    this.#sendPending();
  }

  /** It may be its turn. */
  proceed(): void {
    if (!this.#busy) this.#sendPending();
  }

  end(): void {
    this.#finish(new CoapError('ECANCELED', 'the observation was ended'));
  }

  /** Ends it, and says so. */
  endFor(reason: EndReason, error?: Error): void {
    if (!this.#active) return;
    this.#finish(error ?? new CoapError('ECANCELED', `the observation ended: ${reason}`));
    this.#watcher.ended(reason);
  }

  #sendPending(): void {
    const pending = this.#pending;
    if (pending === undefined || !this.#active) return;
    const { turns } = this.#context;
    const now = this.#context.now();
    const isDue = now >= later(this.#lastConfirmable, CONFIRMABLE_AT_LEAST_EVERY);
    const confirmable = pending.confirmable || isDue || this.#context.mustConfirm();
    if (confirmable && !turns.take(this)) return; // the newest stays pending
    this.#pending = undefined;
    if (confirmable) this.#lastConfirmable = now;
    this.#busy = confirmable;
    const last = pending.response.code >= 0x80; // RFC 7641 §4.2: an error is the last notification
    let failed = false;
    const settled = (error?: Error): void => {
      for (const waiting of pending.waiting.splice(0)) {
        if (error === undefined) waiting.resolve();
        else waiting.reject(error);
      }
    };
    let holdsTurn = confirmable;
    const endTurn = (): void => {
      if (holdsTurn) turns.done();
      holdsTurn = false;
    };
    const delivery: Delivery = {
      acknowledged: () => {
        settled();
        this.#free();
        endTurn();
      },
      failed: (error) => {
        failed = true;
        settled(error);
        this.#fail(error);
        endTurn();
      },
    };
    try {
      this.sequence = this.#context.transmit(pending.response, confirmable, delivery);
    } catch (error) {
      delivery.failed(error instanceof Error ? error : new CoapError('EINVAL', String(error)));
    }
    if (!confirmable && !failed) settled();
    if (last && !failed) this.#finish(new CoapError('ECANCELED', 'the observation ended with an error response'));
  }

  #fail(error: Error): void {
    const code = error instanceof CoapError ? error.code : undefined;
    if (code === 'ECONNRESET') this.endFor('reset', error);
    else if (code === 'ETIMEDOUT') this.endFor('timeout', error);
    else this.#free();
  }

  #free(): void {
    this.#busy = false;
    this.#sendPending();
  }

  #finish(error: Error): void {
    if (!this.#active) return;
    this.#active = false;
    this.#context.removed();
    this.#context.turns.leave(this);
    for (const waiting of this.#pending?.waiting ?? []) waiting.reject(error);
    this.#pending = undefined;
  }
}
