// When to try again: attempts with exponential back-off in sequences (LwM2M Core 1.2 §6.2.1.1, /1/x/17 to 20).

import { type Duration, days, hours, minutes, seconds } from '../runtime/index.ts';

/** How often and how soon a registration is tried again. */
export interface CommunicationRetry {
  /** Attempts in one sequence (/1/x/17). Default 5. */
  readonly count: number;
  /** Wait after the first failed attempt, doubled after each further one (/1/x/18). Default 1 min. */
  readonly timer: Duration;
  /** Wait between sequences (/1/x/19). Default 24 h. */
  readonly sequenceDelay: Duration;
  /** Sequences before the registration counts as failed (/1/x/20). Default 1. */
  readonly sequenceCount: number;
  /** No wait within a sequence is longer. Default 1 day. */
  readonly maxDelay: Duration;
}

/** LwM2M Core 1.2 §6.2.1.1, table "Registration Procedures Default Values"; the longest wait is our own. */
export const DEFAULT_COMMUNICATION_RETRY: CommunicationRetry = Object.freeze({
  count: 5,
  timer: minutes(1),
  sequenceDelay: hours(24),
  sequenceCount: 1,
  maxDelay: days(1),
});

const LEAST_DELAY = seconds(1); // ours: a server that writes 0 into /1/x/18 must not have us run in circles

/** Counts failed attempts and tells how long to wait. */
export class RetrySchedule {
  readonly #retry: CommunicationRetry;
  #attempt = 0;
  #sequence = 1;

  constructor(retry: CommunicationRetry = DEFAULT_COMMUNICATION_RETRY) {
    this.#retry = retry;
  }

  /** The wait before the first repetition. */
  get firstDelay(): Duration {
    return this.#retry.timer;
  }

  /** Failed attempts of the current sequence. */
  get attempt(): number {
    return this.#attempt;
  }

  /** Notes a failed attempt. @returns the wait before the next, or undefined if there is none */
  failed(): Duration | undefined {
    this.#attempt++;
    if (this.#attempt < this.#retry.count) {
      const wait = Math.max(this.#retry.timer, LEAST_DELAY) * 2 ** (this.#attempt - 1);
      return Math.min(wait, this.#retry.maxDelay) as Duration;
    }
    if (this.#sequence >= this.#retry.sequenceCount) return undefined;
    this.#sequence++;
    this.#attempt = 0;
    return Math.max(this.#retry.sequenceDelay, LEAST_DELAY) as Duration;
  }

  reset(): void {
    this.#attempt = 0;
    this.#sequence = 1;
  }
}
