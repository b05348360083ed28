// The loop: take an input that did something new, change it, run it, and keep it if it does something new again.

import { performance } from 'node:perf_hooks';
import { Script } from 'node:vm';
import { Seen, edges, reset } from './coverage.ts';
import { Dice, mutated } from './mutate.ts';
import type { FuzzTarget } from './target.ts';

export interface FuzzOptions {
  readonly inputs: number;
  readonly seed: number;
  /** Stops earlier. Default: never. */
  readonly seconds?: number;
  /** Inputs kept from runs before. */
  readonly corpus?: readonly Uint8Array[];
  /** Whether what is new decides what is kept. Default true; false is blind mutation, to compare with. */
  readonly guided?: boolean;
  /** Whether to stop at the first finding. Default false. */
  readonly untilFinding?: boolean;
  /** What 256 inputs may take, in milliseconds. Default 20,000: some hundred times what they do. */
  readonly batchTimeoutMs?: number;
  readonly progress?: (state: FuzzState) => void;
}

export interface FuzzState {
  readonly inputs: number;
  readonly edges: number;
  readonly corpus: number;
  readonly findings: number;
  readonly seconds: number;
}

export interface Finding {
  readonly kind: 'crash' | 'hang';
  readonly input: Uint8Array;
  readonly error: string;
}

export interface FuzzResult extends FuzzState {
  readonly found: readonly Finding[];
  /** The smallest inputs that together take every edge. */
  readonly minimised: readonly Uint8Array[];
  readonly slowestMs: number;
}

const BATCH = 256; // inputs between looks at the clock
const BATCH_TIMEOUT_MS = 20_000;
const MOST_FINDINGS = 16; // the same mistake is found again and again
const RECENT = 6;

interface Kept {
  readonly input: Uint8Array;
  readonly edges: Uint32Array;
}

const batch = new Script(`globalThis.__fuzzBatch()`);

export function fuzz(target: FuzzTarget, options: FuzzOptions): FuzzResult {
  return new Fuzzer(target, options).run();
}

class Fuzzer {
  readonly #target: FuzzTarget;
  readonly #options: FuzzOptions;
  readonly #dice: Dice;
  readonly #seen = new Seen();
  readonly #corpus: Kept[] = [];
  readonly #found: Finding[] = [];
  readonly #errors = new Set<string>();
  readonly #start = performance.now();
  #inputs = 0;
  #current: Uint8Array = new Uint8Array(0);
  #slowest = 0;

  constructor(target: FuzzTarget, options: FuzzOptions) {
    this.#target = target;
    this.#options = options;
    this.#dice = new Dice(options.seed);
  }

  run(): FuzzResult {
    for (const input of [...this.#target.seeds(), ...(this.#options.corpus ?? [])]) this.#try(input, true);
    while (this.#inputs < this.#options.inputs && !this.#isOver()) {
      this.#runBatch();
      this.#options.progress?.(this.#state());
    }
    return { ...this.#state(), found: this.#found, minimised: this.#minimised(), slowestMs: this.#slowest };
  }

  #isOver(): boolean {
    if (this.#options.untilFinding === true && this.#found.length > 0) return true;
    if (this.#found.length >= MOST_FINDINGS) return true;
    return (performance.now() - this.#start) / 1_000 > (this.#options.seconds ?? Infinity);
  }

  /** A loop without end cannot be left from within: V8 ends it. */
  #runBatch(): void {
    const begun = performance.now();
    const timeout = this.#options.batchTimeoutMs ?? BATCH_TIMEOUT_MS;
    const run = (): void => {
      for (let n = 0; n < BATCH && this.#inputs < this.#options.inputs; n++) this.#try(this.#next(), false);
    };
    Object.defineProperty(globalThis, '__fuzzBatch', { value: run, configurable: true });
    try {
      batch.runInThisContext({ timeout });
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
      this.#found.push({ kind: 'hang', input: this.#current.slice(), error: `no end in ${timeout} ms` });
    }
    this.#slowest = Math.max(this.#slowest, (performance.now() - begun) / BATCH);
  }

  /** Half of the time one of the newest, whose neighbourhood is the least known. */
  #next(): Uint8Array {
    const dice = this.#dice;
    const { length } = this.#corpus;
    const at = dice.below(2) === 0 ? dice.below(length) : length - 1 - dice.below(Math.min(RECENT, length));
    const { maxBytes, dictionary = [] } = this.#target;
    const other = (): Uint8Array => this.#corpus[dice.below(length)]!.input;
    return mutated(this.#corpus[at]!.input, { dice, maxBytes, other, dictionary });
  }

  #try(input: Uint8Array, keep: boolean): void {
    this.#inputs++;
    this.#current = input;
    reset();
    try {
      this.#target.run(input);
    } catch (error) {
      if ((error as { code?: unknown } | null)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
      this.#record(error, input);
    }
    const fresh = this.#seen.add();
    if (!keep && !(fresh && this.#options.guided !== false)) return;
    this.#corpus.push({ input: input.slice(), edges: edges().slice() });
  }

  #record(error: unknown, input: Uint8Array): void {
    const kind = error instanceof Error ? `${error.name} ${error.message.replaceAll(/\d+/g, '#')}` : String(error);
    if (this.#errors.has(kind)) return;
    this.#errors.add(kind);
    this.#found.push({ kind: 'crash', input: input.slice(), error: explained(this.#target, input) });
  }

  /** Greedy: the shortest first, each only for an edge that none before it takes. */
  #minimised(): readonly Uint8Array[] {
    const covered = new Set<number>();
    const kept: Uint8Array[] = [];
    for (const entry of this.#corpus.toSorted((a, b) => a.input.length - b.input.length)) {
      const before = covered.size;
      for (const edge of entry.edges) covered.add(edge);
      if (covered.size > before) kept.push(entry.input);
    }
    return kept;
  }

  #state(): FuzzState {
    return {
      inputs: this.#inputs,
      edges: this.#seen.edges,
      corpus: this.#corpus.length,
      findings: this.#found.length,
      seconds: (performance.now() - this.#start) / 1_000,
    };
  }
}

/** The error of an input, once more and with its stack. */
function explained(target: FuzzTarget, input: Uint8Array): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 10;
  try {
    target.run(input);
    return 'does not happen again: what came before matters';
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  } finally {
    Error.stackTraceLimit = limit;
  }
}
