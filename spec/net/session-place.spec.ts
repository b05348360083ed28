// One entry of a session store, whose owner answers when it likes, and whose peer may send as many sessions as it likes.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { StoredSession } from '../../lib/net/index.ts';
import { settle, silentLog } from '../../lib/runtime/index.ts';

/** Says what it is asked for, and is done when it is told. */
function slowStore() {
  const asked: string[] = [];
  const waiting: (() => void)[] = [];
  let kept: Uint8Array | undefined;
  const when = (what: string, act: () => void): Promise<void> => {
    asked.push(what);
    return new Promise((resolve) => {
      waiting.push(() => {
        act();
        resolve();
      });
    });
  };
  const store = {
    load: () => Promise.resolve(kept),
    save: (_key: string, bytes: Uint8Array) => when(`save ${bytes[0]}`, () => void (kept = bytes.slice())),
    remove: () => when('remove', () => void (kept = undefined)),
  };
  const done = async (): Promise<void> => {
    waiting.shift()?.();
    await settle();
  };
  return { store, asked, waiting, done };
}

describe('net: one entry of a session store', () => {
  it('is asked for one thing after the other, and of what waits only the newest is done', async () => {
    const { store, asked, waiting, done } = slowStore();
    const entry = new StoredSession(store, 'key', silentLog);
    const sessions = Array.from({ length: 1_000 }, (_, at) => Uint8Array.of(at, 7));
    for (const each of sessions) entry.save(each);
    assert.deepEqual(asked, ['save 0']);
    const passedOver = sessions.slice(1, -1);
    assert.ok(
      passedOver.every((each) => each.every((byte) => byte === 0)),
      'a secret stays in memory',
    );
    await done();
    assert.deepEqual(asked, ['save 0', 'save 231']);
    await done();
    assert.equal(waiting.length, 0);
    assert.deepEqual(await entry.load(), Uint8Array.of(231, 7));
  });

  it('is read when all is done that was asked for before', async () => {
    const { store, done } = slowStore();
    const entry = new StoredSession(store, 'key', silentLog);
    entry.save(Uint8Array.of(1));
    entry.remove();
    let read: Uint8Array | string | undefined = 'not yet';
    void entry.load().then((bytes) => (read = bytes));
    await done();
    assert.equal(read, 'not yet');
    await done();
    assert.equal(read, undefined);
  });

  it('ends as it was asked for last, in whatever order the store answers', async () => {
    const steps = fc.array(fc.oneof(fc.nat(200), fc.constant('remove'), fc.constant('done')), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        const { store, waiting, done } = slowStore();
        const entry = new StoredSession(store, 'key', silentLog);
        let expected: number | undefined;
        for (const step of sequence) {
          if (step === 'done') await done();
          else {
            expected = typeof step === 'number' ? step : undefined;
            if (typeof step === 'number') entry.save(Uint8Array.of(step));
            else entry.remove();
          }
        }
        for (let left = 2; left > 0 || waiting.length > 0; left--) await done();
        assert.equal((await entry.load())?.[0], expected);
      }),
      { numRuns: 1_000 },
    );
  });
});
