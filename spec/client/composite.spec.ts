// Read-Composite and Write-Composite against the model (LwM2M Core 1.2 §6.3.8, §6.3.9; SenML-ETCH of RFC 8790).

import assert from 'node:assert/strict';
import { type IncomingRequest, type Method, RESPONSE_CODES } from '../../lib/coap/index.ts';
import { type ObjectHooks, ModelError, defineObject } from '../../lib/model/index.ts';
import { utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import { AttributeStore } from '../../lib/client/attribute-store.ts';
import { Dispatcher } from '../../lib/client/dispatch.ts';
import { DEFAULT_HANDLER_TIMEOUT, Patience } from '../../lib/client/patience.ts';
import { ObjectSet } from '../../lib/client/object-set.ts';
import { formatResponseCode } from '../../lib/client/index.ts';
import { createTemperature } from '../../lib/objects/index.ts';
import { VirtualTime, silentLog } from '../../lib/runtime/index.ts';

const Lamp = defineObject({
  id: 32_771,
  name: 'Lamp',
  multiple: true,
  resources: {
    on: { id: 1, name: 'On', operations: 'RW', type: 'boolean', mandatory: true },
    colours: { id: 2, name: 'Colours', operations: 'RW', type: 'string', multiple: true },
    hours: { id: 3, name: 'Hours', operations: 'R', type: 'integer' },
    level: { id: 4, name: 'Level', operations: 'RW', type: 'integer', range: [0, 100] },
    reset: { id: 5, name: 'Reset', operations: 'E', type: 'none' },
  },
});
type LampHooks = ObjectHooks<(typeof Lamp)['definition']>;

function setup(hooks: LampHooks = {}) {
  const lamps = Lamp.create(
    {
      0: { on: false, colours: { 0: 'red', 1: 'green' }, hours: 7, level: 50, reset: () => undefined },
      1: { on: true, hours: async () => 9 },
    },
    hooks,
  );
  const temperature = createTemperature({ 0: { sensorValue: 21 } });
  const time = new VirtualTime();
  const { handle } = new Dispatcher({
    objects: new ObjectSet([lamps, temperature]),
    attributes: new AttributeStore(),
    log: silentLog,
    patience: new Patience(DEFAULT_HANDLER_TIMEOUT, { clock: time, timers: time }),
    version: () => '1.2',
    preferredFormat: undefined,
    observe: () => undefined,
    attributesChanged: () => undefined,
  });
  const ask = async (method: Method, json: unknown, more: Partial<IncomingRequest> = {}): Promise<string> => {
    const response = await handle({
      method,
      path: [],
      query: [],
      accept: undefined,
      contentFormat: 110,
      options: [],
      payload: utf8Encode(JSON.stringify(json)),
      confirmable: true,
      token: Uint8Array.of(1),
      acceptObservation: undefined,
      cancelsObservation: false,
      ...more,
    });
    if (response === undefined) return 'nothing';
    const text = response.code === RESPONSE_CODES.content ? ` ${utf8Decode(response.payload!)}` : '';
    return `${formatResponseCode(response.code)}${text}`;
  };
  return { lamps, temperature, ask };
}

/** Path → value of a SenML pack. */
function pack(answer: string): Record<string, unknown> {
  assert.match(answer, /^2\.05 /);
  let base = '';
  const values: Record<string, unknown> = {};
  for (const record of JSON.parse(answer.slice(5)) as Record<string, unknown>[]) {
    base = (record['bn'] as string | undefined) ?? base;
    values[`${base}${(record['n'] as string | undefined) ?? ''}`] = record['v'] ?? record['vs'] ?? record['vb'];
  }
  return values;
}

describe('Read-Composite', () => {
  it('reads resources, resource instances, instances and objects at once', async () => {
    const { ask } = setup();
    const asked = [{ bn: '/3303/0/', n: '5700' }, { bn: '/32771/0/', n: '2/1' }, { n: '1' }, { bn: '/32771/1' }];
    assert.deepEqual(pack(await ask('FETCH', asked)), {
      '/3303/0/5700': 21,
      '/32771/0/2/1': 'green',
      '/32771/0/1': false,
      '/32771/1/1': true,
      '/32771/1/3': 9,
    });
  });

  it('leaves out what is not there, not readable, or for no server', async () => {
    const { ask } = setup();
    const asked = ['/3303/0/5700', '/3303/7/5700', '/9999', '/32771/0/5', '/32771/0/2/9', '/0/0/0'].map((n) => ({ n }));
    assert.deepEqual(pack(await ask('FETCH', asked)), { '/3303/0/5700': 21 });
  });

  it('of nothing that is there is an empty pack', async () => {
    assert.equal(await setup().ask('FETCH', [{ n: '/9999' }]), '2.05 []');
  });

  it('of the root reads every object, each value once', async () => {
    const all = pack(await setup().ask('FETCH', [{ n: '/' }, { n: '/3303/0/5700' }]));
    assert.deepEqual([all['/3303/0/5700'], all['/32771/0/2/0'], '/0/0/0' in all], [21, 'red', false]);
  });

  it('takes no format without paths, and answers in the one accepted', async () => {
    const { ask } = setup();
    assert.equal(await ask('FETCH', [], { contentFormat: 0 }), '4.15');
    assert.equal(await ask('FETCH', [{ n: '/3303' }], { accept: 0 }), '4.06');
    assert.equal(await ask('FETCH', [{ n: '/3303' }], { path: ['3303'] }), '4.05');
    assert.equal(await ask('FETCH', [{ n: '/3303/0/5700', v: 1 }]), '4.00', 'a value');
  });
});

describe('Write-Composite', () => {
  it('writes several objects, and tells each once', async () => {
    const heard: string[] = [];
    const { ask, lamps } = setup({ written: ({ id, resources }) => void heard.push(`${id} ${resources.join()}`) });
    const changes = [
      { n: '/32771/0/1', vb: true },
      { n: '/32771/0/4', v: 99 },
      { n: '/32771/0/2/1', vs: 'blue' },
      { n: '/32771/1/1', vb: false },
    ];
    assert.equal(await ask('iPATCH', changes), '2.04');
    assert.deepEqual(
      [lamps[0].on, lamps[0].level, lamps[0].colours, lamps[1].on],
      [true, 99, { 0: 'red', 1: 'blue' }, false],
    );
    assert.deepEqual(heard, ['0 on,level,colours', '1 on']);
  });

  const good = { n: '/32771/0/1', vb: true };
  for (const [name, bad, expected] of [
    ['a resource that is read-only', { n: '/32771/1/3', v: 1 }, '4.05'],
    ['a resource that is executed', { n: '/32771/0/5', v: 1 }, '4.05'],
    ['a value out of range', { n: '/32771/1/4', v: 101 }, '4.00'],
    ['a value of another type', { n: '/32771/1/1', v: 1 }, '4.00'],
    ['an instance that is not there', { n: '/32771/7/1', vb: true }, '4.04'],
    ['a resource nobody knows', { n: '/32771/1/99', vb: true }, '4.04'],
    ['an object nobody knows', { n: '/9999/0/1', vb: true }, '4.04'],
    ['the Security object', { n: '/0/0/0', vs: 'coap://x' }, '4.01'],
    ['the same path twice', good, '4.00'],
  ] as const) {
    it(`with ${name} changes nothing`, async () => {
      const { ask, lamps } = setup();
      assert.equal(await ask('iPATCH', [good, bad]), expected);
      assert.equal(lamps[0].on, false);
    });
  }

  it('happens whole though the application fails when it hears of a part', async () => {
    const { ask, lamps, temperature } = setup({
      written: () => {
        throw new RangeError('a bulb has burst');
      },
    });
    const changes = [
      { n: '/32771/0/1', vb: true },
      { n: '/32771/1/4', v: 7 },
      { n: '/3303/0/5750', vs: 'roof' },
    ];
    assert.equal(await ask('iPATCH', changes), '5.00');
    assert.deepEqual([lamps[0].on, lamps[1].level, temperature[0].applicationType], [true, 7, 'roof']);
  });

  it('asks every application first: one that says no says it for all', async () => {
    const asked: number[] = [];
    const { ask, lamps } = setup({
      willWrite: async ({ id }) => {
        asked.push(id);
        if (id === 1) throw new ModelError('conflict', 'not now');
      },
    });
    assert.equal(await ask('iPATCH', [good, { n: '/32771/1/1', vb: false }]), '4.09');
    assert.deepEqual([asked, lamps[0].on, lamps[1].on], [[0, 1], false, true]);
  });

  it('checks again after it was agreed to: what is gone meanwhile is not written, nor the rest', async () => {
    const { ask, lamps } = setup({
      willWrite: async ({ id }) => {
        if (id === 1) lamps.remove(1);
      },
    });
    assert.equal(await ask('iPATCH', [good, { n: '/32771/1/1', vb: false }]), '4.04');
    assert.equal(lamps[0].on, false);
  });

  it('takes resource instances away by null, in SenML-ETCH alone', async () => {
    const { ask, lamps } = setup();
    const changes = [
      { n: '/32771/0/2/0', v: null },
      { n: '/32771/0/2/5', vs: 'white' },
      { n: '/32771/0/2/9', v: null },
    ];
    assert.equal(await ask('iPATCH', changes), '4.00');
    assert.equal(await ask('iPATCH', changes, { contentFormat: 320 }), '2.04');
    assert.deepEqual(lamps[0].colours, { 1: 'green', 5: 'white' });
    assert.equal(await ask('iPATCH', [{ n: '/32771/0/4', v: null }], { contentFormat: 320 }), '4.00', 'a single one');
  });
});
