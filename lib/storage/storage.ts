// Where everything that must outlive a restart is kept: one small key-value interface, implemented in memory and in files.

/** Keys are file-safe: 1 to 100 of `a-z`, `0-9`, `.`, `_`, `-`, beginning with a letter or digit. */
export interface Storage {
  /** A copy of the value, or undefined. @throws StorageError */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Durable once resolved, and whole: after a crash there is the old value or the new one. The bytes are copied. @throws StorageError */
  set(key: string, value: Uint8Array): Promise<void>;
  /** Without effect if there is none. @throws StorageError */
  delete(key: string): Promise<void>;
  /** The keys that begin with `prefix` (default: all), sorted. @throws StorageError */
  list(prefix?: string): Promise<readonly string[]>;
  /**
   * Makes the caller the only owner until it releases: one state must not be used by two clients at once.
   * @throws StorageError ELOCKED if another living owner has it
   */
  lock(): Promise<StorageLock>;
}

export interface StorageLock {
  /** Allowed more than once. */
  release(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** `EKEY`: not a key. `ELOCKED`: somebody else's. `EIO`: the host failed, `cause` says how. `ESIZE`: larger than the limit. */
export type StorageErrorCode = 'EKEY' | 'ELOCKED' | 'EIO' | 'ESIZE';

/** Every failure of a Storage. Never carries a value. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly code: StorageErrorCode;

  constructor(code: StorageErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

const KEY = /^[a-z0-9][a-z0-9._-]{0,99}$/;

/** @throws StorageError EKEY */
export function checkKey(key: string): void {
  if (KEY.test(key)) return;
  throw new StorageError(
    'EKEY',
    `storage key: expected 1 to 100 of a-z 0-9 . _ - beginning with a letter or digit, found ${JSON.stringify(key.slice(0, 120))}`,
  );
}

/** @throws StorageError ESIZE */
export function checkSize(key: string, bytes: number, limit: number): void {
  if (bytes > limit) throw new StorageError('ESIZE', `${key}: expected at most ${limit} bytes, found ${bytes}`);
}

/** Values beyond this are refused unless told otherwise: far above any state of a client, far below what hurts a device. */
export const DEFAULT_MAX_VALUE_BYTES = 1_048_576;
