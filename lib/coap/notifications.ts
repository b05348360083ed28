// An observation to iterate over (RFC 7641): `for await (const notification of notifications)`.

import { type Environment, type Timer, later, milliseconds, randomUnit, seconds } from '../runtime/index.ts';
import { CoapError } from './coap-error.ts';
import type { CoapConnection, IncomingResponse, ObservedResource, OutgoingRequest } from './exchange.ts';

export interface NotificationsOptions {
  /** Ends the observation: the next `next()` rejects with CoapError ECANCELED. */
  readonly signal?: AbortSignal | undefined;
  /** Notifications kept for a slow reader; the oldest gives way to the newest. Default 16 (ours). */
  readonly maxBuffered?: number | undefined;
  /** Registers anew when nothing was heard for Max-Age and 5 to 15 s (RFC 7641 §3.3.1). Default false. */
  readonly keepFresh?: boolean | undefined;
}

interface Reader {
  resolve(result: IteratorResult<IncomingResponse, undefined>): void;
  reject(error: Error): void;
}

const DONE: IteratorResult<IncomingResponse, undefined> = { done: true, value: undefined };
const LEAST_GRACE = seconds(5); // RFC 7641 §3.3.1
const MOST_GRACE = seconds(15); // RFC 7641 §3.3.1

/**
 * The first response and then each notification, in order. To leave the loop deregisters. It ends when the peer ends the
 * observation by an error response, which comes last, and at once if the peer does not let observe; it throws what breaks it.
 */
export class Notifications implements AsyncIterableIterator<IncomingResponse> {
  readonly #environment: Environment;
  readonly #options: NotificationsOptions;
  readonly #buffer: IncomingResponse[] = [];
  #observed: ObservedResource | undefined;
  #reader: Reader | undefined;
  #ended = false;
  #failure: Error | undefined;
  #dropped = 0;
  #timer: Timer | undefined;

  /** @throws CoapError as `observe` does; RangeError if maxBuffered is none */
  static async open(
    connection: CoapConnection,
    request: OutgoingRequest,
    environment: Environment,
    options: NotificationsOptions = {},
  ): Promise<Notifications> {
    const { signal, maxBuffered = 16 } = options;
    if (!(maxBuffered >= 1)) throw new RangeError(`maxBuffered: expected 1 at least, found ${maxBuffered}`);
    const notifications = new Notifications(environment, { ...options, maxBuffered });
    const observed = await connection.observe(request, (response) => notifications.#take(response), {
      signal,
      ended: (cause) => notifications.#end(cause),
    });
    notifications.#begin(observed);
    return notifications;
  }

  private constructor(environment: Environment, options: NotificationsOptions) {
    this.#environment = environment;
    this.#options = options;
  }

  /** Notifications that a slow reader never saw. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Whether more may come. */
  get active(): boolean {
    return !this.#ended;
  }

  next(): Promise<IteratorResult<IncomingResponse, undefined>> {
    const response = this.#buffer.shift();
    if (response !== undefined) return Promise.resolve({ done: false, value: response });
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#ended) return Promise.resolve(DONE);
    return new Promise((resolve, reject) => (this.#reader = { resolve, reject }));
  }

  /** Deregisters. */
  async return(): Promise<IteratorResult<IncomingResponse, undefined>> {
    this.#end(undefined);
    this.#buffer.length = 0;
    await this.#observed?.cancel();
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  // Notifications may have come while a large first response was fetched: it is older than they are.
  #begin(observed: ObservedResource): void {
    this.#observed = observed;
    this.#buffer.unshift(observed.response);
    if (!observed.active) this.#end(this.#failure);
    if (this.#ended) return;
    this.#options.signal?.addEventListener('abort', this.#abort, { once: true });
    this.#keepFresh(observed.response);
  }

  readonly #abort = (): void => {
    this.#end(new CoapError('ECANCELED', 'the observation was aborted', this.#options.signal?.reason));
    this.#observed?.cancel().catch(() => undefined); // who aborts does not wait for the peer's answer
  };

  #take(response: IncomingResponse): void {
    if (this.#ended) return;
    this.#keepFresh(response);
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader !== undefined) return reader.resolve({ done: false, value: response });
    this.#buffer.push(response);
    if (this.#buffer.length <= (this.#options.maxBuffered ?? Infinity)) return;
    this.#buffer.shift();
    this.#dropped++;
  }

  #end(cause: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = cause;
    this.#timer?.cancel();
    this.#options.signal?.removeEventListener('abort', this.#abort);
    const reader = this.#reader;
    this.#reader = undefined;
    if (cause !== undefined) reader?.reject(cause);
    else reader?.resolve(DONE);
  }

  #keepFresh({ maxAge }: IncomingResponse): void {
    if (this.#options.keepFresh !== true) return;
    this.#timer?.cancel();
    const { clock, timers, random } = this.#environment;
    const grace = LEAST_GRACE + (MOST_GRACE - LEAST_GRACE) * randomUnit(random);
    const due = later(clock.now(), milliseconds(maxAge * 1_000 + grace));
    this.#timer = timers.at(due, () => {
      this.#observed?.refresh().catch((error: unknown) => this.#end(error instanceof Error ? error : undefined));
    });
  }
}
