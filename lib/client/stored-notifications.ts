// What a server should have heard while it could not be reached (LwM2M Core 1.2 Appendix E.2, /1/x/6; §5.1.2, hqmax).

import type { Entry } from '../model/index.ts';
import type { Subject } from './notification-schedule.ts';

/** Values of one observation at one time. */
export interface Reading {
  /** Milliseconds since 1970; undefined where the device does not know. */
  readonly at: number | undefined;
  readonly entries: readonly Entry[];
}

/** Readings by observation. The oldest is dropped first: beyond an observation's own bound its own, beyond that of all anybody's. */
export class StoredNotifications {
  readonly #limit: number;
  /** In the order of storing, so that the first is the oldest of all. */
  readonly #readings = new Map<Reading, Subject>();
  readonly #bySubject = new Map<Subject, Reading[]>();
  #dropped = 0;

  /** @param limit readings of all observations together */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#readings.size;
  }

  /** How many were dropped for a newer one. */
  get dropped(): number {
    return this.#dropped;
  }

  /** @param most of this observation (hqmax); undefined: as many as there is room for */
  add(subject: Subject, reading: Reading, most: number | undefined): void {
    const own = this.#bySubject.get(subject) ?? [];
    this.#bySubject.set(subject, own);
    own.push(reading);
    this.#readings.set(reading, subject);
    while (own.length > (most ?? Infinity)) this.#drop(own[0]!);
    while (this.#readings.size > this.#limit) this.#drop(first(this.#readings));
  }

  /** Those of one observation, the oldest first; they are stored no longer. */
  take(subject: Subject): readonly Reading[] {
    const own = this.#bySubject.get(subject) ?? [];
    this.#bySubject.delete(subject);
    for (const reading of own) this.#readings.delete(reading);
    return own;
  }

  clear(): void {
    this.#readings.clear();
    this.#bySubject.clear();
  }

  #drop(reading: Reading): void {
    const subject = this.#readings.get(reading)!;
    this.#readings.delete(reading);
    const own = this.#bySubject.get(subject)!;
    own.shift(); // readings of one observation are in the order of storing, too
    if (own.length === 0) this.#bySubject.delete(subject);
    this.#dropped++;
  }
}

function first(readings: ReadonlyMap<Reading, Subject>): Reading {
  const [reading] = readings.keys();
  return reading!;
}
