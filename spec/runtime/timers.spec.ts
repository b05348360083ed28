import assert from 'node:assert/strict';
import { type Clock, type Instant, NEVER, SystemTimers, systemClock } from '../../lib/runtime/index.ts';

/** The host's timers, by hand: what was asked for, run when the spec says. */
class FakeHost implements Clock {
  #now = 0;
  #next = 1;
  readonly asked = new Map<number, { run: () => void; delay: number }>();
  readonly #originals = [globalThis.setTimeout, globalThis.clearTimeout] as const;

  install(): void {
    const set = (run: () => void, delay: number): number => {
      this.asked.set(this.#next, { run, delay });
      return this.#next++;
    };
    Object.assign(globalThis, { setTimeout: set, clearTimeout: (id: number) => void this.asked.delete(id) });
  }

  restore(): void {
    [globalThis.setTimeout, globalThis.clearTimeout] = this.#originals;
  }

  now(): Instant {
    return this.#now as Instant;
  }

  wallTime(): number {
    return this.#now;
  }

  /** Moves time by `elapsed` and runs the one timer there is. */
  fire(elapsed: number): void {
    const [id, { run }] = [...this.asked][0]!;
    this.asked.delete(id);
    this.#now += elapsed;
    run();
  }

  get delays(): number[] {
    return [...this.asked.values()].map(({ delay }) => delay);
  }
}

describe('SystemTimers', () => {
  let host: FakeHost;
  let woken = 0;
  const wake = (): void => void woken++;

  beforeEach(() => {
    woken = 0;
    host = new FakeHost();
    host.install();
  });
  afterEach(() => host.restore());

  it('wakes at the instant, rounded up to whole milliseconds', () => {
    new SystemTimers(host).at(10.2 as Instant, wake);
    assert.deepEqual(host.delays, [11]);
    host.fire(11);
    assert.deepEqual([woken, host.delays], [1, []]);
  });

  it('waits on when the host fires early', () => {
    new SystemTimers(host).at(10 as Instant, wake);
    host.fire(9.5);
    assert.deepEqual([woken, host.delays], [0, [1]]);
    host.fire(0.5);
    assert.equal(woken, 1);
  });

  it('reaches instants beyond 24.8 days in steps', () => {
    const days30 = 30 * 86_400_000;
    new SystemTimers(host).at(days30 as Instant, wake);
    assert.deepEqual(host.delays, [0x7fffffff]);
    host.fire(0x7fffffff);
    assert.deepEqual([woken, host.delays], [0, [days30 - 0x7fffffff]]);
    host.fire(days30 - 0x7fffffff);
    assert.equal(woken, 1);
  });

  it('takes the past as now, but never inside the call', async () => {
    const timers = new SystemTimers(host);
    timers.at(-5 as Instant, wake);
    timers.at(0 as Instant, wake);
    timers.at(0 as Instant, wake).cancel();
    assert.deepEqual([woken, host.delays], [0, []], 'without the millisecond of the host');
    await new Promise((resolve) => void setImmediate(resolve));
    assert.equal(woken, 2);
  });

  it('can be cancelled, also between steps, and never asks the host for never', () => {
    const timers = new SystemTimers(host);
    timers.at(10 as Instant, wake).cancel();
    const long = timers.at(0xffffffff as Instant, wake);
    host.fire(0x7fffffff);
    long.cancel();
    timers.at(NEVER, wake).cancel();
    assert.deepEqual([woken, host.delays], [0, []]);
  });
});

describe('systemClock', () => {
  it('never goes back', () => {
    const [first, second] = [systemClock.now(), systemClock.now()];
    assert.ok(second >= first);
    assert.ok(systemClock.wallTime() > Date.UTC(2024, 0, 1));
  });
});
