// The whole client over the simulated network, against a scripted server.

import assert from 'node:assert/strict';
import { CONTENT_FORMATS, decodeEntries } from '../../lib/formats/index.ts';
import { type IncomingResponse, type OutgoingRequest, RESPONSE_CODES } from '../../lib/coap/index.ts';
import { LwM2mClient, type ServerAccount } from '../../lib/client/index.ts';
import { type ManagedObject, Path } from '../../lib/model/index.ts';
import { createDevice, createTemperature } from '../../lib/objects/index.ts';
import { utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import { MemoryStorage } from '../../lib/storage/index.ts';
import { Scene } from './scripted-server.ts';

const REGISTER = 'POST /rd?ep=urn:dev:example&lt=300&lwm2m=1.1&b=U';
const LINKS =
  '</>;rt="oma.lwm2m";ct="0 42 60 110 112 11542",</1>;ver=1.1,</1/0>,</3>;ver=1.2,</3/0>,</3303>;ver=1.1,</3303/0>';

function objects(): {
  readonly all: readonly ManagedObject[];
  readonly reboots: string[];
  readonly temperature: ReturnType<typeof thermometer>;
} {
  const reboots: string[] = [];
  const device = createDevice({ manufacturer: 'Example', reboot: () => void reboots.push('now') });
  const temperature = thermometer();
  return { all: [device, temperature], reboots, temperature };
}

function thermometer() {
  return createTemperature({ 0: { sensorValue: 20.5 } });
}

async function registered(options: { readonly account?: Partial<ServerAccount> } = {}) {
  const scene = new Scene();
  await scene.listen();
  const { all, reboots, temperature } = objects();
  const client = scene.client({
    objects: all,
    servers: [{ uri: 'coap://192.0.2.1', lifetime: 300, ...options.account }],
  });
  const events: string[] = [];
  for (const name of ['registered', 'updated', 'deregistered', 'registrationFailed', 'disconnected'] as const) {
    client.events.on(name, () => void events.push(name));
  }
  await client.start();
  await scene.time.advance(100);
  assert.deepEqual(scene.lines, [REGISTER]);
  const ask = (request: OutgoingRequest): Promise<IncomingResponse> =>
    scene.time.run(scene.connection.request(request));
  return { scene, client, events, reboots, temperature, ask };
}

const path = (text: string): readonly string[] => text.split('/').filter((part) => part !== '');

describe('client', () => {
  it('registers with what it has, and never tells of /0', async () => {
    const { scene, client, events } = await registered();
    assert.equal(scene.seen[0]?.payload, LINKS);
    assert.deepEqual(events, ['registered']);
    await scene.time.run(client.stop());
  });

  it('updates in time, and de-registers at the end', async () => {
    const { scene, client, events } = await registered();
    await scene.time.advance(207_500);
    assert.deepEqual(scene.lines.slice(1), ['POST /rd/5a3f']);
    assert.equal(scene.seen[1]?.payload, '');
    assert.ok(Math.abs(scene.seen[1]!.at - 207) < 0.5, `${scene.seen[1]!.at}`);
    await scene.time.run(client.stop());
    assert.equal(scene.lines.at(-1), 'DELETE /rd/5a3f');
    assert.deepEqual(events, ['registered', 'updated', 'deregistered']);
    assert.equal(scene.clientTimers, 0, 'nothing is left to wake up');
  });

  it('sends an Update with a new lifetime, and with new instances', async () => {
    const { scene, client, temperature } = await registered();
    client.server.instance(0).lifetime = 600;
    await scene.time.advance(100);
    temperature.add(1, { sensorValue: 1 });
    temperature.add(2, { sensorValue: 2 });
    await scene.time.advance(100);
    assert.deepEqual(scene.lines.slice(1), ['POST /rd/5a3f?lt=600', 'POST /rd/5a3f']);
    assert.equal(scene.seen[2]?.payload, `${LINKS},</3303/1>,</3303/2>`, 'two changes are one Update');
    await scene.time.run(client.stop());
  });

  it('answers reads in the formats asked for', async () => {
    const { scene, client, ask } = await registered();
    const text = await ask({ method: 'GET', path: path('/3303/0/5700'), accept: CONTENT_FORMATS.text });
    assert.equal(text.code, RESPONSE_CODES.content);
    assert.equal(utf8Decode(text.payload), '20.5');
    const senml = await ask({ method: 'GET', path: path('/3303/0/5700') });
    assert.equal(senml.contentFormat, CONTENT_FORMATS.senmlJson);
    assert.deepEqual(JSON.parse(utf8Decode(senml.payload)), [{ bn: '/3303/0/5700', v: 20.5 }]);
    const tlv = await ask({ method: 'GET', path: path('/3/0/0'), accept: CONTENT_FORMATS.tlv });
    // Core 1.2 §7.4.5: type 0xC8 would be a longer value; "Example" is 7 bytes: 11 0 00 111, id 0
    assert.deepEqual(tlv.payload, Uint8Array.of(0xc7, 0x00, ...utf8Encode('Example')));
    const device = await ask({ method: 'GET', path: path('/3/0'), accept: CONTENT_FORMATS.senmlJson });
    const entries = decodeEntries(CONTENT_FORMATS.senmlJson, Path.of(3, 0), device.payload, () => undefined);
    assert.ok(entries.some((entry) => entry.path.toString() === '/3/0/11/0'));
    await scene.time.run(client.stop());
  });

  it('runs the reboot handler, with arguments or without', async () => {
    const { scene, client, reboots, ask } = await registered();
    const plain = await ask({ method: 'POST', path: path('/3/0/4') });
    assert.equal(plain.code, RESPONSE_CODES.changed);
    const text = utf8Encode("0='soon'");
    const withArguments = await ask({ method: 'POST', path: path('/3/0/4'), contentFormat: 0, payload: text });
    assert.equal(withArguments.code, RESPONSE_CODES.changed);
    assert.equal(reboots.length, 2);
    await scene.time.run(client.stop());
  });

  it('takes a written lifetime into its next Update', async () => {
    const { scene, client, ask } = await registered();
    const written = await ask({ method: 'PUT', path: path('/1/0/1'), contentFormat: 0, payload: utf8Encode('60') });
    assert.equal(written.code, RESPONSE_CODES.changed);
    await scene.time.advance(100);
    assert.equal(scene.lines.at(-1), 'POST /rd/5a3f?lt=60');
    await scene.time.advance(31_000);
    assert.equal(scene.lines.at(-1), 'POST /rd/5a3f', 'half of 60 s later');
    await scene.time.run(client.stop());
  });

  it('updates when the server triggers it, after the answer', async () => {
    const { scene, client, ask } = await registered();
    assert.equal((await ask({ method: 'POST', path: path('/1/0/8') })).code, RESPONSE_CODES.changed);
    await scene.time.advance(100);
    assert.deepEqual(scene.lines.slice(1), ['POST /rd/5a3f']);
    await scene.time.run(client.stop());
  });

  it('leaves when the server disables it, and comes back', async () => {
    const { scene, client, ask } = await registered({ account: { server: { disableTimeout: 60 } } });
    assert.equal((await ask({ method: 'POST', path: path('/1/0/4') })).code, RESPONSE_CODES.changed);
    await scene.time.advance(1_000);
    assert.deepEqual(scene.lines.slice(1), ['DELETE /rd/5a3f']);
    await scene.time.advance(60_000);
    assert.equal(scene.lines.at(-1), REGISTER);
    await scene.time.run(client.stop());
  });

  it('notifies an observer of each change, and coalesces those of one moment', async () => {
    const { scene, client, temperature } = await registered();
    const seen: string[] = [];
    const observed = await scene.time.run(
      scene.connection.observe(
        { method: 'GET', path: path('/3303/0/5700'), accept: CONTENT_FORMATS.text },
        (response) => void seen.push(utf8Decode(response.payload)),
      ),
    );
    assert.equal(utf8Decode(observed.response.payload), '20.5');
    temperature[0]!.sensorValue = 21;
    temperature[0]!.sensorValue = 22;
    await scene.time.advance(1_000);
    temperature[0]!.sensorValue = 23.5;
    await scene.time.advance(1_000);
    assert.deepEqual(seen, ['22', '23.5']);
    await scene.time.run(observed.cancel());
    temperature[0]!.sensorValue = 24;
    await scene.time.advance(1_000);
    assert.equal(seen.length, 2);
    await scene.time.run(client.stop());
  });

  it('ignores requests before Register is answered', async () => {
    const scene = new Scene();
    await scene.listen();
    scene.answer = () => undefined;
    const client = scene.client({ objects: objects().all });
    const asked: (number | undefined)[] = [];
    client.events.on('request', ({ code }) => void asked.push(code));
    await client.start();
    await scene.time.advance(100);
    const early = scene.connection.request({ method: 'GET', path: path('/3/0/0'), confirmable: false });
    early.catch(() => undefined);
    await scene.time.advance(1_000);
    assert.deepEqual(asked, [], 'not even looked at');
    await scene.time.run(client.stop());
    scene.connection.close();
  });

  it('keeps /0 and its key from servers', async () => {
    const { scene, client, ask } = await registered();
    for (const at of ['/0', '/0/0', '/0/0/5', '/21/0']) {
      for (const method of ['GET', 'PUT', 'POST', 'DELETE'] as const) {
        const response = await ask({ method, path: path(at), contentFormat: 0, payload: utf8Encode('x') });
        assert.equal(response.code, RESPONSE_CODES.unauthorized, `${method} ${at}`);
        assert.equal(response.payload.length, 0);
      }
    }
    await scene.time.run(client.stop());
  });

  it('sends values, but not while muted', async () => {
    const { scene, client } = await registered({ account: { server: { muteSend: false } } });
    await scene.time.run(client.send(['/3303/0/5700']));
    assert.equal(scene.lines.at(-1), 'POST /dp');
    assert.deepEqual(JSON.parse(scene.seen.at(-1)!.payload), [{ bn: '/3303/0/5700', v: 20.5 }]);
    client.server.instance(0).muteSend = undefined;
    await assert.rejects(client.send(['/3303/0/5700']), { code: 'EMUTED' });
    await assert.rejects(client.send(['/0/0/5']), { name: 'LwM2mError' });
    await scene.time.run(client.stop());
    await assert.rejects(client.send(['/3303/0/5700']), { code: 'ESTATE' });
  });

  it('after a restart uses the same port and one Update, or registers when forgotten', async () => {
    const storage = new MemoryStorage();
    const scene = new Scene();
    await scene.listen();
    const first = scene.client({ objects: objects().all, storage });
    await first.start();
    await scene.time.advance(1_000);
    await scene.time.run(first.stop({ deregister: false }));
    await scene.time.advance(100_000);
    const second = scene.client({ objects: objects().all, storage });
    await second.start();
    await scene.time.advance(1_000);
    assert.deepEqual(scene.lines, [REGISTER, 'POST /rd/5a3f']);
    assert.equal(scene.seen[1]?.from, scene.seen[0]?.from);
    await scene.time.run(second.stop({ deregister: false }));

    scene.answer = ({ path: at }) =>
      at.length > 1 ? { code: RESPONSE_CODES.notFound } : { code: RESPONSE_CODES.created, locationPath: ['rd', 'new'] };
    const third = scene.client({ objects: objects().all, storage });
    await third.start();
    await scene.time.advance(1_000);
    assert.deepEqual(scene.lines.slice(2), ['POST /rd/5a3f', REGISTER]);
    await scene.time.run(third.stop());
  });

  it('takes another port when the saved one is taken', async () => {
    const storage = new MemoryStorage();
    const scene = new Scene();
    await scene.listen();
    const first = scene.client({ objects: objects().all, storage });
    await first.start();
    await scene.time.advance(1_000);
    await scene.time.run(first.stop({ deregister: false }));
    const squatter = scene.network.datagramSocket('198.51.100.7');
    await squatter.bind('198.51.100.7', scene.seen[0]!.from!);
    const second = scene.client({ objects: objects().all, storage });
    await second.start();
    await scene.time.advance(1_000);
    assert.equal(scene.lines.length, 2);
    assert.notEqual(scene.seen[1]?.from, scene.seen[0]?.from);
    await scene.time.run(second.stop());
  });

  it('registers a large object list block by block', async () => {
    const scene = new Scene();
    await scene.listen();
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, id) => [id, { sensorValue: id }]));
    const client = scene.client({ objects: [objects().all[0]!, createTemperature(many)] });
    await client.start();
    await scene.time.advance(10_000);
    assert.deepEqual(scene.lines, [REGISTER]);
    assert.ok(scene.seen[0]!.payload.endsWith('</3303/299>'));
    await scene.time.run(client.stop());
  });

  it('registers through a lossy network', async () => {
    const scene = new Scene({ loss: 0.3, latency: 50, seed: 7 });
    await scene.listen();
    const client = scene.client({ objects: objects().all });
    const done = client.events.next('registered');
    await client.start();
    await scene.time.run(done);
    await scene.time.run(client.stop());
  });

  it('says what to do when it is set up wrongly', () => {
    const base = { endpoint: 'e', objects: [], backends: {} };
    const wrong: [object, RegExp][] = [
      [{ servers: [] }, /servers: expected at least one/],
      [{ servers: [{ uri: 'coap://h' }] }, /dangerAllowNoSec/],
      [{ servers: [{ uri: 'coaps://h' }] }, /servers\[0\]\.security: coaps needs credentials/],
      [{ servers: [{ uri: 'http://h' }] }, /servers\[0\]\.uri: .*coaps:\/\/server\.example/],
      [{ servers: [{ uri: 'coap://h/x' }], dangerAllowNoSec: true }, /no path/],
      [{ servers: [{ uri: 'coap://h', lifetime: -1 }], dangerAllowNoSec: true }, /servers\[0\]\.lifetime/],
      [{ servers: [{ uri: 'coap://h' }], dangerAllowNoSec: true, endpoint: '' }, /endpoint: expected 1 to/],
    ];
    for (const [options, message] of wrong) {
      assert.throws(() => new LwM2mClient({ ...base, servers: [], ...options }), { code: 'ECONFIG', message });
    }
  });
});

