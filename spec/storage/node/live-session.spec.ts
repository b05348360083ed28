// The directory of a live session: one owner, generations that nobody gets twice, and owners that are no longer.

import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { LiveSessionEntry } from '../../../lib/storage/index.ts';
import { LiveSessionDirectory } from '../../../lib/storage/node/live-session.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe('the directory of a live session', () => {
  let directory: string;
  let store: LiveSessionDirectory;
  beforeEach(() => {
    directory = mkdtempSync(path.join(os.tmpdir(), 'live-directory-'));
    store = new LiveSessionDirectory(directory);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  function opened(): LiveSessionEntry {
    const handle = store.open();
    assert.ok(handle);
    return handle;
  }

  /** Somebody who has come by although the lock is held, as two can who find a dead process's at once. */
  function openedBeside(): LiveSessionEntry {
    rmSync(path.join(directory, 'lock'));
    return opened();
  }

  it('has one owner at a time, and keeps what is written', () => {
    const first = opened();
    assert.equal(store.open(), undefined);
    first.nextGeneration();
    first.write(bytes(1, 2));
    first.release();
    first.release();
    const second = opened();
    assert.equal(second.generation, first.generation);
    assert.deepEqual(second.read(), bytes(1, 2));
    assert.equal(second.nextGeneration(), first.generation + 1);
    second.remove();
    assert.equal(second.read(), undefined);
  });

  it('is taken over from a process that is gone, or that left no readable lock', () => {
    for (const owner of ['999999999', '', 'nobody']) {
      writeFileSync(path.join(directory, 'lock'), owner);
      opened().release();
    }
  });

  it('two who both think they own it: the earlier one can neither write nor remove', () => {
    const first = opened();
    first.nextGeneration();
    first.write(bytes(1));
    const second = openedBeside();
    first.write(bytes(2)); // the second has read nothing yet
    second.nextGeneration();
    assert.deepEqual(second.read(), bytes(2));
    second.write(bytes(3));
    first.remove();
    assert.deepEqual(second.read(), bytes(3));
    assert.throws(() => first.write(bytes(4)), /not ours/);
    first.release();
    assert.equal(store.open(), undefined, 'the lock is still the second one’s');
  });

  it('gives a generation to one of two, however late the other comes', () => {
    const first = opened();
    first.nextGeneration();
    first.release();
    for (let others = 1; others <= 4; others++) {
      const late = openedBesideIfHeld();
      for (let i = 0; i < others; i++) openedBeside().nextGeneration();
      assert.throws(() => late.nextGeneration());
      assert.throws(() => late.write(bytes(9)), /not ours/);
    }
  });

  function openedBesideIfHeld(): LiveSessionEntry {
    return store.open() ?? openedBeside();
  }

  it('begins with a generation of its own where none is known, so that a session copied there is nobody’s', () => {
    const first = opened();
    first.nextGeneration();
    first.release();
    for (const name of readdirSync(directory)) rmSync(path.join(directory, name));
    const second = opened();
    assert.notEqual(second.generation, first.generation);
    assert.ok(second.generation >= 2 ** 40);
  });

  it('belongs to one of two who both found none: the one with the later generation', () => {
    for (let i = 0; i < 20; i++) {
      const pair = [opened(), openedBeside()].toSorted((a, b) => a.generation - b.generation);
      const [earlier, later] = [pair[0]!, pair[1]!];
      earlier.nextGeneration();
      later.nextGeneration();
      assert.throws(() => earlier.write(bytes(1)), /not ours/);
      later.write(bytes(2));
      assert.deepEqual(later.read(), bytes(2));
      for (const name of readdirSync(directory)) rmSync(path.join(directory, name));
      earlier.release();
      later.release();
    }
  });

  it('is written by nobody before a generation is theirs, nor after release', () => {
    const handle = opened();
    assert.throws(() => handle.write(bytes(1)), /not ours/);
    handle.nextGeneration();
    handle.release();
    assert.throws(() => handle.write(bytes(1)), /not ours/);
    assert.throws(() => handle.nextGeneration(), /not ours/);
  });

  it('is made our own, and a session there that others could have written is nobody’s', () => {
    chmodSync(directory, 0o777);
    const first = opened();
    assert.equal(statSync(directory).mode & 0o777, 0o700);
    first.nextGeneration();
    first.write(bytes(1));
    const session = path.join(directory, 'session');
    for (const mode of [0o660, 0o604]) {
      chmodSync(session, mode);
      assert.throws(() => first.read(), /ours/);
    }
    first.write(bytes(2));
    assert.deepEqual(first.read(), bytes(2));
    renameSync(session, path.join(directory, 'elsewhere'));
    symlinkSync(path.join(directory, 'elsewhere'), session);
    assert.throws(() => first.read(), /ours/);
  });

  it('of somebody else is refused', function () {
    if (process.geteuid?.() !== 0) this.skip(); // only root can give a directory away
    chownSync(directory, 12_345, 12_345);
    assert.throws(() => store.open(), /user 12345/);
  });

  it('keeps no state that a process left half-way', () => {
    const left = path.join(directory, 'session.0a1b2c3d');
    writeFileSync(left, 'a secret');
    const first = opened();
    first.nextGeneration();
    assert.equal(existsSync(left), false);
  });
});
