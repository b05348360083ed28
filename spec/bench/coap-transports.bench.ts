// CoAP per transport, between two processes over loopback: requests a second, and 10 MB block by block each way with the
// memory they take.

import type { BenchResult } from './bench.ts';
import {
  type Opened,
  type RequestRate,
  TRANSPORTS,
  fetchLarge,
  requestRate,
  sendLarge,
  startFar,
} from './coap-transports.ts';

const BYTES = 10_000_000;
const REQUESTS = 5_000;
const ROUNDS = 5; // in turns, so that all meet the same weather on the machine; the first warms up, the best counts

export async function run(): Promise<readonly BenchResult[]> {
  const { peer, ports } = await startFar(BYTES);
  try {
    const opened = await Promise.all(TRANSPORTS.map((each, i) => each.open(ports[i]!)));
    const rates = await bestRates(opened);
    const rows: BenchResult[] = [];
    for (const [i, { name }] of TRANSPORTS.entries()) {
      const { perSecond, microseconds } = rates[i]!;
      rows.push({ name: `${name}: requests`, value: perSecond, unit: '/s' });
      rows.push({ name: `${name}: requests, processor time`, value: microseconds, unit: 'µs' });
      rows.push(...(await transfers(name, opened[i]!)));
    }
    for (const each of opened) each.close();
    return rows;
  } finally {
    await peer.stop();
  }
}

async function bestRates(opened: readonly Opened[]): Promise<readonly RequestRate[]> {
  const best: RequestRate[] = opened.map(() => ({ perSecond: 0, microseconds: Number.POSITIVE_INFINITY }));
  for (let round = 0; round < ROUNDS; round++)
    for (const [i, each] of opened.entries()) {
      const { perSecond, microseconds } = await requestRate(each, REQUESTS);
      const { perSecond: most, microseconds: least } = best[i]!;
      best[i] = { perSecond: Math.max(most, perSecond), microseconds: Math.min(least, microseconds) };
    }
  return best;
}

async function transfers(name: string, opened: Opened): Promise<readonly BenchResult[]> {
  const fetched = await fetchLarge(opened, BYTES);
  const sent = await sendLarge(opened, BYTES);
  return [
    { name: `${name}: 10 MB fetched`, value: fetched.megabytesPerSecond, unit: 'MB/s' },
    { name: `${name}: 10 MB fetched, memory held`, value: fetched.heldMegabytes, unit: 'MB' },
    { name: `${name}: 10 MB sent`, value: sent.megabytesPerSecond, unit: 'MB/s' },
    { name: `${name}: 10 MB sent, memory held`, value: sent.heldMegabytes, unit: 'MB' },
  ];
}
