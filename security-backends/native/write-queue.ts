// Datagrams that the layer below had no room for: bounded, sent in order once there is room.

import type { Endpoint } from '../../lib/net/index.ts';

interface Queued {
  readonly datagram: Uint8Array;
  readonly to: Endpoint;
}

/** Sends one datagram, or tells that there is no room now. Whatever it throws is the datagram's loss. */
export type Write = (datagram: Uint8Array, to: Endpoint) => 'wouldBlock' | void;

const BOOKKEEPING = 64; // bytes reckoned beside each datagram

/** First in, first out. */
export class WriteQueue {
  readonly #write: Write;
  readonly #limit: number;
  #queue: Queued[] | undefined;
  #bytes = 0;
  #dropped = 0;

  /** @param limit bytes that wait at most */
  constructor(write: Write, limit: number) {
    this.#write = write;
    this.#limit = limit;
  }

  /** Datagrams that found no room. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Datagrams that wait. */
  get length(): number {
    return this.#queue?.length ?? 0;
  }

  /** Sends now, or later behind those that wait. @returns false if there was no room: dropped, and counted */
  push(datagram: Uint8Array, to: Endpoint): boolean {
    if (this.#queue === undefined && this.#write(datagram, to) !== 'wouldBlock') return true;
    const cost = datagram.length + BOOKKEEPING;
    if (this.#bytes + cost > this.#limit) {
      this.#dropped++;
      return false;
    }
    this.#bytes += cost;
    (this.#queue ??= []).push({ datagram, to });
    return true;
  }

  /** There is room: sends until there is none. */
  flush(): void {
    for (let head = this.#queue?.[0]; head !== undefined; head = this.#queue?.[0]) {
      if (this.#tryWrite(head) === 'wouldBlock') return;
      this.#queue?.shift();
      this.#bytes -= head.datagram.length + BOOKKEEPING;
    }
    this.#queue = undefined;
  }

  clear(): void {
    this.#queue = undefined;
    this.#bytes = 0;
  }

  // What fails is lost, as datagrams are: it must not hold up those behind it.
  #tryWrite({ datagram, to }: Queued): 'wouldBlock' | void {
    try {
      return this.#write(datagram, to);
    } catch {
      return undefined;
    }
  }
}
