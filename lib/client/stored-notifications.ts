// What a server should have heard while it could not be reached (LwM2M Core 1.2 Appendix E.2, /1/x/6; §5.1.2, hqmax).

import type { Entry, Path } from '../model/index.ts';
import type { Subject } from './notification-schedule.ts';

/** Values of one observation at one time. */
export interface Reading {
  /** Milliseconds since 1970; undefined where the device does not know. */
  readonly at: number | undefined;
  readonly entries: readonly Entry[];
}

/** How many values at a path are kept for one observation (hqmax); undefined: as many as there is room for. */
export type BoundOf = (path: Path) => number | undefined;

/** A reading that may lose values to newer ones. */
interface Kept {
  readonly subject: Subject;
  readonly at: number | undefined;
  entries: readonly Entry[];
}

const VALUES_EACH = 100; // ours: of several, on average; whoever observes more at once has fewer readings kept

interface Own {
  /** The oldest first. */
  readonly readings: Kept[];
  /** Those that still have a value at a path, by its text. */
  readonly byPath: Map<string, Kept[]>;
}

/**
 * Readings by observation. The oldest is dropped first: beyond a path's bound (hqmax) the oldest value at it, beyond the bound
 * of all anybody's oldest reading.
 */
export class StoredNotifications {
  readonly #limit: number;
  /** In the order of storing, so that the first is the oldest of all. */
  readonly #readings = new Set<Kept>();
  readonly #bySubject = new Map<Subject, Own>();
  #dropped = 0;
  #values = 0;

  /** @param limit readings of all observations together; a hundred times as many values */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#readings.size;
  }

  /** How many were dropped, whole, for newer ones. */
  get dropped(): number {
    return this.#dropped;
  }

  add(subject: Subject, { at, entries }: Reading, boundOf: BoundOf): void {
    const kept: Kept = { subject, at, entries };
    const own = this.#bySubject.get(subject) ?? { readings: [], byPath: new Map<string, Kept[]>() };
    this.#bySubject.set(subject, own);
    own.readings.push(kept);
    this.#readings.add(kept);
    this.#values += entries.length;
    for (const { path } of entries) this.#enqueue(own, path, kept, boundOf(path) ?? Infinity);
    while (this.#readings.size > this.#limit || this.#values > VALUES_EACH * this.#limit) {
      this.#drop(first(this.#readings));
    }
  }

  /** Those of one observation, the oldest first. */
  of(subject: Subject): readonly Reading[] {
    return this.#of(subject);
  }

  /** Those of one observation, the oldest first; they are stored no longer. */
  take(subject: Subject): readonly Reading[] {
    const readings = this.#of(subject);
    this.#bySubject.delete(subject);
    for (const reading of readings) {
      this.#readings.delete(reading);
      this.#values -= reading.entries.length;
    }
    return readings;
  }

  clear(): void {
    this.#readings.clear();
    this.#bySubject.clear();
    this.#values = 0;
  }

  #of(subject: Subject): readonly Kept[] {
    return this.#bySubject.get(subject)?.readings ?? [];
  }

  #enqueue(own: Own, path: Path, kept: Kept, most: number): void {
    const key = path.toString();
    const queue = own.byPath.get(key) ?? [];
    own.byPath.set(key, queue);
    queue.push(kept);
    while (queue.length > most) {
      const oldest = queue.shift()!;
      const left = oldest.entries.filter((entry) => entry.path.toString() !== key);
      this.#values -= oldest.entries.length - left.length;
      oldest.entries = left;
      if (oldest.entries.length === 0) this.#drop(oldest);
    }
  }

  #drop(reading: Kept): void {
    this.#readings.delete(reading);
    this.#values -= reading.entries.length;
    const own = this.#bySubject.get(reading.subject)!;
    own.readings.splice(own.readings.indexOf(reading), 1);
    // Readings of one observation are in the order of storing, so the oldest of all is the oldest at each of its paths.
    for (const { path } of reading.entries) own.byPath.get(path.toString())?.shift();
    if (own.readings.length === 0) this.#bySubject.delete(reading.subject);
    this.#dropped++;
  }
}

function first<T>(all: ReadonlySet<T>): T {
  const [one] = all;
  return one!;
}
