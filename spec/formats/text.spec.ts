import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError, utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import { CONTENT_FORMATS, FormatError, decodeEntries, encodeEntries } from '../../lib/formats/index.ts';
import { Path, type ResourceType, type Value } from '../../lib/model/index.ts';
import { assertSameEntries, typedValue } from './support.ts';

const TEXT = CONTENT_FORMATS.text;
const path = Path.of(9, 0, 1);

function encode(value: Value, type?: ResourceType): string {
  return utf8Decode(encodeEntries(TEXT, path, [{ path, value }], () => type && { type, multiple: false }));
}

function decode(text: string | Uint8Array, type?: ResourceType): Value {
  const bytes = typeof text === 'string' ? utf8Encode(text) : text;
  return decodeEntries(TEXT, path, bytes, () => type && { type, multiple: false })[0]!.value;
}

describe('plain text', () => {
  const examples: [type: ResourceType, value: Value, text: string][] = [
    ['string', 'Open Mobile Alliance', 'Open Mobile Alliance'], // Core 1.2 §7.4.1
    ['string', '', ''],
    ['string', 'Grüße', 'Grüße'],
    ['integer', -5, '-5'],
    ['integer', -(1n << 63n), '-9223372036854775808'],
    ['unsignedInteger', (1n << 64n) - 1n, '18446744073709551615'],
    ['float', 22.9, '22.9'],
    ['float', 1e-7, '0.0000001'],
    ['float', -1.25e-9, '-0.00000000125'],
    ['float', 1.5e22, '15000000000000000000000'],
    ['boolean', true, '1'],
    ['boolean', false, '0'],
    ['time', new Date('2013-05-02T10:40:15Z'), '1367491215'],
    ['time', new Date(-1_000), '-1'],
    ['objectLink', { object: 66, instance: 1 }, '66:1'],
    ['objectLink', { object: 65_535, instance: 65_535 }, '65535:65535'],
    ['opaque', Uint8Array.of(0xfb, 0xff, 0x00), '+/8A'],
    ['opaque', Uint8Array.of(0x66), 'Zg=='], // RFC 4648 §10
    ['coreLink', '</3/0>;pmin=10', '</3/0>;pmin=10'],
  ];
  for (const [type, value, text] of examples) {
    it(`writes ${type} as ${JSON.stringify(text)} and reads it back`, () => {
      assert.equal(encode(value, type), text);
      assert.deepEqual(decode(text, type), value);
    });
  }

  it('reads floats with exponents, signs and bare points', () => {
    assert.deepEqual(
      ['1e3', '+1.5', '.5', '5.', '-2E-2'].map((text) => decode(text, 'float')),
      [1000, 1.5, 0.5, 5, -0.02],
    );
  });

  it('cuts times to whole seconds', () => assert.equal(encode(new Date(1_999), 'time'), '1'));

  it('is a string where the resource is not known', () => {
    assert.equal(decode('42'), '42');
    assert.equal(encode(42), '42');
  });

  const malformed: [type: ResourceType, text: string | Uint8Array][] = [
    ['integer', ''],
    ['integer', '1.0'],
    ['integer', '+1'],
    ['integer', ' 1'],
    ['integer', '0x10'],
    ['integer', '9223372036854775808'],
    ['integer', '-9223372036854775809'],
    ['integer', '9'.repeat(400)],
    ['unsignedInteger', '-1'],
    ['unsignedInteger', '18446744073709551616'],
    ['float', 'NaN'],
    ['float', '1,5'],
    ['float', '.'],
    ['float', '1e999'],
    ['boolean', 'true'],
    ['boolean', ''],
    ['time', '2013-05-02'],
    ['time', '9000000000000'],
    ['objectLink', '66'],
    ['objectLink', '66:65536'],
    ['objectLink', '66:0:1'],
    ['opaque', 'Zg='],
    ['opaque', '#'],
    ['string', Uint8Array.of(0xff)],
    ['none', ''],
  ];
  for (const [type, text] of malformed) {
    it(`refuses ${String(text).slice(0, 24)} as ${type}`, () => {
      assert.throws(
        () => decode(text, type),
        (error) => error instanceof DecodeError && error.message.includes('/9/0/1'),
      );
    });
  }

  it('carries one value of its type only', () => {
    assert.throws(() => encode(Number.NaN, 'float'), FormatError);
    assert.throws(() => encode('x', 'integer'), FormatError);
    const instance = Path.of(9, 0);
    assert.throws(() => encodeEntries(TEXT, instance, [{ path, value: 1 }], () => undefined), FormatError);
    assert.throws(() => encodeEntries(TEXT, path, [], () => undefined), FormatError);
    assert.throws(() => decodeEntries(TEXT, instance, new Uint8Array(0), () => undefined), FormatError);
  });

  it('round-trips any value', () => {
    fc.assert(
      fc.property(typedValue, ({ shape, value }) => {
        const bytes = encodeEntries(TEXT, path, [{ path, value }], () => shape);
        assertSameEntries(
          decodeEntries(TEXT, path, bytes, () => shape),
          [{ path, value }],
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it('gives a value or a DecodeError for any bytes', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ maxLength: 24 }), fc.string().map(utf8Encode)),
        typedValue,
        (bytes, { shape }) => {
          try {
            decode(bytes, shape.type);
          } catch (error) {
            assert.ok(error instanceof DecodeError, String(error));
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
