// Where the TLS secrets go: to a file of our own, and only there.

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { FakeIo } from './fake-io.ts';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { openKeyLog } from '../../lib/cli/key-log.ts';
import { runCli } from '../../lib/cli/program.ts';
import { tmpdir } from 'node:os';

describe('--key-log', () => {
  let directory: string;
  const modeOf = (file: string): number => statSync(file).mode & 0o777;

  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'key-log-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  it('makes a file that its owner alone can read, and appends', () => {
    const file = join(directory, 'keys.log');
    for (const line of ['one', 'two']) {
      const log = openKeyLog(file, new FakeIo());
      log.write(line);
      log.close();
    }
    assert.equal(modeOf(file), 0o600);
    assert.equal(readFileSync(file, 'utf8'), 'one\ntwo\n');
  });

  it('takes other users’ rights from a file that was there', () => {
    const file = join(directory, 'keys.log');
    writeFileSync(file, 'old\n');
    chmodSync(file, 0o664);
    openKeyLog(file, new FakeIo()).close();
    assert.equal(modeOf(file), 0o600);
    assert.equal(readFileSync(file, 'utf8'), 'old\n');
  });

  it('refuses what is not a regular file, before anything is sent', async () => {
    const target = join(directory, 'target');
    writeFileSync(target, '');
    symlinkSync(target, join(directory, 'link'));
    mkdirSync(join(directory, 'folder'));
    execFileSync('mkfifo', [join(directory, 'pipe')]);
    for (const name of ['link', 'folder', 'pipe', 'no/such']) {
      const io = new FakeIo();
      const flags = ['--server', 'coap://127.0.0.1', '--endpoint', 'a', '--key-log', join(directory, name)];
      assert.equal(await runCli(['device', ...flags], io), 2, name);
      assert.match(io.errorLines.join('\n'), /--key-log: .*\nExample: --key-log keys\.log/s);
      assert.deepEqual(io.outLines, []);
    }
    assert.equal(readFileSync(target, 'utf8'), '');
  });

  it('tells once that it cannot write, and never throws', () => {
    const io = new FakeIo();
    const log = openKeyLog(join(directory, 'keys.log'), io);
    log.close();
    log.write('secret one');
    log.write('secret two');
    assert.equal(io.errorLines.length, 1);
    assert.match(io.errorLines[0]!, /^warning: --key-log: cannot write .* \(EBADF\)$/);
    assert.ok(!io.everything.includes('secret'));
  });
});
