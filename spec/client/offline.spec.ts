// Notifications while the server cannot be reached (LwM2M Core 1.2 §6.4.1, /1/x/6, hqmax): stored, told with their times,
// or news again; and observations that outlive a connection, but no registration.

import assert from 'node:assert/strict';
import {
  type IncomingResponse,
  MESSAGE_TYPES,
  type ObservedResource,
  RESPONSE_CODES,
  decodeMessage,
} from '../../lib/coap/index.ts';
import type { ClientOptions } from '../../lib/client/index.ts';
import { Scene } from './scripted-server.ts';
import { createTemperature } from '../../lib/objects/index.ts';
import { formatResponseCode } from '../../lib/client/index.ts';
import { utf8Decode } from '../../lib/bytes/index.ts';

const SENML = 110;
const TEXT = 0;

async function registered(server: object = {}, options: Partial<ClientOptions> = {}, wallStart?: number) {
  const scene = new Scene({}, wallStart);
  await scene.listen();
  const temperature = createTemperature({ 0: { sensorValue: 20 }, 1: { sensorValue: 30 } });
  const client = scene.client({
    objects: [temperature],
    servers: [{ uri: 'coap://192.0.2.1', lifetime: 86_400, server }],
    versions: ['1.2'],
    ...options,
  });
  await client.start();
  await scene.time.advance(100);
  const heard: string[] = [];
  const observe = (path: string, accept: number, query: readonly string[] = []): Promise<ObservedResource> =>
    scene.time.run(
      scene.connection.observe({ method: 'GET', path: path.split('/').slice(1), accept, query }, (response) =>
        heard.push(text(response)),
      ),
    );
  let reachable = true;
  scene.network.onDatagram(() => (reachable ? 'pass' : 'drop'));
  return {
    scene,
    client,
    temperature,
    heard,
    observe,
    reach: (now: boolean) => (reachable = now),
    ask: (method: 'PUT' | 'GET' | 'POST', path: string, query: readonly string[]) =>
      scene.time.run(scene.connection.request({ method, path: path.split('/').slice(1), query })),
  };
}

function text({ code, payload }: IncomingResponse): string {
  return `${formatResponseCode(code)}${payload.length === 0 ? '' : ` ${utf8Decode(payload)}`}`;
}

/** Values of a SenML pack with whether each has a time. */
function packed(line: string): readonly string[] {
  let base = 0;
  return (JSON.parse(line.slice(5)) as { v: number; t?: number; bt?: number }[]).map(({ v, t = 0, bt }) => {
    base = bt ?? base;
    return `${v}${base + t > 0 ? '@' : ''}`;
  });
}

