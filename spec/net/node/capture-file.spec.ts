// The file of a recording: its owner's alone, appended to block by block, and never half a block.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CaptureFile, PrivateFileError, udpSocket } from '../../../lib/net/node/index.ts';
import { VirtualTime, systemEnvironment } from '../../../lib/runtime/index.ts';
import { readBlocks } from '../capture/blocks.ts';

const clock = new VirtualTime();

describe('CaptureFile', () => {
  let directory: string;
  const at = (name: string): string => join(directory, name);
  const typesIn = (file: string): number[] => readBlocks(readFileSync(file)).map(({ type }) => type);

  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'capture-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  it('makes a file that its owner alone can read, and appends a section the next time', () => {
    const file = at('a.pcapng');
    for (let i = 0; i < 2; i++) {
      const capture = new CaptureFile(file, { clock });
      capture.keyLog('CLIENT_RANDOM aa bb');
      capture.close();
      capture.close();
    }
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(typesIn(file), [0x0a0d0d0a, 1, 10, 0x0a0d0d0a, 1, 10]);
  });

  it('takes other users’ rights from a file that was there', () => {
    const file = at('old.pcapng');
    writeFileSync(file, '');
    chmodSync(file, 0o666);
    new CaptureFile(file, { clock }).close();
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  it('records datagrams of a watched socket up to close, which writes what waits', async () => {
    const environment = systemEnvironment();
    const file = at('udp.pcapng');
    const capture = new CaptureFile(file, { clock });
    const server = udpSocket(undefined, environment);
    await server.bind('127.0.0.1', 0);
    const client = capture.watch(udpSocket(undefined, environment));
    try {
      await client.connect('127.0.0.1', server.local!.port);
      client.send(Uint8Array.of(1));
      await server.next();
      server.sendTo(Uint8Array.of(2), client.local!);
      await client.next();
      capture.close();
      client.send(Uint8Array.of(3));
      const payloads = readBlocks(readFileSync(file)).flatMap(({ packet }) => packet?.payload[0] ?? []);
      assert.deepEqual(payloads, [1, 2]);
    } finally {
      client.close();
      server.close();
    }
  });

  it('refuses links, folders, pipes, what is not there, other files, and recordings that break off; and leaves them', () => {
    const whole = at('whole.pcapng');
    const capture = new CaptureFile(whole, { clock });
    capture.keyLog('CLIENT_RANDOM aa bb');
    capture.close();
    symlinkSync(whole, at('link'));
    mkdirSync(at('folder'));
    execFileSync('mkfifo', [at('pipe')]);
    writeFileSync(at('notes.txt'), 'these are notes of mine');
    writeFileSync(at('short'), readFileSync(whole).subarray(0, 3));
    writeFileSync(at('broken.pcapng'), readFileSync(whole).subarray(0, -8));
    const cases: [string, RegExp][] = [
      ['link', /cannot keep secrets in .*link \(ELOOP\)/],
      ['folder', /cannot keep secrets in .*folder \(EISDIR\)/],
      ['pipe', /expected a regular file, found something else at .*pipe/],
      ['no/such', /cannot keep secrets in .*such \(ENOENT\)/],
      ['notes.txt', /expected an empty file or a pcapng recording, found something else in .*notes\.txt/],
      ['short', /expected an empty file or a pcapng recording/],
      ['broken.pcapng', /the recording in .*broken\.pcapng breaks off within a block/],
    ];
    for (const [name, message] of cases) {
      assert.throws(
        () => new CaptureFile(at(name), { clock }),
        (error) => error instanceof PrivateFileError && message.test(error.message),
        name,
      );
    }
    assert.equal(readFileSync(at('notes.txt'), 'utf8'), 'these are notes of mine');
  });

  it('tells once that it cannot write, never throws, and leaves whole blocks', () => {
    const file = at('limited.pcapng');
    // A limit on the size of files stands for a full disk: the writing process is a child.
    const typescript = import.meta.filename.endsWith('.ts');
    const room = new URL(`../../../lib/net/node/index.${typescript ? 'ts' : 'js'}`, import.meta.url).href;
    writeFileSync(
      at('child.mjs'),
      `process.on('SIGXFSZ', () => undefined);
      const { CaptureFile } = await import(${JSON.stringify(room)});
      const clock = { now: () => 0, wallTime: () => 0 };
      const capture = new CaptureFile(${JSON.stringify(file)}, { clock, onError: ({ message }) => console.log(message) });
      for (let i = 0; i < 3; i++) capture.keyLog('CLIENT_RANDOM ' + 'ab'.repeat(400));
      capture.close();`,
    );
    const command = `ulimit -f 1; exec ${process.execPath} ${typescript ? '--import tsx' : ''} ${at('child.mjs')}`;
    const errors = execFileSync('bash', ['-c', command], { encoding: 'utf8' }).trim().split('\n');
    assert.equal(errors.length, 1);
    assert.match(errors[0]!, /^cannot write .*limited\.pcapng \((EFBIG|no room for a whole block)\)$/);
    assert.deepEqual(typesIn(file), [0x0a0d0d0a, 1, 10]);
  });
});
