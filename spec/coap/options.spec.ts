import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError, fromHex, toHex } from '../../lib/bytes/index.ts';
import {
  OPTION,
  OPTION_DEFINITIONS,
  blockBytes,
  blockOption,
  decodeUint,
  findBlock,
  findOption,
  findTexts,
  findUint,
  isCritical,
  isNoCacheKey,
  isUnsafe,
  uintOption,
  unrecognizedCritical,
} from '../../lib/coap/index.ts';
import { fittingExponent } from '../../lib/coap/block-option.ts';

describe('CoAP options', () => {
  it('has the classes that RFC 7252 Table 4 and RFC 7959 Table 1 state', () => {
    // [number, C, U, N] as printed; N is stated only for options that are safe to forward
    const table: [number, boolean, boolean, boolean][] = [
      [1, true, false, false],
      [3, true, true, false],
      [4, false, false, false],
      [5, true, false, false],
      [7, true, true, false],
      [8, false, false, false],
      [11, true, true, false],
      [12, false, false, false],
      [14, false, true, false],
      [15, true, true, false],
      [17, true, false, false],
      [20, false, false, false],
      [23, true, true, false],
      [27, true, true, false],
      [28, false, false, true],
      [35, true, true, false],
      [39, true, true, false],
      [60, false, false, true],
    ];
    for (const [number, critical, unsafe, noCacheKey] of table) {
      assert.ok(OPTION_DEFINITIONS.has(number), `${number}`);
      assert.deepEqual(
        [isCritical(number), isUnsafe(number), isNoCacheKey(number)],
        [critical, unsafe, noCacheKey],
        `${number}`,
      );
    }
  });

  it('writes unsigned integers in as few bytes as hold them, and reads leading zeros', () => {
    const shortest: [number, string][] = [
      [0, ''],
      [1, '01'],
      [255, 'ff'],
      [256, '0100'],
      [65_536, '010000'],
      [0xffffffff, 'ffffffff'],
    ];
    for (const [value, hex] of shortest) assert.equal(toHex(uintOption(OPTION.maxAge, value).value), hex);
    assert.equal(decodeUint(fromHex('00000001'), 'x'), 1);
    assert.throws(() => decodeUint(fromHex('0000000001'), 'x'), DecodeError);
    assert.throws(() => uintOption(OPTION.maxAge, 2 ** 32), RangeError);
    assert.throws(() => uintOption(OPTION.maxAge, 1.5), RangeError);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (value) => {
        assert.equal(decodeUint(uintOption(OPTION.maxAge, value).value, 'x'), value);
      }),
      { numRuns: 1_000 },
    );
  });

  it('ignores elective options of a forbidden length, and refuses text that is none', () => {
    const options = [{ number: OPTION.contentFormat, value: fromHex('000001') }];
    assert.equal(findUint(options, OPTION.contentFormat), undefined);
    assert.equal(findOption(options, OPTION.contentFormat), undefined);
    assert.throws(() => findTexts([{ number: OPTION.uriPath, value: fromHex('c328') }], OPTION.uriPath), DecodeError);
    assert.deepEqual(findTexts([{ number: OPTION.uriPath, value: fromHex('c3a9') }], OPTION.uriPath), ['é']);
  });

  it('finds critical options that are unknown, repeated or of a forbidden length', () => {
    const understood = new Set<number>([OPTION.uriPath, OPTION.accept]);
    const option = (number: number, hex = '') => ({ number, value: fromHex(hex) });
    assert.equal(unrecognizedCritical([option(11), option(11), option(17, '28')], understood), undefined);
    assert.equal(unrecognizedCritical([option(9)], understood), 9);
    assert.equal(unrecognizedCritical([option(10), option(2000)], understood), undefined);
    assert.equal(unrecognizedCritical([option(17, '28'), option(17, '29')], understood), 17);
    assert.equal(unrecognizedCritical([option(17, '000028')], understood), 17);
  });

  it('reads and writes Block values as RFC 7959 §2.2 lays them out', () => {
    // NUM 2, M, SZX 1 (32 bytes): 2:1/1/32 is 0x29; NUM 0x12345, no M, SZX 6
    assert.equal(toHex(blockOption(OPTION.block1, { num: 2, more: true, sizeExponent: 1 }).value), '29');
    assert.equal(toHex(blockOption(OPTION.block2, { num: 0x12345, more: false, sizeExponent: 6 }).value), '123456');
    assert.equal(toHex(blockOption(OPTION.block2, { num: 0, more: false, sizeExponent: 0 }).value), '');
    assert.deepEqual([0, 1, 2, 3, 4, 5, 6].map(blockBytes), [16, 32, 64, 128, 256, 512, 1024]);
    assert.throws(() => blockOption(OPTION.block2, { num: 0x100000, more: false, sizeExponent: 0 }), RangeError);
    assert.throws(() => findBlock([{ number: OPTION.block2, value: fromHex('07') }], OPTION.block2), DecodeError);
    const blocks = fc.record({
      num: fc.integer({ min: 0, max: 0xfffff }),
      more: fc.boolean(),
      sizeExponent: fc.integer({ min: 0, max: 6 }),
    });
    fc.assert(
      fc.property(blocks, (block) =>
        assert.deepEqual(findBlock([blockOption(OPTION.block1, block)], OPTION.block1), { ...block }),
      ),
      { numRuns: 1_000 },
    );
  });

  it('chooses the largest block that fits', () => {
    assert.equal(fittingExponent(1_203, 100), 6);
    assert.equal(fittingExponent(1_123, 100), 5);
    assert.equal(fittingExponent(1_124, 100), 6);
    assert.equal(fittingExponent(179, 64), 2);
    assert.equal(fittingExponent(10, 64), 0);
  });
});
