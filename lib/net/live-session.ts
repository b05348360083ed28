// Where a connected session is kept so that another process can go on with it, without a handshake and without a word.

/** One place for one session. */
export interface LiveSessionStore {
  /** Makes the caller its only owner until it releases. Undefined: another living owner has it. */
  open(): LiveSessionHandle | undefined;
}

/**
 * What the owner does with it. Everything is done when the call returns: what was written outlives this process, and a reader
 * finds it whole, or what was there before. (A power cut may lose the newest writes, unless the store says otherwise:
 * a session whose sequence numbers could repeat must not be gone on with after one.)
 */
export interface LiveSessionHandle {
  /** A copy of what was written last. Holds a secret. */
  read(): Uint8Array | undefined;
  /**
   * Takes the place of what was there. The bytes are copied. @throws if it cannot be kept, or if by the time that it was, an
   * owner with a later generation was there: who fails to write uses nothing of what it wrote, who takes up a state begins
   * its generation before it reads, so that not even two who both think they own the session ever use one number twice
   */
  write(state: Uint8Array): void;
  remove(): void;
  /** A counter that copies of the state do not carry along: it tells an old copy, or a restored backup, from the newest. */
  readonly generation: number;
  /** One more, which no other owner gets; it never goes back. @throws if it cannot be kept, or is another owner's */
  nextGeneration(): number;
  /** Allowed more than once. */
  release(): void;
}
