// A server that is who it says it is, and writes what it should not: the device goes on, and so does its registration.

import assert from 'node:assert/strict';
import { type OutgoingRequest, RESPONSE_CODES } from '../../lib/coap/index.ts';
import { CONTENT_FORMATS, decodeEntries, encodeEntries, encodePaths } from '../../lib/formats/index.ts';
import { type Entry, type ManagedObject, type ObjectHooks, Path, defineObject } from '../../lib/model/index.ts';
import { createDevice, createTemperature } from '../../lib/objects/index.ts';
import type { LwM2mClient } from '../../lib/client/index.ts';
import { Scene } from './scripted-server.ts';
import { utf8Encode } from '../../lib/bytes/index.ts';

const Notes = defineObject({
  id: 32_779,
  name: 'Notes',
  multiple: true,
  resources: { text: { id: 0, name: 'Text', operations: 'RW', type: 'string' } },
});

async function registered(hooks: ObjectHooks<(typeof Notes)['definition']> = {}, given?: ManagedObject) {
  const scene = new Scene();
  await scene.listen();
  const temperature = createTemperature({ 0: { sensorValue: 20 } });
  const device = createDevice({ reboot: () => undefined }, { clock: scene.time });
  const notes = given ?? Notes.create({}, { instanceTemplate: () => ({}), ...hooks });
  const client = scene.client({ objects: [device, temperature, notes], versions: ['1.2'] });
  await client.start();
  await scene.time.advance(100);
  const ask = (request: OutgoingRequest) => scene.time.run(scene.connection.request(request));
  const put = (path: string, text: string) =>
    ask({ method: 'PUT', path: path.split('/').slice(1), contentFormat: 0, payload: utf8Encode(text) });
  return { scene, client, temperature, ask, put };
}

async function stillThere(scene: Scene, client: LwM2mClient): Promise<void> {
  const before = scene.lines.length;
  client.update();
  await scene.time.advance(1_000);
  assert.ok(
    scene.lines.slice(before).some((line) => line.startsWith('POST /rd')),
    'it updates',
  );
  await scene.time.run(client.stop());
  assert.equal(scene.clientTimers, 0);
}

const Counters = defineObject({
  id: 32_777,
  name: 'Counters',
  resources: { values: { id: 1, name: 'Values', operations: 'R', type: 'integer', multiple: true } },
});

/** How many entries of records are copied by what `work` does. */
async function copiedBy(work: () => void | Promise<void>): Promise<number> {
  let copied = 0;
  const fromEntries = Object.fromEntries.bind(Object);
  Object.fromEntries = ((given: Iterable<readonly [PropertyKey, unknown]>) => {
    const all = [...given];
    copied += all.length;
    return fromEntries(all);
  }) as typeof Object.fromEntries;
  try {
    await work();
  } finally {
    Object.fromEntries = fromEntries;
  }
  return copied;
}

