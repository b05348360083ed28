import assert from 'node:assert/strict';
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
});
