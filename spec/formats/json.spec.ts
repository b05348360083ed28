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
import { type Entry, Path, type ResourceType } from '../../lib/model/index.ts';
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

const JSON_1_0 = CONTENT_FORMATS.json;
const unknown: ShapeOf = () => undefined;
const of =
  (type: ResourceType): ShapeOf =>
  () => ({ type, multiple: false });

const encode = (base: string, entries: readonly Entry[], shapeOf: ShapeOf = unknown): string =>
  utf8Decode(encodeEntries(JSON_1_0, Path.parse(base), entries, shapeOf));
const decode = (base: string, json: string, shapeOf: ShapeOf = unknown, options?: DecodeOptions): readonly Entry[] =>
  decodeEntries(JSON_1_0, Path.parse(base), utf8Encode(json), shapeOf, options);
const entry = (path: string, value: Entry['value'], timestamp?: number): Entry => ({
  path: Path.parse(path),
  value,
  timestamp,
});

describe('JSON of LwM2M 1.0', () => {
  for (const vector of vectors.json) {
    it(`reads and writes the specification's example: ${vector.name}`, () => {
      const { entries, shapeOf } = vectorEntries(vector);
      assertSameEntries(decode(vector.base, vector.json, shapeOf), entries);
      assert.equal(encode(vector.base, entries, shapeOf), vector.json);
    });
  }

  it('reads names relative to the request where there is no base name', () => {
    assertSameEntries(decode('/9/0', '{"e":[{"n":"1","v":1}]}'), [entry('/9/0/1', 1)]);
    assertSameEntries(decode('/9/0/1', '{"e":[{"v":1}]}'), [entry('/9/0/1', 1)]);
    assertSameEntries(decode('/9/0/1', '{"e":[{"n":"","v":1}]}'), [entry('/9/0/1', 1)]);
    assertSameEntries(decode('/9/0/1', '{"e":[{"n":"2","v":1}]}'), [entry('/9/0/1/2', 1)]);
    assertSameEntries(decode('/9', '{"bn":"/","e":[{"n":"9/0/1","v":1}]}'), [entry('/9/0/1', 1)]);
  });

  it('has bytes in base64, links, and 64-bit integers', () => {
    const cases: [type: ResourceType, value: Entry['value'], member: string][] = [
      ['opaque', Uint8Array.of(0xfb, 0xff), '"sv":"+/8="'],
      ['objectLink', { object: 66, instance: 0 }, '"ov":"66:0"'],
      ['unsignedInteger', (1n << 64n) - 1n, '"v":18446744073709551615'],
      ['boolean', true, '"bv":true'],
      ['time', new Date(1_367_491_215_000), '"v":1367491215'],
      ['float', 22.5, '"v":22.5'],
      ['coreLink', '</3/0>', '"sv":"</3/0>"'],
    ];
    for (const [type, value, member] of cases) {
      const json = `{"bn":"/9/0/1","e":[{${member}}]}`;
      assert.equal(encode('/9/0/1', [entry('/9/0/1', value)], of(type)), json);
      assertSameEntries(decode('/9/0/1', json, of(type)), [entry('/9/0/1', value)]);
    }
  });

  it('counts times from the base time, and from now where there is none', () => {
    const json = '{"bn":"/72/1/2","bt":1700000000,"e":[{"v":22.4,"t":-5},{"v":22.9,"t":-30}]}';
    assertSameEntries(decode('/72', json), [
      entry('/72/1/2', 22.4, 1_699_999_995_000),
      entry('/72/1/2', 22.9, 1_699_999_970_000),
    ]);
    assert.throws(() => decode('/72', '{"e":[{"n":"1/2","v":1,"t":-5}]}'), /record 0: time: expected an absolute time/);
    assertSameEntries(decode('/72', '{"e":[{"n":"1/2","v":1,"t":-5}]}', unknown, { now: 1_700_000_000_000 }), [
      entry('/72/1/2', 1, 1_699_999_995_000),
    ]);
  });

  it('reads and writes nothing', () => {
    assert.equal(encode('/9', []), '{"bn":"/9/","e":[]}');
    assert.deepEqual(decode('/9', '{"bn":"/9/","e":[]}'), []);
    assert.deepEqual(decode('/9', '{}'), []);
  });

  const malformed: [what: string, json: string, message: RegExp][] = [
    ['an array', '[]', /JSON: expected \{/],
    ['records that are no array', '{"e":{}}', /JSON: expected \[/],
    ['a record that is no object', '{"e":[1]}', /record 0: expected \{/],
    ['what follows', '{"e":[]}x', /no trailing characters/],
    ['a member twice', '{"e":[],"e":[]}', /"e": expected it once/],
    ['a member of a record twice', '{"e":[{"v":1,"v":1}]}', /"v": expected it once/],
    ['a base name that is no text', '{"bn":1,"e":[]}', /bn: expected a string, found a number/],
    ['two values', '{"e":[{"n":"0/1","v":1,"sv":"x"}]}', /one value field, found v and vs/],
    ['no value', '{"e":[{"n":"0/1"}]}', /one value field, found none/],
    ['null', '{"e":[{"n":"0/1","v":null}]}', /record 0: v: expected a number, found null/],
    ['the path of an instance', '{"e":[{"n":"0","v":1}]}', /the path of a resource/],
    ['a path elsewhere', '{"bn":"/8/","e":[{"n":"0/1","v":1}]}', /a path at or below \/9/],
    ['a path twice', '{"e":[{"n":"0/1","v":1},{"n":"0/1","v":1}]}', /\/9\/0\/1: expected it once/],
    ['too much depth', `{"x":${'['.repeat(20)}${']'.repeat(20)}}`, /less depth/],
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

  it('says what JSON cannot write, and bounds what it reads', () => {
    assert.throws(() => encode('/9/0/1', [entry('/9/0/1', Number.NaN)], of('float')), FormatError);
    const json = '{"e":[{"n":"0/1","v":1},{"n":"0/2","v":1}]}';
    assert.throws(() => decode('/9', json, unknown, { maxEntries: 1 }), /at most 1 records/);
  });

  it('writes what JSON.parse reads, and round-trips instances, several objects and series', () => {
    fc.assert(
      fc.property(fc.oneof(instanceEntries, compositeEntries, series), ({ base, entries, shapeOf }) => {
        const bytes = encodeEntries(JSON_1_0, base, entries, shapeOf);
        const { bn, e } = JSON.parse(utf8Decode(bytes)) as { bn: string; e: { n?: string }[] };
        assert.deepEqual(
          e.map(({ n = '' }) => bn + n),
          entries.map(({ path }) => path.toString()),
        );
        assertSameEntries(decodeEntries(JSON_1_0, base, bytes, shapeOf), entries);
      }),
      { numRuns: 1_000 },
    );
  });

  it('gives entries or a DecodeError for any bytes, and for any damage to good ones', () => {
    const good = utf8Encode(vectors.json[0]!.json);
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), fc.json().map(utf8Encode), damaged(good)), (input) =>
        assertValueOrDecodeError(() =>
          decodeEntries(JSON_1_0, Path.of(3, 0), input, unknown, { now: 1_700_000_000_000 }),
        ),
      ),
      { numRuns: 5_000 },
    );
  });
});
