import assert from 'node:assert/strict';
import { Encoder } from 'cbor-x';
import fc from 'fast-check';
import {
  CborFloat,
  CborTag,
  type CborValue,
  DecodeError,
  encodeCbor,
  fromHex,
  toBase64Url,
  toHex,
  utf8Decode,
} from '../../lib/bytes/index.ts';
import {
  CONTENT_FORMATS,
  type DecodeOptions,
  FormatError,
  type ShapeOf,
  decodeEntries,
  encodeEntries,
} from '../../lib/formats/index.ts';
import { type Entry, Path, type ResourceType, type Value } from '../../lib/model/index.ts';
import {
  assertSameEntries,
  assertValueOrDecodeError,
  compositeEntries,
  damaged,
  instanceEntries,
  series,
  vectorEntries,
} from './support.ts';
import vectors from './vectors-1.2.json' with { type: 'json' };

const SENML = CONTENT_FORMATS.senmlCbor;
const cborX = new Encoder({ mapsAsObjects: false, useRecords: false, tagUint8Array: false });
const unknown: ShapeOf = () => undefined;
const of =
  (type: ResourceType, wide = false): ShapeOf =>
  () => ({ type, multiple: false, wide });

const decode = (hex: string, shapeOf: ShapeOf = unknown, options?: DecodeOptions): readonly Entry[] =>
  decodeEntries(SENML, Path.of(9), fromHex(hex.replaceAll(' ', '')), shapeOf, options);
const pack = (...records: readonly (readonly [CborValue, CborValue][])[]): string =>
  toHex(encodeCbor(records.map((members) => new Map(members))));
const value = (members: [CborValue, CborValue][], shapeOf?: ShapeOf): Value =>
  decode(pack([[0, '/9/0/1'], ...members]), shapeOf)[0]!.value;

const JSON_LABELS = new Map<unknown, string>([
  [-2, 'bn'],
  [-3, 'bt'],
  [0, 'n'],
  [2, 'v'],
  [3, 'vs'],
  [4, 'vb'],
  [6, 't'],
  [8, 'vd'],
  ['vlo', 'vlo'],
]);

/** The records that cbor-x reads, as those of SenML JSON. */
function asJson(bytes: Uint8Array): unknown {
  const records = cborX.decode(bytes) as Map<unknown, unknown>[];
  return records.map((record) =>
    Object.fromEntries(
      [...record].map(([label, member]) => [
        JSON_LABELS.get(label),
        member instanceof Uint8Array ? toBase64Url(member) : typeof member === 'bigint' ? Number(member) : member,
      ]),
    ),
  );
}

