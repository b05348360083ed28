// SenML CBOR as one reads it who has maps from cbor-x and RFC 8428 §4.6 beside him, against the reader that goes item by item.

import assert from 'node:assert/strict';
import { Encoder } from 'cbor-x';
import fc from 'fast-check';
import { CONTENT_FORMATS, decodeEntries } from '../../lib/formats/index.ts';
import { type CborValue, DecodeError, encodeCbor } from '../../lib/bytes/index.ts';
import { type Entry, Path } from '../../lib/model/index.ts';

const cborX = new Encoder({ mapsAsObjects: false, useRecords: false, tagUint8Array: false });
const base = Path.of(9);
const LABELS = { baseName: -2, baseTime: -3, baseValue: -5, name: 0, time: 6 } as const;
const VALUE_LABELS = [2, 3, 4, 8, 'vlo'] as const;
type Label = number | string;
type Members = ReadonlyMap<Label, unknown>;

/** @throws Error for what is to be refused */
function readByMaps(bytes: Uint8Array): readonly Entry[] {
  const entries: Entry[] = [];
  const untimed = new Set<string>();
  let [baseName, baseTime, baseValue] = ['', 0, undefined as number | undefined];
  for (const record of cborX.decode(bytes) as Members[]) {
    baseName = (record.get(LABELS.baseName) as string | undefined) ?? baseName;
    baseTime = (record.get(LABELS.baseTime) as number | undefined) ?? baseTime;
    baseValue = (record.get(LABELS.baseValue) as number | undefined) ?? baseValue;
    const path = Path.parse(baseName + ((record.get(LABELS.name) as string | undefined) ?? ''));
    if (path.resource === undefined || !base.contains(path)) throw new Error('another path');
    const timestamp = (baseTime + ((record.get(LABELS.time) as number | undefined) ?? 0)) * 1_000;
    if (timestamp === 0 && untimed.has(`${path}`)) throw new Error('a path twice');
    if (timestamp === 0) untimed.add(`${path}`);
    const value = valueOf(record, baseValue);
    entries.push(timestamp === 0 ? { path, value } : { path, value, timestamp });
  }
  return entries;
}

function valueOf(record: Members, baseValue: number | undefined): Entry['value'] {
  const given = VALUE_LABELS.filter((label) => record.has(label));
  if (baseValue !== undefined && given.length === 0) return baseValue;
  const [label] = given;
  if (label === undefined || given.length > 1) throw new Error('no value, or two');
  const value = record.get(label);
  if (label === 2) return (baseValue ?? 0) + (value as number);
  if (label !== 'vlo') return value as Entry['value'];
  const [object, instance] = (value as string).split(':').map(Number);
  return { object: object!, instance: instance! };
}

const ids = fc.oneof(
  fc.nat(70_000).map(String),
  fc.constantFrom('', '0', '1', '0/1', '0/1/2', '/9/0/5', '01', '65534', '65535', 'a'),
);
const wholeNumber = fc.integer({ min: -1_000_000, max: 1_000_000 });
const moment = fc.integer({ min: 1_500_000_000, max: 1_500_000_009 });
const value: fc.Arbitrary<[Label, CborValue]> = fc.oneof(
  fc.tuple(fc.constant(2), wholeNumber),
  fc.tuple(fc.constant(2), fc.constantFrom(0.5, 21.25, -3.75, 1e300)),
  fc.tuple(fc.constant(3), fc.string({ unit: 'grapheme', maxLength: 80 })),
  fc.tuple(fc.constant(4), fc.boolean()),
  fc.tuple(fc.constant(8), fc.uint8Array({ maxLength: 40 })),
  fc.tuple(
    fc.constant('vlo'),
    fc.tuple(fc.nat(65_535), fc.nat(65_535)).map(([a, b]) => `${a}:${b}`),
  ),
);
const often = <T>(arbitrary: fc.Arbitrary<T>, outOf: number): fc.Arbitrary<readonly T[]> =>
  fc.oneof({ weight: outOf - 1, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: arbitrary.map((one) => [one]) });

const record: fc.Arbitrary<CborValue> = fc
  .tuple(
    often(fc.tuple(fc.constant(LABELS.baseName), fc.constantFrom('/9/0/', '/9/', '/9/0', '/9/0/1/', '/', '')), 3),
    often(fc.tuple(fc.constant(LABELS.baseTime), fc.oneof(moment, fc.constant(0))), 6),
    often(fc.tuple(fc.constant(LABELS.baseValue), wholeNumber), 12),
    fc.tuple(fc.constant(LABELS.name), ids).map((one) => [one]),
    often(fc.tuple(fc.constant(LABELS.time), moment), 6),
    fc.oneof({ weight: 9, arbitrary: value.map((one) => [one]) }, fc.tuple(value, value), fc.constant([])),
  )
  .map((parts) => new Map<CborValue, CborValue>(parts.flat() as [Label, CborValue][]));

const pack = fc
  .tuple(fc.constantFrom('/9/0/', '/9/', ''), fc.array(record, { maxLength: 5 }))
  .map(([name, records]) => {
    // Most packs begin with a base name, or few would be any.
    const first = new Map<CborValue, CborValue>([
      [LABELS.baseName, name],
      ...((records[0] as Map<Label, CborValue>) ?? []),
    ]);
    return encodeCbor(records.length === 0 ? [] : [first, ...records.slice(1)]);
  });

describe('SenML CBOR, read by maps', () => {
  it('is what is read item by item, or is refused by both', () => {
    let taken = 0;
    fc.assert(
      fc.property(pack, (bytes) => {
        let expected: readonly Entry[];
        try {
          expected = readByMaps(bytes);
        } catch {
          const read = (): unknown => decodeEntries(CONTENT_FORMATS.senmlCbor, base, bytes, () => undefined);
          return assert.throws(read, DecodeError);
        }
        const read = decodeEntries(CONTENT_FORMATS.senmlCbor, base, bytes, () => undefined);
        const plain = ({ path, ...rest }: Entry): unknown => ({ path: `${path}`, ...rest });
        assert.deepEqual(read.map(plain), expected.map(plain));
        taken += expected.length;
      }),
      { numRuns: 20_000 },
    );
    assert.ok(taken > 1_000, `${taken} entries were compared`);
  });
});
