// Handshakes against `openssl s_server`, of several clients in turn: wall and CPU time of each, as rows.

import type { OpensslServer } from '../interop/peers/openssl.ts';
import type { BenchResult } from './bench.ts';

const WARM_UP_ROUNDS = 3;
const ROUNDS = 7;

export type Handshake = (port: number) => Promise<void>;

/** Milliseconds per handshake. */
export interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

/** Milliseconds per handshake of each, the best of several rounds, in turn: what else the machine does meets all alike. */
export async function measure(
  start: StartServer,
  contestants: readonly Handshake[],
  handshakes: number,
): Promise<Cost[]> {
  const best = contestants.map((): Cost => ({ wall: Number.POSITIVE_INFINITY, cpu: Number.POSITIVE_INFINITY }));
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
    for (const [at, handshake] of contestants.entries()) {
      const { wall, cpu } = await measureRound(start, handshake, handshakes);
      if (round < WARM_UP_ROUNDS) continue;
      best[at] = { wall: Math.min(best[at]!.wall, wall), cpu: Math.min(best[at]!.cpu, cpu) };
    }
  }
  return best;
}

export type StartServer = () => Promise<OpensslServer>;

/** A server of its own each round: s_server serves one peer after the other, and prints about each. */
async function measureRound(startServer: StartServer, handshake: Handshake, handshakes: number): Promise<Cost> {
  const server = await startServer();
  try {
    const [start, startCpu] = [process.hrtime.bigint(), process.cpuUsage()];
    for (let i = 0; i < handshakes; i++) await handshake(server.port);
    const { user, system } = process.cpuUsage(startCpu);
    const wall = Number(process.hrtime.bigint() - start) / 1e6;
    return { wall: wall / handshakes, cpu: (user + system) / 1000 / handshakes };
  } finally {
    await server.process.stop();
  }
}

export function rows(name: string, { wall, cpu }: Cost, than?: string): BenchResult[] {
  const ratioTo = (what: string): string | undefined => (than === undefined ? undefined : `${what}, ${than}`);
  return [
    { name: `CPU per handshake, ${name}`, value: cpu, unit: 'ms', ratioTo: ratioTo('CPU per handshake') },
    { name: `handshakes, ${name}`, value: 1000 / wall, unit: '/s', ratioTo: ratioTo('handshakes') },
  ];
}
