// What leaves by a stream: in order, joined where several messages go at once, and bounded where the stream takes no more.

import { concatBytes } from '../bytes/index.ts';
import { SocketError } from '../net/index.ts';
import type { Delivery } from './carrier.ts';

/** One message that waits. */
export interface Outgoing {
  readonly bytes: Uint8Array;
  /** Undefined once it is taken back. */
  delivery: Delivery | undefined;
}

const JOINED_BYTES = 16_384; // ours: as much as one TLS record carries
const MESSAGE_COST = 64; // bytes that a message that waits is reckoned at beside its own, so that a flood of tiny ones is bounded

export class StreamOutbox {
  readonly #send: (bytes: Uint8Array) => void;
  readonly #most: () => number;
  readonly #maxQueuedBytes: number;
  #waiting: Outgoing[] = [];
  #cost = 0;
  #gathering = false;

  /**
   * @param send all of its bytes or nothing; throws SocketError EAGAIN where there is no room
   * @param most bytes that `send` may ever take at once: no single message has more
   */
  constructor(send: (bytes: Uint8Array) => void, most: () => number, maxQueuedBytes: number) {
    this.#send = send;
    this.#most = most;
    this.#maxQueuedBytes = maxQueuedBytes;
  }

  /** Whether something waits for the stream, or for `flush`. */
  get isBlocked(): boolean {
    return this.#waiting.length > 0;
  }

  /** Whether so much waits that nothing more is to be asked for, or answered. */
  get isFull(): boolean {
    return this.#cost >= this.#maxQueuedBytes;
  }

  /** What is pushed from here on waits for `flush`, and leaves in as few pieces as can be. */
  gather(): void {
    this.#gathering = true;
  }

  /** Sends, now or when there is room. @throws SocketError of the stream, other than EAGAIN */
  push(bytes: Uint8Array, delivery: Delivery): Outgoing {
    const outgoing: Outgoing = { bytes, delivery };
    const waits = this.#gathering || this.isBlocked;
    this.#waiting.push(outgoing);
    this.#cost += bytes.length + MESSAGE_COST;
    if (waits) return outgoing;
    try {
      this.#sendWaiting();
    } catch (error) {
      this.cancel(outgoing);
      throw error;
    }
    return outgoing;
  }

  /** Takes it back, if it waits still. */
  cancel(outgoing: Outgoing): void {
    outgoing.delivery = undefined;
    const at = this.#waiting.indexOf(outgoing);
    if (at >= 0) this.#remove(at, 1);
  }

  /** Nothing more is gathered; there may be room. @throws SocketError of the stream, other than EAGAIN */
  flush(): void {
    this.#gathering = false;
    this.#sendWaiting();
  }

  /** Nothing leaves any more. */
  fail(error: Error): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#cost = 0;
    for (const { delivery } of waiting) delivery?.failed(error);
  }

  #sendWaiting(): void {
    while (this.#waiting.length > 0) {
      const count = this.#joinable();
      const batch = this.#waiting.slice(0, count);
      try {
        this.#send(count === 1 ? batch[0]!.bytes : concatBytes(...batch.map(({ bytes }) => bytes)));
      } catch (error) {
        if (error instanceof SocketError && error.code === 'EAGAIN') return;
        throw error;
      }
      this.#remove(0, count);
      for (const { delivery } of batch) delivery?.acknowledged();
    }
  }

  /** How many messages leave together: the first, and those after it that fit into the same piece. */
  #joinable(): number {
    const most = Math.min(JOINED_BYTES, this.#most());
    let bytes = 0;
    const tooMany = this.#waiting.findIndex((each) => (bytes += each.bytes.length) > most);
    return tooMany < 0 ? this.#waiting.length : Math.max(1, tooMany);
  }

  #remove(at: number, count: number): void {
    for (const { bytes } of this.#waiting.splice(at, count)) this.#cost -= bytes.length + MESSAGE_COST;
  }
}
