// Round trips of 100 bytes between two processes over loopback: bare node:dgram, and our DTLS on both sides, in turn.

import { type Socket, createSocket } from 'node:dgram';
import { fileURLToPath } from 'node:url';
import { fromHex } from '../../lib/bytes/index.ts';
import type { DatagramSocket } from '../../lib/net/index.ts';
import { clientSocket } from '../interop/ours.ts';
import { startPeer } from '../interop/peers/process.ts';
import type { BenchResult } from './bench.ts';

const BYTES = 100;
const ROUND_TRIPS = 3_000;
const ROUNDS = 9;
const WARM_UP_ROUNDS = 3;
const IDENTITY = 'bench';
const KEY = '000102030405060708090a0b0c0d0e0f';
const SUITES = [
  ['AES_128_CCM_8', 0xc0a8],
  ['AES_128_GCM', 0x00a8],
] as const;
const FAR = fileURLToPath(new URL('./echo-peer.ts', import.meta.url));
const TSX = fileURLToPath(import.meta.resolve('tsx'));

/** Sends what comes back again, `count` times. */
type Run = (count: number) => Promise<void>;

export async function run(): Promise<readonly BenchResult[]> {
  const rows: BenchResult[] = [];
  for (const [name, suite] of SUITES) rows.push(...(await beside(name, suite)));
  return rows;
}

async function beside(name: string, suite: number): Promise<readonly BenchResult[]> {
  const peer = await startPeer(process.execPath, ['--import', TSX, FAR, IDENTITY, KEY, `${suite}`], /^ports \d+ \d+$/m);
  const [barePort, dtlsPort] = /^ports (\d+) (\d+)$/m.exec(peer.output)!.slice(1).map(Number);
  const bare = createSocket('udp4');
  const secured = clientSocket(IDENTITY, fromHex(KEY), { ciphersuites: [suite] });
  try {
    await new Promise<void>((resolve) => bare.connect(barePort!, '127.0.0.1', resolve));
    await secured.connect('127.0.0.1', dtlsPort!);
    const [plain, dtls] = await fastest([bareRun(bare), securedRun(secured)]);
    const reference = `node:dgram bare, beside ${name}`;
    return [
      { name: reference, value: plain!, unit: 'round trips/s' },
      { name: `DTLS, ${name}`, value: dtls!, unit: 'round trips/s', ratioTo: reference },
    ];
  } finally {
    bare.close();
    secured.close();
    await peer.stop();
  }
}

/** Round trips per second of each, the best of several rounds, in turn. */
async function fastest(runs: readonly Run[]): Promise<number[]> {
  const best = runs.map(() => 0);
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
    for (const [at, each] of runs.entries()) {
      const start = process.hrtime.bigint();
      await each(ROUND_TRIPS);
      const rate = ROUND_TRIPS / (Number(process.hrtime.bigint() - start) / 1e9);
      if (round >= WARM_UP_ROUNDS) best[at] = Math.max(best[at]!, rate);
    }
  }
  return best;
}

function bareRun(socket: Socket): Run {
  return (count) =>
    new Promise((resolve) => {
      let left = count;
      const heard = (bytes: Uint8Array): void => {
        if (--left > 0) {
          socket.send(bytes);
          return;
        }
        socket.off('message', heard);
        resolve();
      };
      socket.on('message', heard);
      socket.send(new Uint8Array(BYTES));
    });
}

function securedRun(socket: DatagramSocket): Run {
  return (count) =>
    new Promise((resolve, reject) => {
      let left = count;
      const heard = (): void => {
        const bytes = socket.receive();
        if (bytes === undefined) return;
        if (--left > 0) socket.send(bytes);
        else resolve();
      };
      socket.handler = { readable: heard, writable: () => undefined, closed: reject };
      socket.send(new Uint8Array(BYTES));
    });
}
