// The tutorial: what each chapter's backend passes of the conformance kit, and what its program and its README say.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { BackendOptions } from '../../examples/custom-backend/1-stub.ts';
import { stub } from '../../examples/custom-backend/1-stub.ts';
import { psk } from '../../examples/custom-backend/2-psk.ts';
import { buffered } from '../../examples/custom-backend/3-buffers-and-mtu.ts';
import { resuming } from '../../examples/custom-backend/4-resumption.ts';
import { configured } from '../../examples/custom-backend/5-configuration.ts';
import { certified } from '../../examples/custom-backend/6-certificates.ts';
import { chained } from '../../examples/custom-backend/7-chains-and-dane.ts';
import { type StreamBackendOptions, overTcp } from '../../examples/custom-backend/8-tcp.ts';
import { finished } from '../../examples/custom-backend/9-connection-id-and-alerts.ts';
import { pskIdentityEmpty, pskKeyEmpty } from '../../lib/crypto/index.ts';
import {
  type ConformancePeer,
  backendCases,
  mochaCases,
  socketFixtureOf,
} from '../../lib/net/conformance/backend/index.ts';
import { socketCases } from '../../lib/net/conformance/index.ts';
import type { DatagramSocket, SecurityBackend, StreamSocket } from '../../lib/net/index.ts';
import { systemEnvironment } from '../../lib/runtime/index.ts';
import { conformancePeer } from '../../security-backends/native/conformance-peer.ts';
import { conformancePeer as tlsConformancePeer } from '../../security-backends/node-tls/conformance-peer.ts';
import { loopbackPeer } from '../security-backends/native/loopback-peer.ts';
import { tlsPeer } from '../security-backends/node-tls/tls-peer.ts';

const COMPILED = path.extname(import.meta.filename) !== '.ts';
const ROOT = path.resolve(import.meta.dirname, COMPILED ? '../../..' : '../..');
const FOLDER = path.join('examples', 'custom-backend');
const README = readFileSync(path.join(ROOT, FOLDER, 'README.md'), 'utf8');

type Make = (options: BackendOptions) => SecurityBackend<DatagramSocket>;

const FROM_CHAPTER_5 = ['additionalConfiguration', 'times of retransmission', 'dtlsHandshakeTimeouts'];
const FROM_CHAPTER_3 = [
  'inner MTU',
  'two records in one arrival',
  'several arrivals at once',
  'noise is silent',
  'decorate a connected socket',
  'decorate a closed socket',
  'decorate that fails',
  'decorate aborted at every step',
];

/** Names of the cases that a backend does not pass, of those that can be tried with this peer. */
async function failing(make: Make, peer: ConformancePeer<DatagramSocket>): Promise<readonly string[]> {
  const failed: string[] = [];
  const cases = backendCases({ name: 'chapter', peer, backend: (datagramSocket) => make({ datagramSocket }) });
  for (const each of cases.filter(({ skipped }) => skipped === undefined)) {
    await each.run().catch(() => failed.push(each.name));
  }
  return failed.toSorted();
}

function trimmedLines(text: string): readonly string[] {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '');
}

/** Where an entry of the package is, or a file of the tutorial, without the package being installed. */
function fileOf(entry: string): string {
  const { exports } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
    readonly exports: Readonly<Record<string, { readonly default: string }>>;
  };
  const exported = exports[entry.replace('lwm2m-client', '.')]?.default;
  const built = exported ?? path.join('dist', FOLDER, entry.replace(/ts$/, 'js'));
  const file = COMPILED ? built : built.replace('dist/', '').replace(/js$/, 'ts');
  return pathToFileURL(path.join(ROOT, file)).href;
}

/** What a chapter prints, from the project's root, where credentials are found. */
async function printed(chapter: number): Promise<readonly string[]> {
  const main = path.join(COMPILED ? 'dist' : '.', FOLDER, COMPILED ? 'main.js' : 'main.ts');
  const loader = COMPILED ? [] : ['--import', 'tsx'];
  const program = [...loader, main, String(chapter)];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, program, { cwd: ROOT });
  assert.equal(stderr, '');
  return stdout.trim().split('\n');
}

