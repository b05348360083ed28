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
  /** By the text of their path: of ten thousand, each may go alone. */
  readonly byPath: Map<string, readonly Entry[]>;
  /** Values left. */
  size: number;
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
    const kept: Kept = { subject, at, byPath: byPath(entries), size: entries.length };
    const own = this.#bySubject.get(subject) ?? { readings: [], byPath: new Map<string, Kept[]>() };
    this.#bySubject.set(subject, own);
    own.readings.push(kept);
    this.#readings.add(kept);
    this.#values += entries.length;
    for (const [key, [entry]] of kept.byPath) this.#enqueue(own, key, kept, boundOf(entry!.path) ?? Infinity);
    while (this.#readings.size > this.#limit || this.#values > VALUES_EACH * this.#limit) {
      this.#drop(first(this.#readings));
    }
  }

  /** Those of one observation, the oldest first. */
  of(subject: Subject): readonly Reading[] {
    return this.#of(subject).map(({ at, byPath: left }) => ({ at, entries: [...left.values()].flat() }));
  }

  /** Whether there are any of one observation. */
  has(subject: Subject): boolean {
    return this.#bySubject.has(subject);
  }

  /** Those of one observation, the oldest first; they are stored no longer. */
  take(subject: Subject): readonly Reading[] {
    const readings = this.of(subject);
    for (const kept of this.#of(subject)) {
      this.#readings.delete(kept);
      this.#values -= kept.size;
    }
    this.#bySubject.delete(subject);
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

  #enqueue(own: Own, key: string, kept: Kept, most: number): void {
    const queue = own.byPath.get(key) ?? [];
    own.byPath.set(key, queue);
    queue.push(kept);
    while (queue.length > most) {
      const oldest = queue.shift()!;
      const gone = oldest.byPath.get(key)!.length;
      oldest.byPath.delete(key);
      oldest.size -= gone;
      this.#values -= gone;
      if (oldest.size === 0) this.#drop(oldest);
    }
  }

  #drop(reading: Kept): void {
    this.#readings.delete(reading);
    this.#values -= reading.size;
    const own = this.#bySubject.get(reading.subject)!;
    own.readings.splice(own.readings.indexOf(reading), 1);
    // Readings of one observation are in the order of storing, so the oldest of all is the oldest at each of its paths.
    for (const key of reading.byPath.keys()) {
      const queue = own.byPath.get(key)!;
      queue.shift();
      if (queue.length === 0) own.byPath.delete(key);
    }
    if (own.readings.length === 0) this.#bySubject.delete(reading.subject);
    this.#dropped++;
  }
}

function byPath(entries: readonly Entry[]): Map<string, readonly Entry[]> {
  const grouped = new Map<string, Entry[]>();
  for (const entry of entries) {
    const key = entry.path.toString();
    const others = grouped.get(key);
    if (others === undefined) grouped.set(key, [entry]);
    else others.push(entry);
  }
  return grouped;
}

function first<T>(all: ReadonlySet<T>): T {
  const [one] = all;
  return one!;
}
