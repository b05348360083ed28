import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError, utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import {
  CONTENT_FORMATS,
  type DecodeOptions,
  FormatError,
  type ShapeOf,
  decodeEntries,
  encodeEntries,
} from '../../lib/formats/index.ts';
import { type Entry, Path, type ResourceType, type Value } from '../../lib/model/index.ts';
import { type VectorEntry, assertSameEntries, entriesOf, instanceEntries } from './support.ts';
import vectors from './vectors.json' with { type: 'json' };

const SENML = CONTENT_FORMATS.senmlJson;
const unknown: ShapeOf = () => undefined;
const of =
  (type: ResourceType, wide = false): ShapeOf =>
  () => ({ type, multiple: false, wide });

function encode(base: string, entries: readonly Entry[], shapeOf: ShapeOf = unknown): string {
  return utf8Decode(encodeEntries(SENML, Path.parse(base), entries, shapeOf));
}

function decode(base: string, json: string, shapeOf: ShapeOf = unknown, options?: DecodeOptions): readonly Entry[] {
  return decodeEntries(SENML, Path.parse(base), utf8Encode(json), shapeOf, options);
}

const value = (json: string, shapeOf?: ShapeOf): Value =>
  decode('/9/0/1', `[{"n":"/9/0/1",${json}}]`, shapeOf)[0]!.value;
const entry = (path: string, given: Value, timestamp?: number): Entry => ({
  path: Path.parse(path),
  value: given,
  timestamp,
});

