// A request body that its handler reads as it comes (RFC 7959 §2.5): the peer is told to go on when a block has been taken,
// so that no more than one block waits.

import { type Instant, later } from '../runtime/index.ts';
import type { Duration } from '../runtime/index.ts';
import { type Block, blockBytes, hasBlockLength } from './block-option.ts';
import type { RequestArrival } from './carrier.ts';

/** One block that has come, and the request that brought it. */
export interface ArrivedBlock {
  readonly arrival: RequestArrival;
  readonly block: Block;
}

interface Reader {
  resolve(result: IteratorResult<Uint8Array, undefined>): void;
  reject(error: Error): void;
}

const DONE: IteratorResult<Uint8Array, undefined> = { done: true, value: undefined };

export class RequestStream implements AsyncIterableIterator<Uint8Array> {
  readonly #goOn: (block: ArrivedBlock) => void;
  readonly #lifetime: Duration;
  /** Arrived and not taken. */
  #waiting: (ArrivedBlock & { readonly bytes: Uint8Array }) | undefined;
  /** Taken by the reader and not answered. */
  #taken: ArrivedBlock | undefined;
  #reader: Reader | undefined;
  #offset = 0;
  #complete = false;
  #failure: Error | undefined;
  #expires: Instant;

  /** @param goOn tells the peer to send the block after this one */
  constructor(goOn: (block: ArrivedBlock) => void, lifetime: Duration, now: Instant) {
    this.#goOn = goOn;
    this.#lifetime = lifetime;
    this.#expires = later(now, lifetime);
  }

  /** The newest block's request, if it waits for an answer. */
  get unanswered(): ArrivedBlock | undefined {
    return this.#waiting ?? this.#taken;
  }

  /** When the peer has paused for too long. */
  get expires(): Instant {
    return this.#expires;
  }

  get complete(): boolean {
    return this.#complete;
  }

  /** Takes the next block. False if it is not the one that is due: the body is broken then. */
  add(arrived: ArrivedBlock, bytes: Uint8Array, now: Instant): boolean {
    const { block } = arrived;
    const due = block.num * blockBytes(block.sizeExponent) === this.#offset && hasBlockLength(block, bytes.length);
    if (!due || this.#waiting !== undefined || this.#complete || this.#failure !== undefined) return false;
    this.#offset += bytes.length;
    this.#complete = !block.more;
    this.#expires = later(now, this.#lifetime);
    this.#waiting = { ...arrived, bytes };
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader !== undefined) reader.resolve(this.#take(this.#waiting));
    return true;
  }

  /** Ends it for its reader. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#reader?.reject(error);
    this.#reader = undefined;
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const taken = this.#taken;
    if (taken?.block.more === true) {
      this.#taken = undefined;
      this.#goOn(taken);
    }
    if (this.#waiting !== undefined) return Promise.resolve(this.#take(this.#waiting));
    if (this.#complete) return Promise.resolve(DONE);
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => (this.#reader = { resolve, reject }));
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #take({
    arrival,
    block,
    bytes,
  }: ArrivedBlock & { readonly bytes: Uint8Array }): IteratorResult<Uint8Array, undefined> {
    this.#taken = { arrival, block };
    this.#waiting = undefined;
    return { done: false, value: bytes };
  }
}
