// What leaves by a stream: joined, bounded, taken back, and told of.

import assert from 'node:assert/strict';
import { StreamOutbox } from '../../lib/coap/stream-outbox.ts';
import { SocketError } from '../../lib/net/index.ts';

function scene(most = 10_000, atOnce = 1_000_000) {
  const sent: number[] = [];
  const told: string[] = [];
  const stream = { takes: true };
  const send = (bytes: Uint8Array): void => {
    if (bytes.length > atOnce) throw new SocketError('EMSGSIZE', 'larger than ever', { fatal: false });
    if (!stream.takes) throw new SocketError('EAGAIN', 'full', { fatal: false });
    sent.push(bytes.length);
  };
  const outbox = new StreamOutbox(send, () => atOnce, most);
  const push = (bytes: number, name: string) =>
    outbox.push(new Uint8Array(bytes), {
      acknowledged: () => void told.push(name),
      failed: (error) => void told.push(`${name}: ${error.message}`),
    });
  return { outbox, sent, told, stream, push };
}

describe('StreamOutbox', () => {
  it('sends at once what has room, and tells so before push returns', () => {
    const { sent, told, push } = scene();
    push(10, 'a');
    assert.deepEqual([sent, told], [[10], ['a']]);
  });

  it('keeps the order of what waits, and joins it up to 16 KiB; what is larger goes by itself', () => {
    const { outbox, sent, told, stream, push } = scene(1_000_000);
    stream.takes = false;
    for (const [bytes, name] of [
      [10, 'a'],
      [20, 'b'],
      [16_370, 'c'],
      [20_000, 'd'],
      [5, 'e'],
    ] as const)
      push(bytes, name);
    assert.deepEqual(told, []);
    stream.takes = true;
    outbox.flush();
    assert.deepEqual(sent, [30, 16_370, 20_000, 5]);
    assert.deepEqual(told, ['a', 'b', 'c', 'd', 'e']);
    assert.equal(outbox.isBlocked, false);
  });

  it('joins no more than the stream can take at once', () => {
    const { outbox, sent, push } = scene(1_000_000, 100);
    outbox.gather();
    for (const [at, bytes] of [60, 30, 10, 1, 100].entries()) push(bytes, `${at}`);
    outbox.flush();
    assert.deepEqual(sent, [100, 1, 100]);
    assert.equal(outbox.isBlocked, false);
  });

  it('gathers until it is flushed', () => {
    const { outbox, sent, push } = scene();
    outbox.gather();
    push(1, 'a');
    push(2, 'b');
    assert.deepEqual(sent, []);
    outbox.flush();
    push(3, 'c');
    assert.deepEqual(sent, [3, 3]);
  });

  it('is full by bytes, and by tiny messages too; what is taken back makes room', () => {
    const { outbox, stream, push } = scene(1_000);
    stream.takes = false;
    const waiting = Array.from({ length: 16 }, (_, i) => push(0, `${i}`));
    assert.equal(outbox.isFull, true);
    for (const each of waiting) outbox.cancel(each);
    assert.deepEqual([outbox.isFull, outbox.isBlocked], [false, false]);
  });

  it('what was taken back is not told of, and does not leave', () => {
    const { outbox, sent, told, stream, push } = scene();
    stream.takes = false;
    const taken = push(7, 'a');
    push(8, 'b');
    outbox.cancel(taken);
    stream.takes = true;
    outbox.flush();
    assert.deepEqual([sent, told], [[8], ['b']]);
  });

  it('what waits at the end fails', () => {
    const { outbox, told, stream, push } = scene();
    stream.takes = false;
    push(1, 'a');
    outbox.fail(new Error('over'));
    assert.deepEqual([told, outbox.isBlocked], [['a: over'], false]);
  });

  it('an error of the stream is thrown to who pushes, and nothing stays', () => {
    const send = (): void => {
      throw new SocketError('EBADF', 'closed');
    };
    const outbox = new StreamOutbox(send, () => 1_000, 100);
    const silent = { acknowledged: () => undefined, failed: () => undefined };
    assert.throws(() => outbox.push(new Uint8Array(1), silent), { code: 'EBADF' });
    assert.equal(outbox.isBlocked, false);
  });
});
