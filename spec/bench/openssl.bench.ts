// PSK handshakes against `openssl s_server` (AES_128_CCM_8, with a cookie): ours beside node-dtls-client's, in one run.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { fromHex } from '../../lib/bytes/index.ts';
import { clientSocket } from '../interop/ours.ts';
import { startOpensslServer } from '../interop/peers/openssl.ts';
import type { BenchResult } from './bench.ts';

const PEER = 'node-dtls-client';
const PEER_VERSION = '2.0.3';
const PREFIX = path.resolve(import.meta.dirname, '../../.peers/npm');

const IDENTITY = 'Client_identity';
const KEY = '000102030405060708090a0b0c0d0e0f';
const SUITE = 0xc0a8;
const WARM_UP_ROUNDS = 3;
const ROUNDS = 7;
const HANDSHAKES = 100;

/** As much of node-dtls-client as is used here. */
interface PeerModule {
  readonly dtls: {
    createSocket(options: object): {
      once(event: 'connected' | 'close', heard: () => void): unknown;
      once(event: 'error', heard: (error: Error) => void): unknown;
      close(): void;
    };
  };
}

type Handshake = (port: number) => Promise<void>;

async function ours(port: number): Promise<void> {
  const socket = clientSocket(IDENTITY, fromHex(KEY), { ciphersuites: [SUITE], handshakeTimeouts: undefined });
  await socket.connect('127.0.0.1', port);
  await socket.shutdown();
  socket.close();
}

async function peerHandshake(): Promise<Handshake> {
  const folder = path.join(PREFIX, 'node_modules', PEER);
  if (!existsSync(folder)) {
    execFileSync('npm', ['install', '--silent', '--prefix', PREFIX, `${PEER}@${PEER_VERSION}`], { timeout: 60_000 });
  }
  const { dtls } = (await import(pathToFileURL(path.join(folder, 'build/dtls.js')).href)) as PeerModule;
  const options = { type: 'udp4', address: '127.0.0.1', ciphers: ['TLS_PSK_WITH_AES_128_CCM_8'] };
  return (port) =>
    new Promise((resolve, reject) => {
      const psk = { [IDENTITY]: Buffer.from(fromHex(KEY)) };
      const socket = dtls.createSocket({ ...options, port, psk });
      socket.once('error', reject);
      socket.once('close', resolve);
      socket.once('connected', () => socket.close());
    });
}

interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

/** Milliseconds per handshake of each, the best of several rounds, in turn: what else the machine does meets all alike. */
async function measure(contestants: readonly Handshake[]): Promise<Cost[]> {
  const best = contestants.map((): Cost => ({ wall: Number.POSITIVE_INFINITY, cpu: Number.POSITIVE_INFINITY }));
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
    for (const [at, handshake] of contestants.entries()) {
      const { wall, cpu } = await measureRound(handshake);
      if (round < WARM_UP_ROUNDS) continue;
      best[at] = { wall: Math.min(best[at]!.wall, wall), cpu: Math.min(best[at]!.cpu, cpu) };
    }
  }
  return best;
}

/** A server of its own each round: s_server serves one peer after the other, and prints about each. */
async function measureRound(handshake: Handshake): Promise<Cost> {
  const server = await startOpensslServer({ suite: 'PSK-AES128-CCM8', key: KEY });
  try {
    const [start, startCpu] = [process.hrtime.bigint(), process.cpuUsage()];
    for (let i = 0; i < HANDSHAKES; i++) await handshake(server.port);
    const { user, system } = process.cpuUsage(startCpu);
    const wall = Number(process.hrtime.bigint() - start) / 1e6;
    return { wall: wall / HANDSHAKES, cpu: (user + system) / 1000 / HANDSHAKES };
  } finally {
    await server.process.stop();
  }
}

function rows(name: string, { wall, cpu }: Cost, than?: string): BenchResult[] {
  const ratioTo = (what: string): string | undefined => (than === undefined ? undefined : `${what}, ${than}`);
  return [
    { name: `CPU per handshake, ${name}`, value: cpu, unit: 'ms', ratioTo: ratioTo('CPU per handshake') },
    { name: `handshakes, ${name}`, value: 1000 / wall, unit: '/s', ratioTo: ratioTo('handshakes') },
  ];
}

/** Needs `openssl`; the peer's rows are left out, with a line that says why, if it is not to be had. */
export async function run(): Promise<readonly BenchResult[]> {
  const peer = await peerHandshake().catch((error: Error) => {
    console.error(`not run: ${PEER} (${error.message})`);
    return undefined;
  });
  if (peer === undefined) return rows('this project', (await measure([ours]))[0]!);
  const [mine, theirs] = await measure([ours, peer]);
  const name = `${PEER} ${PEER_VERSION}`;
  return [...rows(name, theirs!), ...rows('this project', mine!, name)];
}
