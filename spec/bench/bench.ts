// What a benchmark is made of: rows to print, and the one way time is taken.

/** One row. A benchmark module exports `run(): Promise<readonly BenchResult[]>`. */
export interface BenchResult {
  /** What was measured, e.g. `aes-128-gcm 64 B, node`. */
  readonly name: string;
  readonly value: number;
  /** e.g. `µs`, `ms`, `op/s`. */
  readonly unit: string;
  /** Name of the row of the same module that this one is compared with. */
  readonly ratioTo?: string | undefined;
}

/** What `spec/bench/*.bench.ts` exports. */
export interface BenchModule {
  run(): Promise<readonly BenchResult[]>;
}

const ROUNDS = 7; // the best of several: what other processes take away is not the code's

/** Microseconds per call of `operation`, the best of seven rounds of about `milliseconds` each, warmed up before. */
export function microseconds(operation: () => void, milliseconds = 40): number {
  const calls = callsWithin(operation, milliseconds);
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) best = Math.min(best, timed(operation, calls));
  return best;
}

/** Like `microseconds`, for operations that end later. */
export async function microsecondsAsync(
  operation: () => Promise<void>,
  calls: number,
  rounds = ROUNDS,
): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < calls; i++) await operation();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / calls / 1000);
  }
  return best;
}

/** Warms up by doubling, until the operation is compiled and its pace is known. */
function callsWithin(operation: () => void, milliseconds: number): number {
  for (let calls = 64; ; calls *= 2) {
    const each = timed(operation, calls);
    if (each * calls >= milliseconds * 1000) return calls;
  }
}

function timed(operation: () => void, calls: number): number {
  const start = process.hrtime.bigint();
  for (let i = 0; i < calls; i++) operation();
  return Number(process.hrtime.bigint() - start) / calls / 1000;
}
