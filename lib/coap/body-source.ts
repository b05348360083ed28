// Where a body comes from that is sent in parts: bytes at hand, a stream read once, or something read at any place.
// Block-wise transfer (RFC 7959) asks for one part after the other; memory holds no more than a part and a chunk.

import { concatBytes } from '../bytes/index.ts';
import { CoapError } from './coap-error.ts';
import type { RandomAccessBody, StreamingBody } from './exchange.ts';
import { NO_BYTES } from './message.ts';

export interface Part {
  readonly bytes: Uint8Array;
  /** Whether the body goes on after them. */
  readonly more: boolean;
}

export interface BodySource {
  /** Of the whole body, if it is known. */
  readonly byteLength: number | undefined;
  /** Bytes that it keeps in memory for as long as it lives. */
  readonly heldBytes: number;
  /** Whether it can be read from the beginning again. */
  readonly rewinds: boolean;
  /**
   * `length` bytes from `offset`, fewer at the end. Rejects with CoapError ENOBUFS for a place that has been passed and
   * is gone, and with what the body's own reading throws.
   */
  part(offset: number, length: number): Part | Promise<Part>;
  /** Nothing more will be asked for. */
  release(): void;
}

/** The bytes at hand. */
export function bytesSource(bytes: Uint8Array): BodySource {
  return {
    byteLength: bytes.length,
    heldBytes: bytes.length,
    rewinds: true,
    part: (offset, length) => ({
      bytes: bytes.subarray(offset, offset + length),
      more: offset + length < bytes.length,
    }),
    release: () => undefined,
  };
}

/** A stream, or a body read at any place. `byteLength` of a stream: what its owner says, if anything. */
export function streamingSource(body: StreamingBody, byteLength: number | undefined): BodySource {
  return 'read' in body ? new RandomAccessSource(body) : new StreamSource(body, byteLength);
}

class RandomAccessSource implements BodySource {
  readonly heldBytes = 0;
  readonly rewinds = true;
  readonly #body: RandomAccessBody;

  constructor(body: RandomAccessBody) {
    this.#body = body;
  }

  get byteLength(): number {
    return this.#body.byteLength;
  }

  async part(offset: number, length: number): Promise<Part> {
    const wanted = Math.max(0, Math.min(length, this.byteLength - offset));
    const bytes = wanted === 0 ? NO_BYTES : await this.#body.read(offset, wanted);
    if (bytes.length !== wanted) {
      throw new CoapError('EINVAL', `body: expected ${wanted} bytes at ${offset}, found ${bytes.length}`);
    }
    return { bytes, more: offset + wanted < this.byteLength };
  }

  release(): void {}
}

/** Goes forward only; the part given last can be asked for again, whole or from a place within it. */
class StreamSource implements BodySource {
  readonly byteLength: number | undefined;
  readonly heldBytes = 0;
  readonly rewinds = false;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #window = NO_BYTES;
  /** Where the window begins in the body. */
  #start = 0;
  #ended = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(chunks: AsyncIterable<Uint8Array>, byteLength: number | undefined) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.byteLength = byteLength;
  }

  part(offset: number, length: number): Promise<Part> {
    const part = this.#turn.then(() => this.#read(offset, length));
    this.#turn = part.catch(() => undefined);
    return part;
  }

  release(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#window = NO_BYTES;
    this.#chunks.return?.()?.catch(() => undefined); // its owner's clean-up: nobody is left to tell
  }

  async #read(offset: number, length: number): Promise<Part> {
    if (offset < this.#start || offset > this.#start + this.#window.length) {
      throw new CoapError('ENOBUFS', `a stream cannot be read at ${offset}, it stands at ${this.#start}`);
    }
    this.#window = this.#window.subarray(offset - this.#start);
    this.#start = offset;
    await this.#fill(length + 1); // one byte further than asked: only so it is known whether there is more
    return { bytes: this.#window.subarray(0, length), more: this.#window.length > length };
  }

  async #fill(length: number): Promise<void> {
    const chunks = [this.#window];
    for (let held = this.#window.length; held < length && !this.#ended;) {
      const next = await this.#chunks.next();
      if (next.done === true) this.#ended = true;
      else {
        chunks.push(next.value);
        held += next.value.length;
      }
    }
    if (chunks.length > 1) this.#window = concatBytes(...chunks);
    if (this.#ended) this.#checkLength(this.#start + this.#window.length);
  }

  #checkLength(found: number): void {
    if (this.byteLength === undefined || found === this.byteLength) return;
    throw new CoapError('EINVAL', `body: expected ${this.byteLength} bytes as announced, found ${found}`);
  }
}
