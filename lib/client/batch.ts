// Changes that belong together: while they are made nobody is told of a part of them.

import { type Duration, type Environment, formatDuration, later, seconds } from '../runtime/index.ts';

/** Ours: a batch is a few assignments; one that waits for something must not keep notifications for long. */
export const DEFAULT_BATCH_TIMEOUT: Duration = seconds(10);

/** Counts the batches that are open. */
export class Batches {
  readonly #environment: Environment;
  readonly #limit: Duration;
  readonly #hold: (held: boolean) => void;
  #open = 0;

  /** @param hold told when the first begins, and when the last has ended */
  constructor(environment: Environment, limit: Duration, hold: (held: boolean) => void) {
    this.#environment = environment;
    this.#limit = limit;
    this.#hold = hold;
  }

  /** Calls `work`; the batch lasts until it returns or throws, or until its promise settles, but no longer than the limit. */
  run<T>(work: () => T): T {
    const leave = this.#enter();
    let result: T;
    try {
      result = work();
    } catch (error) {
      leave();
      throw error;
    }
    if (result instanceof Promise) this.#await(result, leave);
    else leave();
    return result;
  }

  #await(result: Promise<unknown>, leave: () => void): void {
    const { clock, timers, log } = this.#environment;
    const timer = timers.at(later(clock.now(), this.#limit), () => {
      log.warn({ limit: formatDuration(this.#limit) }, 'a batch takes too long: what has changed so far is told now');
      leave();
    });
    const settled = (): void => {
      timer.cancel();
      leave();
    };
    result.then(settled, settled);
  }

  /** @returns leaves it; without effect the second time */
  #enter(): () => void {
    if (this.#open++ === 0) this.#hold(true);
    let isIn = true;
    return () => {
      if (!isIn) return;
      isIn = false;
      if (--this.#open === 0) this.#hold(false);
    };
  }
}
