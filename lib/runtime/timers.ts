// Waking up at an instant: the only place of the project that calls setTimeout.

import type { Clock, Instant } from './clock.ts';

/** A wake-up that has been asked for. */
export interface Timer {
  /** Takes the wake-up back; without effect once it has happened. */
  cancel(): void;
}

export interface Timers {
  /** Calls `wake` once, at `at` or as soon after as the host allows; never from inside this call. */
  at(at: Instant, wake: () => void): Timer;
}

const LONGEST_TIMEOUT = 0x7fffffff; // setTimeout's delay is a signed 32-bit integer

/**
 * Timers on the host's setTimeout. Deadlines beyond 24.8 days are reached in several steps; what is due already happens after
 * the present call stack and what has arrived, without the millisecond that setTimeout takes at least.
 */
export class SystemTimers implements Timers {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  at(at: Instant, wake: () => void): Timer {
    if (at === Number.POSITIVE_INFINITY) return { cancel: () => undefined };
    if (at <= this.#clock.now()) {
      const immediate = setImmediate(wake);
      return { cancel: () => clearImmediate(immediate) };
    }
    let handle: ReturnType<typeof setTimeout> | undefined;
    const arm = (): void => {
      const wait = at - this.#clock.now();
      if (wait > LONGEST_TIMEOUT) handle = setTimeout(arm, LONGEST_TIMEOUT);
      else handle = setTimeout(() => (this.#clock.now() < at ? arm() : wake()), Math.max(0, Math.ceil(wait)));
    };
    arm();
    return { cancel: () => clearTimeout(handle) };
  }
}
