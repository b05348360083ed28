// One device's life at Leshan, over whatever carries CoAP: it registers, is read, written, observed and executed, sends, and leaves.

import assert from 'node:assert/strict';
import {
  type Backends,
  type LwM2mClient,
  type SecurityConfiguration,
  type TemperatureDefinition,
  type TypedObject,
  createClient,
  createDevice,
  createTemperature,
  nodeBackends,
} from '../../lib/index.ts';
import { COAP_SCHEMES, type CoapScheme } from '../../lib/net/index.ts';
import type { LeshanNode, LeshanServer } from './peers/leshan.ts';

/** How a device reaches Leshan. */
export interface Reached {
  readonly endpoint: string;
  readonly scheme: CoapScheme;
  /** Port, and credentials if the scheme has any; tells Leshan whom to let in. */
  readonly account: (
    leshan: LeshanServer,
  ) => Promise<{ readonly port: number; readonly security?: SecurityConfiguration }>;
  /** Default: those of Node. */
  readonly backends?: () => Backends;
}

/** One device's life, in order: each case goes on where the one before ended. */
export function managed(server: () => LeshanServer, { endpoint, scheme, account, backends }: Reached): void {
  const { secure, transport } = COAP_SCHEMES[scheme];
  const binding = transport === 'stream' ? 'T' : 'U';
  const reboots: (readonly [number, string | undefined][])[] = [];
  let leshan: LeshanServer;
  let client: LwM2mClient;
  let temperature: TypedObject<TemperatureDefinition, 0>;

  before(async () => {
    leshan = server();
    leshan.events.forget();
    const { port, security } = await account(leshan);
    temperature = createTemperature({ 0: { sensorValue: 20.5, sensorUnits: 'Cel' } });
    const device = createDevice({
      manufacturer: 'lwm2m-client',
      serialNumber: 'Größe 1',
      batteryLevel: 87,
      availablePowerSources: { 0: 1, 3: 5 },
      reboot: (args: ReadonlyMap<number, string | undefined>) => void reboots.push([...args]),
    });
    client = createClient({
      endpoint,
      objects: [device, temperature],
      backends: (backends ?? nodeBackends)(),
      servers: [
        {
          uri: `${scheme}://127.0.0.1:${port}`,
          ...(security && { security }),
          lifetime: 300,
          server: { muteSend: false },
        },
      ],
      dangerAllowNoSec: !secure,
    });
  });
  after(async () => client?.stop());
  const named = (data: { readonly endpoint: string }): boolean => data.endpoint === endpoint;

  it('registers with its name, lifetime, binding and objects', async () => {
    await client.start();
    const registration = await leshan.events.waitFor('REGISTRATION', named);
    assert.equal(registration.lifetime, 300);
    assert.equal(registration.lwM2mVersion, '1.1');
    assert.equal(registration.bindingMode, binding);
    assert.equal(registration.secure, secure);
    const urls = registration.objectLinks.map(({ url }) => url);
    for (const url of ['/1/0', '/3/0', '/3303/0']) assert.ok(urls.includes(url), `${url} in ${urls.join(' ')}`);
    assert.ok(!urls.some((url) => url.startsWith('/0')), 'Security is not listed');
    assert.equal(registration.objectLinks.find(({ url }) => url === '/')?.attributes['rt'], 'oma.lwm2m');
    for (const format of ['TLV', 'SENML_JSON']) assert.ok(registration.supportedContentFormats.includes(format));
  });

  for (const format of ['TLV', 'SENML_JSON'] as const) {
    it(`is read whole in ${format}`, async () => {
      const { content, success, status } = await leshan.read(endpoint, '/3/0', format);
      assert.ok(success, status);
      assert.equal(valueOf(content, 0), 'lwm2m-client');
      assert.equal(valueOf(content, 2), 'Größe 1');
      assert.equal(valueOf(content, 9), '87');
      assert.deepEqual(valueOf(content, 6), { 0: '1', 3: '5' });
      assert.deepEqual(valueOf(content, 11), { 0: '0' });
      const sensor = await leshan.read(endpoint, '/3303', format);
      assert.equal(sensor.content?.kind, 'obj');
    });
  }

  it('is read by the resource in TEXT', async () => {
    const { content } = await leshan.read(endpoint, '/3/0/2', 'TEXT');
    assert.deepEqual(content, { id: 2, kind: 'singleResource', type: 'STRING', value: 'Größe 1' });
    assert.equal(singleValue((await leshan.read(endpoint, '/3303/0/5700', 'TEXT')).content), '20.5');
  });

  it('refuses what is not there, and /0', async () => {
    assert.match((await leshan.read(endpoint, '/3/0/22')).status, /404/);
    assert.match((await leshan.read(endpoint, '/0/0')).status, /401/);
    assert.match((await leshan.execute(endpoint, '/3/0/0')).status, /405/);
  });

  for (const [format, lifetime] of [
    ['TLV', 240],
    ['TEXT', 250],
    ['SENML_JSON', 260],
  ] as const) {
    it(`/1/0/1 written in ${format} takes effect and is announced by Update`, async () => {
      const node = { id: 1, kind: 'singleResource', type: 'INTEGER', value: `${lifetime}` } as const;
      const response = await leshan.write(endpoint, '/1/0/1', node, { format });
      assert.equal(response.status, 'CHANGED(204)');
      await leshan.events.waitFor(
        'UPDATED',
        (data) => named(data.registration) && data.registration.lifetime === lifetime,
      );
      assert.equal(singleValue((await leshan.read(endpoint, '/1/0/1')).content), `${lifetime}`);
    });
  }

  it('a partial write of an instance changes what it names and nothing else', async () => {
    const resources = [{ id: 1, kind: 'singleResource', type: 'INTEGER', value: '270' }] as const;
    const response = await leshan.write(endpoint, '/1/0', { id: 0, kind: 'instance', resources }, { replace: false });
    assert.equal(response.status, 'CHANGED(204)');
    await leshan.events.waitFor('UPDATED', (data) => named(data.registration) && data.registration.lifetime === 270);
    assert.equal(singleValue((await leshan.read(endpoint, '/1/0/7')).content), binding);
  });

  it("executes /3/0/4 with arguments: the application's reboot handler is called", async () => {
    assert.equal((await leshan.execute(endpoint, '/3/0/4', "0='now',3")).status, 'CHANGED(204)');
    assert.deepEqual(reboots, [
      [
        [0, 'now'],
        [3, undefined],
      ],
    ]);
  });

  it('answers Discover', async () => {
    const { objectLinks = [] } = await leshan.discover(endpoint, '/3/0');
    const urls = objectLinks.map(({ url }) => url);
    for (const url of ['/3/0', '/3/0/0', '/3/0/4', '/3/0/9'])
      assert.ok(urls.includes(url), `${url} in ${urls.join(' ')}`);
    assert.equal(objectLinks.find(({ url }) => url === '/3/0/6')?.attributes['dim'], '2');
  });

  it('notifies of /3303/0/5700, and stops when it is told', async () => {
    const observed = await leshan.observe(endpoint, '/3303/0/5700');
    assert.equal(singleValue(observed.content), '20.5');
    for (const value of [21.25, -3.5]) {
      temperature[0].sensorValue = value;
      await leshan.events.waitFor(
        'NOTIFICATION',
        (data) => data.ep === endpoint && singleValue(data.val) === `${value}`,
      );
    }
    assert.equal((await leshan.cancelObserve(endpoint, '/3303/0/5700', 'active')).success, true);
    temperature[0].sensorValue = 99.5;
    assert.equal(singleValue((await leshan.read(endpoint, '/3303/0/5700')).content), '99.5');
    const heard = leshan.events.heard(
      'NOTIFICATION',
      (data) => data.ep === endpoint && singleValue(data.val) === '99.5',
    );
    assert.deepEqual(heard, []);
  });

  it('Send arrives', async () => {
    await client.send(['/3303/0/5700', '/3/0/9']);
    const { val } = await leshan.events.waitFor('SEND', (data) => data.ep === endpoint);
    assert.equal(singleValue(val['/3303/0/5700']), '99.5');
    assert.equal(singleValue(val['/3/0/9']), '87');
  });

  it('a collection arrives as one pack of SenML CBOR with its times', async () => {
    const collection = client.collect('/3303/0/5700');
    const now = Date.now();
    for (const [value, ago] of [
      [41.5, 2_000],
      [42.5, 1_000],
      [43.5, 0],
    ] as const)
      collection.add(value, new Date(now - ago));
    await collection.flush();
    const { val } = await leshan.events.waitFor('SEND', ({ ep, times }) => ep === endpoint && times === 3);
    assert.equal(singleValue(val['/3303/0/5700']), '43.5');
    assert.deepEqual([collection.size, collection.dropped], [0, 0]);
    collection.close();
  });

  it('updates when the application asks', async () => {
    const before = await leshan.registration(endpoint);
    const updated = client.events.next('updated');
    client.update();
    await updated;
    const since = before?.lastUpdate ?? Number.POSITIVE_INFINITY;
    await leshan.events.waitFor(
      'UPDATED',
      ({ registration }) => named(registration) && registration.lastUpdate > since,
    );
  });

  it('de-registers', async () => {
    await client.stop();
    await leshan.events.waitFor('DEREGISTRATION', named);
    assert.equal(await leshan.registration(endpoint), undefined);
    assert.deepEqual(
      leshan.events.heard('ERROR', (data) => data.ep === endpoint),
      [],
    );
  });
}

function singleValue(node: LeshanNode | undefined): unknown {
  return node?.kind === 'singleResource' ? node.value : undefined;
}

/** The value (or the values by instance) of a resource of an instance. */
function valueOf(instance: LeshanNode | undefined, id: number): unknown {
  assert.equal(instance?.kind, 'instance');
  const resource = instance.resources.find((each) => each.id === id);
  return resource?.kind === 'multiResource' ? resource.values : singleValue(resource);
}
