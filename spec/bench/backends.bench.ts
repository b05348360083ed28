// The same DTLS client work by each backend, in turn: handshakes with a pre-shared key, echoes of 64 and 1,024 bytes, and a
// device that registers and is read 1,000 times. At the far end is always the native stack: for handshakes and echoes in a
// process of its own, for the device in ours.

import { fileURLToPath } from 'node:url';
import { fromHex, utf8Encode } from '../../lib/bytes/index.ts';
import { pskIdentityFromBuffer, pskKeyFromBuffer } from '../../lib/crypto/index.ts';
import { LwM2mClient, createTemperature, nodeBackends } from '../../lib/index.ts';
import type { DatagramSocket, SecurityBackend } from '../../lib/net/index.ts';
import { LwM2mServer } from '../../lib/server/index.ts';
import { opensslDtls } from '../../security-backends/openssl/index.ts';
import { backend as native, environment, listening, psk } from '../interop/ours.ts';
import { startPeer } from '../interop/peers/process.ts';
import type { BenchResult } from './bench.ts';

const IDENTITY = 'bench';
const KEY = '000102030405060708090a0b0c0d0e0f';
const SUITE = 0xc0a8;
const FAR = fileURLToPath(new URL('./echo-peer.ts', import.meta.url));
const TSX = fileURLToPath(import.meta.resolve('tsx'));
const HANDSHAKES = 200;
const ECHOES = 2_000;
const READS = 1_000;
const REGISTRATIONS = 2;
const WARM_UP_ROUNDS = 2;
const ROUNDS = 15; // so many that one of them is hardly disturbed

type Backend = SecurityBackend<DatagramSocket>;
/** Does its work `count` times. */
type Work = (count: number) => Promise<void>;

export async function run(): Promise<readonly BenchResult[]> {
  const contestants: readonly (readonly [string, Backend])[] = [
    ['OpenSSL', opensslDtls()],
    ['native', native],
  ];
  const peer = await startPeer(process.execPath, ['--import', TSX, FAR, IDENTITY, KEY, `${SUITE}`], /^ports \d+ \d+$/m);
  const port = Number(/^ports \d+ (\d+)$/m.exec(peer.output)![1]);
  try {
    return [
      ...(await beside('PSK handshakes', '/s', HANDSHAKES, contestants, (backend) => handshakes(backend, port))),
      ...(await beside('echoes of 64 bytes', '/s', ECHOES, contestants, (backend) => echoes(backend, port, 64))),
      ...(await beside('echoes of 1,024 bytes', '/s', ECHOES, contestants, (backend) => echoes(backend, port, 1_024))),
      ...(await beside('registration and 1,000 reads', '/s', REGISTRATIONS, contestants, readings)),
    ];
  } finally {
    await peer.stop();
  }
}

interface Prepared {
  readonly work: Work;
  readonly end: () => Promise<void> | void;
}

/** What each does in a second, the best of several rounds, in turn: what else the machine does meets all alike. */
async function beside(
  what: string,
  unit: string,
  count: number,
  contestants: readonly (readonly [string, Backend])[],
  prepare: (backend: Backend) => Promise<Prepared>,
): Promise<readonly BenchResult[]> {
  const prepared: Prepared[] = [];
  try {
    for (const [, backend] of contestants) prepared.push(await prepare(backend));
    const best = contestants.map(() => 0);
    for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
      for (const [at, { work }] of prepared.entries()) {
        const start = process.hrtime.bigint();
        await work(count);
        const rate = count / (Number(process.hrtime.bigint() - start) / 1e9);
        if (round >= WARM_UP_ROUNDS) best[at] = Math.max(best[at]!, rate);
      }
    }
    const reference = `${what}, ${contestants[0]![0]}`;
    return contestants.map(([name], at) => ({
      name: `${what}, ${name}`,
      value: best[at]!,
      unit,
      ratioTo: at === 0 ? undefined : reference,
    }));
  } finally {
    for (const { end } of prepared) await end();
  }
}

async function handshakes(backend: Backend, port: number): Promise<Prepared> {
  const work: Work = async (count) => {
    for (let i = 0; i < count; i++) (await connected(backend, port)).close();
  };
  return { work, end: () => undefined };
}

async function echoes(backend: Backend, port: number, bytes: number): Promise<Prepared> {
  const socket = await connected(backend, port);
  const work: Work = (count) =>
    new Promise((resolve, reject) => {
      let left = count;
      const heard = (): void => {
        const echo = socket.receive();
        if (echo === undefined) return;
        if (--left > 0) socket.send(echo);
        else resolve();
      };
      socket.handler = { readable: heard, writable: () => undefined, closed: reject };
      socket.send(new Uint8Array(bytes));
    });
  const end = (): void => {
    socket.handler = undefined;
    socket.close();
  };
  return { work, end };
}

async function connected(backend: Backend, port: number): Promise<DatagramSocket> {
  const security = psk(IDENTITY, fromHex(KEY));
  const socket = backend.createSocket({ security, ciphersuites: [SUITE] }, environment);
  await socket.connect('127.0.0.1', port);
  return socket;
}

/** One registration, 1,000 reads and the end of it, again and again. */
async function readings(backend: Backend): Promise<Prepared> {
  const { server: listener, port } = await listening({ [IDENTITY]: fromHex(KEY) }, { ciphersuites: [SUITE] });
  const server = new LwM2mServer({ environment });
  server.serve(listener);
  const work: Work = async (count) => {
    for (let i = 0; i < count; i++) await registerAndRead(backend, server, port);
  };
  return { work, end: () => listener.close() };
}

async function registerAndRead(backend: Backend, server: LwM2mServer, port: number): Promise<void> {
  const security = { identity: pskIdentityFromBuffer(utf8Encode(IDENTITY)), key: pskKeyFromBuffer(fromHex(KEY)) };
  const client = new LwM2mClient({
    endpoint: IDENTITY,
    objects: [createTemperature({ 0: { sensorValue: 20 } })],
    servers: [{ uri: `coaps://127.0.0.1:${port}`, security: { mode: 'psk', ...security } }],
    backends: { ...nodeBackends(), dtls: backend },
  });
  const registered = new Promise((resolve) => client.events.on('registered', resolve));
  await client.start();
  await registered;
  const device = server.device(IDENTITY);
  if (device === undefined) throw new Error('the device is not registered');
  for (let i = 0; i < READS; i++) await device.read('/3303/0/5700');
  await client.stop();
}
