// The fuzzer itself: guided by coverage it finds what blind mutation does not, ends what does not end, and keeps little.

import assert from 'node:assert/strict';
import { install } from './coverage.ts';
import { type FuzzResult, fuzz } from './fuzzer.ts';
import { HIT, instrument } from './instrument.ts';
import type { FuzzTarget } from './target.ts';

/** Six bytes, each to be right before the next is looked at: one input in 2^48. */
const PLANTED = `
export function parse(bytes) {
  if (bytes[0] === 0x16) {
    if (bytes[1] === 0xfe) {
      if (bytes[2] === 0xfd) {
        if (bytes[3] === bytes[1]) {
          for (const byte of bytes.subarray(4)) {
            switch (byte) {
              case 0x2a: return bytes[5] === 0xff ? planted() : 0;
              default: return byte > 3 ? 1 : 2;
            }
          }
        }
      }
    }
  }
  return -1;
}
const planted = () => { throw new TypeError('planted'); };
`;

interface Parser {
  readonly parse: (this: void, bytes: Uint8Array) => number;
}

async function loaded<T = Parser>(source: string, name: string): Promise<T> {
  install();
  const { code } = instrument(source, name);
  return (await import(
    `data:text/javascript,${encodeURIComponent(`const ${HIT} = globalThis.${HIT};\n${code}`)}`
  )) as T;
}

function target(parse: (bytes: Uint8Array) => unknown): FuzzTarget {
  return { name: 'planted', maxBytes: 16, seeds: () => [new Uint8Array(8)], run: (input) => void parse(input) };
}

const BUDGET = { inputs: 200_000, untilFinding: true };

describe('fuzzer', function () {
  this.timeout(120_000);

  it('finds a planted bug that blind mutation does not within the same budget, seeds 1 and 2', async () => {
    const { parse } = await loaded(PLANTED, 'planted');
    for (const seed of [1, 2]) {
      const guided = fuzz(target(parse), { ...BUDGET, seed });
      assert.equal(guided.found.length, 1, `seed ${seed}: guided, ${guided.inputs} inputs, ${guided.edges} edges`);
      assert.match(guided.found[0]!.error, /planted/);
      assert.throws(() => parse(guided.found[0]!.input), /planted/, 'its input makes it happen again');
      const blind = fuzz(target(parse), { ...BUDGET, seed, guided: false });
      assert.equal(blind.found.length, 0, `seed ${seed}: blind mutation found it too, so it shows nothing`);
      assert.ok(guided.edges > blind.edges);
    }
  });

  it('does the same with the same seed', async () => {
    const { parse } = await loaded(PLANTED, 'planted');
    const run = (seed: number): FuzzResult => fuzz(target(parse), { inputs: 5_000, seed });
    const [one, two, other] = [run(4), run(4), run(5)];
    assert.deepEqual(one.minimised, two.minimised);
    assert.notDeepEqual(one.minimised, other.minimised);
  });

  it('tells a finding once, with its stack', () => {
    const result = fuzz(
      target((bytes) => {
        if (bytes.length > 4) throw new RangeError(`position ${bytes.length}`);
      }),
      { inputs: 2_000, seed: 1 },
    );
    assert.equal(result.found.length, 1);
    assert.match(result.found[0]!.error, /RangeError: position[^]+fuzzer\.spec/);
  });

  it('ends an input that does not end, and names it', () => {
    const result = fuzz(
      target((bytes) => {
        while (bytes[0] === 7);
      }),
      { inputs: 100_000, seed: 1, untilFinding: true, batchTimeoutMs: 200 },
    );
    assert.equal(result.found[0]?.kind, 'hang');
    assert.equal(result.found[0]?.input[0], 7);
  });

  it('keeps the smallest inputs that take every edge', async () => {
    const { parse } = await loaded(PLANTED, 'planted');
    const long = new Uint8Array(16).fill(1);
    const { minimised } = fuzz(target(parse), { inputs: 40_000, seed: 1, corpus: [long] });
    assert.ok(minimised.length > 1 && minimised.length < 12, `${minimised.length} inputs`);
    assert.ok(
      !minimised.some((input) => Buffer.compare(input, long) === 0),
      'a short one takes the edges of the long one',
    );
  });
});

describe('instrument', () => {
  const CASES: readonly (readonly [source: string, value: unknown])[] = [
    ['export const value = ((a) => a ? { b: a } : [a])(3).b', 3],
    ['const f = (x) => ({ x }); export const value = f(4).x', 4],
    ['let n = 0; for (const i of [1, 2, 3]) if (i > 1) n += i; else n -= 1; export const value = n', 4],
    ['let n = 0; do n++; while (n < 5 && n !== 4); export const value = n', 4],
    ['export const value = (undefined ?? null) || (0 && 1) || "x"', 'x'],
    ['function f(a = 1 ? 2 : 3) { if (a) return a; else if (!a) return 0 } export const value = f()', 2],
    ['class A { #x = 1 ? 5 : 6; get x() { return this.#x } } export const value = new A().x', 5],
    ['let v; switch (2) { case 1: case 2: v = 9; break; default: } export const value = v', 9],
    ['let v; try { throw 1 } catch { v = 8 } export const value = v', 8],
    ['const f = async () => { for (;;) return 1 }; export const value = f() instanceof Promise', true],
  ];
  for (const [source, value] of CASES) {
    it(`leaves alone what it means: ${source}`, async () => {
      const module = await loaded<{ readonly value: unknown }>(source, source);
      assert.deepEqual(module.value, value);
    });
  }

  it('numbers sites by the name of the module, the same in every run', () => {
    assert.equal(instrument(PLANTED, 'a').code, instrument(PLANTED, 'a').code);
    assert.notEqual(instrument(PLANTED, 'a').code, instrument(PLANTED, 'b').code);
  });
});
