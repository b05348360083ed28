import assert from 'node:assert/strict';
import { type Instant, NEVER, seconds } from '../../lib/runtime/index.ts';
import { Registry } from '../../lib/server/index.ts';

const at = (ms: number) => ({ now: ms as Instant, wall: 1_000_000 + ms });

describe('server/registry', () => {
  it('keeps a registration until its lifetime is over, and an Update starts it again', () => {
    const registry = new Registry();
    registry.register('a', 'ep', { lifetime: seconds(10) }, at(0));
    assert.equal(registry.nextExpiry(), 10_000);
    registry.update('a', {}, at(9_000));
    assert.deepEqual(registry.expire(10_000 as Instant), []);
    assert.equal(registry.expire(19_000 as Instant)[0]?.endpoint, 'ep');
    assert.equal(registry.byEndpoint('ep'), undefined);
    assert.equal(registry.nextExpiry(), NEVER);
  });

  it('replaces the registration of an endpoint that registers again', () => {
    const registry = new Registry();
    registry.register('a', 'ep', {}, at(0));
    const second = registry.register('b', 'ep', { binding: 'UQ', queueMode: true }, at(1));
    assert.equal(second?.replaced?.id, 'a');
    assert.equal(registry.byId('a'), undefined);
    assert.equal(registry.byEndpoint('ep')?.id, 'b');
    assert.equal(registry.size, 1);
  });

  it('keeps what an Update does not name', () => {
    const registry = new Registry();
    registry.register('a', 'ep', { lifetime: seconds(60), binding: 'U', version: '1.1' }, at(0));
    const updated = registry.update('a', { lifetime: seconds(30) }, at(5));
    assert.equal(updated?.lifetime, 30_000);
    assert.equal(updated?.binding, 'U');
    assert.equal(updated?.version, '1.1');
    assert.equal(updated?.updatedAt, 1_000_005);
    assert.equal(updated?.registeredAt, 1_000_000);
  });

  it('is bounded, but lets a known endpoint register again', () => {
    const registry = new Registry({ maxRegistrations: 1 });
    registry.register('a', 'one', {}, at(0));
    assert.equal(registry.register('b', 'two', {}, at(0)), undefined);
    assert.ok(registry.register('c', 'one', {}, at(0)));
  });
});
