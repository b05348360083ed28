import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Instant, NEVER, VirtualTime, later, settle } from '../../lib/runtime/index.ts';

describe('VirtualTime', () => {
  it('runs wake-ups in order of time, then of asking, and only when told', async () => {
    const time = new VirtualTime(1_000);
    const heard: string[] = [];
    const at = (ms: number, what: string): unknown =>
      time.at(later(time.now(), ms), () => heard.push(`${what}@${time.now()}`));
    at(20, 'c');
    at(10, 'a');
    at(10, 'b');
    await settle();
    assert.deepEqual(heard, []);
    await time.advance(15);
    assert.deepEqual([heard, time.now(), time.wallTime(), time.pending], [['a@10', 'b@10'], 15, 1_015, 1]);
    await time.advance(5);
    assert.deepEqual(heard, ['a@10', 'b@10', 'c@20']);
  });

  it('includes what wake-ups ask for within the time to advance', async () => {
    const time = new VirtualTime();
    let count = 0;
    const tick = (): void => {
      count++;
      time.at(later(time.now(), 10), tick);
    };
    time.at(later(time.now(), 10), tick);
    await time.advance(100);
    assert.equal(count, 10);
  });

  it('takes a wake-up in the past as now, and never inside the call', () => {
    const time = new VirtualTime();
    let woken = false;
    time.at(-5 as Instant, () => (woken = true));
    assert.equal(woken, false);
    assert.equal(time.step(), true);
    assert.deepEqual([woken, time.now()], [true, 0]);
  });

  it('forgets cancelled wake-ups, also after they have run', async () => {
    const time = new VirtualTime();
    const timer = time.at(later(time.now(), 5), () => assert.fail('cancelled'));
    timer.cancel();
    timer.cancel();
    assert.equal(time.pending, 0);
    const done = time.at(later(time.now(), 6), () => undefined);
    await time.advance(10);
    done.cancel();
    assert.deepEqual([time.pending, time.step()], [0, false]);
    time.at(NEVER, () => assert.fail('never')).cancel();
  });

  it('runs until a promise settles, and says when it cannot', async () => {
    const time = new VirtualTime();
    const promise = new Promise<string>((resolve) => void time.at(later(time.now(), 60_000), () => resolve('done')));
    assert.equal(await time.run(promise), 'done');
    assert.equal(time.now(), 60_000);
    await assert.rejects(time.run(Promise.reject(new Error('mine'))), /mine/);
    await assert.rejects(time.run(new Promise(() => undefined)), /nothing is left to happen/);
    const forever = (): void => void time.at(later(time.now(), 1_000), forever);
    forever();
    await assert.rejects(time.run(new Promise(() => undefined), 10_000), /ran 10000 ms/);
  });

  it('orders any number of wake-ups as a sort would', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(50), fc.boolean()), { maxLength: 60 }), (asked) => {
        const time = new VirtualTime();
        const heard: number[] = [];
        const timers = asked.map(([ms], i) => time.at(ms as Instant, () => heard.push(i)));
        for (const [i, [, cancelled]] of asked.entries()) if (cancelled) timers[i]!.cancel();
        while (time.step());
        const kept = asked.map(([ms, cancelled], i) => ({ ms, cancelled, i })).filter(({ cancelled }) => !cancelled);
        assert.deepEqual(
          heard,
          kept.toSorted((a, b) => a.ms - b.ms || a.i - b.i).map(({ i }) => i),
        );
      }),
      { numRuns: 1_000 },
    );
  });
});
