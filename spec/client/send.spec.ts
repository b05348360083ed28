// Send (LwM2M Core 1.2 §6.4.6): what goes in it, in which format, and what waits for a server that cannot be reached.

import assert from 'node:assert/strict';
import { type ClientOptions, type LwM2mClient, type Sample } from '../../lib/client/index.ts';
import { type IncomingRequest, RESPONSE_CODES } from '../../lib/coap/index.ts';
import { Decoder } from 'cbor-x';
import { MemoryStorage } from '../../lib/storage/index.ts';
import { Scene } from './scripted-server.ts';
import { createTemperature } from '../../lib/objects/index.ts';
import { defineObject } from '../../lib/model/index.ts';

const WALL = Date.UTC(2026, 0, 1);
/** An independent reader of the CBOR that we write. */
const cborX = new Decoder({ mapsAsObjects: false, useRecords: false });

const Tank = defineObject({
  id: 32_773,
  name: 'Tank',
  resources: {
    level: { id: 1, name: 'Level', operations: 'R', type: 'integer', range: [0, 100] },
    secret: { id: 2, name: 'Secret', operations: 'W', type: 'string' },
    marks: { id: 3, name: 'Marks', operations: 'R', type: 'integer', multiple: true },
    serial: { id: 4, name: 'Serial', operations: 'R', type: 'integer', wide: true },
  },
});

async function running(options: Partial<ClientOptions> = {}, scene = new Scene({}, WALL)) {
  await scene.listen();
  const sent: IncomingRequest[] = [];
  const before = scene.answer;
  scene.answer = (request) => {
    if (request.path[0] === 'dp') sent.push({ ...request, payload: request.payload.slice() });
    return before(request);
  };
  const temperature = createTemperature({ 0: { sensorValue: 20.5 }, 1: { sensorValue: 30 } });
  const tanks = Tank.create({ 0: { level: 50, secret: 'x', marks: { 0: 1, 7: 2 }, serial: 2n ** 60n } });
  const client = scene.client({ objects: [temperature, tanks], versions: ['1.2', '1.1'], ...options });
  await client.start();
  await scene.time.advance(100);
  let reachable = true;
  scene.network.onDatagram(() => (reachable ? 'pass' : 'drop'));
  return { scene, client, temperature, tanks, sent, reach: (now: boolean) => (reachable = now) };
}

/** Records of a SenML CBOR pack, labels as RFC 8428 table 4 numbers them. */
function records({ payload }: IncomingRequest): readonly (readonly [unknown, unknown][])[] {
  return (cborX.decode(payload) as Map<unknown, unknown>[]).map((record) => [...record]);
}

const json = ({ payload }: IncomingRequest): unknown => JSON.parse(new TextDecoder().decode(payload));
const at = (seconds: number): Date => new Date(WALL + seconds * 1_000);

