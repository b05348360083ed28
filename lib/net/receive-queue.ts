// What has arrived and nobody has taken: bounded, with soft errors in their place, and an end.

import type { SocketError } from './errors.ts';

interface Queued<Item> {
  readonly item: Item | undefined;
  readonly error: SocketError | undefined;
  readonly cost: number;
}

const ERROR_COST = 64; // bytes an error is reckoned at, so that a flood of them is bounded too

/** First in, first out. Costs are bytes. */
export class ReceiveQueue<Item> {
  readonly #limit: number;
  #queue: Queued<Item>[] = [];
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
    return this.#queue.length > 0 || this.#end === 'unread';
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
    this.#queue.unshift({ item, error: undefined, cost });
  }

  /** Nothing follows; what waits can still be taken, then null. */
  end(): void {
    if (this.#end === 'open') this.#end = 'unread';
  }

  /** The head; null at the end, again and again; undefined if none waits. @throws SocketError a queued one, once */
  take(): Item | null | undefined {
    const queued = this.#queue.shift();
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
    this.#cost = 0;
    this.#end = 'open';
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
