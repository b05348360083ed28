// What every stream does with what arrives: in which pieces it is taken, and what waiting costs.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { StreamCore, checkedSocketConfiguration } from '../../lib/net/index.ts';
import { systemEnvironment } from '../../lib/runtime/index.ts';

/** A stream that hears what it is told to hear. */
class Heard extends StreamCore {
  readonly drainedBytes: number[] = [];

  constructor() {
    super(systemEnvironment(), checkedSocketConfiguration());
    this.adopt('connected');
  }
  hear(bytes: Uint8Array): void {
    this.deliver(bytes);
  }
  get waiting(): number {
    return this.bufferedCost;
  }
  connect(): Promise<void> {
    return Promise.resolve();
  }
  send(): void {
    throw new Error('not asked for');
  }
  shutdown(): Promise<void> {
    return Promise.resolve();
  }
  protected override drained(bytes: number): void {
    this.drainedBytes.push(bytes);
  }
  protected release(): void {}
}

describe('net: streams', () => {
  it('reckon every piece that waits, so that a flood of tiny ones is bounded by what may wait', () => {
    const stream = new Heard();
    for (let at = 0; at < 10_000; at++) stream.hear(Uint8Array.of(at));
    assert.ok(stream.waiting > 500_000, `${stream.waiting} for 10,000 pieces`);
    assert.equal((stream.receive() as Uint8Array).length, 10_000);
    assert.equal(stream.waiting, 0);
    assert.deepEqual(stream.drainedBytes, [10_000]);
  });

  it('lose and add nothing, whatever the pieces they come and are taken in', () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 20 });
    const limits = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 40 });
    const property = fc.property(pieces, limits, (arrivals, takes) => {
      const stream = new Heard();
      for (const bytes of arrivals) stream.hear(bytes);
      const all = arrivals.flatMap((bytes) => [...bytes]);
      const taken: number[] = [];
      for (let turn = 0; taken.length < all.length; turn++) {
        const limit = takes[turn % takes.length]!;
        const bytes = stream.receive(limit) as Uint8Array;
        assert.equal(bytes.length, Math.min(limit, all.length - taken.length));
        taken.push(...bytes);
      }
      assert.deepEqual(taken, all);
      assert.equal(stream.receive(), undefined);
      assert.equal(stream.waiting, 0);
      assert.equal(
        stream.drainedBytes.reduce((sum, each) => sum + each, 0),
        all.length,
      );
    });
    fc.assert(property, { numRuns: 1_000 });
  });
});
