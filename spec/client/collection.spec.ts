// Collections: samples over time, one pack with their times.

import assert from 'node:assert/strict';
import { type ClientOptions } from '../../lib/client/index.ts';
import { type IncomingRequest, RESPONSE_CODES } from '../../lib/coap/index.ts';
import { Decoder } from 'cbor-x';
import { Scene } from './scripted-server.ts';
import { createTemperature } from '../../lib/objects/index.ts';
import { seconds } from '../../lib/runtime/index.ts';

const WALL = Date.UTC(2026, 0, 1);
const cborX = new Decoder({ mapsAsObjects: false, useRecords: false });

async function running(options: Partial<ClientOptions> = {}, wall = WALL) {
  const scene = new Scene({}, wall);
  await scene.listen();
  const sent: IncomingRequest[] = [];
  const before = scene.answer;
  scene.answer = (request) => {
    if (request.path[0] === 'dp') sent.push({ ...request, payload: request.payload.slice() });
    return before(request);
  };
  const temperature = createTemperature({ 0: { sensorValue: 20 } });
  const client = scene.client({ objects: [temperature], versions: ['1.2'], ...options });
  await client.start();
  await scene.time.advance(1_000);
  return { scene, client, temperature, sent };
}

/** Of a SenML CBOR pack by cbor-x: [seconds since WALL or undefined, value]. */
function series({ payload, contentFormat }: IncomingRequest): readonly (readonly [number | undefined, unknown])[] {
  assert.equal(contentFormat, 112);
  let base = 0;
  return (cborX.decode(payload) as Map<number, unknown>[]).map((record) => {
    base = Number(record.get(-3) ?? base);
    const time = base + Number(record.get(6) ?? 0);
    return [time === 0 ? undefined : Number((time - WALL / 1_000).toFixed(3)), record.get(2)];
  });
}

describe('a collection', () => {
  it('takes samples by its timer and sends them as one pack by another', async () => {
    const { scene, client, temperature, sent } = await running();
    const collection = client.collect('/3303/0/5700', { sampleEvery: seconds(10), flushEvery: seconds(35) });
    for (const value of [21, 22, 23, 24]) {
      temperature[0].sensorValue = value;
      await scene.time.advance(10_000);
    }
    assert.deepEqual(sent.map(series), [
      [
        [11, 21],
        [21, 22],
        [31, 23],
      ],
    ]);
    assert.equal(collection.size, 1);
    await scene.time.advance(31_000);
    assert.deepEqual(series(sent[1]!), [
      [41, 24],
      [51, 24],
      [61, 24],
      [71, 24],
    ]);
    assert.equal(collection.dropped, 0);
    await scene.time.run(client.stop());
    assert.equal(scene.clientTimers, 0, 'stop ends its timers');
    await assert.rejects(collection.sample(), { code: 'ESTATE' });
  });

  it('takes samples and is flushed as the application says', async () => {
    const { scene, client, temperature, sent } = await running();
    const collection = client.collect('/3303/0', {});
    collection.close();
    const own = client.collect('/3303/0/5700', { format: 'senmlCbor' });
    await own.sample();
    own.add(19, new Date(WALL - 5_000));
    temperature[0].sensorValue = 25;
    await own.sample(); // in the same millisecond: the newer counts
    assert.equal(own.size, 3);
    await scene.time.run(own.flush());
    assert.deepEqual(series(sent[0]!), [
      [1, 25],
      [-5, 19],
    ]);
    await scene.time.run(own.flush());
    assert.equal(sent.length, 1, 'nothing is not sent');
    assert.throws(() => collection.add(1), { code: 'ESTATE' });
    await scene.time.run(client.stop());
  });

  it('of an instance has all that may be read', async () => {
    const { scene, client, sent } = await running();
    const collection = client.collect('/3303/0');
    await collection.sample();
    await scene.time.advance(1_000);
    await collection.sample();
    await scene.time.run(collection.flush());
    assert.deepEqual(
      series(sent[0]!).map(([time]) => time),
      [1, 1, 1, 2, 2, 2],
    );
    await scene.time.run(client.stop());
  });

  it('keeps the newest samples, counts what it drops, and what closing drops', async () => {
    const { scene, client, sent } = await running();
    const collection = client.collect('/3303/0/5700', { maxSamples: 3 });
    for (let i = 0; i < 5; i++) collection.add(i, new Date(WALL + i * 1_000));
    assert.deepEqual([collection.size, collection.dropped], [3, 2]);
    await scene.time.run(collection.flush());
    assert.deepEqual(
      series(sent[0]!).map(([, value]) => value),
      [2, 3, 4],
    );
    collection.add(9);
    collection.close();
    assert.deepEqual([collection.size, collection.dropped], [0, 3]);
    await scene.time.run(client.stop());
  });

  it('with an unknown time tells none: one sample after the other', async () => {
    const { scene, client, sent } = await running({}, 0);
    const collection = client.collect('/3303/0/5700');
    for (const value of [1, 2, 3]) collection.add(value);
    await scene.time.run(collection.flush());
    assert.deepEqual(sent.map(series), [[[undefined, 1]], [[undefined, 2]], [[undefined, 3]]]);
    await scene.time.run(client.stop());
  });

  it('keeps its samples while Send is muted, drops those that a server refuses, and goes on', async () => {
    const { scene, client, sent } = await running();
    const collection = client.collect('/3303/0/5700', { flushEvery: seconds(10) });
    client.server.instance(0).muteSend = true;
    collection.add(1, new Date(WALL));
    await scene.time.advance(25_000);
    assert.deepEqual([collection.size, collection.dropped, sent.length], [1, 0, 0]);
    client.server.instance(0).muteSend = false;
    await scene.time.advance(10_000);
    assert.deepEqual([collection.size, collection.dropped, sent.length], [0, 0, 1]);
    scene.answer = () => ({ code: RESPONSE_CODES.badRequest });
    collection.add(2, new Date(WALL));
    await assert.rejects(scene.time.run(collection.flush()), { code: 'EREFUSED' });
    assert.deepEqual([collection.size, collection.dropped], [0, 1]);
    await scene.time.run(client.stop());
  });

  it('refuses wrong options by name', async () => {
    const { scene, client } = await running();
    const wrong: readonly [object, RegExp][] = [
      [{ maxSamples: 0 }, /maxSamples/],
      [{ maxSamples: 1.5 }, /maxSamples/],
      [{ sampleEvery: -1 }, /sampleEvery/],
      [{ flushEvery: 'often' }, /flushEvery/],
      [{ format: 'text' }, /format/],
    ];
    for (const [options, message] of wrong) {
      assert.throws(() => client.collect('/3303/0/5700', options), { code: 'ECONFIG', message });
    }
    assert.throws(() => client.collect('/0/0/5'), { code: 'ECONFIG' });
    assert.throws(() => client.collect('kettle'), { name: 'DecodeError' });
    assert.throws(() => client.collect('/3303/0/5700', { shortServerId: 7 }), { code: 'ENOACCOUNT' });
    await scene.time.run(client.stop());
  });
});
