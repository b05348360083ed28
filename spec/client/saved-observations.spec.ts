// Observations across restarts: the server relies on them until the next Register (LwM2M Core 1.2 §6.4.1).

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type OutgoingRequest } from '../../lib/coap/index.ts';
import { type SavedObservation, observationsCodec } from '../../lib/client/saved-observations.ts';
import { utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import { MemoryStorage } from '../../lib/storage/index.ts';
import { ObjectSet } from '../../lib/client/object-set.ts';
import { Path } from '../../lib/model/index.ts';
import { Scene } from './scripted-server.ts';
import { createTemperature } from '../../lib/objects/index.ts';
import { formatResponseCode } from '../../lib/client/index.ts';

const owner = { endpoint: 'a', uri: 'coap://b' };
const known = new ObjectSet([createTemperature({})]);
const codec = observationsCodec(owner, known);
const VALUE = '/3303/0/5700';

/** A scene whose device starts, runs and stops as often as wanted, with one memory. */
async function scene() {
  const world = new Scene();
  await world.listen();
  const storage = new MemoryStorage();
  const temperature = createTemperature({ 0: { sensorValue: 20 } });
  const start = async () => {
    const client = world.client({
      objects: [temperature],
      storage,
      servers: [{ uri: 'coap://192.0.2.1', lifetime: 86_400, server: { defaultMinimumPeriod: 0 } }],
      versions: ['1.2'],
    });
    await client.start();
    await world.time.advance(100);
    return client;
  };
  const heard: string[] = [];
  const observe = (request: OutgoingRequest) =>
    world.time.run(
      world.connection.observe(request, ({ code, payload }) =>
        heard.push(`${formatResponseCode(code)} ${utf8Decode(payload)}`.trim()),
      ),
    );
  const get = (path = VALUE, query: readonly string[] = []): OutgoingRequest => ({
    method: 'GET',
    path: path.split('/').slice(1),
    accept: path === VALUE ? 0 : 110,
    query,
  });
  return { world, storage, temperature, start, heard, observe, get };
}

const restarting = { deregister: false } as const;

describe('observations over a restart', () => {
  it('go on: what has changed meanwhile is told at once, and later changes, too', async () => {
    const { world, temperature, start, heard, observe, get } = await scene();
    const first = await start();
    await observe(get());
    temperature[0].sensorValue = 21;
    await world.time.advance(100);
    await world.time.run(first.stop(restarting));
    temperature[0].sensorValue = 22;
    await world.time.advance(1_000);
    const second = await start();
    await world.time.advance(1_000);
    assert.deepEqual(heard, ['2.05 21', '2.05 22'], 'numbers go on: the server takes it for new');
    temperature[0].sensorValue = 23;
    await world.time.advance(100);
    assert.deepEqual(heard.slice(2), ['2.05 23']);
    assert.deepEqual(
      world.lines.map((line) => line.split('?')[0]),
      ['POST /rd', 'POST /rd/5a3f'],
    );
    await world.time.run(second.stop());
    assert.equal(world.clientTimers, 0);
  });

  it('keep their parameters and paths', async () => {
    const { world, temperature, start, heard, observe, get } = await scene();
    const first = await start();
    await observe(get(VALUE, ['gt=30']));
    await observe({
      method: 'FETCH',
      contentFormat: 110,
      accept: 110,
      query: ['pmin=5'],
      payload: utf8Encode(JSON.stringify([{ n: VALUE }, { n: '/3303/0/5701' }])),
    });
    await world.time.run(first.stop(restarting));
    const second = await start();
    await world.time.advance(20_000);
    assert.deepEqual(heard.toSorted(), ['2.05 20', `2.05 [{"n":"${VALUE}","v":20}]`]);
    heard.length = 0;
    temperature[0].sensorValue = 25;
    await world.time.advance(20_000);
    temperature[0].sensorValue = 31;
    await world.time.advance(20_000);
    const composite = (value: number): string => `2.05 [{"n":"${VALUE}","v":${value}}]`;
    assert.deepEqual(heard.toSorted(), ['2.05 31', composite(25), composite(31)], 'gt=30 still');
    await world.time.run(second.stop());
  });

  it('tell what was stored for a server out of reach, with its times', async () => {
    const { world, temperature, start, heard, observe, get } = await scene();
    const first = await start();
    first.server.instance(0).defaultNotificationMode = 1;
    await observe({ ...get(), accept: 110 });
    let isReached = false;
    world.network.onDatagram(() => (isReached ? 'pass' : 'drop'));
    for (const value of [21, 22]) {
      temperature[0].sensorValue = value;
      await world.time.advance(120_000);
    }
    await world.time.run(first.stop(restarting));
    isReached = true;
    const second = await start();
    await world.time.advance(10_000);
    const told = heard.flatMap((line) => JSON.parse(line.slice(5)) as { v: number; t?: number; bt?: number }[]);
    assert.deepEqual(
      told.map(({ v }) => v),
      [21, 22, 22],
    );
    assert.ok(told[0]!.bt !== undefined && (told[1]!.t ?? 0) >= 119, JSON.stringify(told));
    await world.time.run(second.stop());
  });

  it('are told of what is gone', async () => {
    const { world, temperature, start, heard, observe, get } = await scene();
    const first = await start();
    await observe(get());
    await world.time.run(first.stop(restarting));
    temperature.remove(0);
    const second = await start();
    await world.time.advance(1_000);
    assert.deepEqual(heard, ['4.04']);
    await world.time.run(second.stop());
  });

  it('do not come back once cancelled, nor after De-register or another Register', async () => {
    const { world, storage, start, heard, observe, get } = await scene();
    const saved = async (): Promise<number> => codecOf(await storage.get('observations-101'))?.length ?? Number.NaN;
    const first = await start();
    const observed = await observe(get());
    await world.time.advance(1_100);
    assert.equal(await saved(), 1, 'kept within a second, should the process be killed');
    await world.time.run(observed.cancel());
    await world.time.advance(1_100);
    assert.equal(await saved(), 0);
    await observe(get());
    await world.time.run(first.stop());
    assert.equal(await saved(), 0);
    const second = await start();
    await world.time.advance(1_000);
    assert.deepEqual(heard, []);
    await world.time.run(second.stop());
  });

  for (const [what, damage] of [
    ['are no JSON', () => '{"format":1'],
    ['are of what no server may read', (text: string) => text.replace(`"${VALUE}"`, '"/0/0/5"')],
    ['have a token of nine bytes', (text: string) => text.replace(/"token":"\w*"/, `"token":"${'ab'.repeat(9)}"`)],
  ] as const) {
    it(`that ${what} are made anew: it registers`, async () => {
      const { world, storage, start, observe, get, heard } = await scene();
      const first = await start();
      await observe(get());
      await world.time.run(first.stop(restarting));
      const before = utf8Decode((await storage.get('observations-101'))!);
      assert.notEqual(damage(before), before);
      await storage.set('observations-101', utf8Encode(damage(before)));
      const second = await start();
      await world.time.advance(10_000);
      assert.deepEqual(
        world.lines.map((line) => line.split('?')[0]),
        ['POST /rd', 'POST /rd'],
      );
      assert.deepEqual(heard, []);
      await world.time.run(second.stop());
    });
  }

  it('whose request is damaged are forgotten, and the others go on', async () => {
    const { world, storage, start, observe, get, heard } = await scene();
    const first = await start();
    await observe(get());
    await observe(get('/3303/0'));
    await world.time.run(first.stop(restarting));
    const key = 'observations-101';
    const state = JSON.parse(utf8Decode((await storage.get(key))!)) as {
      observations: { request: { options: [number, string][] } }[];
    };
    state.observations[0]!.request.options.push([23, '07']); // Block2 with an exponent that datagrams have not
    await storage.set(key, utf8Encode(JSON.stringify(state)));
    const second = await start();
    await world.time.advance(10_000);
    assert.deepEqual(heard.length, 1);
    assert.match(heard[0]!, /5700/);
    await world.time.run(second.stop());
    assert.equal(world.clientTimers, 0);
  });
});

function codecOf(bytes: Uint8Array | undefined): readonly SavedObservation[] | null | undefined {
  const of = { endpoint: 'urn:dev:example', uri: 'coap://192.0.2.1' };
  return bytes && observationsCodec(of, known).decode(bytes);
}

const bytes = fc.uint8Array({ maxLength: 12 });
const ID = fc.nat(65_534);
const plain = { noNullPrototype: true } as const;
const path = fc
  .array(ID, { minLength: 1, maxLength: 4 })
  .filter(([object]) => ![0, 21, 23].includes(object!))
  .map((ids) => Path.of(...ids));
const saved: fc.Arbitrary<SavedObservation> = fc.record(
  {
    paths: fc.array(path, { minLength: 1, maxLength: 3 }),
    composite: fc.boolean(),
    parameters: fc.option(fc.constant({ pmin: 1, gt: -0.5, con: 1 }), { nil: undefined }),
    contentFormat: fc.nat(65_535),
    sequence: fc.nat(0xffffff),
    readings: fc.array(
      fc.record(
        {
          at: fc.option(fc.integer(), { nil: undefined }),
          entries: fc
            .uniqueArray(fc.tuple(fc.nat(9), fc.double()), { selector: ([instance]) => instance })
            .map((values) => values.map(([instance, value]) => ({ path: Path.of(3303, instance, 5700), value }))),
        },
        plain,
      ),
      { maxLength: 3 },
    ),
    request: fc.record(
      {
        method: fc.constantFrom('GET' as const, 'FETCH' as const),
        path: fc.array(fc.string()),
        query: fc.array(fc.string()),
        accept: fc.option(fc.nat(65_535), { nil: undefined }),
        contentFormat: fc.option(fc.nat(65_535), { nil: undefined }),
        options: fc.array(fc.record({ number: fc.nat(65_535), value: bytes }, plain)),
        payload: bytes,
        confirmable: fc.boolean(),
        token: fc.uint8Array({ maxLength: 8 }),
        acceptObservation: fc.constant(undefined),
        cancelsObservation: fc.constant(false),
      },
      plain,
    ),
  },
  plain,
);

describe('saved observations', () => {
  const shown = (all: readonly SavedObservation[] | null | undefined): unknown =>
    all?.map((each) => ({
      ...each,
      paths: each.paths.map(String),
      readings: each.readings.map(({ at, entries }) => [at, entries.map(({ path: of, value }) => [`${of}`, value])]),
    }));

  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.array(saved, { maxLength: 4 }), (all) =>
        assert.deepEqual(shown(codec.decode(codec.encode(all))), shown(all)),
      ),
      { numRuns: 1_000 },
    );
  });

  it('lose a reading that cannot be written, and no more', () => {
    const path = Path.of(3303, 0, 5700);
    const [one] = fc.sample(saved, { numRuns: 1, seed: 1 });
    const readings = [
      { at: 1e12, entries: [{ path, value: 1, timestamp: 9e11 }] },
      { at: 1e12, entries: [{ path, value: 2 }] },
    ];
    const again = codec.decode(codec.encode([{ ...one!, readings }]));
    assert.deepEqual(
      again?.[0]?.readings.map(({ entries }) => entries.map(({ value }) => value)),
      [[2]],
    );
  });

  it("are none of another endpoint's or server's, and null where they are damaged", () => {
    const one = codec.encode([]);
    assert.equal(observationsCodec({ ...owner, endpoint: 'b' }, known).decode(one), undefined);
    assert.equal(observationsCodec({ ...owner, uri: 'coap://c' }, known).decode(one), undefined);
    const text = utf8Decode(one);
    for (const damaged of [text.slice(1), text.replace('[]', '[1]'), text.replace('"format":1', '"format":2'), ''])
      assert.equal(codec.decode(utf8Encode(damaged)), null, damaged);
  });

  it('are observations, none or null, whatever the bytes', () => {
    const any = fc.oneof(
      fc.uint8Array(),
      fc.json().map((json) => utf8Encode(`{"format":1,"endpoint":"a","uri":"coap://b","observations":[${json}]}`)),
    );
    fc.assert(
      fc.property(any, (given) => void codec.decode(given)),
      { numRuns: 1_000 },
    );
  });
});
