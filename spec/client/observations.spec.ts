// Observations end to end: what a server sees of changes, deletions, attributes and limits.

import assert from 'node:assert/strict';
import { type IncomingResponse, type ObservedResource, RESPONSE_CODES } from '../../lib/coap/index.ts';
import type { ClientOptions } from '../../lib/client/index.ts';
import { Scene } from './scripted-server.ts';
import { createTemperature } from '../../lib/objects/index.ts';
import { ModelError, defineObject } from '../../lib/model/index.ts';
import { formatResponseCode } from '../../lib/client/index.ts';
import { utf8Decode } from '../../lib/bytes/index.ts';

const Slow = defineObject({
  id: 32_770,
  name: 'Slow',
  resources: { level: { id: 0, name: 'Level', operations: 'R', type: 'integer', mandatory: true } },
});

async function registered(options: Partial<ClientOptions> = {}, server: object = {}) {
  const scene = new Scene();
  await scene.listen();
  const temperature = createTemperature({ 0: { sensorValue: 20 }, 1: { sensorValue: 30 } });
  let level = 1;
  const slow = Slow.create({ 0: { level: async () => level } });
  const client = scene.client({
    objects: [temperature, slow],
    servers: [{ uri: 'coap://192.0.2.1', lifetime: 86_400, server }],
    ...options,
  });
  await client.start();
  await scene.time.advance(100);
  const seen: string[] = [];
  const observe = (path: string, accept = 0): Promise<ObservedResource> =>
    scene.time.run(
      scene.connection.observe(
        { method: 'GET', path: path.split('/').slice(1), accept },
        (response: IncomingResponse) => {
          const text = response.payload.length === 0 ? '' : ` ${utf8Decode(response.payload)}`;
          seen.push(`${scene.time.now() / 1_000} ${formatResponseCode(response.code)}${text}`);
        },
      ),
    );
  const ask = (method: 'PUT' | 'GET', path: string, query: readonly string[] = []): Promise<IncomingResponse> =>
    scene.time.run(scene.connection.request({ method, path: path.split('/').slice(1), query }));
  const setLevel = (value: number): void => {
    level = value;
    slow.changed(0, 'level');
  };
  return { scene, client, temperature, seen, observe, ask, setLevel };
}

const values = (seen: readonly string[]): readonly string[] => seen.map((line) => line.split(' ').slice(1).join(' '));

describe('observations', () => {
  it('keep to pmin and pmax of /1 where nothing else is set', async () => {
    const { scene, client, temperature, seen, observe } = await registered(
      {},
      { defaultMinimumPeriod: 10, defaultMaximumPeriod: 60 },
    );
    await observe('/3303/0/5700');
    const start = scene.time.now() / 1_000;
    temperature[0].sensorValue = 21;
    temperature[0].sensorValue = 22;
    await scene.time.advance(75_000);
    assert.deepEqual(values(seen), ['2.05 22', '2.05 22']);
    const [first, second] = seen.map((line) => Number(line.split(' ')[0]) - start);
    assert.ok(Math.abs(first! - 10) < 0.2 && Math.abs(second! - 70) < 0.2, seen.join());
    await scene.time.run(client.stop());
  });

  it('follow attributes written later', async () => {
    const { scene, client, temperature, seen, observe, ask } = await registered();
    await observe('/3303/0/5700');
    assert.equal((await ask('PUT', '/3303/0/5700', ['gt=25'])).code, RESPONSE_CODES.changed);
    for (const value of [21, 24, 26, 27, 20]) {
      temperature[0].sensorValue = value;
      await scene.time.advance(1_000);
    }
    assert.deepEqual(values(seen), ['2.05 26', '2.05 20']);
    await scene.time.run(client.stop());
  });

  it('read what is asynchronous', async () => {
    const { scene, client, seen, observe, setLevel } = await registered();
    assert.equal(utf8Decode((await observe('/32770/0/0')).response.payload), '1');
    setLevel(2);
    await scene.time.advance(1_000);
    assert.deepEqual(values(seen), ['2.05 2']);
    await scene.time.run(client.stop());
  });

  it('end with an error when what they watch is gone', async () => {
    const { scene, client, temperature, seen, observe } = await registered();
    await observe('/3303/1/5700');
    temperature.remove(1);
    await scene.time.advance(1_000);
    assert.deepEqual(values(seen), ['4.04']);
    temperature.add(1, { sensorValue: 5 });
    await scene.time.advance(1_000);
    assert.equal(seen.length, 1);
    await scene.time.run(client.stop());
  });

  it('are checked for access each time: what may not be read any more is said, once', async () => {
    const { scene, client, temperature, seen, observe } = await registered();
    let isAllowed = true;
    temperature.add(7, {
      sensorValue: () => {
        if (isAllowed) return 1;
        throw new ModelError('unauthorized', 'not for this server');
      },
    });
    await observe('/3303/7/5700');
    isAllowed = false;
    temperature.changed(7, 'sensorValue');
    await scene.time.advance(1_000);
    isAllowed = true;
    temperature.changed(7, 'sensorValue');
    await scene.time.advance(1_000);
    assert.deepEqual(values(seen), ['4.01']);
    await scene.time.run(client.stop());
  });

  it('of an object tell of new instances', async () => {
    const { scene, client, temperature, seen, observe } = await registered();
    await observe('/3303', 110);
    temperature.add(5, { sensorValue: 55 });
    await scene.time.advance(1_000);
    assert.equal(seen.length, 1);
    assert.match(seen[0]!, /"5\/5700","v":55/);
    await scene.time.run(client.stop());
  });

  it('are not accepted for what cannot be read', async () => {
    const { scene, client, observe } = await registered();
    for (const [path, code] of [
      ['/3303/0/9999', '4.04'],
      ['/3303/0/5605', '4.05'],
      ['/0/0/5', '4.01'],
    ] as const) {
      const { response } = await observe(path);
      assert.equal(formatResponseCode(response.code), code, path);
    }
    await scene.time.run(client.stop());
  });

  it('are limited in number: a further one is answered and not observed', async () => {
    const { scene, client, temperature, seen, observe } = await registered({ maxObservations: 1 });
    await observe('/3303/0/5700');
    const { response } = await observe('/3303/1/5700');
    assert.equal(utf8Decode(response.payload), '30');
    temperature[1].sensorValue = 31;
    await scene.time.advance(1_000);
    assert.deepEqual(seen, []);
    await scene.time.run(client.stop());
  });

  it('do not outlive the registration', async () => {
    const { scene, client, temperature, seen, observe } = await registered();
    await observe('/3303/0/5700');
    scene.answer = ({ path }) =>
      path.length > 1 ? { code: RESPONSE_CODES.notFound } : { code: RESPONSE_CODES.created, locationPath: ['rd', 'b'] };
    client.update();
    await scene.time.advance(1_000);
    assert.equal(scene.lines.length, 3, 'Register, refused Update, Register');
    temperature[0].sensorValue = 25;
    await scene.time.advance(1_000);
    assert.deepEqual(seen, []);
    await scene.time.run(client.stop());
  });
});