describe('notifications of a server out of reach', () => {
  it('that is not acknowledged is stored, leads to an Update, and is told once the server is there again', async () => {
    const { scene, client, temperature, heard, observe, reach } = await registered({ defaultNotificationMode: 1 });
    await observe('/3303/0/5700', SENML);
    reach(false);
    temperature[0].sensorValue = 21;
    await scene.time.advance(50_000);
    temperature[0].sensorValue = 22;
    await scene.time.advance(100_000);
    assert.deepEqual(heard, []);
    reach(true);
    await scene.time.advance(200_000);
    assert.ok(scene.lines.filter((line) => line.startsWith('POST /rd/5a3f')).length > 0, 'an Update');
    assert.deepEqual(heard.flatMap(packed), ['21@', '22@'], heard.join('\n'));
    heard.length = 0;
    temperature[0].sensorValue = 23;
    await scene.time.advance(1_000);
    assert.deepEqual(heard.flatMap(packed), ['23'], 'and the observation goes on, on the same token');
    await scene.time.run(client.stop());
  });

  it('in a format without times are told one after the other', async () => {
    const { scene, client, temperature, heard, observe, reach } = await registered({ defaultNotificationMode: 1 });
    await observe('/3303/0/5700', TEXT);
    reach(false);
    for (const value of [21, 22, 23]) {
      temperature[0].sensorValue = value;
      await scene.time.advance(100_000); // by then it is known that nobody hears it
    }
    reach(true);
    await scene.time.advance(200_000);
    assert.deepEqual(heard, ['2.05 21', '2.05 22', '2.05 23']);
    await scene.time.run(client.stop());
  });

  it('are not stored where /1/x/6 says no: the newest value is news when the server is there again', async () => {
    const { scene, client, temperature, heard, observe, reach } = await registered({
      defaultNotificationMode: 1,
      notificationStoringWhenDisabledOrOffline: false,
    });
    await observe('/3303/0/5700', SENML);
    reach(false);
    for (const value of [21, 22, 23]) {
      temperature[0].sensorValue = value;
      await scene.time.advance(40_000);
    }
    reach(true);
    await scene.time.advance(200_000);
    assert.deepEqual(heard.flatMap(packed), ['23']);
    await scene.time.run(client.stop());
  });

  it('hqmax bounds what is kept of an observation: the oldest goes', async () => {
    const { scene, client, temperature, heard, observe, reach, ask } = await registered({ defaultNotificationMode: 1 });
    await observe('/3303/0/5700', SENML);
    assert.equal((await ask('PUT', '/3303/0/5700', ['hqmax=2'])).code, RESPONSE_CODES.changed);
    reach(false);
    for (const value of [21, 22, 23, 24]) {
      temperature[0].sensorValue = value;
      await scene.time.advance(40_000);
    }
    reach(true);
    await scene.time.advance(200_000);
    assert.deepEqual(heard.flatMap(packed), ['23@', '24@']);
    await scene.time.run(client.stop());
  });

  it('what is gone meanwhile is told as gone', async () => {
    const { scene, client, temperature, heard, observe, reach } = await registered({ defaultNotificationMode: 1 });
    await observe('/3303/1/5700', SENML);
    reach(false);
    temperature[1].sensorValue = 31;
    await scene.time.advance(120_000);
    temperature.remove(1);
    await scene.time.advance(1_000);
    reach(true);
    await scene.time.advance(200_000);
    assert.equal(heard.at(-1), '4.04');
    await scene.time.run(client.stop());
  });

  it('end with the registration: after Register nothing is told, for nothing is observed', async () => {
    const { scene, client, temperature, heard, observe, reach } = await registered({ defaultNotificationMode: 1 });
    await observe('/3303/0/5700', SENML);
    reach(false);
    temperature[0].sensorValue = 21;
    await scene.time.advance(120_000);
    scene.answer = ({ path }) =>
      path.length > 1 ? { code: RESPONSE_CODES.notFound } : { code: RESPONSE_CODES.created, locationPath: ['rd', 'b'] };
    reach(true);
    await scene.time.advance(300_000);
    temperature[0].sensorValue = 22;
    await scene.time.advance(10_000);
    assert.deepEqual(heard, []);
    await observe('/3303/0/5700', SENML);
    await scene.time.advance(1_000);
    assert.deepEqual(heard.flatMap(packed), ['21@'], 'and who observes the same again is told what was kept');
    await scene.time.run(client.stop());
  });

  for (const stores of [true, false]) {
    it(`of the time while its account was disabled ${stores ? 'wait until it observes again' : 'are not kept where /1/x/6 says no'}`, async () => {
      const { scene, client, temperature, heard, observe, ask } = await registered({
        disableTimeout: 600,
        notificationStoringWhenDisabledOrOffline: stores,
      });
      await observe('/3303/0/5700', SENML);
      await observe('/3303/1/5700', TEXT);
      await ask('POST', '/1/0/4', []);
      await scene.time.advance(1_000);
      assert.equal(scene.lines.at(-1), 'DELETE /rd/5a3f');
      for (const value of [21, 22]) {
        temperature[0].sensorValue = value;
        temperature[1].sensorValue = value;
        await scene.time.advance(100_000);
      }
      assert.deepEqual(heard, [], 'it is left alone');
      await scene.time.advance(500_000);
      assert.match(scene.lines.at(-1)!, /^POST \/rd\?/);
      temperature[0].sensorValue = 23;
      await scene.time.advance(1_000);
      assert.deepEqual(heard, [], 'its observations have ended with its registration');
      await observe('/3303/0/5700', SENML);
      await observe('/3303/1/5700', TEXT);
      await scene.time.advance(1_000);
      assert.deepEqual(heard.flatMap(packed), stores ? ['21@', '22@'] : [], 'without times old values would seem new');
      heard.length = 0;
      temperature[0].sensorValue = 24;
      await scene.time.advance(1_000);
      assert.deepEqual(heard.flatMap(packed), ['24']);
      await scene.time.run(client.stop());
    });
  }

  it('an unknown time gives no timestamps: one pack after the other', async () => {
    const inTheDark = Date.UTC(1970, 0, 1, 0, 5);
    const { scene, client, temperature, heard, observe, reach } = await registered(
      { defaultNotificationMode: 1 },
      {},
      inTheDark,
    );
    await observe('/3303/0/5700', SENML);
    reach(false);
    for (const value of [21, 22]) {
      temperature[0].sensorValue = value;
      await scene.time.advance(100_000);
    }
    reach(true);
    await scene.time.advance(200_000);
    assert.deepEqual(heard.map(packed), [['21'], ['22']]);
    await scene.time.run(client.stop());
  });

  it('of the newest of a quick series is told, while one before it is on its way (RFC 7641 §4.5.2)', async () => {
    const { scene, client, temperature, heard, observe, reach } = await registered({ defaultNotificationMode: 1 });
    await observe('/3303/0/5700', TEXT);
    reach(false);
    for (const value of [21, 22, 23]) {
      temperature[0].sensorValue = value;
      await scene.time.advance(1_000);
    }
    reach(true);
    await scene.time.advance(200_000);
    assert.deepEqual(heard, ['2.05 21', '2.05 23']);
    await scene.time.run(client.stop());
  });

  it('are confirmable once in 24 hours, though no connection lasts so long (RFC 7641 §4.5)', async () => {
    const { scene, client, temperature, heard, observe, reach } = await registered();
    await observe('/3303/0/5700', TEXT);
    const types: number[] = [];
    scene.network.onDatagram((from, _to, bytes) => {
      const message = from.address === '198.51.100.7' ? decodeMessage(bytes) : undefined;
      if (message?.code === RESPONSE_CODES.content) types.push(message.type);
      return 'pass';
    });
    const HOURS_7 = 7 * 3_600_000;
    for (let i = 1; i <= 8; i++) {
      reach(false);
      client.update();
      await scene.time.advance(300_000);
      reach(true);
      await scene.time.advance(HOURS_7);
      temperature[0].sensorValue = 20 + i;
      await scene.time.advance(1_000);
    }
    assert.equal(heard.length, 8);
    const { confirmable: con, nonConfirmable: non } = MESSAGE_TYPES;
    assert.deepEqual(types, [non, non, non, con, non, non, non, con]);
    await scene.time.run(client.stop());
  });
});

