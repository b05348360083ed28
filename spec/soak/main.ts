// Opens, renews and closes sessions without end, and fails if memory grows:
// `npm run soak -- [--backend native|openssl|openssl-tls] [--cycles N] [--json]`.
// Between a tenth of the cycles and their end, after forced garbage collection, the heap grows by less than 1 MB; with
// OpenSSL, whose memory is not in any heap, all that is resident grows by less than 5 MB.

import { OpenSslPair } from './openssl-pair.ts';
import { type Course, EndpointPair } from './pair.ts';
import { TlsPair } from './tls-pair.ts';

const DEFAULT_CYCLES = 100_000;
const LEAST_CYCLES = 5_000; // before that, what is compiled and cached grows more than anything else
const OUTSIDE_THE_HEAP = { heap: 5_000_000, external: 5_000_000, resident: 5_000_000 };
/** Bytes. */
const MOST_GROWTH = {
  native: { heap: 1_000_000, external: 1_000_000, resident: Number.POSITIVE_INFINITY },
  openssl: OUTSIDE_THE_HEAP,
  'openssl-tls': OUTSIDE_THE_HEAP,
} as const;
const PAIRS = { native: EndpointPair, openssl: OpenSslPair, 'openssl-tls': TlsPair } as const;
const USAGE = 'npm run soak -- [--backend native|openssl|openssl-tls] [--cycles N] [--json]';
const SETTLE_EVERY = 100; // cycles
const KINDS = 16; // of so many cycles, one vanishes and one is unanswered

interface Memory {
  readonly heap: number;
  readonly external: number;
  readonly resident: number;
}

const args = process.argv.slice(2);
const json = args.includes('--json');
checkFlags(args);
const cycles = cyclesOf(args);
const backend = backendOf(args);
if (globalThis.gc === undefined) usage('expected node --expose-gc: npm run soak');

const pair = await PAIRS[backend].made();
let early: Memory | undefined;
for (let cycle = 1; cycle <= cycles; cycle++) {
  await pair.cycle(courseOf(cycle));
  if (cycle % SETTLE_EVERY === 0) await pair.settle();
  if (cycle === cycles / 10) early = await memory();
  if (cycle % (cycles / 10) === 0) progress(cycle, await memory());
}
await pair.settle();
const late = await memory();
const growth = {
  heap: late.heap - early!.heap,
  external: late.external - early!.external,
  resident: late.resident - early!.resident,
};
const most = MOST_GROWTH[backend];
const passed = (['heap', 'external', 'resident'] as const).every((kind) => growth[kind] < most[kind]);
report();
pair.close();
process.exitCode = passed ? 0 : 1;

function courseOf(cycle: number): Course {
  if (cycle % KINDS === 0) return 'vanishing';
  return cycle % KINDS === KINDS / 2 ? 'unanswered' : 'orderly';
}

function report(): void {
  const from = cycles / 10;
  if (json) {
    console.log(JSON.stringify({ backend, cycles, from, early, late, growth, mostGrowth: most, passed }));
    return;
  }
  const { heap, external, resident } = growth;
  const found = `heap ${signed(heap)}, external ${signed(external)}, resident ${signed(resident)}`;
  console.log(`${backend}, between cycle ${from} and ${cycles}: ${found}`);
  const limits = `less than ${most.heap} bytes of heap and ${most.resident} resident`;
  console.log(passed ? `${limits}: passed` : `expected ${limits}: FAILED`);
}

function progress(cycle: number, { heap, external, resident }: Memory): void {
  const { client, server } = pair.left;
  const sizes = `heap ${kilobytes(heap)}, external ${kilobytes(external)}, resident ${kilobytes(resident)}`;
  console.error(`cycle ${cycle} of ${cycles}: ${sizes}; left: ${client} at the client, ${server} at the server`);
}

async function memory(): Promise<Memory> {
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed, external, resident: rss };
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1000)} KB`;
}

function signed(bytes: number): string {
  return `${bytes < 0 ? '' : '+'}${bytes} bytes`;
}

function valueOf(flags: readonly string[], name: string): string | undefined {
  const at = flags.indexOf(name);
  return at < 0 ? undefined : (flags[at + 1] ?? 'nothing');
}

function checkFlags(flags: readonly string[]): void {
  const valued = ['--cycles', '--backend'];
  const stray = flags.find(
    (flag, at) => flag !== '--json' && !valued.includes(flag) && !valued.includes(flags[at - 1]!),
  );
  if (stray !== undefined) usage(`${stray}: no such flag`);
}

function backendOf(flags: readonly string[]): keyof typeof MOST_GROWTH {
  const name = valueOf(flags, '--backend') ?? 'native';
  if (name === 'native' || name === 'openssl' || name === 'openssl-tls') return name;
  return usage(`--backend: expected native, openssl or openssl-tls, found ${name}`);
}

function cyclesOf(flags: readonly string[]): number {
  const given = valueOf(flags, '--cycles');
  if (given === undefined) return DEFAULT_CYCLES;
  const value = Number(given);
  if (Number.isInteger(value) && value >= LEAST_CYCLES && value % 10 === 0) return value;
  return usage(`--cycles: expected a multiple of ten from ${LEAST_CYCLES}, found ${given}`);
}

function usage(problem: string): never {
  console.error(`${problem}\nusage: ${USAGE}`);
  process.exit(2);
}
