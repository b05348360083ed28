// client.batch: changes that belong together are told together.

import assert from 'node:assert/strict';
import { Scene } from './scripted-server.ts';
import { createTemperature } from '../../lib/objects/index.ts';
import { defineObject } from '../../lib/model/index.ts';
import { seconds } from '../../lib/runtime/index.ts';
import { utf8Decode } from '../../lib/bytes/index.ts';

const Position = defineObject({
  id: 32_774,
  name: 'Position',
  multiple: true,
  resources: {
    latitude: { id: 0, name: 'Latitude', operations: 'R', type: 'float', mandatory: true },
    longitude: { id: 1, name: 'Longitude', operations: 'R', type: 'float', mandatory: true },
  },
});

async function observed() {
  const scene = new Scene();
  await scene.listen();
  const positions = Position.create({ 0: { latitude: 1, longitude: 1 } });
  const client = scene.client({
    objects: [positions, createTemperature({ 0: { sensorValue: 20 } })],
    batchTimeout: seconds(5),
  });
  await client.start();
  await scene.time.advance(100);
  const heard: string[] = [];
  await scene.time.run(
    scene.connection.observe({ method: 'GET', path: ['32774', '0'], accept: 110 }, ({ payload }) => {
      const records = JSON.parse(utf8Decode(payload)) as { v: number }[];
      heard.push(records.map(({ v }) => v).join(','));
    }),
  );
  scene.seen.length = 0;
  const pause = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => void scene.time.at((scene.time.now() + milliseconds) as never, resolve));
  return { scene, client, positions, heard, pause };
}

describe('a batch', () => {
  it('without one, assignments with a pause between are two notifications', async () => {
    const { scene, client, positions, heard } = await observed();
    positions[0].latitude = 2;
    await scene.time.advance(100);
    positions[0].longitude = 3;
    await scene.time.advance(100);
    assert.deepEqual(heard, ['2,1', '2,3']);
    await scene.time.run(client.stop());
  });

  it('makes them one, and gives what its function gives', async () => {
    const { scene, client, positions, heard, pause } = await observed();
    const result = client.batch(async () => {
      positions[0].latitude = 2;
      await pause(2_000);
      positions[0].longitude = 3;
      return 'done';
    });
    await scene.time.advance(1_000);
    assert.deepEqual(heard, [], 'no part of it');
    await scene.time.advance(2_000);
    assert.equal(await result, 'done');
    assert.deepEqual(heard, ['2,3']);
    assert.equal(
      client.batch(() => {
        positions[0].latitude = 4;
        positions[0].longitude = 5;
        return 7;
      }),
      7,
    );
    await scene.time.advance(100);
    assert.deepEqual(heard, ['2,3', '4,5']);
    await scene.time.run(client.stop());
  });

  it('is one Update, too', async () => {
    const { scene, client, positions, pause } = await observed();
    const batch = client.batch(async () => {
      positions.add(1, { latitude: 0, longitude: 0 });
      await pause(1_000);
      positions.add(2, { latitude: 0, longitude: 0 });
      client.server.instance(0).lifetime = 600;
    });
    await scene.time.advance(500);
    assert.deepEqual(scene.lines, []);
    await scene.time.advance(1_000);
    await batch;
    assert.deepEqual(scene.lines, ['POST /rd/5a3f?lt=600']);
    await scene.time.run(client.stop());
  });

  it('in another ends with the outermost; of two at once, with the last', async () => {
    const { scene, client, positions, heard, pause } = await observed();
    const outer = client.batch(async () => {
      client.batch(() => (positions[0].latitude = 2));
      await pause(1_000);
      positions[0].longitude = 3;
    });
    const other = client.batch(async () => {
      await pause(2_000);
      positions[0].latitude = 9;
    });
    await scene.time.advance(1_500);
    await outer;
    assert.deepEqual(heard, []);
    await scene.time.advance(1_000);
    await other;
    assert.deepEqual(heard, ['9,3']);
    await scene.time.run(client.stop());
  });

  it('that throws or rejects has changed what it has changed, and that is told', async () => {
    const { scene, client, positions, heard, pause } = await observed();
    assert.throws(
      () =>
        client.batch(() => {
          positions[0].latitude = 2;
          throw new RangeError('no longitude');
        }),
      RangeError,
    );
    await scene.time.advance(100);
    const rejected = assert.rejects(
      client.batch(async () => {
        positions[0].latitude = 3;
        await pause(100);
        throw new RangeError('no longitude');
      }),
      RangeError,
    );
    await scene.time.advance(1_000);
    await rejected;
    assert.deepEqual(heard, ['2,1', '3,1']);
    positions[0].longitude = 4;
    await scene.time.advance(100);
    assert.equal(heard.at(-1), '3,4', 'and it has ended');
    await scene.time.run(client.stop());
  });

  it('that never ends keeps nobody for ever', async () => {
    const { scene, client, positions, heard } = await observed();
    void client.batch(() => {
      positions[0].latitude = 2;
      return new Promise(() => undefined);
    });
    await scene.time.advance(4_000);
    assert.deepEqual(heard, []);
    await scene.time.advance(2_000);
    assert.deepEqual(heard, ['2,1']);
    await scene.time.run(client.stop());
    assert.equal(scene.clientTimers, 0);
  });
});
