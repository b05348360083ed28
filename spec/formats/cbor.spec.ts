import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError, fromHex, toHex } from '../../lib/bytes/index.ts';
import { CONTENT_FORMATS, FormatError, decodeEntries, encodeEntries } from '../../lib/formats/index.ts';
import { Path, type ResourceType, type Value } from '../../lib/model/index.ts';
import { assertSameEntries, typedValue } from './support.ts';

const CBOR = CONTENT_FORMATS.cbor;
const path = Path.of(9, 0, 1);

function encode(value: Value, type?: ResourceType): string {
  return toHex(encodeEntries(CBOR, path, [{ path, value }], () => type && { type, multiple: false }));
}

function decode(hex: string, type?: ResourceType): Value {
  return decodeEntries(CBOR, path, fromHex(hex), () => type && { type, multiple: false })[0]!.value;
}

describe('CBOR of one value', () => {
  // Items of RFC 8949 Appendix A, and its tag 1 example
  const examples: [type: ResourceType, value: Value, hex: string][] = [
    ['string', 'IETF', '6449455446'],
    ['integer', -1000, '3903e7'],
    ['unsignedInteger', (1n << 64n) - 1n, '1bffffffffffffffff'],
    ['float', 1, 'f93c00'],
    ['float', 1.1, 'fb3ff199999999999a'],
    ['boolean', true, 'f5'],
    ['opaque', Uint8Array.of(1, 2, 3, 4), '4401020304'],
    ['time', new Date(1_363_896_240_000), 'c11a514b67b0'],
    ['objectLink', { object: 66, instance: 0 }, '6436363a30'],
    ['coreLink', '</3>', '643c2f333e'],
  ];
  for (const [type, value, hex] of examples) {
    it(`is ${hex} for ${type}`, () => {
      assert.equal(encode(value, type), hex);
      assert.deepEqual(decode(hex, type), value);
    });
  }

  it('reads times without tag, whole floats as integers, integers as floats', () => {
    assert.deepEqual(decode('1a514b67b0', 'time'), new Date(1_363_896_240_000));
    assert.equal(decode('f93c00', 'integer'), 1);
    assert.equal(decode('01', 'float'), 1);
  });

  it('gives values of their own type where the resource is not known', () => {
    assert.deepEqual(
      ['01', 'fb3ff199999999999a', '6161', 'f5', '4101', 'c101'].map((hex) => decode(hex)),
      [1, 1.1, 'a', true, Uint8Array.of(1), new Date(1_000)],
    );
  });

  const refused: [type: ResourceType | undefined, hex: string][] = [
    ['string', '01'],
    ['integer', '6131'],
    ['integer', 'f93e00'],
    ['integer', 'c101'],
    ['integer', '1bffffffffffffffff'],
    ['unsignedInteger', '20'],
    ['boolean', '01'],
    ['opaque', '6161'],
    ['time', 'c07423'],
    ['time', 'c1f93e00'],
    ['time', 'c11bffffffffffffffff'],
    ['objectLink', '6161'],
    ['none', 'f6'],
    ['float', 'f6'],
    [undefined, 'f6'],
    [undefined, '8101'],
    ['string', '616100'],
  ];
  for (const [type, hex] of refused) {
    it(`refuses ${hex} as ${type ?? 'anything'}`, () => {
      assert.throws(
        () => decode(hex, type),
        (error) => error instanceof DecodeError && error.message.includes('/9/0/1'),
      );
    });
  }

  it('carries one value only', () => {
    assert.throws(() => encodeEntries(CBOR, Path.of(9, 0), [{ path, value: 1 }], () => undefined), FormatError);
    assert.throws(() => encode('x', 'integer'), FormatError);
  });

  it('round-trips any value', () => {
    fc.assert(
      fc.property(typedValue, ({ shape, value }) => {
        const bytes = encodeEntries(CBOR, path, [{ path, value }], () => shape);
        assertSameEntries(
          decodeEntries(CBOR, path, bytes, () => shape),
          [{ path, value }],
        );
      }),
      { numRuns: 1_000 },
    );
  });

  it('gives a value or a DecodeError for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), typedValue, fc.boolean(), (bytes, { shape }, known) => {
        try {
          decodeEntries(CBOR, path, bytes, () => (known ? shape : undefined));
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
        }
      }),
      { numRuns: 3_000 },
    );
  });
});
