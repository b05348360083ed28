// What leaves by a stream: in order, and bounded where the stream takes no more for the moment.

import { SocketError } from '../net/index.ts';
import type { Delivery } from './carrier.ts';

/** One message that waits. */
export interface Outgoing {
  readonly bytes: Uint8Array;
  /** Undefined once it was called back. */
  delivery: Delivery | undefined;
}

export class StreamOutbox {
  readonly #send: (bytes: Uint8Array) => void;
  readonly #maxQueuedBytes: number;
  #waiting: Outgoing[] = [];
  #queuedBytes = 0;

  /** @param send all of a message or nothing; throws SocketError EAGAIN where there is no room */
  constructor(send: (bytes: Uint8Array) => void, maxQueuedBytes: number) {
    this.#send = send;
    this.#maxQueuedBytes = maxQueuedBytes;
  }

  /** Whether something waits for the stream. */
  get isBlocked(): boolean {
    return this.#waiting.length > 0;
  }

  /** Whether so much waits that nothing more is to be asked for, or answered. */
  get isFull(): boolean {
    return this.#queuedBytes >= this.#maxQueuedBytes;
  }

  /** Sends, now or when there is room. @throws SocketError of the stream, other than EAGAIN */
  push(bytes: Uint8Array, delivery: Delivery): Outgoing {
    const outgoing: Outgoing = { bytes, delivery };
    if (!this.isBlocked && this.#trySend(outgoing)) return outgoing;
    this.#waiting.push(outgoing);
    this.#queuedBytes += bytes.length;
    return outgoing;
  }

  /** Takes it back, if it waits still. */
  cancel(outgoing: Outgoing): void {
    outgoing.delivery = undefined;
    const at = this.#waiting.indexOf(outgoing);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    this.#queuedBytes -= outgoing.bytes.length;
  }

  /** There may be room again. @throws SocketError of the stream */
  flush(): void {
    for (let head = this.#waiting[0]; head !== undefined; head = this.#waiting[0]) {
      this.#waiting.shift();
      this.#queuedBytes -= head.bytes.length;
      if (this.#trySend(head)) continue;
      this.#waiting.unshift(head);
      this.#queuedBytes += head.bytes.length;
      return;
    }
  }

  /** Nothing leaves any more. */
  fail(error: Error): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#queuedBytes = 0;
    for (const { delivery } of waiting) delivery?.failed(error);
  }

  #trySend(outgoing: Outgoing): boolean {
    try {
      this.#send(outgoing.bytes);
    } catch (error) {
      if (error instanceof SocketError && error.code === 'EAGAIN') return false;
      throw error;
    }
    const { delivery } = outgoing;
    outgoing.delivery = undefined;
    delivery?.acknowledged();
    return true;
  }
}
