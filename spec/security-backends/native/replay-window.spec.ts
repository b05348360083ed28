import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ReplayWindow } from '../../../security-backends/native/replay-window.ts';

/** The rule in plain words: seen numbers, and nothing older than 64 behind the newest. */
class Model {
  readonly #seen = new Set<number>();
  #newest = -1;

  isNew(sequence: number): boolean {
    return sequence > this.#newest - 64 && !this.#seen.has(sequence);
  }

  accept(sequence: number): void {
    this.#seen.add(sequence);
    this.#newest = Math.max(this.#newest, sequence);
  }
}

describe('ReplayWindow', () => {
  it('takes each number of a window of 64 once', () => {
    const window = new ReplayWindow();
    window.accept(63);
    for (let sequence = 0; sequence < 63; sequence++) {
      assert.ok(window.isNew(sequence), `${sequence} is new`);
      window.accept(sequence);
      assert.ok(!window.isNew(sequence), `${sequence} is known`);
    }
    window.accept(64);
    assert.ok(!window.isNew(0), '64 behind is too old');
  });

  it('is not moved by asking', () => {
    const window = new ReplayWindow();
    window.accept(1);
    assert.ok(window.isNew(1_000_000));
    assert.ok(window.isNew(2));
    assert.equal(window.newest, 1);
  });

  it('behaves like its model for any order of numbers', () => {
    const steps = fc.array(fc.oneof(fc.nat(200), fc.nat(70), fc.integer({ min: 2 ** 32 - 80, max: 2 ** 32 + 80 })), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(steps, (sequences) => {
        const [window, model] = [new ReplayWindow(), new Model()];
        for (const sequence of sequences) {
          assert.equal(window.isNew(sequence), model.isNew(sequence), `${sequence}`);
          if (!model.isNew(sequence)) continue;
          window.accept(sequence);
          model.accept(sequence);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
