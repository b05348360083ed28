// How many confirmable notifications of one connection are out at once (RFC 7641 §4.5.1 applies NSTART to them).

/** Who waits for a turn. */
export interface TurnTaker {
  /** A turn is free: takes it by `take`, or has nothing to send any more. */
  proceed(): void;
}

/**
 * An observation whose turn it is not keeps its newest state and waits, first come first served: so there is one waiting
 * notification for each observation and no queue of old ones, however often resources change and however slow the peer is.
 */
export class NotificationTurns {
  readonly #limit: number;
  readonly #waiting = new Set<TurnTaker>();
  #out = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes a turn, or waits for one. */
  take(taker: TurnTaker): boolean {
    if (this.#out >= this.#limit) {
      this.#waiting.add(taker);
      return false;
    }
    this.#out++;
    return true;
  }

  /** Waits no more. */
  leave(taker: TurnTaker): void {
    this.#waiting.delete(taker);
  }

  /** A turn is over. */
  done(): void {
    this.#out--;
    for (const taker of this.#waiting) {
      if (this.#out >= this.#limit) return;
      this.#waiting.delete(taker);
      taker.proceed();
    }
  }
}
