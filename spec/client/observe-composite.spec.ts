// Observe-Composite (LwM2M Core 1.2 §6.4.4): its paths tell together, by their own attributes or by its parameters.

import assert from 'node:assert/strict';
import { MESSAGE_TYPES, RESPONSE_CODES, decodeMessage } from '../../lib/coap/index.ts';
import { Scene } from './scripted-server.ts';
import { createTemperature } from '../../lib/objects/index.ts';
import { defineObject } from '../../lib/model/index.ts';
import { formatResponseCode } from '../../lib/client/index.ts';
import { utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';

const Link = defineObject({
  id: 32_780,
  name: 'Link',
  resources: { strength: { id: 2, name: 'Strength', operations: 'R', type: 'integer', mandatory: true } },
});

const VALUE = '/3303/0/5700';
const STRENGTH = '/32780/0/2';

async function registered(server: object = {}) {
  const scene = new Scene();
  await scene.listen();
  const temperature = createTemperature({ 0: { sensorValue: 20 }, 1: { sensorValue: 30 } });
  const link = Link.create({ 0: { strength: -70 } });
  const client = scene.client({
    objects: [temperature, link],
    servers: [{ uri: 'coap://192.0.2.1', lifetime: 86_400, server }],
    versions: ['1.2'],
  });
  await client.start();
  await scene.time.advance(100);
  const heard: string[] = [];
  const types: number[] = [];
  scene.network.onDatagram((from, _to, bytes) => {
    const message = from.address === '198.51.100.7' ? decodeMessage(bytes) : undefined;
    if (message?.code === RESPONSE_CODES.content) types.push(message.type);
    return 'pass';
  });
  const observe = (paths: readonly string[], query: readonly string[] = []) =>
    scene.time.run(
      scene.connection.observe(
        {
          method: 'FETCH',
          contentFormat: 320,
          accept: 110,
          query,
          payload: utf8Encode(JSON.stringify(paths.map((n) => ({ n })))),
        },
        ({ code, payload }) => heard.push(shown(code, payload)),
      ),
    );
  const attributes = async (path: string, ...query: readonly string[]): Promise<void> => {
    const request = { method: 'PUT', path: path.split('/').slice(1), query } as const;
    assert.equal((await scene.time.run(scene.connection.request(request))).code, RESPONSE_CODES.changed);
  };
  return { scene, client, temperature, link, heard, types, observe, attributes };
}

/** `2.05 /3303/0/5700=21 …` */
function shown(code: number, payload: Uint8Array): string {
  if (code !== RESPONSE_CODES.content) return formatResponseCode(code);
  const records = JSON.parse(utf8Decode(payload)) as { n: string; v: number }[];
  return ['2.05', ...records.map(({ n, v }) => `${n}=${v}`)].join(' ');
}

describe('Observe-Composite', () => {
  it('tells all of its paths when one of them has news', async () => {
    const { scene, client, temperature, link, heard, observe } = await registered();
    await observe([VALUE, STRENGTH]);
    temperature[0].sensorValue = 21;
    await scene.time.advance(1_000);
    link[0].strength = -60;
    temperature[1].sensorValue = 31;
    await scene.time.advance(1_000);
    assert.deepEqual(heard, [`2.05 ${VALUE}=21 ${STRENGTH}=-70`, `2.05 ${VALUE}=21 ${STRENGTH}=-60`]);
    await scene.time.run(client.stop());
  });

  it('leaves out what goes, and takes what comes, and lives on', async () => {
    const { scene, client, temperature, heard, observe } = await registered();
    await observe([VALUE, '/3303/1/5700', '/9999']);
    temperature.remove(1);
    await scene.time.advance(1_000);
    temperature.add(1, { sensorValue: 32 });
    await scene.time.advance(1_000);
    assert.deepEqual(heard, [`2.05 ${VALUE}=20`, `2.05 ${VALUE}=20 /3303/1/5700=32`]);
    await scene.time.run(client.stop());
  });

  it('goes by the attributes of each path', async () => {
    const { scene, client, temperature, link, heard, observe, attributes } = await registered();
    await attributes(VALUE, 'gt=25');
    await observe([VALUE, STRENGTH]);
    temperature[0].sensorValue = 22;
    await scene.time.advance(1_000);
    assert.deepEqual(heard, []);
    temperature[0].sensorValue = 26;
    await scene.time.advance(1_000);
    link[0].strength = -50;
    await scene.time.advance(1_000);
    assert.deepEqual(heard, [`2.05 ${VALUE}=26 ${STRENGTH}=-70`, `2.05 ${VALUE}=26 ${STRENGTH}=-50`]);
    await scene.time.run(client.stop());
  });

  it("with parameters ignores what objects can have, as in the specification's example, and no more", async () => {
    const { scene, client, temperature, heard, observe, attributes } = await registered();
    await attributes('/3303', 'pmin=60', 'con=1');
    await attributes('/32780', 'pmax=300');
    await attributes(VALUE, 'st=2');
    await observe([VALUE, STRENGTH], ['epmin=30']);
    const began = scene.time.now();
    temperature[0].sensorValue = 23;
    for (let second = 0; second < 60 && heard.length === 0; second++) await scene.time.advance(1_000);
    const after = Math.round((scene.time.now() - began) / 1_000);
    assert.deepEqual([heard, after], [[`2.05 ${VALUE}=23 ${STRENGTH}=-70`], 30], 'epmin, and not pmin');
    temperature[0].sensorValue = 24;
    await scene.time.advance(1_000_000);
    assert.equal(heard.length, 1, 'neither pmax nor a change below the step');
    await scene.time.run(client.stop());
  });

  it('takes five parameters; others are refused', async () => {
    const { scene, client, observe } = await registered();
    for (const query of ['pmin=1', 'pmax=9', 'epmin=1', 'epmax=9', 'con=1']) {
      assert.equal((await observe([VALUE], [query])).response.code, RESPONSE_CODES.content, query);
    }
    for (const query of ['gt=1', 'lt=1', 'st=1', 'edge=1', 'hqmax=1', 'depth=1']) {
      assert.equal((await observe([VALUE], [query])).response.code, RESPONSE_CODES.badRequest, query);
    }
    await scene.time.run(client.stop());
  });

  it('is confirmable if one of its components asks for it', async () => {
    const { scene, client, link, types, observe, attributes } = await registered();
    await attributes(VALUE, 'con=1');
    await attributes(STRENGTH, 'con=0');
    await observe([STRENGTH]);
    await observe([STRENGTH, VALUE]);
    types.length = 0;
    link[0].strength = -60;
    await scene.time.advance(1_000);
    assert.deepEqual(new Set(types), new Set([MESSAGE_TYPES.confirmable, MESSAGE_TYPES.nonConfirmable]));
    await scene.time.run(client.stop());
  });

  it('ends when it is cancelled, by Observe 1 and by Reset', async () => {
    const { scene, client, temperature, heard, observe } = await registered();
    for (const how of ['deregister', 'reset'] as const) {
      heard.length = 0;
      const observed = await observe([VALUE, STRENGTH]);
      await scene.time.run(Promise.all([observed.cancel(how), scene.time.advance(10)]));
      temperature[0].sensorValue += 1;
      await scene.time.advance(1_000); // what Reset answers
      temperature[0].sensorValue += 1;
      await scene.time.advance(1_000);
      assert.deepEqual(heard, [], how);
    }
    await scene.time.run(client.stop());
  });
});
