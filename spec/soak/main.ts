// Opens, renews and closes sessions without end, and fails if memory grows: `npm run soak -- [--cycles N] [--json]`.
// Between a tenth of the cycles and their end, after forced garbage collection, the heap grows by less than 1 MB.

import { type Course, EndpointPair } from './pair.ts';

const DEFAULT_CYCLES = 100_000;
const LEAST_CYCLES = 5_000; // before that, what is compiled and cached grows more than anything else
const MOST_GROWTH = 1_000_000; // bytes
const SETTLE_EVERY = 100; // cycles
const KINDS = 16; // of so many cycles, one vanishes and one is unanswered

interface Memory {
  readonly heap: number;
  readonly external: number;
}

const args = process.argv.slice(2);
const json = args.includes('--json');
const cycles = cyclesOf(args);
if (globalThis.gc === undefined) usage('expected node --expose-gc: npm run soak');

const pair = await EndpointPair.made();
let early: Memory | undefined;
for (let cycle = 1; cycle <= cycles; cycle++) {
  await pair.cycle(courseOf(cycle));
  if (cycle % SETTLE_EVERY === 0) await pair.settle();
  if (cycle === cycles / 10) early = await memory();
  if (cycle % (cycles / 10) === 0) progress(cycle, await memory());
}
await pair.settle();
const late = await memory();
const growth = { heap: late.heap - early!.heap, external: late.external - early!.external };
const passed = growth.heap < MOST_GROWTH && growth.external < MOST_GROWTH;
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
    console.log(JSON.stringify({ cycles, from, early, late, growth, mostGrowth: MOST_GROWTH, passed }));
    return;
  }
  console.log(`between cycle ${from} and ${cycles}: heap ${signed(growth.heap)}, external ${signed(growth.external)}`);
  console.log(passed ? `less than ${MOST_GROWTH} bytes: passed` : `expected less than ${MOST_GROWTH} bytes: FAILED`);
}

function progress(cycle: number, { heap, external }: Memory): void {
  const { client, server } = pair.left;
  const sizes = `heap ${kilobytes(heap)}, external ${kilobytes(external)}`;
  console.error(`cycle ${cycle} of ${cycles}: ${sizes}; left: ${client} at the client, ${server} at the server`);
}

async function memory(): Promise<Memory> {
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return { heap: heapUsed, external };
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1000)} KB`;
}

function signed(bytes: number): string {
  return `${bytes < 0 ? '' : '+'}${bytes} bytes`;
}

function cyclesOf(flags: readonly string[]): number {
  const at = flags.indexOf('--cycles');
  const known = flags.filter((flag, i) => flag !== '--json' && flag !== '--cycles' && (at < 0 || i !== at + 1));
  if (known.length > 0) usage(`${known[0]}: no such flag`);
  if (at < 0) return DEFAULT_CYCLES;
  const value = Number(flags[at + 1]);
  if (Number.isInteger(value) && value >= LEAST_CYCLES && value % 10 === 0) return value;
  return usage(`--cycles: expected a multiple of ten from ${LEAST_CYCLES}, found ${flags[at + 1] ?? 'nothing'}`);
}

function usage(problem: string): never {
  console.error(`${problem}\nusage: npm run soak -- [--cycles N] [--json]`);
  process.exit(2);
}
