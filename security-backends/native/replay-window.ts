// The sliding window of RFC 6347 §4.1.2.6: one per epoch, moved only by authenticated records.

/** What a window knows; bit n of low says that newest - n has come, bit n of high that newest - 32 - n has. */
export interface WindowState {
  readonly newest: number;
  readonly high: number;
  readonly low: number;
}

/** Remembers the newest sequence number and which of the 64 up to it have come. */
export class ReplayWindow {
  #newest = -1;
  // Bit n of low says that newest - n has come, bit n of high that newest - 32 - n has.
  #low = 0;
  #high = 0;

  /** Whether the number is neither known nor older than the window. Changes nothing. */
  isNew(sequence: number): boolean {
    const age = this.#newest - sequence;
    if (age < 0) return true;
    if (age >= 64) return false;
    return age < 32 ? ((this.#low >>> age) & 1) === 0 : ((this.#high >>> (age - 32)) & 1) === 0;
  }

  /** Records an authenticated number that `isNew` allowed. */
  accept(sequence: number): void {
    const ahead = sequence - this.#newest;
    if (ahead > 0) {
      this.#shift(ahead);
      this.#newest = sequence;
      this.#low |= 1;
      return;
    }
    if (-ahead < 32) this.#low |= 1 << -ahead;
    else this.#high |= 1 << (-ahead - 32);
  }

  get state(): WindowState {
    return { newest: this.#newest, high: this.#high >>> 0, low: this.#low >>> 0 };
  }

  /** Takes up what another window knew. */
  restore({ newest, high, low }: WindowState): void {
    this.#newest = newest;
    this.#high = high | 0;
    this.#low = low | 0;
  }

  /** Newest number accepted, or -1. */
  get newest(): number {
    return this.#newest;
  }

  #shift(by: number): void {
    if (by >= 64) {
      this.#low = 0;
      this.#high = 0;
    } else if (by >= 32) {
      this.#high = by === 32 ? this.#low : this.#low << (by - 32);
      this.#low = 0;
    } else {
      this.#high = (this.#high << by) | (this.#low >>> (32 - by));
      this.#low <<= by;
    }
  }
}
