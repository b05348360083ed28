// What has arrived and nobody has taken: bounded, with soft errors in their place, and an end.

import type { SocketError } from './errors.ts';

interface Queued<Item> {
  readonly item: Item | undefined;
  readonly error: SocketError | undefined;
  readonly cost: number;
}

const ERROR_COST = 64; // bytes an error is reckoned at, so that a flood of them is bounded too

const LONG = 256; // items; beyond that `shift` moves more than it saves
const NOTHING: Queued<never> = { item: undefined, error: undefined, cost: 0 };

/** First in, first out. Costs are bytes. */
export class ReceiveQueue<Item> {
  readonly #limit: number;
  #queue: Queued<Item>[] = [];
  /** Those before it have been taken. */
  #head = 0;
  #cost = 0;
  #dropped = 0;
  #end: 'open' | 'unread' | 'read' = 'open';

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** What waits, in the unit of the costs given. */
  get cost(): number {
    return this.#cost;
  }

  /** Arrivals that found no room. */
  get dropped(): number {
    return this.#dropped;
  }

  /** True while `take` has something to give: an item, an error, or the end for the first time. */
  get waiting(): boolean {
    return this.#head < this.#queue.length || this.#end === 'unread';
  }

  /** @returns false if there was no room: dropped, and counted */
  push(item: Item, cost: number): boolean {
    return this.#push({ item, error: undefined, cost });
  }

  /** As `push`, for an error that `take` will throw. */
  pushError(error: SocketError): boolean {
    return this.#push({ item: undefined, error, cost: ERROR_COST });
  }

  /** Queues whatever waits: for those who hold their peer back when `cost` is high. */
  append(item: Item, cost: number): void {
    this.#cost += cost;
    this.#queue.push({ item, error: undefined, cost });
  }

  /** Puts back what was not taken of the head. */
  unshift(item: Item, cost: number): void {
    this.#cost += cost;
    const queued = { item, error: undefined, cost };
    if (this.#head === 0) this.#queue.unshift(queued);
    else this.#queue[--this.#head] = queued;
  }

  /** Nothing follows; what waits can still be taken, then null. */
  end(): void {
    if (this.#end === 'open') this.#end = 'unread';
  }

  /** The head; null at the end, again and again; undefined if none waits. @throws SocketError a queued one, once */
  take(): Item | null | undefined {
    const queued = this.#next();
    if (queued !== undefined) {
      this.#cost -= queued.cost;
      if (queued.error !== undefined) throw queued.error;
      return queued.item;
    }
    if (this.#end === 'open') return undefined;
    this.#end = 'read';
    return null;
  }

  /** Forgets what waits, and the end. */
  clear(): void {
    this.#queue = [];
    this.#head = 0;
    this.#cost = 0;
    this.#end = 'open';
  }

  #next(): Queued<Item> | undefined {
    if (this.#head === 0 && this.#queue.length < LONG) return this.#queue.shift();
    const queued = this.#queue[this.#head];
    if (queued === undefined) return undefined;
    this.#queue[this.#head++] = NOTHING; // what has been taken is not kept
    if (this.#head * 2 >= this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return queued;
  }

  #push(queued: Queued<Item>): boolean {
    if (this.#cost + queued.cost > this.#limit) {
      this.#dropped++;
      return false;
    }
    this.#cost += queued.cost;
    this.#queue.push(queued);
    return true;
  }
}
