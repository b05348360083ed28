// Loads and saves one thing a client remembers about a server; what fails there is logged, and costs what it would have saved.

import { type Environment, type Timer, later, seconds } from '../runtime/index.ts';
import type { Storage } from '../storage/index.ts';

/** How it is written; `decode` gives nothing for what is somebody else's. */
export interface MemoryCodec<T> {
  /** What it is, in words: `the registration`. */
  readonly name: string;
  encode(value: T): Uint8Array;
  /** @throws DecodeError */
  decode(bytes: Uint8Array): T | undefined;
}

const SOON = seconds(1); // ours: what a crash may cost, against writing everything for each change

export class Memory<T> {
  readonly #storage: Storage;
  readonly #environment: Environment;
  readonly #key: string;
  readonly #codec: MemoryCodec<T>;
  #writing: Promise<void> = Promise.resolve();
  #look: (() => T) | undefined;
  #timer: Timer | undefined;

  constructor(storage: Storage, environment: Environment, key: string, codec: MemoryCodec<T>) {
    this.#storage = storage;
    this.#environment = environment;
    this.#key = key;
    this.#codec = codec;
  }

  /** Resolves when everything saved so far is kept. */
  get settled(): Promise<void> {
    this.#timer?.cancel();
    this.#flush();
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

  /** In the order of the calls. */
  save(value: T): void {
    const bytes = this.#codec.encode(value);
    this.#write(() => bytes);
  }

  /** For what is large and changes often: it is looked at a second later, once for all changes until then. */
  saveSoon(look: () => T): void {
    const { clock, timers } = this.#environment;
    if (this.#look === undefined) this.#timer = timers.at(later(clock.now(), SOON), () => this.#flush());
    this.#look = look;
  }

  #flush(): void {
    const look = this.#look;
    this.#look = undefined;
    if (look !== undefined) this.#write(() => this.#codec.encode(look()));
  }

  #write(bytes: () => Uint8Array): void {
    this.#writing = this.#writing
      .then(() => this.#storage.set(this.#key, bytes()))
      .catch((error: unknown) => this.#warn(error, `${this.#codec.name} cannot be saved`));
  }

  #warn(error: unknown, message: string): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#environment.log.warn({ key: this.#key, reason }, message);
  }
}
