// CoAP per transport, between two processes over loopback: requests a second, and 10 MB block by block each way with the
// memory they take.

import type { BenchResult } from './bench.ts';
import { TRANSPORTS, type Transport, fetchLarge, requestRate, sendLarge, startFar } from './coap-transports.ts';

const BYTES = 10_000_000;
const REQUESTS = 5_000;
const ROUNDS = 4; // the first warms up; the best counts

export async function run(): Promise<readonly BenchResult[]> {
  const { peer, ports } = await startFar(BYTES);
  try {
    const rows: BenchResult[] = [];
    for (const [i, transport] of TRANSPORTS.entries()) rows.push(...(await measured(transport, ports[i]!)));
    return rows;
  } finally {
    await peer.stop();
  }
}

async function measured(transport: Transport, port: number): Promise<readonly BenchResult[]> {
  const { name } = transport;
  const opened = await transport.open(port);
  try {
    let rate = 0;
    for (let round = 0; round < ROUNDS; round++) rate = Math.max(rate, await requestRate(opened, REQUESTS));
    const fetched = await fetchLarge(opened, BYTES);
    const sent = await sendLarge(opened, BYTES);
    return [
      { name: `${name}: requests`, value: rate, unit: '/s' },
      { name: `${name}: 10 MB fetched`, value: fetched.megabytesPerSecond, unit: 'MB/s' },
      { name: `${name}: 10 MB fetched, memory held`, value: fetched.heldMegabytes, unit: 'MB' },
      { name: `${name}: 10 MB sent`, value: sent.megabytesPerSecond, unit: 'MB/s' },
      { name: `${name}: 10 MB sent, memory held`, value: sent.heldMegabytes, unit: 'MB' },
    ];
  } finally {
    opened.close();
  }
}
