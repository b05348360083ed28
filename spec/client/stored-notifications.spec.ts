// What is kept for a server out of reach, and what gives way (LwM2M Core 1.2 §5.1.2 hqmax, /1/x/6).

import assert from 'node:assert/strict';
import { type Entry, Path } from '../../lib/model/index.ts';
import { type Reading, StoredNotifications } from '../../lib/client/stored-notifications.ts';
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
    for (const value of [1, 2, 3]) stored.add(value === 2 ? b : a, reading(value), undefined);
    assert.equal(stored.size, 3);
    assert.deepEqual([values(stored.take(a)), values(stored.take(a)), values(stored.take(b))], [[1, 3], [], [2]]);
    assert.deepEqual([stored.size, stored.dropped], [0, 0]);
  });

  it("beyond an observation's own bound drop its oldest", () => {
    const stored = new StoredNotifications(10);
    const [a, b] = [subject('/3303/0/5700'), subject('/3303/1/5700')];
    stored.add(b, reading(0), undefined);
    for (const value of [1, 2, 3, 4]) stored.add(a, reading(value), 2);
    assert.deepEqual([values(stored.take(a)), values(stored.take(b)), stored.dropped], [[3, 4], [0], 2]);
  });

  it("beyond the bound of all drop the oldest, whoever's it is", () => {
    const stored = new StoredNotifications(3);
    const [a, b] = [subject('/3303/0/5700'), subject('/3303/1/5700')];
    stored.add(a, reading(1), undefined);
    for (const value of [2, 3, 4]) stored.add(b, reading(value), undefined);
    assert.deepEqual([values(stored.take(a)), values(stored.take(b)), stored.dropped], [[], [2, 3, 4], 1]);
  });
});