describe('SenML CBOR', () => {
  for (const vector of vectors.senmlCbor) {
    it(`writes and reads the specification's example: ${vector.name}`, () => {
      const { entries, shapeOf } = vectorEntries(vector);
      const base = Path.parse(vector.base);
      const bytes = fromHex(vector.hex.replaceAll(' ', ''));
      assertSameEntries(decodeEntries(SENML, base, bytes, shapeOf), entries);
      assert.equal(toHex(encodeEntries(SENML, base, entries, shapeOf)), toHex(bytes));
    });
  }

  it('says what SenML JSON says, as cbor-x reads it', () => {
    fc.assert(
      fc.property(fc.oneof(instanceEntries, compositeEntries, series), ({ base, entries, shapeOf }) => {
        const json = encodeEntries(CONTENT_FORMATS.senmlJson, base, entries, shapeOf);
        const plain = JSON.parse(utf8Decode(json).replaceAll('-0,', '0,').replaceAll('-0}', '0}')) as unknown;
        const read = JSON.parse(JSON.stringify(asJson(encodeEntries(SENML, base, entries, shapeOf)))) as unknown;
        assert.deepEqual(read, plain);
      }),
      { numRuns: 1_000 },
    );
  });

  it('round-trips any instance, several objects, and series', () => {
    fc.assert(
      fc.property(fc.oneof(instanceEntries, compositeEntries, series), ({ base, entries, shapeOf }) => {
        const bytes = encodeEntries(SENML, base, entries, shapeOf);
        assertSameEntries(decodeEntries(SENML, base, bytes, shapeOf), entries);
      }),
      { numRuns: 1_000 },
    );
  });

  const numbers: [type: ResourceType, item: CborValue, value: Value][] = [
    ['integer', 9_007_199_254_740_993n, 9_007_199_254_740_993n],
    ['integer', -(1n << 63n), -(1n << 63n)],
    ['unsignedInteger', (1n << 64n) - 1n, (1n << 64n) - 1n],
    ['integer', new CborFloat(21), 21],
    ['integer', new CborTag(4, [2, 15]), 1_500],
    ['integer', new CborTag(4, [-1, 150]), 15],
    ['float', new CborTag(4, [-2, 27_315]), 273.15],
    ['float', 5, 5],
    ['float', new CborFloat(0.1), 0.1],
    ['time', 1_367_491_215, new Date(1_367_491_215_000)],
  ];
  for (const [type, item, expected] of numbers) {
    it(`reads ${toHex(encodeCbor(item))} as ${type} without loss`, () => {
      assert.deepEqual(value([[2, item]], of(type)), expected);
    });
  }

  it('writes floats in the shortest exact encoding, whole ones, too', () => {
    const hex = (float: number): string => {
      const path = Path.of(9, 0, 1);
      const bytes = encodeEntries(SENML, path, [{ path, value: float }], of('float'));
      return toHex(bytes).slice('81a221662f392f302f3102'.length);
    };
    const cases = [
      [1.5, 'f93e00'],
      [100_000.5, 'fa47c35040'],
      [0.1, 'fb3fb999999999999a'],
      [20, 'f94d00'],
      [-0, 'f98000'],
    ] as const;
    for (const [float, expected] of cases) assert.equal(hex(float), expected);
  });

  it('gives bigints for wide resources', () => assert.equal(value([[2, 5]], of('integer', true)), 5n));

  it('reads arrays and maps of indefinite length, and passes over units, sums and labels it does not know', () => {
    const entries = decode('9f bf 00 662f392f302f31 02 01 01 6343656c 05 03 6178 82 f6 f6 ff ff');
    assertSameEntries(entries, [{ path: Path.of(9, 0, 1), value: 1 }]);
  });

  it('reads a name the same however it is cut into base name and name', () => {
    const name = fc
      .array(fc.oneof(fc.nat(70_000).map(String), fc.constantFrom('', '007', 'a', '-1', '65535')), { maxLength: 5 })
      .map((ids) => `/9/${ids.join('/')}`);
    const outcome = (base: string, rest: string): unknown => {
      try {
        return decode(
          pack([
            [-2, base],
            [0, rest],
            [2, 1],
          ]),
        ).map(({ path }) => path.toString());
      } catch (error) {
        assert.ok(error instanceof DecodeError, String(error));
        return 'refused';
      }
    };
    fc.assert(
      fc.property(name, fc.nat(20), (whole, at) => {
        assert.deepEqual(outcome(whole.slice(0, at), whole.slice(at)), outcome('', whole));
      }),
      { numRuns: 5_000 },
    );
  });

  it('resolves base names, times and values', () => {
    const hex = pack(
      [
        [-2, '/9/0/'],
        [-3, 1_700_000_000],
        [-5, 100],
        [0, '1'],
        [2, 5],
      ],
      [
        [0, '2'],
        [6, new CborFloat(0.25)],
      ],
      [
        [0, '3'],
        [3, 'x'],
      ],
    );
    assertSameEntries(decode(hex), [
      { path: Path.of(9, 0, 1), value: 105, timestamp: 1_700_000_000_000 },
      { path: Path.of(9, 0, 2), value: 100, timestamp: 1_700_000_000_250 },
      { path: Path.of(9, 0, 3), value: 'x', timestamp: 1_700_000_000_000 },
    ]);
  });

  it('tells times before 1978 relative to now, and refuses to without', () => {
    const path = Path.of(9, 0, 1);
    const entries = [{ path, value: 1, timestamp: 100_000_000_000 }];
    const now = 1_700_000_000_000;
    for (const format of [SENML, CONTENT_FORMATS.senmlJson, CONTENT_FORMATS.json]) {
      const bytes = encodeEntries(format, path, entries, unknown, { now });
      assertSameEntries(decodeEntries(format, path, bytes, unknown, { now }), entries);
      assert.throws(() => encodeEntries(format, path, entries, unknown), FormatError);
      const atNow = [{ path, value: 1, timestamp: 1_000 }];
      assert.throws(() => encodeEntries(format, path, atNow, unknown, { now: 1_000 }), FormatError);
    }
  });

  const n: [CborValue, CborValue] = [0, '/9/0/1'];
  const malformed: [what: string, hex: string, message: RegExp][] = [
    ['no array', 'a0', /SenML pack: expected an array/],
    ['a record that is no map', '8101', /SenML pack: expected a map/],
    ['trailing bytes', '8000', /no trailing bytes/],
    ['an array longer than the bytes', '9a7fffffff', /2147483647 items or bytes/],
    ['a text longer than the bytes', '81a1007a80000000', /2147483648 items or bytes/],
    ['a label twice', '81a300662f392f302f310201 0202', /each label once/],
    ['a label twice, in another encoding', '81a300662f392f302f310201 180202', /each label once/],
    ['vlo twice', '81a300662f392f302f3163766c6f63313a3163766c6f63313a31', /each label once/],
    ['a label RFC 8428 has not', pack([n, [9, 1]]), /a label of RFC 8428/],
    ['a label that is a float', pack([n, [new CborFloat(2.5), 1]]), /an integer/],
    ['a label that must be understood', pack([n, [2, 1], ['x_', 1]]), /ends in _/],
    ['a later version', pack([n, [-1, 11], [2, 1]]), /a version up to 10/],
    ['two values', pack([n, [2, 1], [3, 'x']]), /one value field, found v and vs/],
    ['no value', pack([n]), /one value field, found none/],
    ['null', pack([n, [2, null]]), /record 0: v: expected a value, found null/],
    ['two nulls', pack([n, [2, null], [3, null]]), /one value field, found v and vs/],
    ['NaN', pack([n, [2, Number.NaN]]), /a finite number/],
    ['infinity', pack([n, [2, Infinity]]), /a finite number/],
    ['a number beyond doubles', pack([n, [2, new CborTag(4, [999, 1])]]), /a number that a double holds/],
    ['another tag', pack([n, [2, new CborTag(1, 5)]]), /a number, found another tag/],
    ['a shared reference (tag 28)', pack([n, [2, new CborTag(28, 5)]]), /a number, found another tag/],
    ['a reference (tag 29)', pack([n, [2, new CborTag(29, 0)]]), /a number, found another tag/],
    ['a number as text', pack([n, [2, '1']]), /a finite number/],
    ['bytes as text', pack([n, [3, Uint8Array.of(1)]]), /expected text/],
    ['undefined', pack([n, [4, undefined]]), /true or false/],
    [
      'a name that is no path',
      pack([
        [0, '/9/x'],
        [2, 1],
      ]),
      /record 0: name: expected ids/,
    ],
    [
      'the path of an instance',
      pack([
        [0, '/9/0'],
        [2, 1],
      ]),
      /the path of a resource/,
    ],
    [
      'a path elsewhere',
      pack([
        [0, '/8/0/1'],
        [2, 1],
      ]),
      /a path at or below \/9/,
    ],
    ['a path twice', pack([n, [2, 1]], [n, [2, 1]]), /\/9\/0\/1: expected it once/],
    ['too much depth', pack([n, [2, 1], ['x', [[[[[[[[[[1]]]]]]]]]]]]), /at most 8 levels/],
    ['a time no Date can hold', pack([n, [2, 1], [6, new CborFloat(1e300)]]), /record 0: time/],
  ];
  for (const [what, hex, message] of malformed) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => decode(hex),
        (error) => {
          assert.ok(error instanceof DecodeError, String(error));
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  it('bounds records, labels and bytes', () => {
    const hex = pack(
      [n, [2, 1]],
      [
        [0, '/9/0/2'],
        [2, 1],
      ],
    );
    assert.throws(() => decode(hex, unknown, { maxEntries: 1 }), /at most 1 records/);
    assert.throws(() => decode(hex, unknown, { maxBytes: 8 }), /at most 8 bytes/);
    const many = Array.from({ length: 65 }, (_, i): [CborValue, CborValue] => [`x${i}`, 1]);
    assert.throws(() => decode(pack([n, ...many])), /at most 64 members/);
  });

  it('says what SenML has no numbers for', () => {
    const path = Path.of(9, 0, 1);
    for (const float of [Number.NaN, Infinity]) {
      assert.throws(() => encodeEntries(SENML, path, [{ path, value: float }], of('float')), FormatError);
    }
  });

  it('gives entries or a DecodeError for any bytes, and for any damage to a good pack', () => {
    const good = fromHex(vectors.senmlCbor[0]!.hex.replaceAll(' ', ''));
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      damaged(good),
      fc.array(fc.dictionary(fc.constantFrom('n', 'v', 'x'), fc.anything())).map((given) => safeCbor(given)),
    );
    fc.assert(
      fc.property(bytes, (input) =>
        assertValueOrDecodeError(() => decodeEntries(SENML, Path.of(3, 0), input, unknown, { now: 1_700_000_000_000 })),
      ),
      { numRuns: 5_000 },
    );
  });
});

/** What cbor-x makes of anything, and no bytes where it fails. */
function safeCbor(given: unknown): Uint8Array {
  try {
    return new Uint8Array(cborX.encode(given));
  } catch {
    return new Uint8Array(0);
  }
}
