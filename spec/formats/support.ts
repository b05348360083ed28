// What the specs of the formats share: entries from vectors, arbitrary entries, and comparison.

import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { DecodeError } from '../../lib/bytes/index.ts';
import { type Entry, Path, type ResourceType, type Value, equalValues } from '../../lib/model/index.ts';
import type { ResourceShape, ShapeOf } from '../../lib/formats/index.ts';
import vectors from './vectors.json' with { type: 'json' };

/** The entries of a vector, which may be those `of` another in vectors.json. */
export function vectorEntries(vector: {
  readonly of?: string;
  readonly entries?: readonly unknown[];
}): ReturnType<typeof entriesOf> {
  const given = vector.entries ?? vectors.tlv.find(({ name }) => name === vector.of)!.entries;
  return entriesOf(given as unknown[] as VectorEntry[]);
}

export type VectorEntry = readonly [path: string, type: string, value: unknown];

export function entriesOf(vector: readonly VectorEntry[]): { entries: Entry[]; shapeOf: ShapeOf } {
  const shapes = new Map<string, ResourceShape>();
  const entries = vector.map(([text, kind, given]): Entry => {
    const path = Path.parse(text);
    const type = kind.replace('[]', '') as ResourceType;
    shapes.set(path.prefix(3).toString(), { type, multiple: kind.endsWith('[]') });
    return { path, value: valueOf(type, given) };
  });
  return { entries, shapeOf: (path) => shapes.get(path.toString()) };
}

function valueOf(type: ResourceType, given: unknown): Value {
  if (type === 'time') return new Date(Number(given) * 1_000);
  if (type !== 'objectLink') return given as Value;
  const [object, instance] = String(given).split(':').map(Number);
  return { object: object!, instance: instance! };
}

export function assertSameEntries(actual: readonly Entry[], expected: readonly Entry[]): void {
  assert.deepEqual(
    actual.map(({ path, timestamp }) => [path.toString(), timestamp]),
    expected.map(({ path, timestamp }) => [path.toString(), timestamp]),
  );
  for (const [i, { path, value }] of expected.entries()) {
    assert.ok(equalValues(actual[i]!.value, value), `${path}: ${inspect(actual[i]!.value)} is not ${inspect(value)}`);
  }
}

const INTEGERS = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n });
const narrow = (value: bigint): Value => (Number.isSafeInteger(Number(value)) ? Number(value) : value);

/** Any value of each type. */
export const VALUES: Readonly<Record<Exclude<ResourceType, 'none'>, fc.Arbitrary<Value>>> = {
  string: fc.string({ unit: 'grapheme' }),
  coreLink: fc.constantFrom('', '</3/0>;pmin=10', '</1>,</2>'),
  integer: INTEGERS.map(narrow),
  unsignedInteger: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map(narrow),
  float: fc.double({ noNaN: true, noDefaultInfinity: true }),
  boolean: fc.boolean(),
  opaque: fc.uint8Array({ maxLength: 300 }),
  time: fc.integer({ min: -62_000_000_000, max: 250_000_000_000 }).map((seconds) => new Date(seconds * 1_000)),
  objectLink: fc.record({ object: fc.nat(65_535), instance: fc.nat(65_535) }),
};

/** A value with the shape of its resource. */
export const typedValue: fc.Arbitrary<{ readonly shape: ResourceShape; readonly value: Value }> = fc
  .constantFrom(...(Object.keys(VALUES) as (keyof typeof VALUES)[]))
  .chain((type) => VALUES[type].map((value) => ({ shape: { type, multiple: false }, value })));

const ID = fc.oneof(fc.nat(3), fc.nat(65_534));

/** Entries of one instance, single and multiple resources mixed, and the shapes of their resources. */
export const instanceEntries: fc.Arbitrary<{ base: Path; entries: readonly Entry[]; shapeOf: ShapeOf }> = fc
  .record({
    object: ID,
    instance: ID,
    resources: fc.uniqueArray(
      fc.record({
        id: ID,
        typed: typedValue,
        instances: fc.option(fc.uniqueArray(ID, { minLength: 1, maxLength: 4 })),
      }),
      { selector: ({ id }) => id, minLength: 1, maxLength: 8 },
    ),
  })
  .map(({ object, instance, resources }) => {
    const base = Path.of(object, instance);
    const shapes = new Map<string, ResourceShape>();
    const entries = resources.flatMap(({ id, typed: { shape, value }, instances }) => {
      const path = base.child(id);
      shapes.set(path.toString(), { ...shape, multiple: instances !== null });
      return instances === null ? [{ path, value }] : instances.map((inner) => ({ path: path.child(inner), value }));
    });
    return { base, entries, shapeOf: (path: Path) => shapes.get(path.toString()) };
  });

/** Entries of several objects, each path once. */
export const compositeEntries: fc.Arbitrary<{ base: Path; entries: readonly Entry[]; shapeOf: ShapeOf }> = fc
  .uniqueArray(instanceEntries, { selector: ({ base }) => base.toString(), minLength: 1, maxLength: 3 })
  .map((instances) => ({
    base: Path.root,
    entries: instances.flatMap(({ entries }) => entries),
    shapeOf: (path) => instances.find(({ base }) => base.contains(path))?.shapeOf(path),
  }));

const TIMESTAMP = fc.oneof(
  fc.integer({ min: 268_435_456_000, max: 4_000_000_000_000 }),
  fc.integer({ min: 1_700_000_000_000, max: 1_700_000_010_000 }),
);

/** A series of one resource: same path, times, the last value perhaps without. */
export const series: fc.Arbitrary<{ base: Path; entries: readonly Entry[]; shapeOf: ShapeOf }> = fc
  .tuple(
    fc.array(fc.tuple(fc.double({ noNaN: true, noDefaultInfinity: true }), TIMESTAMP), { minLength: 1, maxLength: 8 }),
    fc.boolean(),
  )
  .map(([samples, now]) => {
    const base = Path.of(3303, 0, 5700);
    const entries: Entry[] = samples.map(([value, timestamp]) => ({ path: base, value, timestamp }));
    if (now) entries.push({ path: base, value: 21.5 });
    return { base, entries, shapeOf: () => ({ type: 'float', multiple: false }) as const };
  });

/** Asserts that `bytes` give a value or a DecodeError, nothing else. */
export function assertValueOrDecodeError(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    assert.ok(error instanceof DecodeError, String(error));
  }
}

/** `good` with one byte changed, or cut off. */
export function damaged(good: Uint8Array): fc.Arbitrary<Uint8Array> {
  const changed = fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => {
    const bytes = good.slice();
    bytes[at] = byte;
    return bytes;
  });
  return fc.oneof(
    changed,
    fc.nat(good.length).map((length) => good.slice(0, length)),
  );
}
