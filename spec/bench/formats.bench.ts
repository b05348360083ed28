// An instance of 20 resources in each format, beside SenML CBOR as one writes it with plain cbor-x maps.

import assert from 'node:assert/strict';
import { Encoder } from 'cbor-x';
import { type Entry, Path, type ResourceType, type Value, equalValues } from '../../lib/model/index.ts';
import { CONTENT_FORMATS, type ResourceShape, decodeEntries, encodeEntries } from '../../lib/formats/index.ts';
import { type BenchResult, microseconds } from './bench.ts';

const base = Path.of(3303, 0);
const VALUES: readonly [type: ResourceType, value: Value][] = [
  ['string', 'Open Mobile Alliance'],
  ['string', '345000123'],
  ['integer', 100],
  ['integer', -40_000],
  ['float', 21.5],
  ['float', 0.1],
  ['boolean', true],
  ['time', new Date(1_367_491_215_000)],
  ['opaque', Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)],
  ['objectLink', { object: 66, instance: 0 }],
];

const shapes = new Map<number, ResourceShape>();
const entries: readonly Entry[] = [...VALUES, ...VALUES].map(([type, value], i) => {
  shapes.set(5700 + i, { type, multiple: false });
  return { path: base.child(5700 + i), value };
});
const shapeOf = (path: Path): ResourceShape | undefined => shapes.get(path.resource!);

const cborX = new Encoder({ mapsAsObjects: false, useRecords: false, tagUint8Array: false });
const LABELS: Readonly<Record<ResourceType, number | string>> = {
  string: 3,
  coreLink: 3,
  integer: 2,
  unsignedInteger: 2,
  float: 2,
  time: 2,
  boolean: 4,
  opaque: 8,
  objectLink: 'vlo',
  none: 3,
};

/** What one writes who has cbor-x and no codec of SenML. */
function encodeWithMaps(): Uint8Array {
  return cborX.encode(
    entries.map(({ path, value }, i) => {
      const record = new Map<number | string, unknown>();
      if (i === 0) record.set(-2, `${base}/`);
      record.set(0, String(path.resource));
      record.set(LABELS[shapeOf(path)!.type], plain(value));
      return record;
    }),
  );
}

function plain(value: Value): unknown {
  if (value instanceof Date) return value.getTime() / 1_000;
  return typeof value === 'object' && 'object' in value ? `${value.object}:${value.instance}` : value;
}

function decodeWithMaps(bytes: Uint8Array): readonly Entry[] {
  let baseName = '';
  return (cborX.decode(bytes) as Map<number | string, unknown>[]).map((record) => {
    baseName = (record.get(-2) as string | undefined) ?? baseName;
    const path = Path.parse(baseName + ((record.get(0) as string | undefined) ?? ''));
    const { type } = shapeOf(path)!;
    return { path, value: typed(record.get(LABELS[type]), type) };
  });
}

function typed(given: unknown, type: ResourceType): Value {
  if (type === 'time') return new Date(Number(given) * 1_000);
  if (type !== 'objectLink') return given as Value;
  const [object, instance] = (given as string).split(':').map(Number);
  return { object: object!, instance: instance! };
}

const FORMATS = ['senmlCbor', 'lwm2mCbor', 'tlv', 'senmlJson', 'json'] as const;
const PASSES = 4;

/** In turns, so that all meet the same weather on the machine. */
function inTurns(operations: readonly (() => void)[]): number[] {
  const best = operations.map(() => Number.POSITIVE_INFINITY);
  for (let pass = 0; pass < PASSES; pass++) {
    operations.forEach((operation, i) => (best[i] = Math.min(best[i]!, microseconds(operation, 10))));
  }
  return best;
}

function check(read: readonly Entry[]): void {
  assert.equal(read.length, entries.length);
  for (const [i, { value }] of entries.entries()) assert.ok(equalValues(read[i]!.value, value));
}

export function run(): Promise<readonly BenchResult[]> {
  const mapped = encodeWithMaps();
  check(decodeWithMaps(mapped));
  check(decodeEntries(CONTENT_FORMATS.senmlCbor, base, mapped, shapeOf));
  const payloads = FORMATS.map((name) => encodeEntries(CONTENT_FORMATS[name], base, entries, shapeOf));
  payloads.forEach((bytes, i) => check(decodeEntries(CONTENT_FORMATS[FORMATS[i]!], base, bytes, shapeOf)));
  const times = inTurns([
    () => encodeWithMaps(),
    () => decodeWithMaps(mapped),
    ...FORMATS.map((name) => () => encodeEntries(CONTENT_FORMATS[name], base, entries, shapeOf)),
    ...FORMATS.map((name, i) => () => decodeEntries(CONTENT_FORMATS[name], base, payloads[i]!, shapeOf)),
  ]);
  const row = (what: string, i: number, ratioTo?: string): BenchResult => ({
    name: what,
    value: times[i]!,
    unit: 'µs',
    ratioTo,
  });
  return Promise.resolve([
    row(`encode, cbor-x maps, ${mapped.length} B`, 0),
    ...FORMATS.map((name, i) =>
      row(`encode, ${name}, ${payloads[i]!.length} B`, 2 + i, `encode, cbor-x maps, ${mapped.length} B`),
    ),
    row('decode, cbor-x maps', 1),
    ...FORMATS.map((name, i) => row(`decode, ${name}`, 2 + FORMATS.length + i, 'decode, cbor-x maps')),
  ]);
}