describe('Writes of a hostile server', () => {
  const impossible: readonly (readonly [path: string, text: string])[] = [
    ['/1/0/1', '-1'],
    ['/1/0/1', '4294967296'],
    ['/1/0/2', '-1'],
    ['/1/0/3', '-1'],
    ['/1/0/5', '-1'],
    ['/1/0/7', ''],
    ['/1/0/7', 'S'],
    ['/1/0/7', 'nonsense'],
    ['/1/0/7', 'U'.repeat(300)],
  ];
  for (const [path, text] of impossible) {
    it(`refuses ${text.slice(0, 12)} at ${path}`, async () => {
      const { scene, client, put, ask, temperature } = await registered();
      const before = scene.lines.length;
      assert.equal((await put(path, text)).code, RESPONSE_CODES.badRequest);
      const first = await scene.time.run(
        scene.connection.observe({ method: 'GET', path: ['3303', '0', '5700'] }, () => undefined),
      );
      assert.equal(first.response.code, RESPONSE_CODES.content);
      temperature[0].sensorValue = 21;
      await scene.time.advance(400_000);
      assert.ok(
        scene.lines.slice(before).every((line) => line === 'POST /rd/5a3f'),
        scene.lines.join('\n'),
      );
      assert.equal((await ask({ method: 'GET', path: ['3', '0'] })).code, RESPONSE_CODES.content);
      await stillThere(scene, client);
    });
  }

  it('refuses them in one write of the whole instance, too, and changes nothing', async () => {
    const { scene, client, ask } = await registered();
    const entries: Entry[] = [
      { path: Path.of(1, 0, 1), value: 600 },
      { path: Path.of(1, 0, 2), value: -1 },
    ];
    const payload = encodeEntries(CONTENT_FORMATS.tlv, Path.of(1, 0), entries, () => ({
      type: 'integer',
      multiple: false,
    }));
    const { code } = await ask({ method: 'POST', path: ['1', '0'], contentFormat: CONTENT_FORMATS.tlv, payload });
    assert.equal(code, RESPONSE_CODES.badRequest);
    assert.equal(client.server.instance(0).lifetime, 300);
    await stillThere(scene, client);
  });

  it('is not sent round in circles by a retry timer of 0', async () => {
    const { scene, client, put } = await registered();
    await put('/1/0/17', '4000000000');
    await put('/1/0/18', '0');
    scene.answer = () => ({ code: RESPONSE_CODES.serviceUnavailable });
    const before = scene.lines.length;
    client.update();
    await scene.time.advance(60_000);
    assert.ok(scene.lines.length - before < 65, `${scene.lines.length - before} requests in a minute`);
    await scene.time.run(client.stop());
  });

  it('keeps no more than a bounded amount in a multiple resource, however often it is added to', async () => {
    const { scene, client, ask } = await registered();
    const at = Path.of(1, 0, 25);
    const write = (from: number, count: number, value: string) => {
      const entries = Array.from({ length: count }, (_, i) => ({ path: at.child(from + i), value }));
      const payload = encodeEntries(CONTENT_FORMATS.tlv, at, entries, () => ({ type: 'string', multiple: true }));
      return ask({ method: 'POST', path: ['1', '0', '25'], contentFormat: CONTENT_FORMATS.tlv, payload });
    };
    const codes: number[] = [];
    for (let i = 0; i < 6; i++) codes.push((await write(i, 1, 'x'.repeat(300_000))).code);
    assert.deepEqual(
      codes.map((code) => code >> 5),
      [2, 2, 2, 4, 4, 4],
    );
    await stillThere(scene, client);
  });

  it('makes no more instances than there may be, however many of them one Create has', async () => {
    const { scene, client, ask } = await registered({ maxInstances: 5 });
    const create = async (first: number, count: number): Promise<number> => {
      const path = Path.of(Notes.definition.id);
      const entries = Array.from({ length: count }, (_, i) => ({ path: path.child(first + i).child(0), value: 'x' }));
      const payload = encodeEntries(CONTENT_FORMATS.lwm2mCbor, path, entries, () => undefined);
      const request = {
        path: [String(Notes.definition.id)],
        contentFormat: CONTENT_FORMATS.lwm2mCbor,
        payload,
      } as const;
      return (await ask({ method: 'POST', ...request })).code >> 5;
    };
    assert.equal(await create(0, 6), 4);
    assert.deepEqual([await create(0, 3), await create(10, 3), await create(10, 2), await create(20, 1)], [2, 4, 2, 4]);
    await stillThere(scene, client);
  });

  it('makes no more of them by Creates that wait for the application together', async () => {
    const answers: (() => void)[] = [];
    const willWrite = () => new Promise<void>((resolve) => void answers.push(resolve));
    const notes = Notes.create({}, { maxInstances: 5, instanceTemplate: () => ({}), willWrite });
    const { scene, client } = await registered({}, notes);
    const path = Path.of(Notes.definition.id);
    const creates = [0, 10, 20].map((first) => {
      const entries = [0, 1].map((i) => ({ path: path.child(first + i).child(0), value: 'x' }));
      const payload = encodeEntries(CONTENT_FORMATS.lwm2mCbor, path, entries, () => undefined);
      const request = {
        path: [String(Notes.definition.id)],
        contentFormat: CONTENT_FORMATS.lwm2mCbor,
        payload,
      } as const;
      return scene.connection.request({ method: 'POST', ...request });
    });
    await scene.time.advance(10_000);
    assert.equal(answers.length, 6);
    for (const answer of answers) answer();
    const codes = (await scene.time.run(Promise.all(creates))).map(({ code }) => code >> 5);
    assert.deepEqual([codes, notes.instanceIds.length], [[2, 2, 4], 4]);
    await stillThere(scene, client);
  });

  it('works a write of ten thousand resource instances out in linear time', async () => {
    const { scene, client } = await registered();
    const at = Path.of(1, 0, 25);
    const entries = Array.from({ length: 10_000 }, (_, i) => ({ path: at.child(i), value: '' }));
    const copied = await copiedBy(() => client.server.write(at, entries, 'update', 'server'));
    assert.ok(copied < 100_000, `${copied} entries copied`);
    assert.equal(client.server.resourceInstanceIds(0, 25)?.length, 10_000);
    await stillThere(scene, client);
  });

  it('takes nine thousand of them away in linear time', async () => {
    const { scene, client } = await registered();
    const at = Path.of(1, 0, 25);
    const entries = Array.from({ length: 10_000 }, (_, i) => ({ path: at.child(i), value: '' }));
    await client.server.write(at, entries, 'update', 'server');
    const removed = entries.slice(500, 9_500).map(({ path }) => path);
    const copied = await copiedBy(async () => {
      const request = { path: at.prefix(2), entries: [], mode: 'update', by: 'server', removed } as const;
      const prepared = await client.server.prepareWrite(request);
      prepared()();
    });
    assert.ok(copied < 100_000, `${copied} entries copied`);
    assert.equal(client.server.resourceInstanceIds(0, 25)?.length, 1_000);
    await stillThere(scene, client);
  });

  it('reads a resource once, however many of its instances are asked for in one request', async () => {
    const scene = new Scene();
    await scene.listen();
    let asked = 0;
    const values = Object.fromEntries(Array.from({ length: 9_000 }, (_, i) => [i, i]));
    const counters = Counters.create({
      0: {
        values: () => {
          asked++;
          return values;
        },
      },
    });
    const client = scene.client({ objects: [counters], versions: ['1.2'] });
    await client.start();
    await scene.time.advance(100);
    const at = Path.of(32_777, 0, 1);
    const paths = Array.from({ length: 5_000 }, (_, i) => at.child(2 * i));
    const { senmlCbor } = CONTENT_FORMATS;
    const { code, payload } = await scene.time.run(
      scene.connection.request({
        method: 'FETCH',
        contentFormat: senmlCbor,
        accept: senmlCbor,
        payload: encodePaths(senmlCbor, paths),
      }),
    );
    assert.equal(code, RESPONSE_CODES.content);
    const read = decodeEntries(senmlCbor, Path.root, payload, () => ({ type: 'integer', multiple: true }));
    assert.equal(read.length, 4_500, 'those that are there');
    assert.equal(asked, 1);
    await stillThere(scene, client);
  });

  it('keeps no more values for observations than are allowed, whatever they grow to', async () => {
    const scene = new Scene();
    await scene.listen();
    const counters = Counters.create({ 0: { values: { 0: 0, 1: 1 } } });
    const client = scene.client({ objects: [counters], versions: ['1.2'], maxObservedValues: 5 });
    await client.start();
    await scene.time.advance(100);
    const heard: (readonly [at: number, code: number])[] = [];
    const observe = (at: number) =>
      scene.time.run(
        scene.connection.observe({ method: 'GET', path: ['32777', '0', '1'], accept: 110 }, ({ code }) => {
          heard.push([at, code]);
        }),
      );
    const active: boolean[] = [];
    for (const at of [0, 1, 2]) active.push((await observe(at)).active);
    assert.deepEqual(active, [true, true, false], 'two values each: a third has no room');
    counters[0].values = { 0: 0, 1: 1, 2: 2 };
    await scene.time.advance(1_000);
    const { content, internalServerError } = RESPONSE_CODES;
    assert.deepEqual(heard, [
      [0, content],
      [1, internalServerError],
    ]);
    counters[0].values = { 0: 0, 1: 1, 2: 3 };
    await scene.time.advance(1_000);
    assert.deepEqual(heard.slice(2), [[0, content]], 'what has ended makes room');
    await stillThere(scene, client);
  });

  it('reads its clock after a server has set it to the end of time', async () => {
    const { scene, client, put, ask } = await registered();
    assert.equal((await put('/3/0/13', '8640000000000')).code, RESPONSE_CODES.changed);
    await scene.time.advance(10_000);
    assert.equal((await ask({ method: 'GET', path: ['3', '0'] })).code, RESPONSE_CODES.content);
    assert.equal((await ask({ method: 'GET', path: ['3', '0', '13'] })).code, RESPONSE_CODES.content);
    await stillThere(scene, client);
  });
});
