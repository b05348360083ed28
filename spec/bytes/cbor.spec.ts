import assert from 'node:assert/strict';
import { Encoder } from 'cbor-x';
import fc from 'fast-check';
import {
  CborFloat,
  type CborOptions,
  CborReader,
  CborSimple,
  CborTag,
  type CborValue,
  DEFAULT_CBOR_OPTIONS,
  DecodeError,
  decodeCbor,
  encodeCbor,
  fromHex,
  toHex,
} from '../../lib/bytes/index.ts';
import vectors from './cbor-rfc8949.json' with { type: 'json' };

const decode = (hex: string, options?: Partial<CborOptions>): CborValue => decodeCbor(fromHex(hex), 'CBOR', options);
const encode = (value: CborValue): string => toHex(encodeCbor(value));

/** A vector's value; floats as CborFloat to encode, as numbers to compare. */
function valueOf(given: unknown, floats: (value: number) => CborValue): CborValue {
  if (Array.isArray(given)) return given.map((item) => valueOf(item, floats));
  if (typeof given !== 'object' || given === null) return given as CborValue;
  const { bytes, bigint, float, simple, tag, value, map } = given as Record<string, unknown>;
  if (bytes !== undefined) return fromHex(bytes as string);
  if (bigint !== undefined) return BigInt(bigint as string);
  if (float !== undefined) return floats(Number(float));
  if (simple !== undefined) return new CborSimple(simple as number);
  if (tag !== undefined) return new CborTag(tag as number, valueOf(value, floats));
  if (map === undefined) return undefined;
  const pairs = map as [unknown, unknown][];
  return new Map(pairs.map(([key, item]) => [valueOf(key, floats), valueOf(item, floats)]));
}

