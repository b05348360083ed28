// A live session in a file of its own (`LiveSessionStore` of the socket configuration), written at once and as a whole.

import { randomBytes, randomInt } from 'node:crypto';
import {
  type Stats,
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import type { LiveSessionEntry } from '../live-session.ts';

const held = new Set<string>();

/**
 * `session` in a directory (mode 0700, files 0600), with `generation.N` and `lock` beside it. Whoever copies `session` alone,
 * or brings an old one back, is found out by the generation; whoever copies the whole directory is not: do not. `lock` names
 * a process of this machine, to tell the second one in words; what keeps two owners apart is that each generation is a file
 * that only one process can make.
 */
export class LiveSessionDirectory {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = path.resolve(directory);
  }

  /** @throws Error with the host's code if the directory cannot be used; or that it is another user's */
  open(): LiveSessionEntry | undefined {
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    makePrivate(this.directory);
    const lock = path.join(this.directory, 'lock');
    return claim(lock) ? new OpenDirectory(this.directory, lock) : undefined;
  }
}

const OTHERS = 0o077;
const hasOwners = process.geteuid !== undefined;
const HALF_WRITTEN = /^session\.[0-9a-f]{8}$/;
const GENERATION = /^generation\.([0-9]{1,15})$/;

class OpenDirectory implements LiveSessionEntry {
  readonly #directory: string;
  readonly #session: string;
  readonly #lock: string;
  #generation: number;
  #owned = false;
  #released = false;

  constructor(directory: string, lock: string) {
    this.#directory = directory;
    this.#session = path.join(directory, 'session');
    this.#lock = lock;
    // Where none is known: one that no state names, wherever it was copied from.
    this.#generation = Math.max(...generationsIn(directory), -1);
    if (this.#generation < 0) this.#generation = randomInt(2 ** 40, 2 ** 47);
  }

  get generation(): number {
    return this.#generation;
  }

  /** @throws Error if it is no file of ours alone: whoever wrote it knows its keys */
  read(): Uint8Array | undefined {
    const status = lstatSync(this.#session, { throwIfNoEntry: false });
    if (status === undefined) return undefined;
    if (!status.isFile() || !isOurs(status) || (hasOwners && (status.mode & OTHERS) !== 0)) {
      throw new Error(`${this.#session}: expected a file that is ours, and that nobody else can read or write`);
    }
    const bytes = readIfThere(this.#session);
    return bytes && Uint8Array.from(bytes);
  }

  write(state: Uint8Array): void {
    if (this.#released || !this.#owned) throw notOurs(this.#session);
    this.#replace(this.#session, state);
    if (!this.#isNewest) throw notOurs(this.#session); // asked after, so that whoever comes between has read it
  }

  remove(): void {
    if (!this.#released && this.#owned && this.#isNewest) rmSync(this.#session, { force: true });
  }

  nextGeneration(): number {
    const next = this.#generation + 1;
    if (this.#released) throw notOurs(this.#session);
    closeSync(openSync(this.#fileOf(next), 'wx', 0o600)); // EEXIST: it is somebody else's
    this.#generation = next;
    const all = generationsIn(this.#directory).toSorted((a, b) => a - b);
    if (all.at(-1) !== next) throw notOurs(this.#session); // ours was made, and taken away, by others before us
    for (const old of all) if (old < next) rmSync(this.#fileOf(old), { force: true });
    this.#removeHalfWritten();
    this.#owned = true;
    return next;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    if (this.#owned && !this.#isNewest) return; // the lock is that of whoever has it now
    held.delete(this.#lock);
    rmSync(this.#lock, { force: true });
  }

  /** A later generation is made before ours is taken away, and goes after it: so it is looked for first. */
  get #isNewest(): boolean {
    return !existsSync(this.#fileOf(this.#generation + 1)) && existsSync(this.#fileOf(this.#generation));
  }

  /** What a process left that ended before its state took its place: a secret that nobody would take away. */
  #removeHalfWritten(): void {
    for (const name of readdirSync(this.#directory)) {
      if (HALF_WRITTEN.test(name)) rmSync(path.join(this.#directory, name), { force: true });
    }
  }

  #fileOf(generation: number): string {
    return path.join(this.#directory, `generation.${generation}`);
  }

  /** The old content or the new one, whatever happens: a file of another name takes the place of the first. */
  #replace(file: string, bytes: Uint8Array): void {
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

function isOurs({ uid }: Stats): boolean {
  return !hasOwners || uid === process.geteuid?.();
}

/** Whoever can write to it could put a session of his own there. */
function makePrivate(directory: string): void {
  const status = statSync(directory);
  if (!isOurs(status))
    throw new Error(`${directory}: expected a directory of our own, found one of user ${status.uid}`);
  if (hasOwners && (status.mode & OTHERS) !== 0) chmodSync(directory, 0o700);
}

function generationsIn(directory: string): readonly number[] {
  return readdirSync(directory).flatMap((name) => {
    const digits = GENERATION.exec(name)?.[1];
    return digits === undefined ? [] : [Number(digits)];
  });
}

function notOurs(file: string): Error {
  return new Error(`${file}: the session is not ours, or not any more`);
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
