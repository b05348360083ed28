// Storage in a directory: one file per key, replaced as a whole, readable by its owner alone.

import { mkdir, open, readFile, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import {
  DEFAULT_MAX_VALUE_BYTES,
  type Storage,
  StorageError,
  type StorageLock,
  checkKey,
  checkSize,
} from '../storage.ts';

const LOCK_FILE = '.lock'; // no key begins with a dot
const held = new Set<string>(); // lock files of this process

/** One file per key below `directory`, which is made (mode 0700) when first needed. Files have mode 0600. */
export class FileStorage implements Storage {
  readonly directory: string;
  readonly #maxValueBytes: number;

  constructor(directory: string, options: { readonly maxValueBytes?: number | undefined } = {}) {
    if (directory === '') throw new StorageError('EKEY', 'storage directory: expected a path, found an empty string');
    this.directory = directory;
    this.#maxValueBytes = options.maxValueBytes ?? DEFAULT_MAX_VALUE_BYTES;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    checkKey(key);
    const bytes = await this.#try(`read ${key}`, () => ignoring('ENOENT', () => readFile(join(this.directory, key))));
    if (bytes === undefined) return undefined;
    checkSize(key, bytes.length, this.#maxValueBytes);
    return new Uint8Array(bytes);
  }

  async set(key: string, value: Uint8Array): Promise<void> {
    checkKey(key);
    checkSize(key, value.length, this.#maxValueBytes);
    const copy = Buffer.from(value);
    await this.#try(`write ${key}`, async () => {
      await this.#make();
      await writeFileAtomic(join(this.directory, key), copy, { mode: 0o600 });
    });
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    await this.#try(`delete ${key}`, () => rm(join(this.directory, key), { force: true }));
  }

  async list(prefix = ''): Promise<readonly string[]> {
    const names = await this.#try('list', () => ignoring('ENOENT', () => readdir(this.directory)));
    // A crash can leave write-file-atomic's temporary file, which ends in a dot and a number.
    return (names ?? []).filter((name) => isKey(name) && name.startsWith(prefix) && !/\.\d{6,}$/.test(name)).sort();
  }

  async lock(): Promise<StorageLock> {
    await this.#try('lock', () => this.#make());
    const path = resolve(this.directory, LOCK_FILE);
    const file = (await this.#claim(path)) ?? (await this.#claimStale(path));
    if (file === undefined) {
      throw new StorageError(
        'ELOCKED',
        `${this.directory} is in use by another process; stop it or use another directory`,
      );
    }
    let released = false;
    const release = async (): Promise<void> => {
      if (released) return;
      released = true;
      held.delete(path);
      await this.#try('unlock', () => rm(path, { force: true }));
    };
    return { release, [Symbol.asyncDispose]: release };
  }

  /** Writes our process id, and of what start of the machine it is, into a lock file that must not exist yet. */
  async #claim(path: string): Promise<true | undefined> {
    return this.#try('lock', () =>
      ignoring('EEXIST', async () => {
        const file = await open(path, 'wx', 0o600);
        try {
          await file.writeFile(`${process.pid} ${await bootId()}`.trimEnd());
        } finally {
          await file.close();
        }
        held.add(path);
        return true as const;
      }),
    );
  }

  /** The lock of a process that is gone may be taken over. */
  async #claimStale(path: string): Promise<true | undefined> {
    const text = await this.#try('lock', () => ignoring('ENOENT', () => readFile(path, 'latin1')));
    const [pid = '', boot = ''] = (text ?? '').split(' ');
    const now = await bootId();
    const restarted = boot !== '' && now !== '' && boot !== now; // who has that id now is somebody else
    if (text !== undefined && !restarted && isHeld(path, Number(pid))) return undefined;
    await this.#try('lock', () => rm(path, { force: true }));
    return this.#claim(path);
  }

  async #make(): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
  }

  async #try<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
      throw new StorageError('EIO', `storage ${this.directory}: cannot ${what} (${code})`, error);
    }
  }
}

/** Linux's identifier of this start of the machine; empty where there is none. */
async function bootId(): Promise<string> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'latin1')).trim();
  } catch {
    return '';
  }
}

function isKey(name: string): boolean {
  try {
    checkKey(name);
    return true;
  } catch {
    return false;
  }
}

/** Our own id in a lock we do not hold was left by an earlier process: in a container every process may have id 1. */
function isHeld(path: string, pid: number): boolean {
  return pid === process.pid ? held.has(path) : isAlive(pid);
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0); // signal 0 only asks whether the process is there
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function ignoring<T>(code: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === code) return undefined;
    throw error;
  }
}