describe('SenML JSON', () => {
  it('writes a resource beside its own instance so that both can be read again', () => {
    const entries = [entry('/3/0/5/5', 1, 1_700_000_000_000), entry('/3/0/5', 2, 1_700_000_000_000)];
    const text = encode('/3/0/5', entries);
    assert.match(text, /"bn":"\/3\/0\/5"/);
    assertSameEntries(decode('/3/0/5', text), entries);
  });

  for (const vector of vectors.senmlJson) {
    it(`reads the specification's example: ${vector.name}`, () => {
      const { entries, shapeOf } = entriesOf(vector.entries as unknown[] as VectorEntry[]);
      assertSameEntries(decode(vector.base, vector.json, shapeOf), entries);
      if (!('decodeOnly' in vector)) assert.equal(encode(vector.base, entries, shapeOf), vector.json);
    });
  }

  const literals: [type: ResourceType, literal: string, value: Value][] = [
    ['integer', '9007199254740993', 9_007_199_254_740_993n],
    ['integer', '-9223372036854775808', -(1n << 63n)],
    ['unsignedInteger', '18446744073709551615', (1n << 64n) - 1n],
    ['integer', '21.0', 21],
    ['integer', '1e3', 1000],
    ['integer', '1.5e1', 15],
    ['integer', '150e-1', 15],
    ['integer', '0e99999', 0],
    ['integer', '-0', 0],
    ['float', '22.5', 22.5],
    ['float', '5', 5],
    ['float', '1e25', 1e25],
    ['float', '9007199254740993', 9_007_199_254_740_992],
    ['time', '1367491215', new Date(1_367_491_215_000)],
  ];
  for (const [type, literal, expected] of literals) {
    it(`reads the number ${literal} as ${type} without loss`, () => {
      assert.deepEqual(value(`"v":${literal}`, of(type)), expected);
    });
  }

  it('reads object links as text, too, as Leshan writes them', () => {
    assert.deepEqual(value('"vs":"66:0"', of('objectLink')), { object: 66, instance: 0 });
  });

  it('gives bigints for wide resources, and writes them in full', () => {
    assert.equal(value('"v":5', of('integer', true)), 5n);
    const entries = [entry('/9/0/1', 9_007_199_254_740_993n)];
    assert.equal(encode('/9/0/1', entries, of('integer', true)), '[{"bn":"/9/0/1","v":9007199254740993}]');
  });

  it('gives each value by its own type where the resource is not known', () => {
    const given = [
      '"v":1',
      '"v":1.5',
      '"v":18446744073709551615',
      '"vs":"x"',
      '"vb":true',
      '"vd":"-_8"',
      '"vlo":"66:0"',
    ];
    assert.deepEqual(
      given.map((json) => value(json)),
      [1, 1.5, (1n << 64n) - 1n, 'x', true, Uint8Array.of(0xfb, 0xff), { object: 66, instance: 0 }],
    );
  });

  it('writes opaque values in base64url without padding, and reads both alphabets', () => {
    const bytes = Uint8Array.of(0xfb, 0xff, 0xfe, 0x01);
    assert.equal(encode('/9/0/1', [entry('/9/0/1', bytes)]), '[{"bn":"/9/0/1","vd":"-__-AQ"}]');
    for (const text of ['-__-AQ', '+//+AQ==']) assert.deepEqual(value(`"vd":"${text}"`), bytes);
  });

  it('reads escapes, and ignores labels and nested values it does not know', () => {
    assert.equal(value('"vs":"a\\u00e4\\n\\"","u":"Cel","x":{"y":[1,{"z":null}]},"s":3,"bu":"m"'), 'aä\n"');
  });

  it('reads white space wherever JSON has it', () => {
    assertSameEntries(decode('/9', ' [ { "n" : "/9/0/1" , "v" : 1 } ] '), [entry('/9/0/1', 1)]);
  });

  it('adds base values to numbers, exactly', () => {
    const json =
      '[{"bn":"/9/0/","bv":9007199254740992,"n":"1","v":1},{"n":"2"},{"n":"3","vs":"x"},{"n":"4","bv":0.5,"v":1}]';
    const expected = [
      entry('/9/0/1', 9_007_199_254_740_993n),
      entry('/9/0/2', 9_007_199_254_740_992n),
      entry('/9/0/3', 'x'),
    ];
    assertSameEntries(decode('/9', json), [...expected, entry('/9/0/4', 1.5)]);
  });

  describe('times (RFC 8428 §4.5.3)', () => {
    it('adds base time and time, and gives milliseconds', () => {
      const json = '[{"bn":"/9/0/1","bt":1700000000.5,"v":1,"t":-5},{"v":2},{"bt":1700000100,"v":3,"t":0.25}]';
      const times = [1_699_999_995_500, 1_700_000_000_500, 1_700_000_100_250];
      assertSameEntries(
        decode('/9', json),
        times.map((time, i) => entry('/9/0/1', i + 1, time)),
      );
    });

    it('counts times below 2^28 from now, and refuses them where now is not known', () => {
      const json = '[{"n":"/9/0/1","v":1,"t":-30}]';
      assertSameEntries(decode('/9', json, unknown, { now: 1_700_000_000_000 }), [
        entry('/9/0/1', 1, 1_699_999_970_000),
      ]);
      assert.throws(() => decode('/9', json), /record 0: time: expected an absolute time/);
    });

    it('takes 2^28 s as the first absolute time', () => {
      const times = [2 ** 28 - 1, 2 ** 28].map(
        (t) => decode('/9', `[{"n":"/9/0/1","v":1,"t":${t}}]`, unknown, { now: 1_000 })[0]!.timestamp,
      );
      assert.deepEqual(times, [268_435_456_000, 268_435_456_000]);
    });

    it('writes a common time once, and others with each record', () => {
      const at = 1_700_000_000_500;
      assert.equal(
        encode('/9/0', [entry('/9/0/1', 1, at), entry('/9/0/2', 2, at)]),
        '[{"bn":"/9/0/","bt":1700000000.5,"n":"1","v":1},{"n":"2","v":2}]',
      );
      assert.equal(
        encode('/9/0', [entry('/9/0/1', 1, at), entry('/9/0/1', 2, at + 1_000), entry('/9/0/2', 3)]),
        '[{"bn":"/9/0/","n":"1","t":1700000000.5,"v":1},{"n":"1","t":1700000001.5,"v":2},{"n":"2","v":3}]',
      );
      assert.throws(() => encode('/9/0/1', [entry('/9/0/1', 1, 1_000)]), FormatError);
    });

    it('keeps a path twice if each has a time', () => {
      assert.equal(decode('/9', '[{"n":"/9/0/1","v":1,"t":1700000000},{"n":"/9/0/1","v":1,"t":1700000000}]').length, 2);
    });
  });

  it('reads and writes a pack without records', () => {
    assert.deepEqual(decode('/9', '[]'), []);
    assert.equal(encode('/9', []), '[]');
  });

  const malformed: [what: string, json: string, message: RegExp][] = [
    ['no JSON', 'x', /SenML pack: expected \[/],
    ['no array', '{}', /SenML pack: expected \[/],
    ['what follows the array', '[]x', /no trailing characters/],
    ['a record that is no object', '[1]', /record 0: expected \{/],
    ['a missing comma', '[{"n":"/9/0/1" "v":1}]', /record 0: expected \}/],
    ['a trailing comma', '[{"n":"/9/0/1","v":1,}]', /record 0: name: expected a string/],
    ['an unfinished string', '[{"n', /well-formed string/],
    ['an unfinished escape', '[{"n":"\\', /well-formed string/],
    ['a control character', '[{"n":"/9/0/1","vs":"\n"}]', /"vs": expected a well-formed string/],
    ['half a surrogate pair', '[{"n":"/9/0/1","vs":"\\ud800"}]', /"vs": expected a well-formed string/],
    ['a label twice', '[{"n":"/9/0/1","v":1,"v":2}]', /record 0: "v": expected it once/],
    ['a number JSON does not know', '[{"n":"/9/0/1","v":01}]', /record 0/],
    ['a number beyond doubles', '[{"n":"/9/0/1","v":1e999}]', /record 0: v: expected a number that a double holds/],
    ['a label that must be understood', '[{"n":"/9/0/1","v":1,"x_":1}]', /ends in _/],
    ['a later version', '[{"bver":11,"n":"/9/0/1","v":1}]', /bver: expected a version up to 10/],
    ['two values', '[{"n":"/9/0/1","v":1,"vs":"x"}]', /\/9\/0\/1: expected one value field, found v and vs/],
    ['no value', '[{"n":"/9/0/1"}]', /expected one value field, found none/],
    ['a number as text', '[{"n":"/9/0/1","v":"1"}]', /record 0: v: expected a number, found a string/],
    ['null', '[{"n":"/9/0/1","vs":null}]', /record 0: vs: expected a value, found null/],
    ['an array as value', '[{"n":"/9/0/1","vb":[true]}]', /record 0: vb: expected true or false/],
    ['text that is no base64', '[{"n":"/9/0/1","vd":"#"}]', /record 0: vd/],
    ['a name that is no path', '[{"n":"/9/x","v":1}]', /record 0: name: expected ids/],
    ['the path of an instance', '[{"n":"/9/0","v":1}]', /expected the path of a resource, found \/9\/0/],
    ['a path elsewhere', '[{"n":"/8/0/1","v":1}]', /record 0: name: expected a path at or below \/9, found \/8\/0\/1/],
    ['a path twice', '[{"n":"/9/0/1","v":1},{"bn":"/9/","n":"0/1","v":1}]', /\/9\/0\/1: expected it once/],
    ['too much depth', `[{"n":"/9/0/1","v":1,"x":${'['.repeat(20)}${']'.repeat(20)}}]`, /"x": expected less depth/],
    ['a time no Date can hold', '[{"n":"/9/0/1","v":1,"t":1e300}]', /record 0: time/],
  ];
  for (const [what, json, message] of malformed) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => decode('/9', json),
        (error) => {
          assert.ok(error instanceof DecodeError, String(error));
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  const wrongTypes: [type: ResourceType, json: string][] = [
    ['string', '"v":1'],
    ['integer', '"vs":"1"'],
    ['integer', '"v":1.5'],
    ['integer', '"v":9223372036854775808'],
    ['unsignedInteger', '"v":-1'],
    ['boolean', '"v":1'],
    ['opaque', '"vs":"AA"'],
    ['objectLink', '"vs":"66"'],
    ['objectLink', '"vlo":"66"'],
    ['time', '"v":1e13'],
    ['none', '"vs":""'],
  ];
  for (const [type, json] of wrongTypes) {
    it(`refuses ${json} for ${type}`, () => assert.throws(() => value(json, of(type)), DecodeError));
  }

  it('bounds records, members and bytes', () => {
    const json = '[{"n":"/9/0/1","v":1},{"n":"/9/0/2","v":1}]';
    assert.throws(() => decode('/9', json, unknown, { maxEntries: 1 }), /at most 1 records/);
    assert.throws(() => decode('/9', json, unknown, { maxBytes: 8 }), /at most 8 bytes/);
    const members = Array.from({ length: 65 }, (_, i) => `"x${i}":1`).join(',');
    assert.throws(() => decode('/9', `[{${members}}]`), /at most 64 members/);
  });

  it('says what JSON cannot write', () => {
    assert.throws(() => encode('/9/0/1', [entry('/9/0/1', Number.NaN)]), FormatError);
    assert.throws(() => encode('/9/0/1', [entry('/9/0/2', 1)]), FormatError);
    assert.throws(() => encode('/9/0/1', [entry('/9/0/1', 'x')], of('integer')), FormatError);
  });

  it('writes what JSON.parse reads, and round-trips any instance', () => {
    fc.assert(
      fc.property(instanceEntries, ({ base, entries, shapeOf }) => {
        const bytes = encodeEntries(SENML, base, entries, shapeOf);
        const parsed = JSON.parse(utf8Decode(bytes)) as { bn?: string; n?: string }[];
        assert.deepEqual(
          parsed.map(({ n }) => parsed[0]!.bn! + (n ?? '')),
          entries.map(({ path }) => path.toString()),
        );
        assertSameEntries(decodeEntries(SENML, base, bytes, shapeOf), entries);
      }),
      { numRuns: 1_000 },
    );
  });

  it('reads whatever valid JSON of records JSON.stringify writes as JSON.parse does', () => {
    const texts = fc.string({ unit: 'grapheme' });
    fc.assert(
      fc.property(fc.array(texts, { maxLength: 4 }), fc.boolean(), (strings, pretty) => {
        const records = strings.map((vs, i) => ({ n: `/9/0/${i}`, vs, extra: { deep: [vs, null, true, -1.5e-7] } }));
        const entries = decode('/9', JSON.stringify(records, undefined, pretty ? 2 : undefined));
        assert.deepEqual(
          entries.map((found) => found.value),
          strings,
        );
      }),
      { numRuns: 1_000 },
    );
  });

  it('gives entries or a DecodeError for any bytes, and for any damage to a good pack', () => {
    const good = utf8Encode(vectors.senmlJson[0]!.json);
    const damaged = fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => {
      const bytes = good.slice();
      bytes[at] = byte;
      return bytes;
    });
    const cut = fc.nat(good.length).map((length) => good.subarray(0, length));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), fc.json().map(utf8Encode), damaged, cut), (bytes) => {
        try {
          decodeEntries(SENML, Path.of(3, 0), bytes, unknown, { now: 1_700_000_000_000 });
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
        }
      }),
      { numRuns: 5_000 },
    );
  });
});
