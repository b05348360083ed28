import assert from 'node:assert/strict';
import { MessageIds } from '../../lib/coap/message-ids.ts';
import { type Instant, SeededRandom, seconds } from '../../lib/runtime/index.ts';

const at = (second: number): Instant => (second * 1_000) as Instant;
const free = (): boolean => false;

describe('MessageIds', () => {
  it('give all 65,536 before one comes again', () => {
    const ids = new MessageIds(new SeededRandom(1), seconds(247));
    const given = new Set(Array.from({ length: 65_536 }, () => ids.take(at(0), free)));
    assert.equal(given.size, 65_536);
  });

  it('pass over those in use', () => {
    const ids = new MessageIds(new SeededRandom(1), seconds(247));
    const first = ids.take(at(0), free);
    assert.equal(
      ids.take(at(0), (id) => id === ((first + 1) & 0xffff)),
      (first + 2) & 0xffff,
    );
  });

  it('are counted when one is used again within EXCHANGE_LIFETIME (RFC 7252 §4.4), and only then', () => {
    const slow = new MessageIds(new SeededRandom(2), seconds(247));
    for (let i = 0; i < 200_000; i++) slow.take(at(i / 200), free); // 65,536 take 327 s
    assert.equal(slow.reused, 0);
    const fast = new MessageIds(new SeededRandom(2), seconds(247));
    for (let i = 0; i < 200_000; i++) fast.take(at(i / 1_000), free); // 65,536 take 65 s
    const expected = 200_000 - 65_536;
    assert.ok(Math.abs(fast.reused - expected) <= 4_096, `${fast.reused}, give or take a block of ${expected}`);
  });
});