describe('parameters of an Observe', () => {
  it('stand in place of all that was written, for that observation', async () => {
    const { scene, client, temperature, heard, observe, ask } = await registered();
    assert.equal((await ask('PUT', '/3303/0/5700', ['gt=100'])).code, RESPONSE_CODES.changed);
    await observe('/3303/0/5700', TEXT, ['st=2']);
    for (const value of [21, 22, 23, 24]) {
      temperature[0].sensorValue = value;
      await scene.time.advance(1_000);
    }
    assert.deepEqual(heard, ['2.05 22', '2.05 24']);
    await scene.time.run(client.stop());
  });

  it('are refused where they make no sense, or the version has none', async () => {
    const of12 = await registered();
    for (const query of [['gt=1', 'lt=2'], ['bogus=1'], ['pmin'], ['edge=1'], ['pmin=x']]) {
      const { response } = await of12.observe('/3303/0/5700', TEXT, query);
      assert.equal(formatResponseCode(response.code), '4.00', query.join());
    }
    await of12.scene.time.run(of12.client.stop());
    const of11 = await registered({}, { versions: ['1.1'] });
    const { response } = await of11.observe('/3303/0/5700', TEXT, ['pmin=1']);
    assert.equal(formatResponseCode(response.code), '4.00');
    await of11.scene.time.run(of11.client.stop());
  });
});
