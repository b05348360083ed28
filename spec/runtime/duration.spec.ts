import assert from 'node:assert/strict';
import { UNBOUNDED, days, formatDuration, hours, milliseconds, minutes, seconds } from '../../lib/runtime/index.ts';

describe('durations', () => {
  it('are milliseconds', () => {
    assert.deepEqual(
      [milliseconds(5), seconds(2), minutes(2), hours(1), days(1)],
      [5, 2_000, 120_000, 3_600_000, 86_400_000],
    );
    assert.equal(UNBOUNDED, Number.POSITIVE_INFINITY);
  });

  it('are 0 or more', () => {
    for (const value of [-1, Number.NaN]) assert.throws(() => seconds(value), RangeError);
    assert.equal(seconds(0), 0);
  });

  it('read as a person would say them', () => {
    const texts = [0.123, 1.5, 42.25, 999.94, 1_000, 12_345.6].map((ms) => formatDuration(milliseconds(ms)));
    assert.deepEqual(texts, ['0.12 ms', '1.50 ms', '42.3 ms', '999.9 ms', '1 s', '12.346 s']);
    assert.equal(formatDuration(UNBOUNDED), 'unbounded');
  });
});
