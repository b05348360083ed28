// Whether the device knows what time it is: one without a clock starts near 1970, and says nothing then.

import type { Clock } from '../runtime/index.ts';

const EARLIEST = 2 ** 28 * 1_000; // RFC 8428 §4.5.3: times below are relative, so no device of today can mean them

/** Milliseconds since 1970; undefined where the device cannot know. */
export function knownWallTime(clock: Clock): number | undefined {
  const time = clock.wallTime();
  return time >= EARLIEST ? time : undefined;
}
