// A live session in memory: for tests, and for clients that follow each other in one process.

/** Fits `LiveSessionHandle` of the socket configuration, which says what is asked of it. */
export interface LiveSessionEntry {
  read(): Uint8Array | undefined;
  write(state: Uint8Array): void;
  remove(): void;
  readonly generation: number;
  nextGeneration(): number;
  release(): void;
}

/** Fits `LiveSessionStore`. Holds a secret while there is a session. */
export class MemoryLiveSession {
  readonly #kept: Kept = { state: undefined, generation: 0, owner: undefined };

  /** Undefined: it is somebody else's. */
  open(): LiveSessionEntry | undefined {
    if (this.#kept.owner !== undefined) return undefined;
    return new Entry(this.#kept);
  }
}

interface Kept {
  state: Uint8Array | undefined;
  generation: number;
  owner: Entry | undefined;
}

class Entry implements LiveSessionEntry {
  readonly #kept: Kept;

  constructor(kept: Kept) {
    this.#kept = kept;
    kept.owner = this;
  }

  get generation(): number {
    return this.#kept.generation;
  }

  read(): Uint8Array | undefined {
    return this.#kept.state?.slice();
  }

  write(state: Uint8Array): void {
    this.#mustBeOurs();
    this.#kept.state?.fill(0);
    this.#kept.state = state.slice();
  }

  remove(): void {
    if (this.#kept.owner !== this) return;
    this.#kept.state?.fill(0);
    this.#kept.state = undefined;
  }

  nextGeneration(): number {
    this.#mustBeOurs();
    return ++this.#kept.generation;
  }

  release(): void {
    if (this.#kept.owner === this) this.#kept.owner = undefined;
  }

  #mustBeOurs(): void {
    if (this.#kept.owner !== this) throw new Error('the session is not ours any more');
  }
}
