// Loads and saves one thing a client remembers about a server; what fails there is logged, and costs what it would have saved.

import type { Environment } from '../runtime/index.ts';
import type { Storage } from '../storage/index.ts';

/** How it is written; `decode` gives nothing for what is somebody else's. */
export interface MemoryCodec<T> {
  /** What it is, in words: `the registration`. */
  readonly name: string;
  encode(value: T): Uint8Array;
  /** @throws DecodeError */
  decode(bytes: Uint8Array): T | undefined;
}

export class Memory<T> {
  readonly #storage: Storage;
  readonly #environment: Environment;
  readonly #key: string;
  readonly #codec: MemoryCodec<T>;
  #writing: Promise<void> = Promise.resolve();
  #next: (() => T) | undefined;

  constructor(storage: Storage, environment: Environment, key: string, codec: MemoryCodec<T>) {
    this.#storage = storage;
    this.#environment = environment;
    this.#key = key;
    this.#codec = codec;
  }

  /** Resolves when everything saved so far is kept. */
  get settled(): Promise<void> {
    return this.#writing;
  }

  async load(): Promise<T | undefined> {
    try {
      const bytes = await this.#storage.get(this.#key);
      return bytes && this.#codec.decode(bytes);
    } catch (error) {
      this.#warn(error, `${this.#codec.name} that was saved cannot be used: beginning anew`);
      return undefined;
    }
  }

  /** The newest is kept; what was given while another was being written and is older by then is not written at all. */
  save(value: T): void {
    this.saveAsItIs(() => value);
  }

  /** The same for what changes often: it is looked at when it is written. */
  saveAsItIs(look: () => T): void {
    const isQueued = this.#next !== undefined;
    this.#next = look;
    if (isQueued) return;
    this.#writing = this.#writing
      .then(() => this.#write())
      .catch((error: unknown) => this.#warn(error, `${this.#codec.name} cannot be saved`));
  }

  #write(): Promise<void> {
    const look = this.#next!;
    this.#next = undefined;
    return this.#storage.set(this.#key, this.#codec.encode(look()));
  }

  #warn(error: unknown, message: string): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#environment.log.warn({ key: this.#key, reason }, message);
  }
}
