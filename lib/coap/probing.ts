// PROBING_RATE (RFC 7252 §4.7): how much goes to a peer that says nothing.

import { type Instant, milliseconds, later } from '../runtime/index.ts';

const ALWAYS = 0 as Instant;

/**
 * What may be sent without hearing from the peer: a first burst, and after it so many bytes a second on average. Any
 * message of the peer begins it anew.
 */
export class ProbingBudget {
  readonly #bytesPerSecond: number;
  readonly #burstBytes: number;
  /** When what was sent so far has been paid for; undefined: nothing has been sent since the peer was heard. */
  #paidAt: Instant | undefined;

  /** @param bytesPerSecond Infinity: no limit */
  constructor(bytesPerSecond: number, burstBytes: number) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#burstBytes = burstBytes;
  }

  /** The peer is there. */
  heard(): void {
    this.#paidAt = undefined;
  }

  spend(bytes: number, now: Instant): void {
    const from = this.#paidAt !== undefined && this.#paidAt > now ? this.#paidAt : now;
    this.#paidAt = later(from, milliseconds((bytes * 1_000) / this.#bytesPerSecond));
  }

  /** From when on something may be sent; it may have passed. */
  readyAt(): Instant {
    if (this.#paidAt === undefined) return ALWAYS;
    return (this.#paidAt - (this.#burstBytes * 1_000) / this.#bytesPerSecond) as Instant;
  }
}
