import assert from 'node:assert/strict';
import { Encoder } from 'cbor-x';
import fc from 'fast-check';
import { CborTag, type CborValue, DecodeError, encodeCbor, fromHex, toHex } from '../../lib/bytes/index.ts';
import {
  CONTENT_FORMATS,
  type DecodeOptions,
  FormatError,
  type ShapeOf,
  decodeEntries,
  encodeEntries,
} from '../../lib/formats/index.ts';
import { type Entry, Path, type ResourceType, type Value, equalValues } from '../../lib/model/index.ts';
import {
  assertSameEntries,
  assertValueOrDecodeError,
  compositeEntries,
  damaged,
  instanceEntries,
  vectorEntries,
} from './support.ts';
import vectors from './vectors-1.2.json' with { type: 'json' };

const LWM2M = CONTENT_FORMATS.lwm2mCbor;
const cborX = new Encoder({ mapsAsObjects: false, useRecords: false, tagUint8Array: false });
const unknown: ShapeOf = () => undefined;
const single = (type: ResourceType): ShapeOf => {
  return () => ({ type, multiple: false });
};
const bytes = (hex: string): Uint8Array => fromHex(hex.replaceAll(' ', ''));
const decode = (base: string, hex: string, shapeOf: ShapeOf = unknown, options?: DecodeOptions): readonly Entry[] =>
  decodeEntries(LWM2M, Path.parse(base), bytes(hex), shapeOf, options);
const map = (...members: readonly [CborValue, CborValue][]): string => toHex(encodeCbor(new Map(members)));

/** Values by path, as cbor-x reads them. */
function flattened(given: unknown, above: readonly number[] = []): [path: string, value: unknown][] {
  if (!(given instanceof Map)) return [[`/${above.join('/')}`, given]];
  return [...(given as Map<number | number[], unknown>)].flatMap(([key, below]) =>
    flattened(below, [...above, ...[key].flat()]),
  );
}

