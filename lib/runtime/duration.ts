// Units in types: a duration is milliseconds, and only these functions make one.

declare const durationBrand: unique symbol;

/** A length of time in milliseconds, 0 or more; may be `UNBOUNDED`. */
export type Duration = number & { readonly [durationBrand]: true };

function duration(value: number): Duration {
  if (!(value >= 0)) throw new RangeError(`a duration is 0 or more, not ${value}`);
  return value as Duration;
}

export const milliseconds = (value: number): Duration => duration(value);
export const seconds = (value: number): Duration => duration(value * 1_000);
export const minutes = (value: number): Duration => duration(value * 60_000);
export const hours = (value: number): Duration => duration(value * 3_600_000);
export const days = (value: number): Duration => duration(value * 86_400_000);

/** No limit: a wait with this duration ends only by its event or by its AbortSignal. */
export const UNBOUNDED: Duration = duration(Number.POSITIVE_INFINITY);

/** Reads as a person would say it: `1.5 ms`, `12 s`. */
export function formatDuration(value: Duration): string {
  if (value === Number.POSITIVE_INFINITY) return 'unbounded';
  if (value < 1_000) return `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`;
  return `${Number((value / 1_000).toFixed(3))} s`;
}