describe('Send', () => {
  it('carries one path or several in each of its formats', async () => {
    const { scene, client, sent } = await running();
    await scene.time.run(client.send(['/3303/0/5700']));
    await scene.time.run(client.send(['/3303/0/5700', '/3303/1/5700'], { format: 'senmlCbor' }));
    await scene.time.run(client.send(['/3303/0/5700', '/32773/0'], { format: 'lwm2mCbor' }));
    assert.deepEqual(
      sent.map(({ method, path, contentFormat }) => [method, path.join('/'), contentFormat]),
      [
        ['POST', 'dp', 110],
        ['POST', 'dp', 112],
        ['POST', 'dp', 11_544],
      ],
    );
    assert.deepEqual(json(sent[0]!), [{ bn: '/3303/0/5700', v: 20.5 }]);
    assert.deepEqual(records(sent[1]!), [
      [
        [-2, '/3303/'],
        [0, '0/5700'],
        [2, 20.5],
      ],
      [
        [0, '1/5700'],
        [2, 30],
      ],
    ]);
    const tree = cborX.decode(sent[2]!.payload) as Map<unknown, unknown>;
    assert.equal(inTree(tree, [3303, 0, 5700]), 20.5);
    assert.equal(inTree(tree, [32_773, 0, 1]), 50);
    assert.equal(inTree(tree, [32_773, 0, 3, 7]), 2);
    assert.equal(inTree(tree, [32_773, 0, 4]), 2n ** 60n);
    assert.equal(inTree(tree, [32_773, 0, 2]), undefined, 'what servers may not read is not told');
    await scene.time.run(client.stop());
  });

  it('carries a series with its times, relative to the first', async () => {
    const { scene, client, sent } = await running();
    const series: readonly Sample[] = [20, 21, 22.5].map((value, i) => ({
      path: '/3303/0/5700',
      value,
      at: at(-60 + 30 * i),
    }));
    await scene.time.run(client.send(series, { format: 'senmlCbor' }));
    assert.deepEqual(records(sent[0]!), [
      [
        [-2, '/3303/0/5700'],
        [-3, WALL / 1_000 - 60],
        [2, 20],
      ],
      [
        [2, 21],
        [6, 30],
      ],
      [
        [2, 22.5],
        [6, 60],
      ],
    ]);
    await scene.time.run(client.send(series));
    assert.deepEqual(json(sent[1]!), [
      { bn: '/3303/0/5700', bt: WALL / 1_000 - 60, v: 20 },
      { v: 21, t: 30 },
      { v: 22.5, t: 60 },
    ]);
    await scene.time.run(client.send(series, { format: 'lwm2mCbor' }));
    assert.equal(sent[2]!.contentFormat, 112, 'LwM2M CBOR has no times');
    await scene.time.run(client.stop());
  });

  it('falls back to SenML CBOR with a server of 1.1, and there is none with one of 1.0', async () => {
    const { scene, client, sent } = await running({ versions: ['1.1'] });
    await scene.time.run(client.send(['/3303/0/5700'], { format: 'lwm2mCbor' }));
    assert.equal(sent[0]!.contentFormat, 112);
    await scene.time.run(client.stop());
    const old = await running({ versions: ['1.0'] });
    await assert.rejects(old.client.send(['/3303/0/5700']), { code: 'ESTATE' });
    await old.scene.time.run(old.client.stop());
  });

  it('refuses what is not registered, not readable, of another type or out of range, and sends nothing', async () => {
    const { scene, client, sent } = await running();
    const refused: readonly [what: string | Sample, error: object][] = [
      ['/3303/7/5700', { reason: 'notFound' }],
      ['/9999', { reason: 'notFound' }],
      ['/32773/0/2', { reason: 'methodNotAllowed' }],
      ['/0/0/5', { code: 'ECONFIG' }],
      ['/', { code: 'ECONFIG' }],
      ['kettle', { name: 'DecodeError' }],
      [{ path: '/3303/7/5700', value: 1 }, { reason: 'notFound' }],
      [{ path: '/32773/0/2', value: 'x' }, { reason: 'methodNotAllowed' }],
      [{ path: '/3303/0/5700', value: 'hot' }, { reason: 'badRequest' }],
      [{ path: '/32773/0/1', value: 101 }, { reason: 'badRequest' }],
      [{ path: '/32773/0/3', value: 1 }, { reason: 'badRequest' }],
      [{ path: '/32773/0', value: 1 }, { reason: 'notFound' }],
      [{ path: '/0/0/10', value: 1 }, { code: 'ECONFIG' }],
      [{ path: '/3303/0/5700', value: 1, at: new Date(Number.NaN) }, { code: 'ECONFIG' }],
    ];
    for (const [what, error] of refused) await assert.rejects(scene.time.run(client.send([what])), error);
    const twice = [1, 2].map((value) => ({ path: '/3303/0/5700', value }));
    await assert.rejects(client.send(twice), { code: 'ECONFIG', message: /each sample its own time/ });
    await assert.rejects(client.send([]), { code: 'ECONFIG' });
    await assert.rejects(client.send(['/3303/0/5700'], { format: 'text' as 'senmlJson' }), { code: 'ECONFIG' });
    assert.equal(sent.length, 0);
    await scene.time.run(client.stop());
  });

  it('tells what the server answers', async () => {
    const { scene, client } = await running();
    scene.answer = () => ({ code: RESPONSE_CODES.notFound });
    await assert.rejects(scene.time.run(client.send(['/3303/0/5700'])), { code: 'EREFUSED', responseCode: 0x84 });
    await scene.time.run(client.stop());
  });
});

