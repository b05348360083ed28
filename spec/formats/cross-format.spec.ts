// The same tree through any two formats is the same.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CONTENT_FORMATS, type ShapeOf, decodeEntries, encodeEntries } from '../../lib/formats/index.ts';
import { type Entry, Path, type Value, equalValues } from '../../lib/model/index.ts';
import { compositeEntries, instanceEntries, typedValue } from './support.ts';

const { text, opaque, cbor, tlv, json, senmlJson, senmlCbor, senmlEtchJson, senmlEtchCbor, lwm2mCbor } =
  CONTENT_FORMATS;
const TREES = [tlv, json, senmlJson, senmlCbor, senmlEtchJson, senmlEtchCbor, lwm2mCbor];

/** Entries by path after a way through each format in turn. */
function through(
  formats: readonly number[],
  base: Path,
  entries: readonly Entry[],
  shapeOf: ShapeOf,
): ReadonlyMap<string, Value> {
  let at = entries;
  for (const format of formats) at = decodeEntries(format, base, encodeEntries(format, base, at, shapeOf), shapeOf);
  return new Map(at.map(({ path, value }) => [path.toString(), value]));
}

function assertSame(found: ReadonlyMap<string, Value>, entries: readonly Entry[]): void {
  assert.equal(found.size, entries.length);
  for (const { path, value } of entries) assert.ok(equalValues(found.get(path.toString())!, value), `${path}`);
}

describe('a tree through several formats', () => {
  it('stays as it is: instances through all', () => {
    const order = fc.shuffledSubarray(TREES, { minLength: 2 });
    fc.assert(
      fc.property(instanceEntries, order, ({ base, entries, shapeOf }, formats) => {
        assertSame(through(formats, base, entries, shapeOf), entries);
      }),
      { numRuns: 1_000 },
    );
  });

  it('stays as it is: several objects through all but TLV', () => {
    const order = fc.shuffledSubarray(TREES.slice(1), { minLength: 2 });
    fc.assert(
      fc.property(compositeEntries, order, ({ base, entries, shapeOf }, formats) => {
        assertSame(through(formats, base, entries, shapeOf), entries);
      }),
      { numRuns: 1_000 },
    );
  });

  it('stays as it is: one value through all, also alone', () => {
    const path = Path.of(9, 0, 1);
    const order = fc.shuffledSubarray([...TREES, text, opaque, cbor], { minLength: 2 });
    fc.assert(
      fc.property(typedValue, order, ({ shape, value }, formats) => {
        const able = formats.filter((format) => format !== opaque || shape.type === 'opaque');
        assertSame(
          through(able, path, [{ path, value }], () => shape),
          [{ path, value }],
        );
      }),
      { numRuns: 1_000 },
    );
  });

  it('is the same without knowing its shapes, in formats that say their types', () => {
    const unknown = (): undefined => undefined;
    const plain = fc.oneof(fc.string({ unit: 'grapheme' }), fc.boolean(), fc.maxSafeInteger(), fc.uint8Array());
    fc.assert(
      fc.property(plain, (value) => {
        const path = Path.of(9, 0, 1);
        assertSame(through([senmlJson, senmlCbor, lwm2mCbor, cbor], path, [{ path, value }], unknown), [
          { path, value },
        ]);
      }),
      { numRuns: 1_000 },
    );
  });
});
