// Sessions that wait for `accept`, and those who wait for sessions.

import { type Environment, UNBOUNDED } from '../runtime/index.ts';
import { SocketError } from './errors.ts';
import type { Cancellable } from './socket.ts';
import { Waiters } from './waiters.ts';

/** Sessions that may wait for `accept`: the usual backlog of a host (SOMAXCONN of old). */
export const DEFAULT_BACKLOG = 128;

/** A bounded queue of sessions, first come first served. */
export class AcceptQueue<T> {
  readonly #limit: number;
  readonly #waiters: Waiters<T>;
  #sessions: T[] = [];
  #closed: SocketError | undefined;

  constructor(environment: Environment, limit: number = DEFAULT_BACKLOG) {
    this.#waiters = new Waiters(environment);
    this.#limit = limit;
  }

  get full(): boolean {
    return this.#closed !== undefined || this.#sessions.length >= this.#limit;
  }

  /** @returns false if it found no room: the session is still its owner's */
  offer(session: T): boolean {
    if (this.full) return false;
    this.#sessions.push(session);
    this.#waiters.notify();
    return true;
  }

  /** Takes back a session that nobody has accepted yet. */
  withdraw(session: T): void {
    this.#sessions = this.#sessions.filter((other) => other !== session);
  }

  /** The next session. @throws SocketError ECANCELED by its signal, EBADF once closed */
  accept(options: Cancellable = {}): Promise<T> {
    const poll = (): T | undefined => {
      if (this.#closed !== undefined) throw this.#closed;
      return this.#sessions.shift();
    };
    return this.#waiters.wait(poll, { timeout: UNBOUNDED, what: 'accept', signal: options.signal });
  }

  /** Ends those who wait with EBADF. @returns the sessions nobody accepted */
  close(cause?: SocketError): readonly T[] {
    this.#closed ??= new SocketError('EBADF', 'the listening socket is closed', cause === undefined ? {} : { cause });
    const left = this.#sessions;
    this.#sessions = [];
    this.#waiters.notify();
    return left;
  }
}
