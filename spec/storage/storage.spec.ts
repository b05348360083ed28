// Every Storage keeps the same promises; files also keep theirs to the file system.

import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { MemoryStorage, type Storage } from '../../lib/storage/index.ts';
import { FileStorage } from '../../lib/storage/node/file.ts';

const key = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,30}$/).filter((text) => !/\.\d{6,}$/.test(text));

describe('storage', () => {
  let directory: string;
  beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), 'storage-spec-'))));
  afterEach(() => rm(directory, { recursive: true }));

  const kinds: [string, () => Storage][] = [
    ['MemoryStorage', () => new MemoryStorage({ maxValueBytes: 100 })],
    ['FileStorage', () => new FileStorage(join(directory, 'state'), { maxValueBytes: 100 })],
  ];
  for (const [name, make] of kinds) {
    describe(name, () => {
      it('gives what was set, and undefined for what was not', async () => {
        const storage = make();
        assert.equal(await storage.get('a'), undefined);
        await storage.set('a', Uint8Array.of(1, 2));
        await storage.set('a', Uint8Array.of(3));
        assert.deepEqual(await storage.get('a'), Uint8Array.of(3));
      });

      it('keeps and gives copies', async () => {
        const storage = make();
        const given = Uint8Array.of(1);
        const stored = storage.set('a', given);
        given[0] = 9;
        await stored;
        (await storage.get('a'))![0] = 8;
        assert.deepEqual(await storage.get('a'), Uint8Array.of(1));
      });

      it('behaves as a map', async () => {
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.tuple(key, fc.option(fc.uint8Array({ maxLength: 40 }), { nil: undefined })), { maxLength: 12 }),
            async (steps) => {
              const storage = make();
              for (const old of await storage.list()) await storage.delete(old);
              const model = new Map<string, Uint8Array>();
              for (const [name_, value] of steps) {
                if (value === undefined) await storage.delete(name_);
                else await storage.set(name_, value);
                if (value === undefined) model.delete(name_);
                else model.set(name_, value);
              }
              assert.deepEqual(await storage.list(), [...model.keys()].sort());
              for (const [name_, value] of model) assert.deepEqual(await storage.get(name_), value);
            },
          ),
          { numRuns: name === 'MemoryStorage' ? 1_000 : 50 },
        );
      });

      it('lists by prefix, sorted', async () => {
        const storage = make();
        for (const name_ of ['b-2', 'a-1', 'b-1']) await storage.set(name_, new Uint8Array());
        assert.deepEqual(await storage.list('b-'), ['b-1', 'b-2']);
      });

      it('refuses what is not a key', async () => {
        const storage = make();
        for (const bad of ['', '../x', 'a/b', '.lock', 'A', 'a'.repeat(101), 'a\0']) {
          await assert.rejects(storage.set(bad, new Uint8Array()), { name: 'StorageError', code: 'EKEY' });
          await assert.rejects(storage.get(bad), { code: 'EKEY' });
        }
      });

      it('refuses values beyond its limit', async () => {
        await assert.rejects(make().set('a', new Uint8Array(101)), { code: 'ESIZE' });
      });

      it('has one owner at a time', async () => {
        const storage = make();
        const lock = await storage.lock();
        await assert.rejects(storage.lock(), { code: 'ELOCKED' });
        await lock.release();
        await lock.release();
        await (await storage.lock()).release();
      });
    });
  }

  it("files are their owner's alone", async () => {
    const storage = new FileStorage(join(directory, 'state'));
    await storage.set('secret', Uint8Array.of(1));
    assert.equal((await stat(join(directory, 'state'))).mode & 0o777, 0o700);
    assert.equal((await stat(join(directory, 'state', 'secret'))).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(join(directory, 'state')), ['secret']);
  });

  it('another FileStorage on the same directory sees the values', async () => {
    await new FileStorage(directory).set('a', Uint8Array.of(7));
    assert.deepEqual(await new FileStorage(directory).get('a'), Uint8Array.of(7));
  });

  it('takes over a lock from before the machine was started again, whoever has that process id now', async () => {
    const living = String(process.ppid);
    await writeFile(join(directory, '.lock'), living);
    await assert.rejects(new FileStorage(directory).lock(), { code: 'ELOCKED' });
    await writeFile(join(directory, '.lock'), `${living} 00000000-0000-0000-0000-000000000000`);
    const take = new FileStorage(directory).lock();
    if (process.platform === 'linux') await (await take).release();
    else await assert.rejects(take, { code: 'ELOCKED' });
  });

  it('takes over the lock of a process that is gone', async () => {
    await writeFile(join(directory, '.lock'), '999999999');
    await (await new FileStorage(directory).lock()).release();
    await writeFile(join(directory, '.lock'), String(process.pid));
    await (await new FileStorage(directory).lock()).release();
  });

  it('names the directory and what it could not do', async () => {
    await writeFile(join(directory, 'file'), '');
    const storage = new FileStorage(join(directory, 'file'));
    await assert.rejects(storage.set('a', new Uint8Array()), { code: 'EIO', message: /file: cannot write a \(E\w+\)/ });
  });
});
