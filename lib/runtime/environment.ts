// Everything a protocol core would otherwise take from the world: time, wake-ups, randomness, logging.

import { type Clock, systemClock } from './clock.ts';
import { type Log, silentLog } from './log.ts';
import { type RandomSource, secureRandom } from './random.ts';
import { type Timers, SystemTimers } from './timers.ts';

export interface Environment {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: RandomSource;
  readonly log: Log;
}

/** The real world: system clock, setTimeout, secure randomness, and silence unless `log` is given. */
export function systemEnvironment(overrides: Partial<Environment> = {}): Environment {
  const clock = overrides.clock ?? systemClock;
  return {
    clock,
    timers: overrides.timers ?? new SystemTimers(clock),
    random: overrides.random ?? secureRandom,
    log: overrides.log ?? silentLog,
  };
}