function inTree(tree: Map<unknown, unknown>, ids: readonly number[]): unknown {
  let value: unknown = tree;
  let rest = [...ids];
  while (rest.length > 0) {
    if (!(value instanceof Map)) return undefined;
    const key = [...(value as Map<unknown, unknown>).keys()].find((each) =>
      [each].flat().every((id, i) => rest[i] === id),
    );
    rest = rest.slice([key].flat().length);
    value = (value as Map<unknown, unknown>).get(key);
    if (key === undefined) return undefined;
  }
  return value;
}

describe('Mute Send (/1/x/23)', () => {
  const muted = (client: LwM2mClient): readonly boolean[] => {
    const heard: boolean[] = [];
    client.events.on('sendMuted', ({ absent }) => void heard.push(absent));
    return heard;
  };

  it('is false in the accounts of an application; true or absent refuses Send, with an event', async () => {
    const { scene, client, sent } = await running();
    const heard = muted(client);
    assert.equal(client.server.instance(0).muteSend, false);
    client.server.instance(0).muteSend = true;
    await assert.rejects(client.send(['/3303/0/5700']), { code: 'EMUTED' });
    client.server.instance(0).muteSend = undefined;
    await assert.rejects(client.send(['/3303/0/5700']), { code: 'EMUTED' });
    assert.deepEqual(heard, [false, true]);
    assert.equal(sent.length, 0);
    await scene.time.run(client.stop());
  });

  it('that is absent allows it where an option says so; true refuses all the same', async () => {
    const { scene, client, sent } = await running({
      absentMuteSend: 'allows',
      servers: [{ uri: 'coap://192.0.2.1', lifetime: 300, server: { muteSend: undefined } }],
    });
    await scene.time.run(client.send(['/3303/0/5700']));
    assert.equal(sent.length, 1);
    client.server.instance(0).muteSend = true;
    await assert.rejects(client.send(['/3303/0/5700']), { code: 'EMUTED' });
    await scene.time.run(client.stop());
  });
});

