import assert from 'node:assert/strict';
import { MessageMemory } from '../../lib/coap/message-memory.ts';
import { type Instant, seconds } from '../../lib/runtime/index.ts';

const at = (ms: number): Instant => ms as Instant;

describe('MessageMemory', () => {
  it('knows a message by id, code and token, until its lifetime ends', () => {
    const memory = new MessageMemory(10, 1_000);
    const first = memory.remember(7, 1, 'a', seconds(10), at(0));
    assert.equal(memory.find(7, 1, 'a', at(9_999)), first);
    assert.equal(memory.find(7, 1, 'a', at(10_000)), undefined);
    assert.equal(memory.find(7, 2, 'a', at(0)), undefined);
    assert.equal(memory.find(7, 1, 'b', at(0)), undefined);
    assert.equal(memory.find(8, 1, 'a', at(0)), undefined);
  });

  it('forgets the oldest beyond its number of messages, and what has expired', () => {
    const memory = new MessageMemory(3, 1_000);
    for (let id = 0; id < 5; id++) memory.remember(id, 1, '', seconds(10), at(0));
    assert.equal(memory.size, 3);
    assert.equal(memory.find(1, 1, '', at(0)), undefined);
    memory.remember(9, 1, '', seconds(10), at(10_000));
    assert.equal(memory.size, 1);
  });

  it('forgets the oldest beyond its bytes of replies', () => {
    const memory = new MessageMemory(100, 100);
    const remembered = [0, 1, 2].map((id) => memory.remember(id, 1, '', seconds(10), at(0)));
    for (const one of remembered) memory.setReply(one, new Uint8Array(40));
    assert.equal(memory.find(0, 1, '', at(0)), undefined);
    assert.equal(memory.find(1, 1, '', at(0))?.reply?.length, 40);
    memory.setReply(remembered[2]!, new Uint8Array(60));
    assert.equal(memory.size, 2, 'a reply in place of another counts once');
    memory.setReply(remembered[0]!, new Uint8Array(1_000));
    assert.equal(memory.size, 2, 'a reply to what is forgotten is not kept');
  });

  it('forgets on demand, but only what it was asked to', () => {
    const memory = new MessageMemory(100, 100);
    const old = memory.remember(1, 1, 'a', seconds(10), at(0));
    const other = memory.remember(1, 1, 'b', seconds(10), at(0));
    memory.forget(old);
    assert.equal(memory.find(1, 1, 'b', at(0)), other);
    memory.forget(other);
    assert.equal(memory.size, 0);
  });
});
