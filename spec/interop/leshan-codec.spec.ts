// The same values through our formats and Leshan's: what we write it reads, what it writes we read, and nothing changes.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import fc from 'fast-check';
import {
  CONTENT_FORMATS,
  type ResourceShape,
  type ShapeOf,
  decodeEntries,
  encodeEntries,
} from '../../lib/formats/index.ts';
import {
  type Entry,
  Path,
  type ResourceType,
  type Value,
  equalValues,
  loadObjectDefinitions,
} from '../../lib/model/index.ts';
import { EVERY_TYPE, LeshanCodec } from './peers/leshan-codec.ts';
import { VALUES } from '../formats/support.ts';
import { needs, smoke } from './peers/peer.ts';

const { text, opaque, cbor, tlv, json, senmlJson, senmlCbor } = CONTENT_FORMATS;
const TREES = [tlv, json, senmlJson, senmlCbor];
const RUNS = smoke ? 5 : 40;
const LINK = fc.record({ object: fc.nat(65_534), instance: fc.nat(65_534) });
const INSTANCE = Path.of(33_333, 0);

describe("our formats and Leshan's", () => {
  needs('leshan');
  let leshan: LeshanCodec;
  let shapes: ReadonlyMap<number, ResourceShape>;
  const shapeOf: ShapeOf = (path) => shapes.get(path.resource ?? -1);
  before(async () => {
    const [definition] = await loadObjectDefinitions(readFileSync(EVERY_TYPE, 'utf8'), { source: EVERY_TYPE });
    const resources = Object.values(definition!.resources);
    shapes = new Map(resources.map(({ id, type, multiple = false }) => [id, { type, multiple }]));
    leshan = await LeshanCodec.start();
  });
  after(() => leshan?.stop());

  /**
   * Not tried, as Leshan 2.0.0-M18 cannot: links of which one id is 65535; 2^63 and more, which it writes signed in TLV;
   * whole floats beyond 2^53 in JSON.
   */
  const valueOf = (id: number): fc.Arbitrary<Value> => {
    const type = shapes.get(id)!.type as Exclude<ResourceType, 'none'>;
    if (type === 'objectLink') return fc.oneof(LINK, fc.constant({ object: 65_535, instance: 65_535 }));
    return VALUES[type].filter((value) => {
      if (type === 'float') return Number.isSafeInteger(value) || !Number.isInteger(value);
      return type !== 'unsignedInteger' || (value as bigint) < 1n << 63n;
    });
  };

  /** Some resources of the instance, of any types. */
  const instances = (): fc.Arbitrary<readonly Entry[]> =>
    fc
      .subarray([...shapes.keys()], { minLength: 1 })
      .chain((ids) => fc.tuple(...ids.map((id) => (id < 10 ? single(id) : multiple(id)))))
      .map((resources) => resources.flat());
  const single = (id: number): fc.Arbitrary<readonly Entry[]> =>
    valueOf(id).map((value) => [{ path: INSTANCE.child(id), value }]);
  const multiple = (id: number): fc.Arbitrary<readonly Entry[]> =>
    fc
      .uniqueArray(fc.nat(65_534), { minLength: 1, maxLength: 3 })
      .chain((ids) => fc.tuple(...ids.map((inner) => fc.tuple(fc.constant(inner), valueOf(id)))))
      .map((values) => values.map(([inner, value]) => ({ path: INSTANCE.child(id).child(inner), value })));

  async function goes(from: number, to: number, base: Path, entries: readonly Entry[]): Promise<void> {
    const theirs = await leshan.convert(from, to, base.toString(), encodeEntries(from, base, entries, shapeOf));
    const read = new Map(decodeEntries(to, base, theirs, shapeOf).map(({ path, value }) => [path.toString(), value]));
    assert.equal(read.size, entries.length);
    for (const { path, value } of entries) {
      assert.ok(equalValues(read.get(path.toString())!, value), `${path}: ${inspect(read.get(path.toString()))}`);
    }
  }

  for (const from of TREES) {
    for (const to of TREES) {
      it(`${from} to ${to}: instances`, async () => {
        await fc.assert(
          fc.asyncProperty(instances(), (entries) => goes(from, to, INSTANCE, entries)),
          { numRuns: RUNS },
        );
      });
    }
  }

  for (const format of [text, opaque, cbor]) {
    it(`${format}: single values, from it and to it`, async () => {
      const ids = [...shapes.keys()].filter(
        (id) => id < 10 && (format !== opaque || shapes.get(id)!.type === 'opaque'),
      );
      for (const id of ids) {
        await fc.assert(
          fc.asyncProperty(single(id), async (entries) => {
            await goes(format, senmlCbor, INSTANCE.child(id), entries);
            await goes(tlv, format, INSTANCE.child(id), entries);
          }),
          { numRuns: RUNS },
        );
      }
    });
  }

  for (const [from, to] of [
    [senmlJson, senmlCbor],
    [senmlCbor, senmlJson],
    [json, senmlCbor],
  ] as const) {
    it(`${from} to ${to}: a series with its times`, async () => {
      const path = INSTANCE.child(3);
      const times = [1_700_000_000_000, 1_700_000_001_500, 1_700_000_060_250];
      const entries = times.map((timestamp, i): Entry => ({ path, value: i + 0.5, timestamp }));
      const bytes = encodeEntries(from, path, entries, shapeOf);
      const theirs = await leshan.convert(from, to, path.toString(), bytes, true);
      const read = decodeEntries(to, path, theirs, shapeOf).toSorted((a, b) => a.timestamp! - b.timestamp!);
      assert.deepEqual(
        read.map(({ value, timestamp }) => [value, timestamp]),
        entries.map(({ value, timestamp }) => [value, timestamp]),
      );
    });
  }
});
