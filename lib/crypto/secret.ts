// Bytes that must not be printed and do not outlive their use.

import { copyBytes } from '../bytes/index.ts';

const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** A copy of secret bytes. However it is printed, it shows its length only. */
export class Secret {
  #bytes: Uint8Array;
  #closed = false;

  /** @param bytes copied: the caller keeps (and may zero) its own */
  constructor(bytes: Uint8Array) {
    this.#bytes = copyBytes(bytes);
  }

  /** The secret itself, not a copy: it becomes zeros on `close`. @throws Error once closed */
  get bytes(): Uint8Array {
    if (this.#closed) throw new Error('this secret was closed');
    return this.#bytes;
  }

  /** In bytes; 0 once closed. */
  get length(): number {
    return this.#bytes.length;
  }

  /** Zeroes the bytes; allowed again. */
  close(): void {
    this.#bytes.fill(0);
    this.#bytes = new Uint8Array(0);
    this.#closed = true;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  toString(): string {
    return this.#closed ? 'Secret(closed)' : `Secret(${this.length} bytes)`;
  }

  toJSON(): string {
    return this.toString();
  }

  [INSPECT](): string {
    return this.toString();
  }
}
