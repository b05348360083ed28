// One endpoint with 10,000 peers: what an idle session holds, and how many records a second go through.

import { type BenchResult, microseconds } from './bench.ts';
import { type BareClient, ManyPeers } from './many-peers.ts';

const SESSIONS = 10_000;
const WARM_UP = 200;
const RECORD = 64; // bytes of plaintext

interface Memory {
  readonly heap: number;
  readonly external: number;
}

export async function run(): Promise<readonly BenchResult[]> {
  return [...(await idleSessions()), ...(await records(1)), ...(await records(SESSIONS))];
}

/** Each has said something, as a device that registers: only then does a server know that its last flight has come. */
async function idleSessions(): Promise<readonly BenchResult[]> {
  const peers = await ManyPeers.bound({ handlers: { read: () => undefined } });
  for (let i = 0; i < WARM_UP; i++) peers.lose(greeted(peers));
  await peers.settle();
  const before = await memory();
  for (let i = 0; i < SESSIONS - WARM_UP; i++) peers.lose(greeted(peers));
  await peers.settle();
  const after = await memory();
  const { sessions } = peers.endpoint.load;
  if (sessions !== SESSIONS) throw new Error(`expected ${SESSIONS} sessions, found ${sessions}`);
  const each = (what: keyof Memory): number => (after[what] - before[what]) / (SESSIONS - WARM_UP);
  return [
    { name: `heap of each of ${SESSIONS} idle sessions`, value: each('heap'), unit: 'B' },
    { name: `external memory of each of ${SESSIONS} idle sessions`, value: each('external'), unit: 'B' },
  ];
}

function greeted(peers: ManyPeers): BareClient {
  const client = peers.meet();
  client.send(new Uint8Array(RECORD));
  return client;
}

async function memory(): Promise<Memory> {
  if (globalThis.gc === undefined) throw new Error('expected node --expose-gc');
  for (let i = 0; i < 4; i++) {
    globalThis.gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return { heap: heapUsed, external };
}

/** From the client's `send` to the endpoint's handler and back: four passes of the record layer. */
async function records(count: number): Promise<readonly BenchResult[]> {
  const peers = await ManyPeers.bound({
    handlers: { read: ({ session, segments }) => void session.sendNow(segments) },
  });
  const clients: BareClient[] = [];
  for (let i = 0; i < count; i++) clients.push(peers.meet());
  await peers.settle();
  const message = new Uint8Array(RECORD).fill(3);
  let at = 0;
  const echo = microseconds(() => {
    at = (at + 7_919) % clients.length; // far from the one before, for the caches as for the tables
    clients[at]!.send(message);
  });
  const name = `records of ${RECORD} B there and back through one endpoint with ${count} peer${count === 1 ? '' : 's'}`;
  return [
    {
      name,
      value: 2 * (1e6 / echo),
      unit: '/s',
      ...(count > 1 ? { ratioTo: name.replace(/\d+ peers$/, '1 peer') } : {}),
    },
  ];
}
