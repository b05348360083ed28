import assert from 'node:assert/strict';
import type { Endpoint } from '../../../lib/net/index.ts';
import { WriteQueue } from '../../../security-backends/native/write-queue.ts';

const TO: Endpoint = { address: '192.0.2.1', port: 1 };
const BOOKKEEPING = 64;

describe('WriteQueue', () => {
  function queue(bytes: number): { queue: WriteQueue; sent: number[]; room: { left: number }; fails: { on: number } } {
    const sent: number[] = [];
    const room = { left: 0 };
    const fails = { on: -1 };
    const write = ([first]: Uint8Array): 'wouldBlock' | void => {
      if (first === fails.on) throw new Error('the network is down');
      if (room.left === 0) return 'wouldBlock';
      room.left--;
      sent.push(first!);
    };
    return { queue: new WriteQueue(write, bytes), sent, room, fails };
  }

  it('sends at once while there is room, and in order behind those that wait', () => {
    const { queue: writes, sent, room } = queue(1_000);
    room.left = 1;
    for (const n of [1, 2, 3]) assert.equal(writes.push(Uint8Array.of(n), TO), true);
    assert.deepEqual([sent, writes.length], [[1], 2]);
    room.left = 1;
    writes.push(Uint8Array.of(4), TO); // not past 2 and 3, though there is room
    assert.deepEqual(sent, [1]);
    writes.flush();
    assert.deepEqual(sent, [1, 2]);
    room.left = 10;
    writes.flush();
    writes.flush();
    assert.deepEqual([sent, writes.length], [[1, 2, 3, 4], 0]);
    writes.push(Uint8Array.of(5), TO);
    assert.deepEqual(sent, [1, 2, 3, 4, 5]);
  });

  it('is bounded in bytes, empty datagrams included, and counts what it drops', () => {
    const { queue: writes, room } = queue(2 * BOOKKEEPING + 5);
    assert.equal(writes.push(new Uint8Array(5), TO), true);
    assert.equal(writes.push(new Uint8Array(0), TO), true);
    assert.equal(writes.push(new Uint8Array(0), TO), false);
    assert.deepEqual([writes.dropped, writes.length], [1, 2]);
    room.left = 2;
    writes.flush();
    assert.equal(writes.push(new Uint8Array(2 * BOOKKEEPING), TO), false, 'it is larger than the bound by itself');
    assert.equal(writes.push(new Uint8Array(BOOKKEEPING), TO), true);
  });

  it('what cannot be sent is lost, and does not hold up those behind it', () => {
    const { queue: writes, sent, room, fails } = queue(1_000);
    for (const n of [1, 2, 3]) writes.push(Uint8Array.of(n), TO);
    fails.on = 2;
    room.left = 10;
    writes.flush();
    assert.deepEqual([sent, writes.length], [[1, 3], 0]);
    assert.throws(() => writes.push(Uint8Array.of(2), TO), /network is down/);
  });

  it('forgets what waits', () => {
    const { queue: writes, sent, room } = queue(1_000);
    writes.push(Uint8Array.of(1), TO);
    writes.clear();
    room.left = 1;
    writes.flush();
    assert.deepEqual([sent, writes.length], [[], 0]);
  });
});
