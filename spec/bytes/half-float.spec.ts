import assert from 'node:assert/strict';
import { decode } from 'cbor-x';
import fc from 'fast-check';
import { fromHalf, toHalf } from '../../lib/bytes/half-float.ts';

describe('binary16', () => {
  it('reads all 65,536 values as cbor-x does, and gives each back', () => {
    for (let bits = 0; bits <= 0xffff; bits++) {
      const value = fromHalf(bits);
      if (!Object.is(value, decode(Uint8Array.of(0xf9, bits >> 8, bits & 0xff))))
        assert.fail(`${bits.toString(16)} is ${value}`);
      const back = Number.isNaN(value) ? 0x7e00 : bits;
      if (toHalf(value) !== back) assert.fail(`${value} is ${toHalf(value)}, not ${back}`);
    }
  });

  it('takes a number exactly or not at all', () => {
    for (const value of [65_505, 65_520, 2 ** -25, 3 * 2 ** -25, 1 + 2 ** -11, 0.1, 1e300, 2 ** -140]) {
      assert.equal(toHalf(value), undefined, String(value));
    }
    const numbers = fc.oneof(fc.float(), fc.double(), fc.integer());
    fc.assert(
      fc.property(numbers, (value) => {
        const bits = toHalf(value);
        assert.ok(bits === undefined || Object.is(fromHalf(bits), value));
      }),
      { numRuns: 2_000 },
    );
  });
});
