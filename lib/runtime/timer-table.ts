// Many deadlines, one wake-up: a core keeps its deadlines here and tells its driver only the next one.

import { type Instant, NEVER } from './clock.ts';

interface Slot<Key> {
  readonly key: Key;
  readonly at: Instant;
  /** Of two that are due together, the one set first comes first. */
  readonly order: number;
}

/** Deadlines by key, as a binary heap: setting, moving and cancelling cost the logarithm of their number. */
export class TimerTable<Key> {
  readonly #heap: Slot<Key>[] = [];
  readonly #indexes = new Map<Key, number>();
  #order = 0;

  /** Sets or moves the deadline of `key`. NEVER cancels it. */
  set(key: Key, at: Instant): void {
    const index = this.#indexes.get(key);
    if (index !== undefined && this.#heap[index]!.at === at) return;
    if (index !== undefined) this.#removeAt(index);
    if (at === NEVER) return;
    this.#heap.push({ key, at, order: this.#order++ });
    this.#rise(this.#heap.length - 1);
  }

  cancel(key: Key): void {
    const index = this.#indexes.get(key);
    if (index !== undefined) this.#removeAt(index);
  }

  clear(): void {
    this.#heap.length = 0;
    this.#indexes.clear();
  }

  deadline(key: Key): Instant | undefined {
    const index = this.#indexes.get(key);
    return index === undefined ? undefined : this.#heap[index]!.at;
  }

  /** The earliest deadline, or NEVER. */
  next(): Instant {
    return this.#heap[0]?.at ?? NEVER;
  }

  /** Removes and returns the keys due at `now`, earliest first. */
  expire(now: Instant): Key[] {
    const due: Key[] = [];
    for (let first = this.#heap[0]; first !== undefined && first.at <= now; first = this.#heap[0]) {
      due.push(first.key);
      this.#removeAt(0);
    }
    return due;
  }

  #removeAt(index: number): void {
    const last = this.#heap.pop()!;
    const removed = this.#heap[index] ?? last;
    this.#indexes.delete(removed.key);
    if (removed === last) return;
    this.#place(last, index);
    this.#rise(index);
    this.#sink(index);
  }

  #rise(from: number): void {
    let index = from;
    const slot = this.#heap[index]!;
    for (let parent = (index - 1) >> 1; index > 0 && isBefore(slot, this.#heap[parent]!); parent = (index - 1) >> 1) {
      this.#place(this.#heap[parent]!, index);
      index = parent;
    }
    this.#place(slot, index);
  }

  #sink(from: number): void {
    let index = from;
    const slot = this.#heap[index]!;
    for (let child = this.#lesserChild(index); child !== undefined; child = this.#lesserChild(index)) {
      if (!isBefore(this.#heap[child]!, slot)) break;
      this.#place(this.#heap[child]!, index);
      index = child;
    }
    this.#place(slot, index);
  }

  #lesserChild(index: number): number | undefined {
    const left = 2 * index + 1;
    if (left >= this.#heap.length) return undefined;
    const right = left + 1;
    return right < this.#heap.length && isBefore(this.#heap[right]!, this.#heap[left]!) ? right : left;
  }

  #place(slot: Slot<Key>, index: number): void {
    this.#heap[index] = slot;
    this.#indexes.set(slot.key, index);
  }
}

function isBefore<Key>(a: Slot<Key>, b: Slot<Key>): boolean {
  return a.at === b.at ? a.order < b.order : a.at < b.at;
}
