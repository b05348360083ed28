// What instrumented modules report into: how often each step from one site to the next was taken in this run.

import { HIT, MAP_SIZE } from './instrument.ts';

const hits = new Uint32Array(MAP_SIZE);
const touched = new Uint32Array(MAP_SIZE);
let count = 0;
let previous = 0;

/** Counts the edge from the site before. */
function hit(site: number): void {
  const edge = (site ^ previous) & (MAP_SIZE - 1);
  if (hits[edge] === 0) touched[count++] = edge;
  hits[edge]! += 1;
  previous = site >> 1;
}

/** Makes instrumented modules report here; to be called before the first of them is loaded. */
export function install(): void {
  Object.defineProperty(globalThis, HIT, { value: hit, configurable: true, writable: true });
}

/** Forgets the run before. */
export function reset(): void {
  for (let i = 0; i < count; i++) hits[touched[i]!] = 0;
  count = 0;
  previous = 0;
}

/** How many edges the run took. */
export function edgeCount(): number {
  return count;
}

/** The edges of the run, to be copied by whoever keeps them. */
export function edges(): Uint32Array {
  return touched.subarray(0, count);
}

/** What was seen in any run: edges, and roughly how often each was taken (AFL's buckets). */
export class Seen {
  readonly #buckets = new Uint8Array(MAP_SIZE);
  /** Different edges. */
  edges = 0;

  /** Adds the run. @returns whether it did something that none before it did */
  add(): boolean {
    let fresh = false;
    for (let i = 0; i < count; i++) {
      const edge = touched[i]!;
      const bucket = bucketOf(hits[edge]!);
      const known = this.#buckets[edge]!;
      if ((known & bucket) !== 0) continue;
      if (known === 0) this.edges++;
      this.#buckets[edge] = known | bucket;
      fresh = true;
    }
    return fresh;
  }
}

/** 1, 2, 3, 4 to 7, 8 to 15, 16 to 31, 32 to 127, more. */
function bucketOf(times: number): number {
  if (times <= 3) return 1 << (times - 1);
  if (times < 8) return 8;
  if (times < 16) return 16;
  if (times < 32) return 32;
  return times < 128 ? 64 : 128;
}
