// Many deadlines, one wake-up: a core keeps its deadlines here and tells its driver only the next one.

import { type Instant, NEVER } from './clock.ts';

/** Deadlines by key. Small tables (a handful of keys) are the intended use: operations are linear. */
export class TimerTable<Key extends string | number> {
  readonly #deadlines = new Map<Key, Instant>();

  /** Sets or moves the deadline of `key`. */
  set(key: Key, at: Instant): void {
    this.#deadlines.set(key, at);
  }

  cancel(key: Key): void {
    this.#deadlines.delete(key);
  }

  clear(): void {
    this.#deadlines.clear();
  }

  deadline(key: Key): Instant | undefined {
    return this.#deadlines.get(key);
  }

  /** The earliest deadline, or NEVER. */
  next(): Instant {
    let next = NEVER;
    for (const at of this.#deadlines.values()) if (at < next) next = at;
    return next;
  }

  /** Removes and returns the keys due at `now`, earliest first. */
  expire(now: Instant): Key[] {
    const due = [...this.#deadlines].filter(([, at]) => at <= now).sort(([, a], [, b]) => a - b);
    for (const [key] of due) this.#deadlines.delete(key);
    return due.map(([key]) => key);
  }
}
