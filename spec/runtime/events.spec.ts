import assert from 'node:assert/strict';
import { Events } from '../../lib/runtime/index.ts';

interface Heard {
  count: number;
  name: string;
}

describe('Events', () => {
  it('calls listeners in order, synchronously, each its own event', () => {
    const events = new Events<Heard>();
    const heard: unknown[] = [];
    events.on('count', (count) => heard.push('first', count));
    events.on('count', (count) => heard.push('second', count));
    events.on('name', (name) => heard.push(name));
    events.emit('count', 1);
    events.emit('name', 'x');
    assert.deepEqual(heard, ['first', 1, 'second', 1, 'x']);
  });

  it('takes a listener back, also while it is called', () => {
    const events = new Events<Heard>();
    const heard: number[] = [];
    const off = events.on('count', (count) => {
      heard.push(count);
      off();
    });
    events.on('count', (count) => heard.push(-count));
    events.emit('count', 1);
    events.emit('count', 2);
    assert.deepEqual(heard, [1, -1, -2]);
  });

  it('types the payload', () => {
    const events = new Events<Heard>();
    // @ts-expect-error a count is a number
    events.emit('count', 'x');
    // @ts-expect-error no such event
    events.emit('size', 1);
  });

  it('waits for the next event that is accepted, once', async () => {
    const events = new Events<Heard>();
    const even = events.next('count', { accepts: (count) => count % 2 === 0 });
    for (const count of [1, 2, 4]) events.emit('count', count);
    assert.equal(await even, 2);
  });

  it('stops waiting when the signal aborts, before or meanwhile', async () => {
    const events = new Events<Heard>();
    await assert.rejects(events.next('count', { signal: AbortSignal.abort(new Error('too late')) }), /too late/);
    const controller = new AbortController();
    const waiting = events.next('count', { signal: controller.signal });
    controller.abort(new Error('enough'));
    events.emit('count', 1);
    await assert.rejects(waiting, /enough/);
  });
});
