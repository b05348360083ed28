// The echo programs against each other: by endpoint and by hand, in every combination; and what a stranger gets.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as endpoint from '../../examples/dtls-echo/endpoint.ts';
import * as sansIoClient from '../../examples/dtls-echo/sans-io-client.ts';
import * as sansIoServer from '../../examples/dtls-echo/sans-io-server.ts';
import { answersOf } from '../../examples/dtls-echo/keys.ts';

const COMPILED = path.extname(import.meta.filename) !== '.ts';
const ROOT = path.resolve(import.meta.dirname, COMPILED ? '../../..' : '../..');
const README = readFileSync(path.join(ROOT, 'examples', 'dtls-echo', 'README.md'), 'utf8');
const SUITES = { psk: '0xc0a8', rawPublicKey: '0xc0ae', certificate: '0xc0ae' } as const;

/** Runs main.ts. @returns its exit code, and what it printed */
async function program(...args: readonly string[]): Promise<readonly [number | null, string]> {
  const file = path.join(COMPILED ? 'dist' : '.', 'examples', 'dtls-echo', `main${COMPILED ? '.js' : '.ts'}`);
  const child = spawn(process.execPath, [...(COMPILED ? [] : ['--import', 'tsx']), file, ...args], { cwd: ROOT });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += String(text)));
  const [code] = (await once(child, 'close')) as [number | null];
  return [code, said.trim()];
}

// Credentials are found from the project's root, where all specs run.
describe('examples/dtls-echo', () => {
  const closing: { close(): void }[] = [];
  afterEach(() => {
    for (const each of closing.splice(0)) each.close();
  });

  async function byEndpoint(said: string[]): Promise<number> {
    const server = await endpoint.startServer(0, (line) => said.push(line));
    closing.push(server);
    return server.socket.local!.port;
  }

  async function byHand(kind: 'psk' | 'rawPublicKey', said: string[]): Promise<number> {
    const server = await sansIoServer.startServer(kind, 0, (line) => said.push(line));
    closing.push(server);
    return server.port;
  }

  for (const kind of ['psk', 'rawPublicKey', 'certificate'] as const) {
    const expected = { agreed: `${kind}, suite ${SUITES[kind]}`, answer: 'hello' };

    it(`${kind}: endpoint and endpoint`, async () => {
      const said: string[] = [];
      assert.deepEqual(await endpoint.sayHello(kind, await byEndpoint(said), 'hello'), expected);
      assert.match(said[0]!, new RegExp(`^127\\.0\\.0\\.1:\\d+ connected, ${expected.agreed}$`));
    });

    if (kind === 'certificate') continue;

    it(`${kind}: by hand and endpoint`, async () => {
      const said: string[] = [];
      assert.deepEqual(await sansIoClient.sayHello(kind, await byEndpoint(said), 'hello'), expected);
      assert.deepEqual(await endpoint.sayHello(kind, await byHand(kind, said), 'hello'), expected);
      assert.equal(said.filter((line) => line.endsWith(`connected, ${expected.agreed}`)).length, 2);
    });

    it(`${kind}: by hand and by hand, one client after the other`, async () => {
      const port = await byHand(kind, []);
      for (let i = 0; i < 3; i++) assert.deepEqual(await sansIoClient.sayHello(kind, port, 'hello'), expected);
    });
  }

  it('by hand: garbage and hellos without a cookie leave nothing behind', async () => {
    const said: string[] = [];
    const port = await byHand('psk', said);
    const stranger = createSocket('udp4');
    stranger.connect(port, '127.0.0.1');
    await once(stranger, 'connect');
    for (const garbage of ['', '16fefd', '16'.repeat(40)]) stranger.send(Buffer.from(garbage, 'hex'));
    assert.equal((await sansIoClient.sayHello('psk', port, 'hello')).answer, 'hello');
    stranger.close();
    assert.equal(said.filter((line) => line.includes('connected')).length, 1);
  });

  it('by hand: an unknown identity gets a key that is not told from a wrong one; an unknown raw key is refused', () => {
    const psk = answersOf('psk', 'server');
    const [one, another] = [1, 2].map((id) => psk({ id, type: 'lookupPsk', identity: Uint8Array.of(1) }));
    assert.ok(one !== undefined && 'key' in one && another !== undefined && 'key' in another);
    assert.equal(one.key.length, 16);
    assert.notDeepEqual(one.key, another.key);
    const raw = answersOf('rawPublicKey', 'server');
    const shown = { id: 1, type: 'verifyChain', certificateType: 'rawPublicKey' } as const;
    for (const chain of [[], [Uint8Array.of(1, 2, 3)]]) {
      const verdict = raw({ ...shown, chain });
      assert.ok(verdict !== undefined && 'alert' in verdict);
      assert.equal(verdict.alert, 42);
    }
  });

  it('the guide quotes what the clients say', async () => {
    const port = await byHand('rawPublicKey', []);
    const [ok, line] = await program('sans-io-client', 'rawPublicKey', `${port}`);
    assert.deepEqual([ok, README.includes(line)], [0, true], line);
    assert.match(README, /```text\n(.+, suite 0x.+: said "hello", heard "hello"\n){3}```/);
    for (const kind of Object.keys(SUITES) as (keyof typeof SUITES)[]) {
      assert.ok(README.includes(`${kind}, suite ${SUITES[kind]}: said "hello", heard "hello"`), kind);
    }
  });

  it('what is no kind or port is told how to do it', async () => {
    for (const args of [
      ['sans-io-server', 'certificate'],
      ['client', 'psk', '65536'],
    ]) {
      const [code, said] = await program(...args);
      assert.deepEqual([code, said.startsWith('usage: main.ts server [PORT]')], [2, true], said);
    }
  });
});
