// Message ids of one sender: one after the other from a random start (RFC 7252 §4.4).

import { type Instant, type RandomSource, later, randomUint16 } from '../runtime/index.ts';
import type { Duration } from '../runtime/index.ts';

const BLOCK_BITS = 12; // uses are noted per 4,096 ids: 16 instants instead of 65,536

/**
 * There are 65,536 ids, and one must not be used again within EXCHANGE_LIFETIME: at the default 247 s that is room for
 * 265 messages a second. Who sends faster for long is not held back, since peers tell requests apart by token too, but
 * a peer that goes by the id alone may take one for a duplicate: `reused` counts what was at risk.
 */
export class MessageIds {
  readonly #lifetime: Duration;
  readonly #lastUsed: (Instant | undefined)[] = [];
  #next: number;
  #block: number;
  #early = false;
  #reused = 0;

  constructor(random: RandomSource, lifetime: Duration) {
    this.#lifetime = lifetime;
    this.#next = randomUint16(random);
    this.#block = this.#next >> BLOCK_BITS;
  }

  /** Ids given out again before their lifetime was over. */
  get reused(): number {
    return this.#reused;
  }

  /** The next id that is not `taken`. */
  take(now: Instant, taken: (id: number) => boolean): number {
    let id = this.#next;
    while (taken(id)) id = (id + 1) & 0xffff;
    this.#next = (id + 1) & 0xffff;
    this.#note(id >> BLOCK_BITS, now);
    if (this.#early) this.#reused++;
    return id;
  }

  #note(block: number, now: Instant): void {
    if (block !== this.#block) {
      const before = this.#lastUsed[block];
      this.#early = before !== undefined && later(before, this.#lifetime) > now;
      this.#block = block;
    }
    this.#lastUsed[block] = now;
  }
}
