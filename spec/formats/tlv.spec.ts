import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError, fromHex, toHex } from '../../lib/bytes/index.ts';
import {
  CONTENT_FORMATS,
  FormatError,
  type ResourceShape,
  decodeEntries,
  encodeEntries,
} from '../../lib/formats/index.ts';
import { Path, type Value } from '../../lib/model/index.ts';
import { type VectorEntry, assertSameEntries, entriesOf, instanceEntries } from './support.ts';
import vectors from './vectors.json' with { type: 'json' };

const TLV = CONTENT_FORMATS.tlv;
const bytes = (hex: string): Uint8Array => fromHex(hex.replaceAll(' ', ''));
const unknown = (): undefined => undefined;

function encodeOne(value: Value, shape: ResourceShape): string {
  const path = Path.of(9, 0, 1);
  return toHex(encodeEntries(TLV, path, [{ path, value }], () => shape));
}

function decodeOne(hex: string, shape: ResourceShape): Value {
  return decodeEntries(TLV, Path.of(9, 0, 1), bytes(hex), () => shape)[0]!.value;
}

describe('TLV', () => {
  for (const { name, base, hex, entries: given } of vectors.tlv) {
    it(`encodes and decodes the specification's example: ${name}`, () => {
      const { entries, shapeOf } = entriesOf(given as unknown[] as VectorEntry[]);
      assert.equal(toHex(encodeEntries(TLV, Path.parse(base), entries, shapeOf)), toHex(bytes(hex)));
      assertSameEntries(decodeEntries(TLV, Path.parse(base), bytes(hex), shapeOf), entries);
    });
  }

  const widths: [type: 'integer' | 'unsignedInteger', value: number | bigint, hex: string][] = [
    ['integer', 0, 'c10100'],
    ['integer', 127, 'c1017f'],
    ['integer', 128, 'c2010080'],
    ['integer', -1, 'c101ff'],
    ['integer', -128, 'c10180'],
    ['integer', -129, 'c201ff7f'],
    ['integer', 32_768, 'c40100008000'],
    ['integer', 2_147_483_648, 'c801080000000080000000'],
    ['integer', (1n << 63n) - 1n, 'c801087fffffffffffffff'],
    ['integer', -(1n << 63n), 'c801088000000000000000'],
    ['unsignedInteger', 255, 'c101ff'],
    ['unsignedInteger', 256, 'c2010100'],
    ['unsignedInteger', 65_535, 'c201ffff'],
    ['unsignedInteger', 4_294_967_295, 'c401ffffffff'],
    ['unsignedInteger', (1n << 64n) - 1n, 'c80108ffffffffffffffff'],
  ];
  for (const [type, value, hex] of widths) {
    it(`writes the ${type} ${value} in its smallest width and reads it back`, () => {
      assert.equal(encodeOne(value, { type, multiple: false }), hex);
      assert.equal(decodeOne(hex, { type, multiple: false }), value);
    });
  }

  it('reads integers wider than needed, and gives bigints for wide resources', () => {
    assert.equal(decodeOne('c80108000000000000000a', { type: 'integer', multiple: false }), 10);
    assert.equal(decodeOne('c1010a', { type: 'integer', multiple: false, wide: true }), 10n);
  });

  it('writes floats in 4 bytes where exact, in 8 otherwise, and reads both', () => {
    const shape = { type: 'float', multiple: false } as const;
    assert.equal(encodeOne(21.5, shape), 'c40141ac0000');
    assert.equal(encodeOne(0.1, shape), 'c801083fb999999999999a');
    assert.equal(decodeOne('c40141ac0000', shape), 21.5);
    assert.equal(decodeOne('c801083fb999999999999a', shape), 0.1);
    assert.equal(decodeOne('c4017fc00000', shape), Number.NaN);
  });

  it('writes lengths in 0, 8, 16 and 24 bits', () => {
    const shape = { type: 'opaque', multiple: false } as const;
    assert.equal(encodeOne(new Uint8Array(7), shape).slice(0, 4), 'c701');
    assert.equal(encodeOne(new Uint8Array(8), shape).slice(0, 6), 'c80108');
    assert.equal(encodeOne(new Uint8Array(256), shape).slice(0, 8), 'd0010100');
    assert.equal(encodeOne(new Uint8Array(65_536), shape).slice(0, 10), 'd801010000');
    assert.equal(encodeOne(new Uint8Array(0), shape), 'c001');
  });

  it('writes identifiers in 8 or 16 bits', () => {
    const encoded = [255, 256].map((id) => {
      const path = Path.of(3, 0, id);
      return toHex(encodeEntries(TLV, path, [{ path, value: true }], unknown));
    });
    assert.deepEqual(encoded, ['c1ff01', 'e1010001']);
  });

  it('writes a multiple resource without instances, and reads it as no entries', () => {
    const path = Path.of(3, 0, 6);
    const shapeOf = () => ({ type: 'integer', multiple: true }) as const;
    assert.equal(toHex(encodeEntries(TLV, path, [], shapeOf)), '8006');
    assert.deepEqual(decodeEntries(TLV, path, bytes('8006'), shapeOf), []);
  });

  it('reads and writes one resource instance', () => {
    const path = Path.of(3, 0, 6, 1);
    const shapeOf = () => ({ type: 'integer', multiple: true }) as const;
    assert.equal(toHex(encodeEntries(TLV, path, [{ path, value: 5 }], shapeOf)), '410105');
    for (const hex of ['410105', '8306410105'])
      assertSameEntries(decodeEntries(TLV, path, bytes(hex), shapeOf), [{ path, value: 5 }]);
  });

  it('accepts the optional object instance TLV where the instance is named by the path', () => {
    const entries = decodeEntries(TLV, Path.of(1, 0), bytes('08 00 03 C1 06 01'), () => ({
      type: 'boolean',
      multiple: false,
    }));
    assertSameEntries(entries, [{ path: Path.of(1, 0, 6), value: true }]);
  });

  it('gives bytes for resources that are not known', () => {
    const entries = decodeEntries(TLV, Path.of(1, 0), bytes('C1 06 01'), unknown);
    assertSameEntries(entries, [{ path: Path.of(1, 0, 6), value: Uint8Array.of(1) }]);
  });

  it('copies opaque values out of the datagram', () => {
    const datagram = bytes('C1 06 01');
    const [entry] = decodeEntries(TLV, Path.of(1, 0), datagram, unknown);
    datagram.fill(0xff);
    assert.deepEqual(entry!.value, Uint8Array.of(1));
  });

  const malformed: [what: string, base: string, hex: string, message: RegExp][] = [
    ['a value that is cut off', '/3/0', 'C4 0D 51 82', /value of 13: expected 4 bytes, found 2 bytes/],
    ['a missing identifier', '/3/0', 'C4', /identifier/],
    ['a resource under an object', '/3', 'C1 09 64', /TLV of \/3: .*a resource TLV \(9\)/],
    ['a resource instance under an instance', '/3/0', '41 00 01', /a resource instance TLV \(0\)/],
    ['a resource inside a multiple resource', '/3/0', '83 06 C1 00 01', /TLV of \/3\/0\/6: .*a resource TLV/],
    ['an object instance inside an object instance', '/3', '08 00 03 08 00 00', /an object instance TLV/],
    ['the same resource twice', '/3/0', 'C1 09 64 C1 09 63', /TLV of \/3\/0\/9: expected it once/],
    ['a resource other than the one asked for', '/3/0/9', 'C1 0A 64', /expected values of \/3\/0\/9, found \/3\/0\/10/],
    ['another instance', '/3/0', '08 01 03 C1 09 64', /expected values of \/3\/0, found \/3\/1/],
    [
      'a resource where one of its instances was asked for',
      '/3/0/6/0',
      'C1 06 01',
      /TLV of \/3\/0\/6\/0: .*a resource TLV \(6\)/,
    ],
    ['the reserved identifier 65535', '/3/0', 'E1 FF FF 01', /identifier up to 65534/],
  ];
  for (const [what, base, hex, message] of malformed) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => decodeEntries(TLV, Path.parse(base), bytes(hex), unknown),
        (error) => {
          assert.ok(error instanceof DecodeError);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  const wrongValues: [type: ResourceShape['type'], hex: string][] = [
    ['integer', 'c30100000a'],
    ['integer', 'c001'],
    ['float', 'c2010000'],
    ['boolean', 'c10102'],
    ['boolean', 'c2010001'],
    ['objectLink', 'c2010001'],
    ['string', 'c101ff'],
    ['time', 'c801087fffffffffffffff'],
    ['none', 'c10101'],
  ];
  for (const [type, hex] of wrongValues) {
    it(`refuses ${hex} as ${type}`, () => {
      assert.throws(() => decodeOne(hex, { type, multiple: false }), DecodeError);
    });
  }

  it('bounds the number of values', () => {
    const many = bytes('C1 00 01 C1 01 01 C1 02 01');
    assert.equal(decodeEntries(TLV, Path.of(3, 0), many, unknown, { maxEntries: 3 }).length, 3);
    assert.throws(() => decodeEntries(TLV, Path.of(3, 0), many, unknown, { maxEntries: 2 }), DecodeError);
    assert.throws(() => decodeEntries(TLV, Path.of(3, 0), many, unknown, { maxBytes: 8 }), DecodeError);
    const nested = bytes('83 06 41 00 01 83 07 41 00 01');
    assert.throws(() => decodeEntries(TLV, Path.of(3, 0), nested, unknown, { maxEntries: 1 }), DecodeError);
    const two = bytes('86 06 41 00 01 41 01 01 83 07 41 00 01');
    assert.throws(() => decodeEntries(TLV, Path.of(3, 0), two, unknown, { maxEntries: 2 }), /at most 2 values/);
  });

  it('refuses what it cannot carry', () => {
    const link = { object: 65_536, instance: 0 };
    assert.throws(() => encodeOne(link, { type: 'objectLink', multiple: false }), /ids from 0 to 65535/);
    const path = Path.of(3, 0, 9);
    assert.throws(() => encodeEntries(TLV, Path.root, [{ path, value: 1 }], unknown), FormatError);
    assert.throws(
      () => encodeEntries(TLV, path, [{ path, value: 'x' }], () => ({ type: 'integer', multiple: false })),
      FormatError,
    );
  });

  it('round-trips any instance', () => {
    fc.assert(
      fc.property(instanceEntries, ({ base, entries, shapeOf }) => {
        assertSameEntries(decodeEntries(TLV, base, encodeEntries(TLV, base, entries, shapeOf), shapeOf), entries);
        const object = base.prefix(1);
        assertSameEntries(decodeEntries(TLV, object, encodeEntries(TLV, object, entries, shapeOf), shapeOf), entries);
      }),
      { numRuns: 1_000 },
    );
  });

  it('gives entries or a DecodeError for any bytes', () => {
    const shapes = [
      'string',
      'integer',
      'unsignedInteger',
      'float',
      'boolean',
      'opaque',
      'time',
      'objectLink',
    ] as const;
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 64 }),
        fc.constantFrom('/3', '/3/0', '/3/0/1', '/3/0/1/0'),
        (input, base) => {
          try {
            decodeEntries(TLV, Path.parse(base), input, (path) => ({
              type: shapes[path.resource! % 8]!,
              multiple: false,
            }));
          } catch (error) {
            assert.ok(error instanceof DecodeError, String(error));
          }
        },
      ),
      { numRuns: 5_000 },
    );
  });
});