/** What the README says that it prints; `…` stands for the rest of a line. */
function promised(chapter: number): readonly string[] {
  const section = README.split(/^## /m).find((text) => text.startsWith(`${chapter}. `)) ?? '';
  const block = /```text\n([\s\S]*?)\n```/.exec(section)?.[1] ?? '';
  return block.split('\n');
}

describe('examples/custom-backend', () => {
  for (let chapter = 1; chapter <= 9; chapter++) {
    it(`${chapter}: prints what the README says`, async () => {
      const expected = promised(chapter);
      const found = (await printed(chapter)).map((line, at) => {
        const [kept = '', ...rest] = (expected[at] ?? '').split('…');
        return rest.length > 0 && line.startsWith(kept) ? `${kept}…` : line;
      });
      assert.deepEqual(found, expected);
    });
  }

  it('the code in the README is that of the chapters', () => {
    const code = readdirSync(path.join(ROOT, FOLDER)).filter((file) => file.endsWith('.ts'));
    const lines = new Set(code.flatMap((file) => trimmedLines(readFileSync(path.join(ROOT, FOLDER, file), 'utf8'))));
    const chapters = README.slice(0, README.indexOf('## The kit'));
    const quoted = [...chapters.matchAll(/```ts\n([\s\S]*?)```/g)].flatMap(([, block = '']) => trimmedLines(block));
    assert.ok(quoted.length > 10);
    for (const line of quoted) assert.ok(lines.has(line), line);
  });

  it("the README's ten lines of mocha run the kit", async () => {
    const [, adapter = ''] = /## The kit[\s\S]*?```ts\n([\s\S]*?)```/.exec(README) ?? [];
    assert.ok(trimmedLines(adapter).length <= 10);
    const directory = mkdtempSync(path.join(os.tmpdir(), 'ten-lines-'));
    try {
      const spec = path.join(directory, 'mine.spec.mjs');
      writeFileSync(
        spec,
        adapter.replaceAll(/from '([^']+)'/g, (_, entry: string) => `from '${fileOf(entry)}'`),
      );
      const mocha = path.join(ROOT, 'node_modules/mocha/bin/mocha.js');
      const program = [mocha, '--no-config', '--no-color', ...(COMPILED ? [] : ['--node-option', 'import=tsx']), spec];
      const { stdout } = await promisify(execFile)(process.execPath, program, { cwd: ROOT });
      assert.match(stdout, /mine[\s\S]*✔ handshake with a pre-shared key[\s\S]* passing/);
      assert.match(stdout, /- handshake with certificates: needs real time/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('1: the stub refuses to connect, and says why', async () => {
    const socket = stub().createSocket(
      { security: { mode: 'psk', identity: pskIdentityEmpty(), key: pskKeyEmpty() } },
      systemEnvironment(),
    );
    await assert.rejects(socket.connect('127.0.0.1', 5684), { code: 'ENOTSUP', message: /this is chapter 1/ });
    assert.equal(socket.getOption('state'), 'closed');
  });

  for (const [name, make, missing] of [
    ['2: a pre-shared key', psk, [...FROM_CHAPTER_3, ...FROM_CHAPTER_5]],
    ['3: buffered data and MTU', buffered, FROM_CHAPTER_5],
    ['4: resumption', resuming, FROM_CHAPTER_5],
    ['5: configuration', configured, []],
  ] as const) {
    it(`${name}: passes the kit but for what later chapters bring`, async () => {
      assert.deepEqual(await failing(make, conformancePeer()), [...missing].toSorted());
    });
  }
});

for (const [name, make] of [
  ['6: certificates', certified],
  ['7: chains and DANE', chained],
  ['9: connection id and alerts', finished],
] as const) {
  const backend = (datagramSocket: BackendOptions['datagramSocket']): SecurityBackend<DatagramSocket> =>
    make({ datagramSocket });
  mochaCases({ name: `examples/custom-backend ${name}`, peer: loopbackPeer(), backend }, { describe, it });
}

const tcp = {
  name: 'examples/custom-backend 8: TCP',
  backend: (streamSocket: StreamBackendOptions['streamSocket']): SecurityBackend<StreamSocket> =>
    overTcp({ streamSocket }),
  exceptions: { 'an end that is cut off': 'node:tls does not tell; the chapter says so' },
};
const last = {
  name: 'examples/custom-backend 9, in virtual time',
  peer: conformancePeer(),
  backend: (datagramSocket: BackendOptions['datagramSocket']): SecurityBackend<DatagramSocket> =>
    finished({ datagramSocket }),
};
mochaCases({ ...tcp, peer: tlsPeer() }, { describe, it });
mochaCases(last, { describe, it });

for (const fixture of [
  socketFixtureOf({ ...tcp, peer: tlsConformancePeer() }, ['sessions']),
  socketFixtureOf(last, ['sessions']),
]) {
  describe(fixture.name, () => {
    for (const each of socketCases(fixture)) it(`${each.name}: ${each.rule}`, () => each.run());
  });
}