describe('Send while the server cannot be reached', () => {
  it('waits, in order, and tells the times', async () => {
    const { scene, client, temperature, sent, reach } = await running();
    reach(false);
    const results: string[] = [];
    for (const value of [21, 22, 23]) {
      temperature[0].sensorValue = value;
      client.send(['/3303/0/5700']).then(
        () => results.push(`${value}`),
        (error: unknown) => results.push(String(error)),
      );
      await scene.time.advance(60_000);
    }
    assert.deepEqual(results, []);
    assert.deepEqual(client.deferredSends(), { waiting: 3, dropped: 0 });
    reach(true);
    await scene.time.advance(400_000);
    assert.deepEqual(results, ['21', '22', '23']);
    const told = sent.map((request) => (json(request) as { v: number; bt: number }[])[0]!);
    assert.deepEqual(
      told.map(({ v }) => v),
      [21, 22, 23],
    );
    assert.deepEqual(
      told.map(({ bt }) => Math.round(bt - WALL / 1_000)),
      [0, 60, 120],
    );
    assert.deepEqual(client.deferredSends(), { waiting: 0, dropped: 0 });
    await scene.time.run(client.stop());
  });

  it('is bounded: the oldest is dropped for what is newer, and who waits for it is told', async () => {
    const { scene, client, sent, reach } = await running({ maxDeferredValues: 3 });
    reach(false);
    const results: string[] = [];
    for (const value of [1, 2, 3, 4, 5]) {
      client.send([{ path: '/3303/0/5700', value }]).then(
        () => results.push(`${value}`),
        (error: { code: string }) => results.push(`${value} ${error.code}`),
      );
    }
    await scene.time.advance(1);
    assert.deepEqual(results, ['1 EDROPPED', '2 EDROPPED']);
    assert.deepEqual(client.deferredSends(), { waiting: 3, dropped: 2 });
    await assert.rejects(client.send(['/32773', '/3303']), { code: 'ECONFIG' });
    reach(true);
    await scene.time.advance(400_000);
    assert.deepEqual(results.slice(2), ['3', '4', '5']);
    assert.equal(sent.length, 3);
    await scene.time.run(client.stop());
  });

  it('outlives a restart where there is storage; what is gone then is not told', async () => {
    const storage = new MemoryStorage();
    const first = await running({ storage });
    first.reach(false);
    const outcome = first.client.send(['/32773/0/4', { path: '/3303/1/5700', value: 31, at: at(-5) }]);
    const rejected = assert.rejects(outcome, { code: 'ESTATE', message: /after its next start/ });
    const gone = assert.rejects(first.client.send(['/3303/0/5700']), { code: 'ESTATE' });
    await first.scene.time.advance(1_000);
    await first.scene.time.run(first.client.stop({ deregister: false }));
    await rejected;
    await gone;
    const tanks = Tank.create({ 0: { serial: 1n } });
    const second = await running({ storage, objects: [tanks, createTemperature({ 1: { sensorValue: 1 } })] });
    await second.scene.time.advance(1_000);
    assert.equal(second.sent.length, 1);
    const values = (json(second.sent[0]!) as { n?: string; v: number }[]).map(({ n, v }) => [n, v]);
    assert.deepEqual(values, [
      ['/32773/0/4', Number(2n ** 60n)],
      ['/3303/1/5700', 31],
    ]);
    await second.scene.time.run(second.client.stop());
    const third = await running({ storage });
    await third.scene.time.advance(1_000);
    assert.equal(third.sent.length, 0, 'once is enough');
    await third.scene.time.run(third.client.stop());
  });

  it('is not told as done where all of it has gone meanwhile, or came with a later version than the server has', async () => {
    const { scene, client, temperature, sent, reach } = await running({ versions: ['1.1'] });
    reach(false);
    const gone = assert.rejects(client.send(['/3303/0/5700']), { code: 'EDROPPED', message: /any more/ });
    await scene.time.advance(120_000); // nobody answered
    temperature.remove(0);
    reach(true);
    await scene.time.advance(400_000);
    await gone;
    client.server.instance(0).defaultNotificationMode = 0; // /1/x/26 is of 1.2
    await assert.rejects(scene.time.run(client.send(['/1/0/26'])), {
      code: 'EDROPPED',
      message: /servers of LwM2M 1\.1/,
    });
    assert.equal(sent.length, 0);
    await scene.time.run(client.stop());
  });

  it('is given up where the server answers Updates and never a Send, for what comes after has to be told, too', async () => {
    const { scene, client } = await running();
    const before = scene.answer;
    scene.answer = (request) => (request.path[0] === 'dp' ? undefined : before(request));
    const rejected = assert.rejects(client.send(['/3303/0/5700']), { code: 'ETIMEDOUT' });
    await scene.time.advance(2_000_000);
    await rejected;
    assert.ok(scene.lines.filter((line) => line === 'POST /rd/5a3f').length >= 4, 'each silence is looked into');
    assert.deepEqual(client.deferredSends(), { waiting: 0, dropped: 1 });
    await scene.time.run(client.stop());
  });

  it('is taken back by its signal, also while it waits', async () => {
    const { scene, client, sent, reach } = await running();
    const abort = new AbortController();
    reach(false);
    const rejected = assert.rejects(client.send(['/3303/0/5700'], { signal: abort.signal }), /enough/);
    await scene.time.advance(1_000);
    abort.abort(new Error('enough'));
    await rejected;
    reach(true);
    await scene.time.advance(400_000);
    assert.equal(sent.length, 0);
    await assert.rejects(client.send(['/3303/0/5700'], { signal: abort.signal }), /enough/);
    await scene.time.run(client.stop());
    assert.equal(scene.clientTimers, 0);
  });

  it('waits, too, while the server mutes it', async () => {
    const { scene, client, sent, reach } = await running();
    reach(false);
    const sending = client.send(['/3303/0/5700']);
    await scene.time.advance(120_000); // nobody answered
    client.server.instance(0).muteSend = true;
    reach(true);
    await scene.time.advance(400_000);
    assert.equal(sent.length, 0);
    client.server.instance(0).muteSend = false;
    await scene.time.run(sending);
    assert.equal(sent.length, 1);
    await scene.time.run(client.stop());
  });

  it('with an unknown time tells none', async () => {
    const { scene, client, sent, reach } = await running({}, new Scene({}, 0));
    reach(false);
    const sending = client.send(['/3303/0/5700']);
    await scene.time.advance(30_000);
    reach(true);
    await scene.time.advance(400_000);
    await sending;
    assert.deepEqual(json(sent[0]!), [{ bn: '/3303/0/5700', v: 20.5 }]);
    await scene.time.run(client.stop());
  });
});
