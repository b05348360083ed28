// What is kept for a server out of reach, and what gives way (LwM2M Core 1.2 §5.1.2 hqmax, /1/x/6).

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Entry, Path } from '../../lib/model/index.ts';
import { type Reading, StoredNotifications } from '../../lib/client/stored-notifications.ts';
import { CONTENT_FORMATS } from '../../lib/formats/index.ts';
import { UnclaimedReadings } from '../../lib/client/unclaimed-readings.ts';
import type { Subject } from '../../lib/client/notification-schedule.ts';

const subject = (text: string): Subject => ({ paths: [Path.parse(text)], composite: false, parameters: undefined });
const reading = (value: number): Reading => {
  const entries: readonly Entry[] = [{ path: Path.of(3303, 0, 5700), value }];
  return { at: value, entries };
};
const values = (readings: readonly Reading[]): readonly unknown[] => readings.map(({ entries }) => entries[0]?.value);

describe('stored notifications', () => {
  it('are given back in order, once', () => {
    const stored = new StoredNotifications(10);
    const [a, b] = [subject('/3303/0/5700'), subject('/3303/1/5700')];
    for (const value of [1, 2, 3]) stored.add(value === 2 ? b : a, reading(value), () => undefined);
    assert.equal(stored.size, 3);
    assert.deepEqual([values(stored.take(a)), values(stored.take(a)), values(stored.take(b))], [[1, 3], [], [2]]);
    assert.deepEqual([stored.size, stored.dropped], [0, 0]);
  });

  it("beyond an observation's own bound drop its oldest", () => {
    const stored = new StoredNotifications(10);
    const [a, b] = [subject('/3303/0/5700'), subject('/3303/1/5700')];
    stored.add(b, reading(0), () => undefined);
    for (const value of [1, 2, 3, 4]) stored.add(a, reading(value), () => 2);
    assert.deepEqual([values(stored.take(a)), values(stored.take(b)), stored.dropped], [[3, 4], [0], 2]);
  });

  it('of several paths each keep the newest of their own bound', () => {
    const stored = new StoredNotifications(10);
    const watched = subject('/3303/0');
    const [one, three, free] = [5_700, 5_701, 5_702].map((id) => Path.of(3303, 0, id)) as [Path, Path, Path];
    const boundOf = (path: Path): number | undefined => (path === one ? 1 : path === three ? 3 : undefined);
    for (const value of [1, 2, 3, 4]) {
      const entries: Entry[] = [one, three, ...(value === 1 ? [] : [free])].map((path) => ({ path, value }));
      stored.add(watched, { at: value, entries }, boundOf);
    }
    const taken = stored.take(watched).map(({ at, entries }) => [at, entries.map(({ path }) => path.resource)]);
    assert.deepEqual(taken, [
      [2, [5_701, 5_702]],
      [3, [5_701, 5_702]],
      [4, [5_700, 5_701, 5_702]],
    ]);
    assert.equal(stored.dropped, 1, 'the first, with nothing left in it');
  });

  it("beyond the bound of all drop the oldest, whoever's it is", () => {
    const stored = new StoredNotifications(3);
    const [a, b] = [subject('/3303/0/5700'), subject('/3303/1/5700')];
    stored.add(a, reading(1), () => undefined);
    for (const value of [2, 3, 4]) stored.add(b, reading(value), () => undefined);
    assert.deepEqual([values(stored.take(a)), values(stored.take(b)), stored.dropped], [[], [2, 3, 4], 1]);
  });

  it('with many values each are fewer: who observes everything, and then is silent, does not fill the memory', () => {
    const stored = new StoredNotifications(3);
    const all = subject('/3303');
    const many = (at: number, count: number): Reading => ({
      at,
      entries: Array.from({ length: count }, (_, id) => ({ path: Path.of(3303, id, 5700), value: at })),
    });
    for (const at of [1, 2, 3]) stored.add(all, many(at, 120), () => undefined);
    assert.deepEqual(values(stored.take(all)), [2, 3]);
    stored.add(all, many(4, 301), () => undefined);
    assert.equal(stored.size, 0);
    for (const at of [5, 6]) stored.add(all, many(at, 120), () => 1);
    for (const at of [7, 8, 9]) stored.add(all, many(at, 100), () => undefined);
    assert.deepEqual(values(stored.take(all)), [7, 8, 9]);
  });

  it('of thousands of paths, each with a bound of its own, give way in linear time', () => {
    const stored = new StoredNotifications(100);
    const all = subject('/9/0/1');
    const entries = Array.from({ length: 5_000 }, (_, id) => ({ path: Path.of(9, 0, 1, id), value: id }));
    const looks = countLooks(() => {
      for (const at of [1, 2, 3]) stored.add(all, { at, entries }, () => 1);
    });
    assert.ok(looks < 50_000, `${looks} looks at paths`);
    assert.deepEqual(
      stored.take(all).map((each) => [each.at, each.entries.length]),
      [[3, 5_000]],
    );
  });

  it('keep all values that one reading has of a path', () => {
    const stored = new StoredNotifications(10);
    const watched = subject('/3303/0/5700');
    const entries = [1, 2].map((timestamp) => ({ path: watched.paths[0]!, value: timestamp, timestamp }));
    stored.add(watched, { at: 3, entries }, () => undefined);
    assert.deepEqual(stored.take(watched), [{ at: 3, entries }]);
  });
});

