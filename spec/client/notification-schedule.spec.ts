// When a notification is due: pmin, pmax, gt, lt, st, at the exact instant (LwM2M Core 1.2 §5.1.2).

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type AttributesOf, NotificationSchedule, type Subject } from '../../lib/client/notification-schedule.ts';
import { type Entry, Path, type Value } from '../../lib/model/index.ts';
import { type Instant, NEVER } from '../../lib/runtime/index.ts';
import type { NotificationAttributes } from '../../lib/client/attributes.ts';

const VALUE = Path.of(3303, 0, 5700);
const at = (second: number): Instant => (second * 1_000) as Instant;
const entries = (value: Value, path: Path = VALUE): readonly Entry[] => [{ path, value }];

const watch = (...paths: readonly Path[]): Subject => ({ paths, composite: paths.length > 1, parameters: undefined });

/** A schedule with one subject, first notified at second 0 with `first`. */
function watching(
  attributes: NotificationAttributes,
  first: Value = 20,
): { schedule: NotificationSchedule; subject: Subject } {
  const schedule = new NotificationSchedule(() => attributes);
  return { schedule, subject: schedule.add(watch(VALUE), entries(first), at(0)) };
}

/** Whether a change to `value`, noticed at `second`, is sent then. */
function sends({ schedule, subject }: ReturnType<typeof watching>, value: Value, second: number): boolean {
  schedule.changed(VALUE);
  const due = schedule.due(at(second));
  if (due.length === 0) return false;
  assert.deepEqual(due, [subject]);
  return schedule.evaluate(subject, entries(value), at(second));
}

