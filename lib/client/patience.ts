// How long the application may take with what a server has asked of it: functions of objects may never answer.

import { type Duration, type Environment, type Timer, formatDuration, later, seconds } from '../runtime/index.ts';
import { ModelError, type Prepared } from '../model/index.ts';
import { performAll } from './composite.ts';

/** Ours: below what servers wait for an answer (RFC 7252 §4.8.2, 93 s and more), above what slow buses take. */
export const DEFAULT_HANDLER_TIMEOUT: Duration = seconds(30);

/** Bounds every wait for the application. */
export class Patience {
  readonly #limit: Duration;
  readonly #environment: Pick<Environment, 'clock' | 'timers'>;

  constructor(limit: Duration, environment: Pick<Environment, 'clock' | 'timers'>) {
    this.#limit = limit;
    this.#environment = environment;
  }

  /** What `answer` gives. @throws ModelError internal if it takes too long; `over` is told then */
  wait<T>(answer: Promise<T>, over?: () => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.#arm(() => {
        over?.();
        reject(this.#tooLate());
      });
      answer.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  /** What `work` gives, which reads parts that a peer sends: it may take so long with each. @throws ModelError internal */
  waitForParts<T>(parts: Parts, work: (parts: Parts) => Promise<T>): Promise<T> {
    return new PatientWork<T>(
      (wake) => this.#arm(wake),
      () => this.#tooLate(),
    ).run(parts, work);
  }

  #arm(wake: () => void): Timer {
    const { clock, timers } = this.#environment;
    return timers.at(later(clock.now(), this.#limit), wake);
  }

  #tooLate(): ModelError {
    return new ModelError('internal', `the application did not answer within ${formatDuration(this.#limit)}`);
  }
}

type Parts = AsyncIterable<Uint8Array>;

/** Work of the application on parts that a peer sends: patience is had anew with each, and does not run while none is there. */
class PatientWork<T> {
  readonly #arm: (wake: () => void) => Timer;
  readonly #tooLate: () => ModelError;
  #timer: Timer | undefined;
  #failure: ModelError | undefined;
  #hasEnded = false;

  constructor(arm: (wake: () => void) => Timer, tooLate: () => ModelError) {
    this.#arm = arm;
    this.#tooLate = tooLate;
  }

  run(parts: Parts, work: (parts: Parts) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const wait = (): void => {
        if (this.#hasEnded) return;
        this.#timer = this.#arm(() => {
          this.#failure = this.#tooLate();
          reject(this.#failure);
        });
      };
      wait();
      work(this.#watched(parts, wait))
        .then(resolve, reject)
        .finally(() => {
          this.#hasEnded = true;
          this.#timer?.cancel();
        });
    });
  }

  async *#watched(parts: Parts, wait: () => void): AsyncGenerator<Uint8Array, void, undefined> {
    const source = parts[Symbol.asyncIterator]();
    try {
      for (;;) {
        if (this.#failure !== undefined) throw this.#failure;
        this.#timer?.cancel();
        const next = await source.next().finally(wait);
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await source.return?.();
    }
  }
}

/** One request being answered: what it asks for happens before the server is told that it did not, or never. */
export class Turn {
  #isOver = false;

  readonly end = (): void => {
    this.#isOver = true;
  };

  /** All of what was prepared, or nothing. @throws ModelError internal once it is too late */
  readonly perform = <T>(prepared: readonly Prepared<T>[]): readonly T[] => {
    if (this.#isOver) throw new ModelError('internal', 'the application agreed too late: the request has been refused');
    return performAll(prepared);
  };
}
