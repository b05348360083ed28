import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { type ResourceType, type Value, equalValues, hasType } from '../../lib/model/index.ts';

describe('values', () => {
  const typed: [type: ResourceType, good: Value[], bad: Value[]][] = [
    ['string', [''], [1, true, new Uint8Array(0)]],
    ['coreLink', ['</3>'], [1]],
    ['integer', [0, -1, 2 ** 53 - 1, (1n << 63n) - 1n, -(1n << 63n)], [2 ** 53, 0.5, Number.NaN, 1n << 63n, '1']],
    ['unsignedInteger', [0, (1n << 64n) - 1n], [-1, -1n, 1n << 64n]],
    ['float', [0.5, Number.NaN, Number.POSITIVE_INFINITY], [1n, '1']],
    ['boolean', [true, false], [0, 'true']],
    ['opaque', [new Uint8Array(0)], ['']],
    ['time', [new Date(0)], [new Date(Number.NaN), 0]],
    ['objectLink', [{ object: 66, instance: 0 }], ['66:0', new Date(0)]],
    ['none', [], ['', 0]],
  ];
  for (const [type, good, bad] of typed) {
    it(`tells what is ${type}`, () => {
      for (const value of good) assert.ok(hasType(value, type), inspect(value));
      for (const value of bad) assert.ok(!hasType(value, type), inspect(value));
    });
  }

  it('are equal by what they say', () => {
    assert.ok(equalValues(Uint8Array.of(1, 2), Uint8Array.of(1, 2)));
    assert.ok(!equalValues(Uint8Array.of(1, 2), Uint8Array.of(1)));
    assert.ok(!equalValues(Uint8Array.of(1), 'x'));
    assert.ok(equalValues(new Date(5), new Date(5)) && !equalValues(new Date(5), new Date(6)));
    assert.ok(equalValues({ object: 1, instance: 2 }, { object: 1, instance: 2 }));
    assert.ok(!equalValues({ object: 1, instance: 2 }, { object: 1, instance: 3 }));
    assert.ok(equalValues(Number.NaN, Number.NaN) && equalValues(0, -0) && !equalValues(1, 1n));
  });
});
