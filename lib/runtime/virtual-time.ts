// Time that moves only when told: the clock and timers of the simulator. No test sleeps.

import { type Clock, type Instant, later } from './clock.ts';
import type { Timer, Timers } from './timers.ts';

interface Entry {
  readonly at: Instant;
  readonly order: number;
  wake: (() => void) | undefined; // undefined once run or cancelled
}

/** A clock and timers in one. Wake-ups run in order of time, then in the order they were asked for. */
export class VirtualTime implements Clock, Timers {
  readonly simulated = true;
  readonly #heap: Entry[] = [];
  readonly #wallStart: number;
  #now = 0 as Instant;
  #order = 0;
  #pending = 0;

  /** @param wallStart what `wallTime()` says at the start, milliseconds since 1970 */
  constructor(wallStart: number = Date.UTC(2026, 0, 1)) {
    this.#wallStart = wallStart;
  }

  now(): Instant {
    return this.#now;
  }

  wallTime(): number {
    return this.#wallStart + this.#now;
  }

  at(at: Instant, wake: () => void): Timer {
    if (at === Number.POSITIVE_INFINITY) return { cancel: () => undefined };
    const entry: Entry = { at: at < this.#now ? this.#now : at, order: this.#order++, wake };
    this.#push(entry);
    this.#pending++;
    return {
      cancel: () => {
        if (entry.wake !== undefined) this.#pending--;
        entry.wake = undefined;
      },
    };
  }

  /** Wake-ups that are still to come. */
  get pending(): number {
    return this.#pending;
  }

  /** Runs the earliest wake-up, moving time to it. @returns false if there is none */
  step(): boolean {
    for (let entry = this.#pop(); entry !== undefined; entry = this.#pop()) {
      const { wake } = entry;
      if (wake === undefined) continue;
      entry.wake = undefined;
      this.#pending--;
      this.#now = entry.at;
      wake();
      return true;
    }
    return false;
  }

  /** Runs everything due within `duration` and moves time to its end, letting promises settle in between. */
  async advance(duration: number): Promise<void> {
    const end = later(this.#now, duration);
    await settle();
    for (let head = this.#head(); head !== undefined && head.at <= end; head = this.#head()) {
      this.step();
      await settle();
    }
    this.#now = end;
  }

  /**
   * Runs until `promise` settles, and gives its result.
   * @throws Error if nothing is left to wake up, or `limit` (default 1 day) passes: the promise would hang
   */
  async run<T>(promise: Promise<T>, limit = 86_400_000): Promise<T> {
    const end = this.#now + limit;
    let settled = false;
    const done = (): void => void (settled = true);
    promise.then(done).catch(done);
    await settle();
    while (!settled) {
      if (this.#now > end) throw new Error(`virtual time ran ${limit} ms and the promise is still pending`);
      if (!this.step()) {
        await settle();
        if (!settled && this.#head() === undefined)
          throw new Error('nothing is left to happen and the promise is pending');
      }
      await settle();
    }
    return promise;
  }

  #head(): Entry | undefined {
    for (let head = this.#heap[0]; head !== undefined; head = this.#heap[0]) {
      if (head.wake !== undefined) return head;
      this.#pop();
    }
    return undefined;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Lets every promise that can settle do so: one turn of the host's event loop. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
