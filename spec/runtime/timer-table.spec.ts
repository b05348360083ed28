import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Instant, NEVER, TimerTable } from '../../lib/runtime/index.ts';

const at = (ms: number): Instant => ms as Instant;

describe('TimerTable', () => {
  it('knows the earliest deadline, and gives what is due, earliest first', () => {
    const table = new TimerTable<'a' | 'b' | 'c'>();
    assert.equal(table.next(), NEVER);
    table.set('a', at(30));
    table.set('b', at(10));
    table.set('c', at(20));
    assert.equal(table.next(), 10);
    assert.deepEqual(table.expire(at(9)), []);
    assert.deepEqual(table.expire(at(20)), ['b', 'c']);
    assert.deepEqual([table.next(), table.deadline('b'), table.deadline('a')], [30, undefined, 30]);
  });

  it('moves, cancels and clears deadlines', () => {
    const table = new TimerTable<number>();
    table.set(1, at(10));
    table.set(1, at(50));
    table.set(2, at(20));
    table.cancel(2);
    assert.deepEqual([table.next(), table.expire(at(49))], [50, []]);
    table.clear();
    assert.deepEqual([table.next(), table.expire(at(1_000))], [NEVER, []]);
  });

  it('does what a plain list of deadlines does', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), key: fc.nat(15), at: fc.nat(40) }),
      fc.record({ kind: fc.constant('cancel' as const), key: fc.nat(15), at: fc.constant(0) }),
      fc.record({ kind: fc.constant('expire' as const), key: fc.constant(0), at: fc.nat(40) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const table = new TimerTable<number>();
        let list: { key: number; at: number }[] = []; // the oracle: in the order of setting
        for (const { kind, key, at: when } of steps) {
          if (kind === 'expire') {
            const due = list.filter((each) => each.at <= when).sort((a, b) => a.at - b.at);
            assert.deepEqual(
              table.expire(at(when)),
              due.map((each) => each.key),
            );
            list = list.filter((each) => each.at > when);
          } else {
            const same = kind === 'set' && list.some((each) => each.key === key && each.at === when);
            if (!same) list = list.filter((each) => each.key !== key);
            if (kind === 'set' && !same) list.push({ key, at: when });
            if (kind === 'set') table.set(key, at(when));
            else table.cancel(key);
          }
          assert.equal(table.next(), list.length === 0 ? NEVER : Math.min(...list.map((each) => each.at)));
          assert.equal(table.deadline(3), list.find((each) => each.key === 3)?.at);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
