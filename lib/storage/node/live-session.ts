// A live session in a file of its own (`LiveSessionStore` of the socket configuration), written at once and as a whole.

import { randomBytes, randomInt } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';

/** Fits `LiveSessionHandle`. */
export interface LiveSessionFile {
  read(): Uint8Array | undefined;
  write(state: Uint8Array): void;
  remove(): void;
  readonly generation: number;
  nextGeneration(): number;
  release(): void;
}

const held = new Set<string>();

/**
 * `session` in a directory (mode 0700, files 0600), with `generation` and `lock` beside it. Whoever copies `session` alone,
 * or brings an old one back, is found out by the generation; whoever copies the whole directory is not: do not.
 */
export class LiveSessionDirectory {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = path.resolve(directory);
  }

  /** @throws Error with the host's code if the directory cannot be used */
  open(): LiveSessionFile | undefined {
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    const lock = path.join(this.directory, 'lock');
    return claim(lock) ? new OpenDirectory(this.directory, lock) : undefined;
  }
}

class OpenDirectory implements LiveSessionFile {
  readonly #session: string;
  readonly #counter: string;
  readonly #lock: string;
  #generation: number;
  #released = false;

  constructor(directory: string, lock: string) {
    this.#session = path.join(directory, 'session');
    this.#counter = path.join(directory, 'generation');
    this.#lock = lock;
    this.#generation = Number(readIfThere(this.#counter)?.toString('latin1') ?? '0');
    if (!(this.#generation >= 0 && this.#generation < 2 ** 47)) this.#generation = randomInt(2 ** 40, 2 ** 47); // nobody's
  }

  get generation(): number {
    return this.#generation;
  }

  read(): Uint8Array | undefined {
    const bytes = readIfThere(this.#session);
    return bytes && Uint8Array.from(bytes);
  }

  write(state: Uint8Array): void {
    this.#replace(this.#session, state);
  }

  remove(): void {
    if (!this.#released) rmSync(this.#session, { force: true });
  }

  nextGeneration(): number {
    this.#replace(this.#counter, Buffer.from(`${this.#generation + 1}`, 'latin1'));
    return ++this.#generation;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    held.delete(this.#lock);
    rmSync(this.#lock, { force: true });
  }

  /** The old content or the new one, whatever happens: a file of another name takes the place of the first. */
  #replace(file: string, bytes: Uint8Array): void {
    if (this.#released) throw new Error(`${file}: the session is not ours any more`);
    const fresh = `${file}.${randomBytes(4).toString('hex')}`;
    try {
      writeFileSync(fresh, bytes, { mode: 0o600, flag: 'wx' });
      renameSync(fresh, file);
    } catch (error) {
      rmSync(fresh, { force: true });
      throw error;
    }
  }
}

/** Writes our process id into a lock file that must not exist yet; that of a process that is gone is taken over. */
function claim(lock: string): boolean {
  for (let tries = 0; tries < 2; tries++) {
    try {
      const file = openSync(lock, 'wx', 0o600);
      writeSync(file, `${process.pid}`);
      closeSync(file);
      held.add(lock);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const pid = Number(readIfThere(lock)?.toString('latin1') ?? '0');
    if (pid === process.pid ? held.has(lock) : isAlive(pid)) return false;
    rmSync(lock, { force: true });
  }
  return false;
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

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
