import assert from 'node:assert/strict';
import {
  type Log,
  SystemTimers,
  VirtualTime,
  secureRandom,
  silentLog,
  systemClock,
  systemEnvironment,
} from '../../lib/runtime/index.ts';

describe('the environment', () => {
  it('is the real world and silence', () => {
    const { clock, timers, random, log } = systemEnvironment();
    assert.deepEqual([clock, random, log], [systemClock, secureRandom, silentLog]);
    assert.ok(timers instanceof SystemTimers);
  });

  it('is what it is given', () => {
    const time = new VirtualTime();
    const environment = systemEnvironment({ clock: time, timers: time });
    assert.deepEqual([environment.clock, environment.timers], [time, time]);
  });

  it("logs to what has pino's methods, or to nothing", () => {
    const lines: unknown[] = [];
    const method = (...args: unknown[]): void => void lines.push(args);
    const log: Log = { trace: method, debug: method, info: method, warn: method, error: method, child: () => log };
    systemEnvironment({ log }).log.child({ peer: 1 }).warn({ code: 'X' }, 'text');
    silentLog.child({}).error('nothing');
    assert.deepEqual(lines, [[{ code: 'X' }, 'text']]);
  });
});
