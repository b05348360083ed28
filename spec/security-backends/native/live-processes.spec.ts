// One live session and several processes: it goes on in the next one, also when the last was killed; an old copy of its
// file, a second process at once, and other credentials lead to a handshake, or to a refusal.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { udpSocket } from '../../../lib/net/node/index.ts';
import { systemEnvironment } from '../../../lib/runtime/index.ts';
import { nativeDtls } from '../../../security-backends/native/backend.ts';
import { LOOKUP } from './sockets.ts';

const SCRIPT = path.join(import.meta.dirname, 'live-process.ts');

interface Running {
  readonly process: ChildProcess;
  readonly exited: Promise<void>;
  output: string;
}

describe('a live session in a directory, and processes', () => {
  let directory: string;
  let heard: string[];
  let server: ReturnType<ReturnType<typeof nativeDtls>['createServer']>;
  const running: Running[] = [];

  beforeEach(async () => {
    directory = mkdtempSync(path.join(os.tmpdir(), 'live-session-'));
    heard = [];
    const environment = systemEnvironment();
    const backend = nativeDtls({ datagramSocket: udpSocket });
    const security = { mode: 'psk', lookup: LOOKUP } as const;
    server = backend.createServer({ security, connectionId: true }, environment);
    await server.bind('127.0.0.1', 0);
    void serve();
  });
  afterEach(async () => {
    for (const each of running.splice(0)) {
      each.process.kill('SIGKILL');
      await each.exited;
    }
    server.close();
    rmSync(directory, { recursive: true });
  });

  async function serve(): Promise<void> {
    try {
      for (;;) {
        const session = await server.accept();
        session.handler = {
          readable: () => {
            for (let bytes = session.receive(); bytes !== undefined; bytes = session.receive()) {
              heard.push(new TextDecoder().decode(bytes));
              session.send(bytes);
            }
          },
          writable: () => undefined,
          closed: () => undefined,
        };
        session.handler.readable();
      }
    } catch {
      // the listening socket is closed
    }
  }

  function start(words: string, end: 'suspend' | 'close' | 'stay'): Running {
    const args = ['--import', 'tsx', SCRIPT, `${server.local!.port}`, directory, words, end];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const each: Running = { process: child, exited, output: '' };
    child.stdout.on('data', (bytes: Buffer) => (each.output += bytes.toString()));
    running.push(each);
    return each;
  }

  async function run(words: string, end: 'suspend' | 'close' = 'suspend'): Promise<string> {
    const each = start(words, end);
    await each.exited;
    return each.output;
  }

  async function until(each: Running, text: RegExp): Promise<void> {
    while (!text.test(each.output)) {
      await new Promise<void>((resolve) => each.process.stdout!.once('data', () => setImmediate(resolve)));
    }
  }

  it('goes on in the next process, again and again, by one handshake', async () => {
    assert.equal(await run('one'), 'shook hands\ndone\n');
    assert.equal(await run('two,three'), 'went on\ndone\n');
    assert.equal(await run('four'), 'went on\ndone\n');
    assert.deepEqual(heard, ['one', 'two', 'three', 'four']);
    assert.equal(server.counters?.sessionsEstablished, 1);
    const files = readdirSync(directory).map((name) => name.replace(/[0-9]+$/, 'N'));
    assert.deepEqual(files.toSorted(), ['generation.N', 'session']);
    assert.equal(statSync(path.join(directory, 'session')).mode & 0o777, 0o600);
  });

  it('goes on after the process was killed', async () => {
    const first = start('one', 'stay');
    await until(first, /done/);
    first.process.kill('SIGKILL');
    await first.exited;
    assert.equal(await run('two'), 'went on\ndone\n');
    assert.deepEqual(heard, ['one', 'two']);
    assert.equal(server.counters?.sessionsEstablished, 1);
  });

  it('is over once it was closed', async () => {
    await run('one', 'close');
    assert.ok(!readdirSync(directory).includes('session'));
    assert.match(await run('two'), /^shook hands/);
  });

  it('is not gone on with from an old copy of its file', async () => {
    await run('one');
    const session = path.join(directory, 'session');
    const copy = path.join(directory, 'copy');
    copyFileSync(session, copy);
    assert.match(await run('two'), /^went on/);
    copyFileSync(copy, session);
    assert.match(await run('three'), /^shook hands/);
    assert.equal(server.counters?.sessionsEstablished, 2);
  });

  it('is one process’s at a time', async () => {
    const first = start('one', 'stay');
    await until(first, /done/);
    assert.match(await run('two'), /^failed: .*EPERM: liveSession: another process has it/);
    assert.deepEqual(heard, ['one']);
    first.process.kill('SIGKILL');
    await first.exited;
  });

  it('that is damaged leads to a handshake, and is written anew', async () => {
    await run('one');
    const session = path.join(directory, 'session');
    const bytes = readFileSync(session);
    writeFileSync(session, bytes.subarray(0, bytes.length - 9));
    assert.match(await run('two'), /^shook hands/);
    assert.match(await run('three'), /^went on/);
  });
});
