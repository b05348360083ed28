export { type Duration, UNBOUNDED, days, formatDuration, hours, milliseconds, minutes, seconds } from './duration.ts';
export { type Clock, type Instant, NEVER, later, systemClock } from './clock.ts';
export { TimerTable } from './timer-table.ts';
export { type Timer, type Timers, SystemTimers } from './timers.ts';
export { type RandomSource, SeededRandom, randomUint16, randomUnit, secureRandom } from './random.ts';
export { type Log, type LogMethod, silentLog } from './log.ts';
export { type Environment, systemEnvironment } from './environment.ts';
export { VirtualTime, settle } from './virtual-time.ts';
export { Events } from './events.ts';