describe('notifications', () => {
  it('are due at once on a change, and never without one', () => {
    const { schedule } = watching({});
    assert.equal(schedule.nextTimeout(), NEVER);
    schedule.changed(VALUE);
    assert.equal(schedule.nextTimeout(), at(0));
  });

  it('wait for pmin, then tell the newest', () => {
    const watched = watching({ pmin: 10 });
    assert.equal(sends(watched, 21, 3), false);
    assert.equal(watched.schedule.nextTimeout(), at(10));
    assert.equal(sends(watched, 22, 9.999), false);
    assert.equal(sends(watched, 23, 10), true);
    watched.schedule.changed(VALUE);
    assert.equal(watched.schedule.nextTimeout(), at(20), 'restarted');
  });

  it('of many values ask for the attributes of what is different alone, where there are no edges', () => {
    let asked = 0;
    const attributesOf = (): NotificationAttributes => {
      asked++;
      return { gt: 5 };
    };
    const many = (changed: number): readonly Entry[] =>
      Array.from({ length: 1_000 }, (_, id) => ({ path: Path.of(3303, id, 5700), value: id === changed ? 9 : 1 }));
    for (const [mayHaveEdges, least, most] of [
      [false, 1, 10],
      [true, 1_000, 5_000],
    ] as const) {
      asked = 0;
      const schedule = new NotificationSchedule(attributesOf, () => mayHaveEdges);
      const subject = schedule.add(watch(Path.of(3303)), many(-1), at(0));
      schedule.attributesChanged(Path.of(3303, 7));
      schedule.changed(Path.of(3303, 999, 5700));
      assert.deepEqual(schedule.due(at(1)), [subject]);
      assert.equal(schedule.evaluate(subject, many(999), at(1)), true);
      assert.ok(asked >= least && asked <= most, `${asked} times`);
    }
  });

  it('come at pmax without a change', () => {
    const { schedule, subject } = watching({ pmax: 60 });
    assert.equal(schedule.nextTimeout(), at(60));
    assert.deepEqual(schedule.due(at(59)), []);
    assert.deepEqual(schedule.due(at(60)), [subject]);
    assert.equal(schedule.evaluate(subject, entries(20), at(60)), true);
    assert.equal(schedule.nextTimeout(), at(120));
  });

  it('ignore a pmax of 0 or below pmin', () => {
    assert.equal(watching({ pmax: 0 }).schedule.nextTimeout(), NEVER);
    assert.equal(watching({ pmin: 60, pmax: 10 }).schedule.nextTimeout(), NEVER);
    assert.equal(watching({ pmin: 10, pmax: 10 }).schedule.nextTimeout(), at(10));
  });

  it('are not sent when the value is the old one again', () => {
    const watched = watching({ pmin: 10 });
    watched.schedule.changed(VALUE);
    assert.equal(sends(watched, 20, 10), false);
    assert.equal(watched.schedule.nextTimeout(), NEVER);
  });

  const conditions: [string, NotificationAttributes, number, number, boolean][] = [
    ['gt crossed upwards', { gt: 25 }, 20, 26, true],
    ['gt crossed downwards', { gt: 25 }, 26, 20, true],
    ['gt not crossed', { gt: 25 }, 20, 24, false],
    ['gt reached only', { gt: 25 }, 20, 25, false],
    ['lt crossed downwards', { lt: 10 }, 20, 9, true],
    ['lt crossed upwards', { lt: 10 }, 9, 20, true],
    ['lt reached only', { lt: 10 }, 20, 10, false],
    ['st reached', { st: 0.5 }, 20, 20.5, true],
    ['st reached downwards', { st: 0.5 }, 20, 19.5, true],
    ['st not reached', { st: 0.5 }, 20, 20.4, false],
    ['st reached though gt is not', { gt: 25, st: 1 }, 20, 21, true],
    ['nothing reached of three', { gt: 25, lt: 10, st: 5 }, 20, 22, false],
  ];
  for (const [name, attributes, from, to, expected] of conditions) {
    it(`${name}: ${from} → ${to} is ${expected ? '' : 'not '}sent`, () => {
      assert.equal(sends(watching(attributes, from), to, 1), expected);
    });
  }

  it('a step is measured from what was sent, not from what was seen', () => {
    const watched = watching({ st: 1 });
    assert.equal(sends(watched, 20.6, 1), false);
    assert.equal(sends(watched, 21.2, 2), true);
  });

  it('of an instance come with any resource, by the attributes of each', () => {
    const instance = Path.of(3303, 0);
    const attributesOf: AttributesOf = (path) => (path.resource === 5700 ? { st: 10 } : {});
    const schedule = new NotificationSchedule(attributesOf);
    const both = (value: number, units: string): readonly Entry[] => [
      ...entries(value),
      ...entries(units, Path.of(3303, 0, 5701)),
    ];
    const subject = schedule.add(watch(instance), both(20, 'Cel'), at(0));
    const read = (value: number, units: string): boolean => {
      schedule.changed(VALUE);
      schedule.due(at(1));
      return schedule.evaluate(subject, both(value, units), at(1));
    };
    assert.equal(read(21, 'Cel'), false, 'the step is not reached');
    assert.equal(read(21, 'K'), true);
    assert.equal(schedule.evaluate(subject, entries(21), at(2)), true, 'a resource is gone');
  });

  it('concern only what lies at, above or below the change', () => {
    const schedule = new NotificationSchedule(() => ({}));
    schedule.add(watch(VALUE), entries(20), at(0));
    schedule.changed(Path.of(3303, 1, 5700));
    schedule.changed(Path.of(3303, 0, 5701));
    assert.equal(schedule.nextTimeout(), NEVER);
    schedule.changed(Path.of(3303, 0));
    assert.equal(schedule.nextTimeout(), at(0), 'the instance was deleted');
  });

  it('are not asked for again while being read, and remember a change meanwhile', () => {
    const { schedule, subject } = watching({});
    schedule.changed(VALUE);
    assert.deepEqual(schedule.due(at(1)), [subject]);
    assert.deepEqual(schedule.due(at(1)), []);
    schedule.changed(VALUE);
    assert.equal(schedule.nextTimeout(), NEVER);
    assert.equal(schedule.evaluate(subject, entries(21), at(2)), true);
    assert.equal(schedule.nextTimeout(), at(2));
  });

  it('end with the observation', () => {
    const { schedule, subject } = watching({ pmax: 10 });
    schedule.remove(subject);
    assert.equal(schedule.nextTimeout(), NEVER);
    assert.equal(schedule.evaluate(subject, entries(99), at(10)), false);
  });

  it('keep pmin between any two, and pmax never passes without one', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 3 })), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(fc.nat(20), fc.integer({ min: 20, max: 60 }), steps, (pmin, pmax, changes) => {
        const { schedule, subject } = watching({ pmin, pmax }, 0);
        const sent = [0];
        let value: number;
        let now = 0;
        const run = (until: number, is: number): void => {
          for (let next = schedule.nextTimeout(); next <= at(until); next = schedule.nextTimeout()) {
            now = Math.max(now, next / 1_000);
            for (const due of schedule.due(at(now))) if (schedule.evaluate(due, entries(is), at(now))) sent.push(now);
          }
          now = until;
        };
        let last = 0;
        for (const [wait, next] of changes) {
          run(now + wait, last);
          value = next;
          if (value !== last) schedule.changed(VALUE);
          last = value;
          run(now, last);
        }
        assert.ok(schedule.size === 1 && subject.paths[0]!.equals(VALUE));
        for (let i = 1; i < sent.length; i++) {
          const gap = sent[i]! - sent[i - 1]!;
          assert.ok(gap >= pmin && gap <= pmax, `${gap} s is not between ${pmin} and ${pmax}`);
        }
        assert.ok(now - sent.at(-1)! < pmax || pmax < pmin);
      }),
      { numRuns: 1_000 },
    );
  });

  it('edges are counted from what was seen, and a pulse within pmin is told when it is over', () => {
    const rising = watching({ edge: 1, pmin: 10 }, false);
    const at1 = (value: boolean, second: number): boolean => sends(rising, value, second);
    assert.equal(at1(true, 1), false, 'a rising edge, but pmin is not over');
    assert.equal(at1(false, 2), false);
    assert.equal(rising.schedule.nextTimeout(), at(10));
    assert.equal(sends(rising, false, 10), true, 'the edge is told, with what is true now');
    assert.equal(at1(true, 25), true, 'and the next one is one again');
    const falling = watching({ edge: 0 }, true);
    assert.equal(sends(falling, false, 1), true);
    assert.equal(sends(falling, true, 2), false);
    assert.equal(sends(falling, false, 3), true);
  });

  it('epmin keeps looks apart, and epmax makes one without a change', () => {
    const rare = watching({ epmin: 5 });
    assert.equal(sends(rare, 21, 5), true);
    rare.schedule.changed(VALUE);
    assert.equal(rare.schedule.nextTimeout(), at(10));
    const { schedule, subject } = watching({ epmax: 30, st: 1 });
    assert.equal(schedule.nextTimeout(), at(30));
    assert.deepEqual(schedule.due(at(30)), [subject]);
    assert.equal(schedule.evaluate(subject, entries(20.5), at(30)), false);
    assert.deepEqual(schedule.due(at(60)), [subject]);
    assert.equal(schedule.evaluate(subject, entries(21.5), at(60)), true, 'a value that changes without a word');
  });

  it('what epmax finds before pmin is over is owed', () => {
    const { schedule, subject } = watching({ epmax: 5, pmin: 12 });
    schedule.due(at(5));
    assert.equal(schedule.evaluate(subject, entries(21), at(5)), false);
    schedule.due(at(10));
    assert.equal(schedule.evaluate(subject, entries(20), at(10)), false);
    assert.equal(schedule.nextTimeout(), at(12));
    schedule.due(at(12));
    assert.equal(schedule.evaluate(subject, entries(20), at(12)), true);
  });

  it('conditions that contradict each other, from different levels, do not count', () => {
    assert.equal(sends(watching({ gt: 5, lt: 10 }, 20), 21, 1), true);
  });

  it('of several paths wait for the longest pmin, and come at the shortest pmax', () => {
    const other = Path.of(3303, 1, 5700);
    const attributesOf: AttributesOf = (path) =>
      path.equals(VALUE) ? { pmin: 10, pmax: 100 } : { pmin: 20, pmax: 60 };
    const schedule = new NotificationSchedule(attributesOf);
    schedule.add(watch(VALUE, other), [...entries(1), ...entries(2, other)], at(0));
    assert.equal(schedule.nextTimeout(), at(60));
    schedule.changed(VALUE);
    assert.equal(schedule.nextTimeout(), at(20));
  });

  it('of several paths pass over a pmax that the longest pmin overtakes, and keep the next', () => {
    const other = Path.of(3303, 1, 5700);
    const attributesOf: AttributesOf = (path) => (path.equals(VALUE) ? { pmin: 60, pmax: 30 } : { pmax: 100 });
    const schedule = new NotificationSchedule(attributesOf);
    schedule.add(watch(VALUE, other), [...entries(1), ...entries(2, other)], at(0));
    assert.equal(schedule.nextTimeout(), at(100));
  });

  it('of an instance tell a pulse of one of its resources, too', () => {
    const attributesOf: AttributesOf = (path) => (path.equals(VALUE) ? { edge: 1, pmin: 10 } : { pmin: 10 });
    const schedule = new NotificationSchedule(attributesOf);
    const subject = schedule.add(watch(VALUE.prefix(2)), entries(false), at(0));
    for (const [value, second] of [
      [true, 1],
      [false, 2],
    ] as const) {
      schedule.changed(VALUE);
      assert.deepEqual(schedule.due(at(second)), [subject]);
      assert.equal(schedule.evaluate(subject, entries(value), at(second)), false);
    }
    assert.deepEqual(schedule.due(at(10)), [subject]);
    assert.equal(schedule.evaluate(subject, entries(false), at(10)), true);
  });

  it('count steps and crossings of 64-bit integers exactly', () => {
    const large = 1n << 60n;
    assert.equal(sends(watching({ st: 2 }, large), large + 1n, 1), false);
    assert.equal(sends(watching({ st: 2 }, large), large + 2n, 1), true);
    assert.equal(sends(watching({ gt: 2 ** 60 }, large), large + 1n, 1), true);
    assert.equal(sends(watching({ st: 2, gt: 0 }, large), 5, 1), true, 'one beyond 2^53, one not');
  });

  it('what was never delivered is news again', () => {
    const { schedule, subject } = watching({});
    schedule.changed(VALUE);
    schedule.due(at(1));
    assert.equal(schedule.evaluate(subject, entries(21), at(1)), true);
    schedule.unsent(subject);
    assert.deepEqual(schedule.due(at(2)), [subject]);
    assert.equal(schedule.evaluate(subject, entries(21), at(2)), true);
  });

  it('of ten thousand subjects one change concerns its own alone', () => {
    let asked = 0;
    const schedule = new NotificationSchedule(() => {
      asked++;
      return { pmin: 1, pmax: 3_600 };
    });
    for (let i = 0; i < 10_000; i++) {
      const path = Path.of(3303, i, 5700);
      schedule.add(watch(path), entries(20, path), at(0));
    }
    asked = 0;
    for (let i = 0; i < 1_000; i++) schedule.changed(Path.of(3303, i, 5700));
    assert.equal(schedule.due(at(1)).length, 1_000);
    assert.equal(asked, 0, 'periods are worked out when attributes change, not when values do');
  });
});