describe('client at a server in trouble', () => {
  it('waits when the server is silent, and registers once it answers', async () => {
    const scene = new Scene();
    await scene.listen();
    const { answer } = scene;
    scene.answer = () => undefined;
    const client = scene.client({ objects: objects().all });
    const failures: string[] = [];
    client.events.on(
      'registrationFailed',
      ({ error, retryAfter }) => void failures.push(`${(error as Error & { code?: string }).code} ${retryAfter}`),
    );
    const registered_ = client.events.next('registered');
    await client.start();
    const failed = client.events.next('registrationFailed');
    await scene.time.run(failed);
    assert.deepEqual(failures, ['ETIMEDOUT 60000']);
    scene.answer = answer;
    await scene.time.run(registered_);
    await scene.time.run(client.stop());
  });

  it('tells what a refusal may mean, and gives up after the tries of /1/x/17', async () => {
    const scene = new Scene();
    await scene.listen();
    scene.answer = () => ({ code: RESPONSE_CODES.forbidden });
    const client = scene.client({
      objects: objects().all,
      servers: [{ uri: 'coap://192.0.2.1', server: { communicationRetryCount: 2, communicationRetryTimer: 10 } }],
    });
    const failures: string[] = [];
    client.events.on(
      'registrationFailed',
      ({ error, retryAfter }) => void failures.push(`${error.message} ${retryAfter}`),
    );
    await client.start();
    await scene.time.advance(100_000);
    assert.equal(failures.length, 2);
    assert.match(failures[0]!, /refused the registration with 4\.03: is the endpoint name .* 10000$/);
    assert.match(failures[1]!, / undefined$/);
    assert.equal(scene.lines.length, 2);
    scene.answer = () => ({ code: RESPONSE_CODES.created, locationPath: ['rd', 'x'] });
    client.update();
    await scene.time.advance(1_000);
    assert.equal(scene.lines.length, 3, 'update() tries again');
    await scene.time.run(client.stop());
  });

  it('stops in bounded time when De-register is not answered', async () => {
    const { scene, client, events } = await registered();
    scene.answer = () => undefined;
    const before = scene.time.now();
    await scene.time.run(client.stop());
    assert.ok(scene.time.now() - before <= 10_000);
    assert.deepEqual(events, ['registered', 'deregistered']);
  });

  it('goes on when a listener of the application throws', async () => {
    const { scene, client } = await registered();
    client.events.on('updated', () => {
      throw new Error('mine');
    });
    client.update();
    await scene.time.advance(100);
    client.update();
    await scene.time.advance(100);
    assert.deepEqual(scene.lines.slice(1), ['POST /rd/5a3f', 'POST /rd/5a3f']);
    await scene.time.run(client.stop());
  });

  it('may be stopped at any moment, and started again', async () => {
    for (const wait of [0, 1, 5, 20, 50]) {
      const scene = new Scene({ latency: 10 });
      await scene.listen();
      const client = scene.client({ objects: objects().all });
      await client.start();
      await scene.time.advance(wait);
      await scene.time.run(client.stop());
      assert.equal(scene.clientTimers, 0, `stopped after ${wait} ms`);
      const again = client.events.next('registered');
      await client.start();
      await scene.time.run(again);
      await assert.rejects(client.start(), { code: 'ESTATE' });
      await scene.time.run(client.stop());
    }
  });

  it('shares a storage with nobody', async () => {
    const storage = new MemoryStorage();
    const scene = new Scene();
    await scene.listen();
    const first = scene.client({ objects: objects().all, storage });
    await first.start();
    await assert.rejects(scene.client({ objects: objects().all, storage }).start(), { code: 'ELOCKED' });
    await scene.time.run(first.stop());
  });

  it('serves several servers, each with its own registration', async () => {
    const scene = new Scene();
    await scene.listen();
    const client = scene.client({
      objects: objects().all,
      servers: [
        { uri: 'coap://192.0.2.1', lifetime: 100 },
        { uri: 'coap://192.0.2.1:5683', lifetime: 200, shortServerId: 7 },
      ],
    });
    await client.start();
    await scene.time.advance(1_000);
    assert.deepEqual(new Set(scene.lines.map((line) => /lt=\d+/.exec(line)?.[0])), new Set(['lt=100', 'lt=200']));
    client.update(7);
    await scene.time.advance(1_000);
    assert.equal(scene.lines.length, 3);
    assert.throws(() => client.update(8), { code: 'ENOACCOUNT', message: /there is 101, 7/ });
    await scene.time.run(client.stop());
  });
});
