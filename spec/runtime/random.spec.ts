import assert from 'node:assert/strict';
import { SeededRandom, randomUint16, randomUnit, secureRandom } from '../../lib/runtime/index.ts';

describe('randomness', () => {
  it('of a seed repeats, and differs from that of another', () => {
    const draw = (seed: number): Uint8Array => new SeededRandom(seed).bytes(32);
    assert.deepEqual(draw(7), draw(7));
    assert.notDeepEqual(draw(7), draw(8));
    assert.deepEqual(new SeededRandom(2 ** 32 + 7).bytes(4), draw(7).subarray(0, 4));
  });

  it('of a seed is spread evenly', () => {
    const random = new SeededRandom(1);
    const buckets = new Uint32Array(16);
    for (let i = 0; i < 16_000; i++) buckets[Math.floor(random.unit() * 16)]!++;
    // 16 buckets of 1,000 ± 31: the seed is fixed, so this cannot flake
    assert.ok(
      buckets.every((count) => count > 850 && count < 1_150),
      buckets.join(),
    );
  });

  it('that is secure fills any length, beyond what one call to the host gives', () => {
    const bytes = secureRandom.bytes(200_000);
    assert.equal(bytes.length, 200_000);
    for (const start of [0, 65_536, 131_072, 199_900])
      assert.ok(bytes.subarray(start, start + 64).some((byte) => byte !== 0));
    assert.equal(secureRandom.bytes(0).length, 0);
  });

  it('of any source becomes numbers in their ranges', () => {
    const fixed = (value: number) => ({ bytes: (length: number) => new Uint8Array(length).fill(value) });
    assert.deepEqual([randomUint16(fixed(0xff)), randomUint16(fixed(0))], [0xffff, 0]);
    assert.equal(randomUnit(fixed(0)), 0);
    assert.ok(randomUnit(fixed(0xff)) < 1);
    assert.equal(randomUint16({ bytes: () => Uint8Array.of(0x12, 0x34) }), 0x1234);
  });
});
