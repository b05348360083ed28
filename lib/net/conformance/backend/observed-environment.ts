// An environment that remembers which timers are alive and what was logged.

import type { Environment, Instant, Log, LogMethod, Timer } from '../../../runtime/index.ts';

/** Everything else is that of the environment it stands before. */
export class ObservedEnvironment implements Environment {
  readonly clock: Environment['clock'];
  readonly random: Environment['random'];
  readonly timers: Environment['timers'];
  readonly log: Log;
  /** What was logged, fields and message as they were given. */
  readonly logged: unknown[] = [];
  readonly #alive = new Set<object>();

  constructor(environment: Environment) {
    this.clock = environment.clock;
    this.random = environment.random;
    this.timers = { at: (at, wake) => this.#at(environment, at, wake) };
    this.log = this.#log();
  }

  /** Wake-ups asked for that neither happened nor were taken back. */
  get timersAlive(): number {
    return this.#alive.size;
  }

  #at({ timers }: Environment, at: Instant, wake: () => void): Timer {
    if (at === Number.POSITIVE_INFINITY) return timers.at(at, wake);
    const entry = {};
    this.#alive.add(entry);
    const timer = timers.at(at, () => {
      this.#alive.delete(entry);
      wake();
    });
    return {
      cancel: () => {
        this.#alive.delete(entry);
        timer.cancel();
      },
    };
  }

  #log(): Log {
    const method: LogMethod = (...given: readonly unknown[]) => void this.logged.push(given);
    const child = (bindings: Record<string, unknown>): Log => {
      this.logged.push(bindings);
      return this.#log();
    };
    return { trace: method, debug: method, info: method, warn: method, error: method, child };
  }
}
