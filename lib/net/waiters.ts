// Promises that wait for something to become true: the one place where `next` and `accept` wait.

import { type Duration, type Environment, type Timer, formatDuration, later } from '../runtime/index.ts';
import { SocketError, type SocketErrorCode } from './errors.ts';
import type { Cancellable } from './socket.ts';

interface Waiter {
  /** Settles the promise if it can be settled now. */
  try(): boolean;
}

export interface WaitOptions extends Cancellable {
  /** 0: EAGAIN at once; finite: ETIMEDOUT; UNBOUNDED: until the event or the signal. */
  readonly timeout: Duration;
  /** What is waited for, in the words of the error. */
  readonly what: string;
}

/** Waits in the order asked. Whoever changes what is polled calls `notify`. */
export class Waiters<T> {
  readonly #environment: Environment;
  #waiting: Waiter[] = [];

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /**
   * Resolves with the first value of `poll` that is not undefined, rejects with what it throws.
   * @throws SocketError EAGAIN, ETIMEDOUT or ECANCELED, none of them fatal
   */
  wait(poll: () => T | undefined, options: WaitOptions): Promise<T> {
    return new Promise((resolve, reject) => {
      if (options.signal?.aborted === true) return reject(canceled(options.what));
      if (this.#waiting.length === 0 && settleNow(poll, resolve, reject)) return;
      if (options.timeout === 0) return reject(soft('EAGAIN', `${options.what}: none waits`));
      const leave = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== waiter);
        timer?.cancel();
        options.signal?.removeEventListener('abort', abort);
      };
      const giveUp = (error: SocketError): void => {
        leave();
        reject(error);
      };
      const abort = (): void => giveUp(canceled(options.what));
      const waiter: Waiter = {
        try: () => {
          const settled = settleNow(poll, resolve, reject);
          if (settled) leave();
          return settled;
        },
      };
      this.#waiting.push(waiter);
      options.signal?.addEventListener('abort', abort, { once: true });
      const timer = this.#timer(options.timeout, () =>
        giveUp(soft('ETIMEDOUT', `${options.what}: none within ${formatDuration(options.timeout)}`)),
      );
    });
  }

  #timer(timeout: Duration, wake: () => void): Timer | undefined {
    if (!Number.isFinite(timeout)) return undefined;
    return this.#environment.timers.at(later(this.#environment.clock.now(), timeout), wake);
  }

  /** Polls for those who wait, first come first served. */
  notify(): void {
    for (const waiter of [...this.#waiting]) if (!waiter.try()) return;
  }
}

function settleNow<T>(
  poll: () => T | undefined,
  resolve: (value: T) => void,
  reject: (error: unknown) => void,
): boolean {
  try {
    const value = poll();
    if (value === undefined) return false;
    resolve(value);
  } catch (error) {
    reject(error);
  }
  return true;
}

function canceled(what: string): SocketError {
  return soft('ECANCELED', `${what}: aborted by its signal`);
}

function soft(code: SocketErrorCode, message: string): SocketError {
  return new SocketError(code, message, { fatal: false });
}
