import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type DeclaredRange, parseRange } from '../../../lib/model/xml/range.ts';
import type { ResourceType } from '../../../lib/model/index.ts';

describe('a free-form range', () => {
  const cases: [type: ResourceType, text: string, range: DeclaredRange][] = [
    ['integer', '', {}],
    ['integer', '0..100', { range: [0, 100] }],
    ['integer', '1...15', { range: [1, 15] }],
    ['integer', '0-50', { range: [0, 50] }],
    ['integer', '-30..-120', { range: [-120, -30] }],
    ['integer', '-1..1', { range: [-1, 1] }],
    ['float', '0.000001..1.0', { range: [0.000001, 1] }],
    ['unsignedInteger', '0..18446744073709551615', { range: [0, 18_446_744_073_709_551_615n] }],
    [
      'integer',
      '5, 10, 15, 20',
      {
        ranges: [
          [5, 5],
          [10, 10],
          [15, 15],
          [20, 20],
        ],
      },
    ],
    [
      'integer',
      '0..247, 255',
      {
        ranges: [
          [0, 247],
          [255, 255],
        ],
      },
    ],
    [
      'float',
      '0; 3.8..20.5',
      {
        ranges: [
          [0, 0],
          [3.8, 20.5],
        ],
      },
    ],
    [
      'integer',
      '0: RELEASE\n\t\t\t1: CLICK\n\t\t\t255: STUCK',
      {
        ranges: [
          [0, 0],
          [1, 1],
          [255, 255],
        ],
      },
    ],
    ['integer', '255', { rangeText: '255' }],
    ['integer', '8-Bits', { rangeText: '8-Bits' }],
    ['integer', '2 bytes', { rangeText: '2 bytes' }],
    ['integer', '<7 to >12.5', { rangeText: '<7 to >12.5' }],
    ['float', 'ON;OFF', { rangeText: 'ON;OFF' }],
    ['boolean', '0..1', { rangeText: '0..1' }],
    ['string', '0..255', { range: [0, 255] }],
    ['string', '1..64 Bytes', { range: [1, 64] }],
    ['opaque', '32 bytes', { range: [0, 32] }],
    ['opaque', '6', { rangeText: '6' }],
    ['opaque', '16,32,48', { rangeText: '16,32,48' }],
    [
      'opaque',
      '10 or 26 Bytes',
      {
        ranges: [
          [10, 10],
          [26, 26],
        ],
      },
    ],
    ['string', 'ON;OFF', { oneOf: ['ON', 'OFF'] }],
    ['string', 'The possible values are those listed', { rangeText: 'The possible values are those listed' }],
  ];
  for (const [type, text, range] of cases) {
    it(`${JSON.stringify(text)} of ${type}`, () => assert.deepEqual(parseRange(text, type), range));
  }

  it('of any text is bounds in order, or the text', () => {
    const parts = fc.array(
      fc.constantFrom('0', '12', '-3', '4.5', '..', '-', ',', ';', ' ', 'bytes', 'or', ':', 'x', '\n'),
    );
    const types = fc.constantFrom<ResourceType>('integer', 'unsignedInteger', 'float', 'string', 'opaque', 'boolean');
    fc.assert(
      fc.property(
        fc.oneof(
          parts.map((found) => found.join('')),
          fc.string(),
        ),
        types,
        (text, type) => {
          const { range, ranges = range === undefined ? [] : [range], oneOf, rangeText } = parseRange(text, type);
          for (const [min, max] of ranges) assert.ok(min <= max);
          if (text !== '') assert.ok(ranges.length > 0 || oneOf !== undefined || rangeText === text);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
