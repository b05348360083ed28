// Storage that lives as long as the object: for tests, and for devices that may forget.

import {
  DEFAULT_MAX_VALUE_BYTES,
  type Storage,
  StorageError,
  type StorageLock,
  checkKey,
  checkSize,
} from './storage.ts';

/** Keeps copies of values in memory. */
export class MemoryStorage implements Storage {
  readonly #values = new Map<string, Uint8Array>();
  readonly #maxValueBytes: number;
  #owner: object | undefined;

  constructor(options: { readonly maxValueBytes?: number | undefined } = {}) {
    this.#maxValueBytes = options.maxValueBytes ?? DEFAULT_MAX_VALUE_BYTES;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    checkKey(key);
    return this.#values.get(key)?.slice();
  }

  async set(key: string, value: Uint8Array): Promise<void> {
    checkKey(key);
    checkSize(key, value.length, this.#maxValueBytes);
    this.#values.set(key, value.slice());
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    this.#values.delete(key);
  }

  async list(prefix = ''): Promise<readonly string[]> {
    return [...this.#values.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  async lock(): Promise<StorageLock> {
    if (this.#owner !== undefined) throw new StorageError('ELOCKED', 'this storage is in use by another client');
    const owner = {};
    this.#owner = owner;
    const release = async (): Promise<void> => {
      if (this.#owner === owner) this.#owner = undefined;
    };
    return { release, [Symbol.asyncDispose]: release };
  }
}
