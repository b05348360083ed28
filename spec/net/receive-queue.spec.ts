import assert from 'node:assert/strict';
import fc from 'fast-check';
import { SocketError } from '../../lib/net/index.ts';
import { ReceiveQueue } from '../../lib/net/receive-queue.ts';

const LIMIT = 300;
const ERROR_COST = 64;

describe('net: receive queue', () => {
  it('keeps what fits in order, counts the rest, and never exceeds its limit', () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant('push' as const), cost: fc.nat(150) }),
        fc.record({ kind: fc.constantFrom('error' as const, 'take' as const, 'end' as const), cost: fc.constant(0) }),
      ),
      { maxLength: 60 },
    );
    const property = fc.property(steps, (sequence) => {
      const queue = new ReceiveQueue<number>(LIMIT);
      const model: { value: number | 'error'; cost: number }[] = [];
      let [dropped, ended, endRead] = [0, false, false];
      for (const [at, { kind, cost }] of sequence.entries()) {
        const used = model.reduce((sum, each) => sum + each.cost, 0);
        if (kind === 'end') {
          queue.end();
          ended = true;
        } else if (kind === 'take') {
          const expected = model.shift()?.value ?? (ended ? null : undefined);
          if (expected === null) endRead = true;
          if (expected === 'error') assert.throws(() => queue.take(), { code: 'ECONNREFUSED' });
          else assert.equal(queue.take(), expected);
        } else {
          const price = kind === 'error' ? ERROR_COST : cost;
          const fits = used + price <= LIMIT;
          const error = new SocketError('ECONNREFUSED', 'soft', { fatal: false });
          assert.equal(kind === 'error' ? queue.pushError(error) : queue.push(at, cost), fits);
          if (fits) model.push({ value: kind === 'error' ? 'error' : at, cost: price });
          else dropped++;
        }
        assert.ok(queue.cost <= LIMIT);
        assert.equal(queue.dropped, dropped);
        assert.equal(queue.waiting, model.length > 0 || (ended && !endRead));
      }
    });
    fc.assert(property, { numRuns: 2_000 });
  });

  it('keeps the order where it is long, with what is put back at its head', () => {
    const steps = fc.array(fc.constantFrom('push many', 'take', 'take many', 'put back'), { maxLength: 40 });
    const property = fc.property(steps, (sequence) => {
      const queue = new ReceiveQueue<number>(LIMIT);
      const model: number[] = [];
      let next = 0;
      const take = (): void => assert.equal(queue.take(), model.shift());
      for (const step of sequence) {
        if (step === 'push many') {
          for (let i = 0; i < 300; i++) {
            queue.append(next, 2);
            model.push(next++);
          }
        } else if (step === 'put back') {
          queue.unshift(next, 2);
          model.unshift(next++);
        } else for (let i = step === 'take' ? 1 : 250; i > 0; i--) take();
        assert.equal(queue.cost, 2 * model.length);
        assert.equal(queue.waiting, model.length > 0);
      }
      while (model.length > 0) take();
      assert.equal(queue.take(), undefined);
    });
    fc.assert(property, { numRuns: 1_000 });
  });
});