describe('CBOR', () => {
  describe('RFC 8949 Appendix A', () => {
    for (const { diagnostic, hex, value, ...flags } of vectors.valid) {
      it(diagnostic.slice(0, 60), () => {
        const options = { allowIndefinite: 'indefinite' in flags };
        assert.deepEqual(
          decode(hex, options),
          valueOf(value, (float) => float),
        );
        if (options.allowIndefinite) assert.throws(() => decode(hex), /definite length/);
        if (!('decodeOnly' in flags)) assert.equal(encode(valueOf(value, (float) => new CborFloat(float))), hex);
      });
    }
  });

  describe('RFC 8949 Appendix F: not well-formed', () => {
    for (const hex of vectors.notWellFormed) {
      it(hex, () => {
        for (const allowIndefinite of [false, true]) {
          assert.throws(() => decode(hex, { allowIndefinite }), DecodeError);
        }
      });
    }
  });

  describe('is strict', () => {
    const refused: [what: string, hex: string, message: RegExp][] = [
      ['trailing bytes', '0000', /CBOR: expected no trailing bytes/],
      ['a map key twice', 'a201000100', /each map key once/],
      ['a map key twice in different lengths', 'a20100180100', /each map key once/],
      ['a map key twice as integer and float', 'a20100f93c0000', /each map key once/],
      ['a compound map key twice', 'a2810100810100', /each map key once/],
      ['text that is no UTF-8', '61ff', /well-formed UTF-8/],
      ['overlong UTF-8', '62c080', /well-formed UTF-8/],
      ['a surrogate in UTF-8', '63eda080', /well-formed UTF-8/],
    ];
    for (const [what, hex, message] of refused) {
      it(`refuses ${what}`, () =>
        assert.throws(
          () => decode(hex),
          (error) => error instanceof DecodeError && message.test(error.message),
        ));
    }

    it('refuses characters cut by a chunk, even if the whole is well-formed', () => {
      assert.throws(() => decode('7f61c361bcff', { allowIndefinite: true }), DecodeError);
      assert.equal(decode('7f62c3bc6161ff', { allowIndefinite: true }), 'üa');
    });

    it('accepts heads longer than needed', () => assert.equal(decode('1b0000000000000001'), 1));

    it('bounds depth, items and bytes', () => {
      assert.throws(() => decode(`${'81'.repeat(17)}00`), /at most 16 levels/);
      assert.deepEqual(decode('818100', { maxDepth: 2 }), [[0]]);
      assert.throws(() => decode('818100', { maxDepth: 1 }), /at most 1 levels/);
      assert.throws(() => decode(`${'c1'.repeat(17)}00`), /at most 16 levels/);
      assert.throws(() => decode(`${'a1'.repeat(500)}`, { maxDepth: 1_000 }), DecodeError);
      assert.throws(() => decode('830102', { maxItems: 2 }), DecodeError);
      assert.throws(() => decode('83010203', { maxItems: 3 }), /at most 3 items/);
      assert.throws(() => decode('43010203', { maxBytes: 3 }), /at most 3 bytes/);
    });

    it('gives copies of byte strings', () => {
      const bytes = fromHex('420102');
      const value = decodeCbor(bytes);
      bytes.fill(0);
      assert.deepEqual(value, Uint8Array.of(1, 2));
    });
  });

  describe('is deterministic (§4.2.1)', () => {
    it('sorts map keys by their bytes', () => {
      // The order of §4.2.1's example: 10, 100, -1, "z", "aa", [100], [-1], false
      const keys: CborValue[] = [false, [-1], [100], 'aa', 'z', -1, 100, 10];
      assert.equal(encode(new Map(keys.map((key) => [key, 0]))), 'a80a001864002000617a006261610081186400812000f400');
    });

    it('writes whole numbers as integers, and floats in the fewest bytes', () => {
      assert.deepEqual(
        [encode(1), encode(-0), encode(2 ** 53), encode(0.1), encode(1 / 3)].map((hex) => hex.slice(0, 2)),
        ['01', 'f9', 'fa', 'fb', 'fb'],
      );
      assert.equal(encode(2 ** -24), 'f90001');
      assert.equal(encode(2 ** -25), 'fa33000000');
      assert.equal(encode(65_536.5), 'fa47800040');
    });

    it('refuses what CBOR cannot say', () => {
      assert.throws(() => encode(1n << 64n), RangeError);
      assert.throws(() => encode(-(1n << 64n) - 1n), RangeError);
      assert.throws(() => encode('\ud800'), RangeError);
      assert.throws(
        () =>
          encode(
            new Map([
              [[1], 0],
              [[1], 0],
            ]),
          ),
        /a key twice/,
      );
      assert.throws(() => new CborSimple(24), RangeError);
      const cycle: CborValue[] = [];
      cycle.push(cycle);
      assert.throws(() => encode(cycle), /nested at most 64 deep/);
    });
  });

  describe('properties', () => {
    const integers = fc.bigInt({ min: -(1n << 64n), max: (1n << 64n) - 1n });
    const narrow = (value: bigint): CborValue => (Number.isSafeInteger(Number(value)) ? Number(value) : value);
    const { tree } = fc.letrec<{ tree: CborValue; leaf: CborValue }>((tie) => ({
      leaf: fc.oneof(
        integers.map(narrow),
        fc
          .double()
          .filter((value) => !Object.is(value, -0) && !(Number.isInteger(value) && !Number.isSafeInteger(value))),
        fc.string({ unit: 'grapheme' }),
        fc.boolean(),
        fc.constantFrom(null, undefined),
        fc.uint8Array({ maxLength: 40 }),
      ),
      tree: fc.oneof(
        { maxDepth: 4 },
        tie('leaf'),
        fc.array(tie('tree'), { maxLength: 5 }),
        fc
          .uniqueArray(fc.tuple(fc.string(), tie('tree')), { selector: ([key]) => key, maxLength: 5 })
          .map((pairs) => new Map(pairs)),
        fc.tuple(fc.integer({ min: 100, max: 100_000 }), tie('tree')).map(([tag, value]) => new CborTag(tag, value)),
      ),
    }));

    it('round-trips any value, whatever the order of its maps', () => {
      fc.assert(
        fc.property(tree, (value) => {
          const bytes = encodeCbor(value);
          const decoded = decodeCbor(bytes);
          assert.deepEqual(decoded, value);
          assert.equal(toHex(encodeCbor(decoded)), toHex(bytes));
        }),
        { numRuns: 2_000 },
      );
    });

    it('agrees with cbor-x, both ways', () => {
      const oracle = new Encoder({
        mapsAsObjects: false,
        useRecords: false,
        tagUint8Array: false,
      });
      const { plain } = fc.letrec<{ plain: CborValue; leaf: CborValue }>((tie) => ({
        leaf: fc.oneof(
          fc.integer(),
          fc.bigInt({ min: 1n << 53n, max: (1n << 64n) - 1n }),
          fc.double({ noNaN: true }).filter((value) => !Number.isInteger(value)),
          fc.string({ unit: 'grapheme' }),
          fc.boolean(),
          fc.constant(null),
        ),
        plain: fc.oneof(
          { maxDepth: 3 },
          tie('leaf'),
          fc.array(tie('plain'), { maxLength: 4 }),
          fc
            .uniqueArray(fc.tuple(fc.string(), tie('plain')), { selector: ([key]) => key, maxLength: 4 })
            .map((pairs) => new Map(pairs)),
        ),
      }));
      fc.assert(
        fc.property(plain, (value) => {
          assert.deepEqual(oracle.decode(encodeCbor(value)), value);
          assert.deepEqual(decodeCbor(Uint8Array.from(oracle.encode(value))), value);
        }),
        { numRuns: 1_000 },
      );
    });

    it('gives a value or a DecodeError for any bytes, and what it gives can be encoded', () => {
      const heads = fc.array(
        fc.constantFrom(0x5f, 0x7f, 0x9f, 0xbf, 0xff, 0x81, 0xa1, 0xc1, 0x41, 0x61, 0xf8, 0xf9, 0x00, 0x1b),
        { maxLength: 40 },
      );
      fc.assert(
        fc.property(
          fc.oneof(
            fc.uint8Array({ maxLength: 64 }),
            heads.map((bytes) => Uint8Array.from(bytes)),
          ),
          fc.boolean(),
          (bytes, allowIndefinite) => {
            let value: CborValue;
            try {
              value = decodeCbor(bytes, 'CBOR', { allowIndefinite });
            } catch (error) {
              assert.ok(error instanceof DecodeError, String(error));
              return;
            }
            assert.deepEqual(decodeCbor(encodeCbor(value)), value);
          },
        ),
        { numRuns: 10_000 },
      );
    });
  });

  describe('reads text as a number', () => {
    const readerOf = (text: string): CborReader => new CborReader(encodeCbor(text), 'CBOR', DEFAULT_CBOR_OPTIONS);

    it('where it is one of one to five digits', () => {
      const text = fc.oneof(
        fc.integer({ min: 0, max: 200_000 }).map(String),
        fc.string({ maxLength: 7 }),
        fc.stringMatching(/^\d{0,6}$/),
      );
      fc.assert(
        fc.property(text, (given) => {
          const reader = readerOf(given);
          const value = reader.decimal();
          assert.equal(value, /^(0|[1-9]\d{0,4})$/.test(given) ? Number(given) : undefined);
          if (value === undefined) assert.equal(reader.text(), given); // nothing was read
          reader.end();
        }),
        { numRuns: 5_000 },
      );
    });

    it('never beyond the end, nor what is no text', () => {
      for (const hex of ['64353730', '61', '05', '4135', '7f6135ff', '7801']) {
        assert.equal(new CborReader(fromHex(hex), 'CBOR', DEFAULT_CBOR_OPTIONS).decimal(), undefined, hex);
      }
      assert.throws(() => new CborReader(new Uint8Array(), 'CBOR', DEFAULT_CBOR_OPTIONS).decimal(), DecodeError);
    });

    it('counts it as an item', () => {
      const reader = new CborReader(fromHex('61356136'), 'CBOR', { ...DEFAULT_CBOR_OPTIONS, maxItems: 1 });
      assert.equal(reader.decimal(), 5);
      assert.throws(() => reader.decimal(), DecodeError);
    });
  });
});
