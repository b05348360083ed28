// `lwm2m demo`, in process: the main job, as text, as JSON, and with its datagrams.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DemoStep } from '../../lib/cli/demo.ts';
import { runCli } from '../../lib/cli/program.ts';
import { readBlocks } from '../net/capture/blocks.ts';
import { FakeIo } from './fake-io.ts';

describe('lwm2m demo', () => {
  it('does the main job and ends with 0; every step has its bytes and its time', async () => {
    const io = new FakeIo();
    assert.equal(await runCli(['demo', '--json'], io), 0);
    const steps = io.outLines.map((line) => JSON.parse(line) as DemoStep);
    assert.deepEqual(
      steps.map(({ step }) => step),
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    );
    for (const { title, sent, received, milliseconds } of steps.slice(1)) {
      assert.ok(sent.bytes > 0 && received.bytes > 0 && sent.datagrams > 0 && received.datagrams > 0, title);
      assert.ok(milliseconds > 0, title);
    }
    const [, handshake, register] = steps;
    assert.match(handshake!.details.join('\n'), /DTLS1\.2, ciphersuite 0xC0A8, extended master secret true/);
    assert.match(register!.details.join('\n'), /\/rd\/[0-9a-f]{16}: LwM2M 1\.1, lifetime 300 s/);
    assert.match(steps[7]!.details.join('\n'), /first 20, notified 21\.5, 22; then cancelled/);
    assert.match(steps[9]!.details.join('\n'), /0 devices registered/);
  });

  it('shows datagrams in hex that are DTLS 1.2 records, and as many bytes as it counted', async () => {
    const io = new FakeIo();
    assert.equal(await runCli(['demo', '--hex', '--json'], io), 0);
    const steps = io.outLines.map((line) => JSON.parse(line) as DemoStep);
    for (const { datagrams, sent, received } of steps) {
      const bytes = (sign: string): number =>
        (datagrams ?? []).filter((line) => line.startsWith(sign)).reduce((sum, line) => sum + (line.length - 2) / 2, 0);
      assert.equal(bytes('>'), sent.bytes);
      assert.equal(bytes('<'), received.bytes);
    }
    const first = steps[1]!.datagrams![0]!;
    assert.match(first, /^> 16fe[f]?[df]/, 'a handshake record');
    const register = steps[2]!.datagrams![0]!;
    assert.match(register, /^> 17fefd0001/, 'application data of epoch 1');
  });

  it('records the session where it is told to, with as many datagrams as it counted and one line of secrets', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'demo-'));
    try {
      const file = join(directory, 'demo.pcapng');
      const io = new FakeIo();
      assert.equal(await runCli(['demo', '--json', '--capture', file], io), 0);
      const steps = io.outLines.map((line) => JSON.parse(line) as DemoStep);
      const counted = steps.reduce((sum, { sent, received }) => sum + sent.datagrams + received.datagrams, 0);
      const blocks = readBlocks(readFileSync(file));
      assert.ok(blocks.filter(({ packet }) => packet !== undefined).length >= counted);
      assert.equal(blocks.filter(({ secrets }) => secrets?.startsWith('CLIENT_RANDOM ')).length, 1);
      assert.equal(statSync(file).mode & 0o777, 0o600);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('reads well', async () => {
    const io = new FakeIo();
    assert.equal(await runCli(['demo'], io), 0);
    assert.match(io.outLines[0]!, /^ 1\. A server listens/);
    assert.match(io.outLines.at(-1)!, /Done/);
    assert.equal(io.errorLines.length, 0);
  });
});
