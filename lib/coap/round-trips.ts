// CoCoA (draft-ietf-core-cocoa-03): the retransmission timeout follows the round trips measured, for a peer that answers
// faster or slower than ACK_TIMEOUT supposes.

import { type Duration, type Instant, later, milliseconds, seconds } from '../runtime/index.ts';

/** One estimator: smoothed round trip and its variation, in milliseconds (RFC 6298 §2). */
class Estimator {
  readonly #k: number;
  #smoothed: number | undefined;
  #variation = 0;

  constructor(k: number) {
    this.#k = k;
  }

  /** Takes a round trip. @returns the timeout that follows from all so far */
  take(roundTrip: number): number {
    if (this.#smoothed === undefined) {
      this.#smoothed = roundTrip;
      this.#variation = roundTrip / 2;
    } else {
      this.#variation = 0.75 * this.#variation + 0.25 * Math.abs(this.#smoothed - roundTrip);
      this.#smoothed = 0.875 * this.#smoothed + 0.125 * roundTrip;
    }
    return this.#smoothed + this.#k * this.#variation;
  }
}

const STRONG_K = 4; // §4.2.1
const WEAK_K = 1; // §4.2.1
const STRONG_WEIGHT = 0.5; // §4.2.1
const WEAK_WEIGHT = 0.25; // §4.2.1
const MOST_RETRANSMISSIONS_MEASURED = 2; // §4.2: the weak estimator takes no more
const SHORT = seconds(1); // §4.2.1 and §4.3: below it back off by 3, and age upwards
const LONG = seconds(3); // §4.2.1 and §4.3: above it back off by 1.5, and age downwards
const LONGEST = seconds(60); // §4.2.1, from RFC 6298 §2.5

/** The timeout of one peer. */
export class RoundTrips {
  readonly #strong = new Estimator(STRONG_K);
  readonly #weak = new Estimator(WEAK_K);
  #timeout: Duration;
  #updatedAt: Instant | undefined;

  /** @param initial ACK_TIMEOUT, until something has been measured */
  constructor(initial: Duration) {
    this.#timeout = initial;
  }

  /** For a first transmission, before dithering by ACK_RANDOM_FACTOR. Ages without measurements (§4.3). */
  timeout(now: Instant): Duration {
    if (this.#updatedAt === undefined) return this.#timeout;
    if (this.#timeout < SHORT && now > later(this.#updatedAt, milliseconds(16 * this.#timeout))) {
      this.#set(2 * this.#timeout, now);
    } else if (this.#timeout > LONG && now > later(this.#updatedAt, milliseconds(4 * this.#timeout))) {
      this.#set(1_000 + 0.5 * this.#timeout, now);
    }
    return this.#timeout;
  }

  /**
   * A message was acknowledged: `roundTrip` since its first transmission. With no retransmission it is a strong
   * measurement; with one or two a weak one, for nobody knows which of them was acknowledged.
   */
  measured(roundTrip: Duration, retransmissions: number, now: Instant): void {
    if (retransmissions > MOST_RETRANSMISSIONS_MEASURED) return;
    const isStrong = retransmissions === 0;
    const estimate = (isStrong ? this.#strong : this.#weak).take(roundTrip);
    const weight = isStrong ? STRONG_WEIGHT : WEAK_WEIGHT;
    this.#set(weight * estimate + (1 - weight) * this.#timeout, now);
  }

  #set(timeout: number, now: Instant): void {
    this.#timeout = milliseconds(Math.min(timeout, LONGEST));
    this.#updatedAt = now;
  }
}

/** What a wait is multiplied by for the next one, by the first wait (variable back-off factor, §4.2.1). */
export function backOffFactor(initial: Duration): number {
  if (initial < SHORT) return 3;
  return initial > LONG ? 1.5 : 2;
}
