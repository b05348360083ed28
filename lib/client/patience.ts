// How long the application may take with what a server has asked of it: functions of objects may never answer.

import { type Duration, type Environment, formatDuration, later, seconds } from '../runtime/index.ts';
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
    const { clock, timers } = this.#environment;
    return new Promise((resolve, reject) => {
      const timer = timers.at(later(clock.now(), this.#limit), () => {
        over?.();
        reject(new ModelError('internal', `the application did not answer within ${formatDuration(this.#limit)}`));
      });
      answer.then(resolve, reject).finally(() => timer.cancel());
    });
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