describe('LwM2M CBOR', () => {
  for (const vector of vectors.lwm2mCbor) {
    it(`reads and writes the specification's example: ${vector.name}`, () => {
      const { entries, shapeOf } = vectorEntries(vector);
      assertSameEntries(decode(vector.base, vector.hex, shapeOf), entries);
      if ('decodeOnly' in vector) return;
      const written = encodeEntries(LWM2M, Path.parse(vector.base), entries, shapeOf);
      assert.equal(toHex(written), toHex(bytes(vector.hex)));
      const size = /\((\d+) bytes\)/.exec(vector.name)?.[1];
      if (size !== undefined && vector.entries !== undefined) assert.equal(written.length, Number(size));
    });
  }

  it('writes maps of ids that cbor-x reads', () => {
    fc.assert(
      fc.property(fc.oneof(instanceEntries, compositeEntries), ({ base, entries, shapeOf }) => {
        const read = new Map(flattened(cborX.decode(encodeEntries(LWM2M, base, entries, shapeOf))));
        assert.equal(read.size, entries.length);
        for (const { path, value } of entries) {
          const found = read.get(path.toString()) as Value;
          if (value instanceof Date) assert.equal(Number(found), Math.floor(value.getTime() / 1_000));
          else if (typeof value === 'object' && 'object' in value)
            assert.equal(found, `${value.object}:${value.instance}`);
          else if (typeof found === 'bigint') assert.equal(found, BigInt(value as bigint));
          else assert.ok(equalValues(found instanceof Uint8Array ? new Uint8Array(found) : found, value), `${path}`);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('round-trips any instance and several objects', () => {
    fc.assert(
      fc.property(fc.oneof(instanceEntries, compositeEntries), ({ base, entries, shapeOf }) => {
        const read = decodeEntries(LWM2M, base, encodeEntries(LWM2M, base, entries, shapeOf), shapeOf);
        const order = new Map(read.map((entry) => [entry.path.toString(), entry]));
        assertSameEntries(
          entries.map(({ path }) => order.get(path.toString())!),
          entries,
        );
      }),
      { numRuns: 1_000 },
    );
  });

  it('carries NaN and infinities, tagged times, and maps of indefinite length', () => {
    for (const float of [Number.NaN, Infinity, -Infinity]) {
      const path = Path.of(9, 0, 1);
      const written = encodeEntries(LWM2M, path, [{ path, value: float }], single('float'));
      assertSameEntries(decodeEntries(LWM2M, path, written, single('float')), [{ path, value: float }]);
    }
    assertSameEntries(decode('/9', 'bf 9f 09 00 01 ff c1 1a 5182428f ff', single('time')), [
      { path: Path.of(9, 0, 1), value: new Date(1_367_491_215_000) },
    ]);
  });

  it('reads ids that begin below the request of a Write or Create, where they cannot be whole (§7.4.4)', () => {
    const shapeOf: ShapeOf = (path) => ({ type: 'integer', multiple: path.resource === 6 });
    const cases: [base: string, hex: string, path: string][] = [
      ['/9/0', 'a1 05 01', '/9/0/5'],
      ['/9', 'a1 82 02 05 01', '/9/2/5'],
      ['/9', 'a1 02 a1 05 01', '/9/2/5'],
      ['/9/0/6', 'a1 03 01', '/9/0/6/3'],
      ['/9/0', 'a1 83 09 00 05 01', '/9/0/5'],
      ['/9', 'a1 83 09 00 05 01', '/9/0/5'],
      // Whole, it would be an instance of a single resource; below the request it is one of a multiple resource.
      ['/9', 'a1 83 09 06 01 01', '/9/6/1'],
      ['/9', 'a1 83 09 06 06 01', '/9/9/6/6'],
    ];
    for (const [base, hex, path] of cases) {
      assert.deepEqual(
        decode(base, hex, shapeOf).map((entry) => `${entry.path} ${Number(entry.value)}`),
        [`${path} 1`],
      );
    }
  });

  it('reads and writes nothing as an empty map', () => {
    assert.deepEqual(decode('/9', 'a0'), []);
    assert.deepEqual(decode('/9/0/6', map([[9, 0, 6], new Map()])), []);
    assert.equal(toHex(encodeEntries(LWM2M, Path.of(9), [], unknown)), 'a0');
  });

  const malformed: [what: string, hex: string, message: RegExp][] = [
    ['no map', '80', /LwM2M CBOR: expected a map/],
    ['trailing bytes', 'a000', /no trailing bytes/],
    ['a map longer than the bytes', 'ba7fffffff', /2147483647 items or bytes/],
    ['a key that is text', map(['9', 1]), /an unsigned integer/],
    ['a key that is negative', map([-1, 1]), /an unsigned integer/],
    ['a key without ids', map([[], 1]), /expected ids, found none/],
    ['five ids in a key', map([[9, 0, 1, 2, 3], 1]), /at most 4 ids/],
    ['five levels', map([9, new Map([[0, new Map([[1, new Map([[2, new Map([[3, 1]])]])]])]])]), /at most 4 ids/],
    ['the reserved id', map([[9, 0, 65_535], 1]), /ids from 0 to 65534/],
    ['an id of 64 bits', map([1n << 63n, 1]), /ids from 0 to 65534/],
    ['a key twice', 'a2 830900010 1 830900010 2'.replaceAll(' ', ''), /each key once/],
    ['a key twice, in another encoding', 'a2 01 a1 00 01 1801 a1 01 01', /each key once/],
    ['a path twice, by other keys', 'a2 83 09 00 01 01 82 09 00 a1 01 01', /\/9\/0\/1: expected it once/],
    ['paths elsewhere', map([[8, 0, 1], 1]), /paths at or below \/9/],
    ['a value of an object', map([9, 1]), /the path of a value, found \/9/],
    ['null', map([[9, 0, 1], null]), /\/9\/0\/1: expected CBOR of type a resource/],
    ['undefined', map([[9, 0, 1], undefined]), /\/9\/0\/1: expected CBOR of type a resource/],
    ['an array as value', map([[9, 0, 1], [1]]), /\/9\/0\/1: expected CBOR of type a resource/],
    ['a shared reference (tag 28)', map([[9, 0, 1], new CborTag(28, 1)]), /expected CBOR of type a resource/],
    ['a reference (tag 29)', map([[9, 0, 1], new CborTag(29, 0)]), /expected CBOR of type a resource/],
    ['depth in a value', map([[9, 0, 1], [[[[[[[[[[1]]]]]]]]]]]), /at most 8 levels/],
  ];
  for (const [what, hex, message] of malformed) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => decode('/9', hex),
        (error) => {
          assert.ok(error instanceof DecodeError, String(error));
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  it('holds values to their resource', () => {
    const wrong: [type: ResourceType, value: CborValue][] = [
      ['string', 1],
      ['integer', 'x'],
      ['integer', 1.5],
      ['unsignedInteger', -1],
      ['boolean', 1],
      ['opaque', 'x'],
      ['objectLink', '66'],
      ['time', 1.5],
      ['none', ''],
    ];
    for (const [type, item] of wrong) {
      assert.throws(() => decode('/9', map([[9, 0, 1], item]), single(type)), DecodeError, type);
    }
    const multiple: ShapeOf = () => ({ type: 'integer', multiple: true });
    assert.throws(() => decode('/9/0', map([[9, 0, 1], 1]), multiple), DecodeError);
    assert.throws(() => decode('/9/0', map([[9, 0, 1, 0], 1]), single('integer')), DecodeError);
  });

  it('bounds values and bytes', () => {
    const hex = map([[9, 0, 1], 1], [[9, 0, 2], 1]);
    assert.throws(() => decode('/9', hex, unknown, { maxEntries: 1 }), /at most 1 values/);
    assert.throws(() => decode('/9', hex, unknown, { maxBytes: 8 }), /at most 8 bytes/);
  });

  it('refuses what it cannot carry', () => {
    const path = Path.of(9, 0, 1);
    const refuses = (...entries: readonly Entry[]): void =>
      assert.throws(() => encodeEntries(LWM2M, Path.of(9), entries, unknown), FormatError);
    refuses({ path, value: 1, timestamp: 1_700_000_000_000 });
    refuses({ path, value: 1 }, { path, value: 2 });
    refuses({ path, value: 1 }, { path: path.child(0), value: 2 });
    refuses({ path: path.child(0), value: 1 }, { path, value: 2 });
  });

  it('gives entries or a DecodeError for any bytes, and for any damage to good ones', () => {
    const good = bytes(vectors.lwm2mCbor[3]!.hex);
    const maps = fc
      .array(fc.tuple(fc.oneof(fc.nat(5), fc.array(fc.nat(5), { maxLength: 5 })), fc.anything()), { maxLength: 4 })
      .map((members) => {
        try {
          return new Uint8Array(cborX.encode(new Map(members)));
        } catch {
          return new Uint8Array(0);
        }
      });
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ maxLength: 64 }), damaged(good), maps),
        fc.constantFrom('/', '/3', '/3/0', '/3/0/1', '/3/0/6/0'),
        (input, base) =>
          assertValueOrDecodeError(() =>
            decodeEntries(LWM2M, Path.parse(base), input, (path) =>
              path.resource === 9 ? { type: 'integer', multiple: false } : undefined,
            ),
          ),
      ),
      { numRuns: 5_000 },
    );
  });
});
