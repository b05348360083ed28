// Attributes: syntax, levels, consistency (LwM2M Core 1.2 §5.1.2).

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { AttributeStore } from '../../lib/client/attribute-store.ts';
import { parseAttributes } from '../../lib/client/attributes.ts';
import { DecodeError } from '../../lib/bytes/index.ts';
import { Path } from '../../lib/model/index.ts';
import { Temperature } from '../../lib/objects/index.ts';

const number = Temperature.definition.resources.sensorValue;

describe('attributes', () => {
  it('are parsed strictly', () => {
    assert.deepEqual(
      [...parseAttributes(['pmin=0', 'pmax', 'gt=-1.25', 'con=1'])],
      [
        ['pmin', 0],
        ['pmax', undefined],
        ['gt', -1.25],
        ['con', 1],
      ],
    );
    for (const bad of [
      '',
      'pmin=',
      'pmin=-1',
      'pmin=1.5',
      'pmin= 1',
      'gt=1e3',
      'gt=.5',
      'st=-1',
      'con=2',
      'toString',
      '__proto__=1',
      'PMIN=1',
    ]) {
      assert.throws(() => parseAttributes([bad]), { name: 'DecodeError' }, bad);
    }
    assert.throws(() => parseAttributes(['pmin=1', 'pmin=2']), { name: 'DecodeError', message: /once/ });
  });

  it('any text is parsed or a DecodeError', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 20 }), { maxLength: 4 }), (query) => {
        try {
          for (const value of parseAttributes(query).values()) assert.ok(value === undefined || Number.isFinite(value));
        } catch (error) {
          assert.ok(error instanceof DecodeError);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('of a lower level win', () => {
    const store = new AttributeStore();
    store.write(Path.of(3303), parseAttributes(['pmin=10', 'pmax=60']), undefined);
    store.write(Path.of(3303, 0), parseAttributes(['pmin=20']), undefined);
    store.write(Path.of(3303, 0, 5700), parseAttributes(['gt=5']), number);
    assert.deepEqual(store.effective(Path.of(3303, 0, 5700)), { pmin: 20, pmax: 60, gt: 5 });
    assert.deepEqual(store.effective(Path.of(3303, 1)), { pmin: 10, pmax: 60 });
    assert.deepEqual(store.own(Path.of(3303, 0)), { pmin: 20 });
    assert.deepEqual([store.sets('gt'), store.sets('edge')], [true, false]);
    store.write(Path.of(3303, 0), parseAttributes(['pmin']), undefined);
    assert.deepEqual(store.effective(Path.of(3303, 0, 5700)), { pmin: 10, pmax: 60, gt: 5 });
  });

  it('that contradict each other are refused as a whole', () => {
    const store = new AttributeStore();
    const at = Path.of(3303, 0, 5700);
    for (const query of [
      ['lt=5', 'gt=5'],
      ['lt=5', 'gt=6', 'st=0.5'],
      ['epmin=5', 'epmax=5'],
    ]) {
      assert.throws(() => store.write(at, parseAttributes(query), number), {
        name: 'ModelError',
        reason: 'badRequest',
      });
    }
    assert.deepEqual(store.own(at), {});
    store.write(at, parseAttributes(['lt=5', 'gt=7', 'st=0.5', 'pmin=9', 'pmax=3']), number);
  });

  it('go with what they were set on, and with nothing beside it', () => {
    const store = new AttributeStore();
    for (const path of [Path.of(3303, 1), Path.of(3303, 1, 5700), Path.of(3303, 10)]) {
      store.write(path, parseAttributes(['pmin=1']), number);
    }
    store.forget(Path.of(3303, 1));
    assert.deepEqual(store.own(Path.of(3303, 1, 5700)), {});
    assert.deepEqual(store.own(Path.of(3303, 10)), { pmin: 1 });
  });

  it('belong to the version that brought them', () => {
    assert.throws(() => parseAttributes(['edge=1'], '1.1'), { name: 'DecodeError', message: /LwM2M 1\.1/ });
    assert.throws(() => parseAttributes(['epmin=1'], '1.0'), { name: 'DecodeError' });
    assert.equal(parseAttributes(['hqmax=3', 'edge=0', 'con=1'], '1.2').get('hqmax'), 3);
  });

  it('edge needs a boolean resource', () => {
    const store = new AttributeStore();
    assert.throws(() => store.write(Path.of(3303, 0, 5700), parseAttributes(['edge=1']), number), /boolean/);
    assert.throws(() => store.write(Path.of(3303, 0), parseAttributes(['edge=1']), undefined), /boolean/);
  });

  it('are saved and restored as they are, also small and large numbers; what is damaged changes nothing', () => {
    const store = new AttributeStore();
    const at = Path.of(3303, 0, 5700);
    store.write(at, parseAttributes(['gt=99999999999999999999', 'lt=-0.0000001', 'st=0.0000001']), number);
    store.write(Path.of(3303), parseAttributes(['pmin=1', 'con=0']), undefined);
    const saved: unknown = JSON.parse(JSON.stringify(store));
    const restored = new AttributeStore();
    restored.restore(saved);
    assert.deepEqual(restored.effective(at), store.effective(at));
    for (const bad of [
      null,
      [],
      3,
      { '/a': {} },
      { '/3': { bogus: 1 } },
      { '/3': { pmin: 'x' } },
      { '/3': { con: 2 } },
    ]) {
      assert.throws(() => restored.restore(bad), { name: 'DecodeError' }, JSON.stringify(bad));
    }
    assert.deepEqual(restored.effective(at), store.effective(at));
  });

  it('are known to be set or not, whatever was written, went or was restored', () => {
    const path = fc.constantFrom(Path.of(3303), Path.of(3303, 0), Path.of(3303, 0, 5700), Path.of(3303, 0, 5701));
    const query = fc.constantFrom('pmin=1', 'pmin', 'pmax=9', 'pmax', 'con=1', 'con', 'hqmax=2', 'hqmax');
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ path, query: fc.uniqueArray(query, { maxLength: 3 }) }) },
      { weight: 2, arbitrary: fc.record({ path }) },
      { weight: 1, arbitrary: fc.constant({}) },
    );
    fc.assert(
      fc.property(fc.array<{ path?: Path; query?: string[] }>(step, { maxLength: 20 }), (steps) => {
        const store = new AttributeStore();
        for (const { path: at, query: written } of steps) {
          if (at === undefined) store.restore(JSON.parse(JSON.stringify(store)));
          else if (written === undefined) store.forget(at);
          else {
            for (const each of written) store.write(at, parseAttributes([each]), undefined);
          }
          const held = Object.values(store.toJSON());
          for (const name of ['pmin', 'pmax', 'con', 'hqmax', 'edge'] as const) {
            assert.equal(
              store.sets(name),
              held.some((attributes) => attributes[name] !== undefined),
              name,
            );
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('are set at so many paths and no more', () => {
    const store = new AttributeStore({ maxPaths: 2 });
    for (const id of [1, 2]) store.write(Path.of(id), parseAttributes(['pmin=1']), undefined);
    assert.throws(() => store.write(Path.of(3), parseAttributes(['pmin=1']), undefined), { reason: 'badRequest' });
    store.write(Path.of(1), parseAttributes(['pmin']), undefined);
    store.write(Path.of(3), parseAttributes(['pmin=1']), undefined);
  });
});