describe('readings that nobody has claimed', () => {
  const { senmlCbor, tlv } = CONTENT_FORMATS;
  const composite = (first: number, count: number): Subject => ({
    paths: Array.from({ length: count }, (_, i) => Path.of(9, 0, 1, first + i)),
    composite: true,
    parameters: undefined,
  });
  const left = (unclaimed: UnclaimedReadings, stored: StoredNotifications, given: Subject): void => {
    stored.add(given, reading(1), () => undefined);
    unclaimed.leave(given, { ...given, contentFormat: senmlCbor });
  };

  it('are for who observes the same in a format with times, once', () => {
    const stored = new StoredNotifications(10);
    const unclaimed = new UnclaimedReadings(stored);
    const watched = composite(0, 2);
    left(unclaimed, stored, watched);
    assert.equal(unclaimed.claim({ ...watched, contentFormat: tlv }).length, 0);
    assert.equal(unclaimed.claim({ ...composite(1, 2), contentFormat: senmlCbor }).length, 0);
    assert.equal(unclaimed.claim({ ...watched, contentFormat: senmlCbor }).length, 1);
    assert.equal(unclaimed.claim({ ...watched, contentFormat: senmlCbor }).length, 0);
  });

  it('name a bounded number of paths, whatever a server observes each time', () => {
    const stored = new StoredNotifications(1_000);
    const unclaimed = new UnclaimedReadings(stored);
    for (let round = 0; round < 50; round++) left(unclaimed, stored, composite(round, 900));
    assert.equal(stored.size, 11, 'as many as have 10,000 paths together');
    assert.equal(unclaimed.claim({ ...composite(49, 900), contentFormat: senmlCbor }).length, 1);
    assert.equal(unclaimed.claim({ ...composite(0, 900), contentFormat: senmlCbor }).length, 0);
  });

  it('that newer ones have displaced take no room', () => {
    const stored = new StoredNotifications(2);
    const unclaimed = new UnclaimedReadings(stored);
    left(unclaimed, stored, composite(0, 9_000));
    for (const first of [1, 2]) left(unclaimed, stored, composite(first, 400));
    left(unclaimed, stored, composite(3, 9_500));
    assert.equal(unclaimed.claim({ ...composite(2, 400), contentFormat: senmlCbor }).length, 1);
  });
});

/** How often paths are told as text while `work` goes on. */
function countLooks(work: () => void): number {
  const toString = Reflect.get(Path.prototype, 'toString') as (this: Path) => string;
  let looks = 0;
  Path.prototype.toString = function counted(this: Path): string {
    looks++;
    return toString.call(this);
  };
  try {
    work();
  } finally {
    Path.prototype.toString = toString;
  }
  return looks;
}

it('stored notifications keep, whatever comes, what a plain list would', () => {
  const paths = [5_700, 5_701, 5_702].map((id) => Path.of(3303, 0, id));
  const step = fc.record({ who: fc.nat(1), which: fc.uniqueArray(fc.nat(2), { minLength: 1 }) });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 40 }),
      fc.array(fc.option(fc.integer({ min: 1, max: 4 })), { minLength: 3 }),
      fc.integer({ min: 1, max: 9 }),
      (steps, bounds, limit) => {
        const stored = new StoredNotifications(limit);
        const subjects = [subject('/3303/0'), subject('/3303')];
        const boundOf = (path: Path): number => bounds[paths.indexOf(path)] ?? Infinity;
        let plain: { who: number; at: number; which: readonly number[] }[] = [];
        for (const [at, { who, which }] of steps.entries()) {
          stored.add(subjects[who]!, { at, entries: which.map((i) => ({ path: paths[i]!, value: at })) }, boundOf);
          plain.push({ who, at, which });
          plain = plain.map((kept) => ({
            ...kept,
            which: kept.which.filter((i) => newer(plain, kept, i) < boundOf(paths[i]!)),
          }));
          plain = plain.filter((kept) => kept.which.length > 0).slice(-limit);
        }
        assert.equal(stored.size, plain.length);
        for (const [who, each] of subjects.entries()) {
          assert.deepEqual(
            stored.take(each).map((kept) => [kept.at, kept.entries.map(({ path }) => paths.indexOf(path))]),
            plain.filter((kept) => kept.who === who).map((kept) => [kept.at, kept.which]),
          );
        }
      },
    ),
    { numRuns: 1_000 },
  );
});

function newer(
  all: readonly { who: number; at: number; which: readonly number[] }[],
  than: { who: number; at: number },
  path: number,
): number {
  return all.filter((each) => each.who === than.who && each.at > than.at && each.which.includes(path)).length;
}
