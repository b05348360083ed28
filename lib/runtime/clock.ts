// Two clocks: one that only goes forward, for deadlines, and one that tells the date, for certificates and timestamps.

declare const instantBrand: unique symbol;

/** A point on the monotonic clock, in milliseconds since an arbitrary start. Add a Duration to get a later one. */
export type Instant = number & { readonly [instantBrand]: true };

/** Never: later than every Instant. */
export const NEVER: Instant = Number.POSITIVE_INFINITY as Instant;

export interface Clock {
  /** Monotonic: never goes back, does not follow the wall. */
  now(): Instant;
  /** Milliseconds since 1970-01-01T00:00:00Z, as far as this device knows. */
  wallTime(): number;
  /** Time that moves only when told: who reads the system's clock cannot go along. Absent: real time. */
  readonly simulated?: boolean | undefined;
}

export function later(from: Instant, by: number): Instant {
  return (from + by) as Instant;
}

export const systemClock: Clock = {
  now: () => performance.now() as Instant,
  wallTime: () => Date.now(),
};
