// Pongs with custody (RFC 8323 §5.4.1): they go out when all requests that came before their ping have been answered.

interface Owed {
  readonly token: Uint8Array;
  /** The last request before it. */
  readonly after: number;
}

const MOST_OWED = 16; // ours: one more is answered at once, without custody, as RFC 8323 §5.4 allows

export class OwedPongs {
  readonly #send: (token: Uint8Array, custody: boolean) => void;
  /** In the order they came. */
  readonly #unanswered = new Set<number>();
  #owed: Owed[] = [];
  #arrivals = 0;

  constructor(send: (token: Uint8Array, custody: boolean) => void) {
    this.#send = send;
  }

  get areAllAnswered(): boolean {
    return this.#unanswered.size === 0;
  }

  /** A request came. @returns what to call when it has its answer, or gets none */
  arrived(): () => void {
    const number = ++this.#arrivals;
    this.#unanswered.add(number);
    return () => {
      if (this.#unanswered.delete(number)) this.#pay();
    };
  }

  owe(token: Uint8Array, custody: boolean): void {
    if (!custody || this.#owed.length >= MOST_OWED) return this.#send(token, false);
    this.#owed.push({ token, after: this.#arrivals });
    this.#pay();
  }

  #pay(): void {
    const [oldest = Infinity] = this.#unanswered;
    for (let head = this.#owed[0]; head !== undefined && head.after < oldest; head = this.#owed[0]) {
      this.#owed.shift();
      this.#send(head.token, true);
    }
  }
}
