// OMA's interoperability cases that Leshan can drive, in each format it speaks: device management (int-2xx).

import assert from 'node:assert/strict';
import type { LwM2mVersion } from '../../lib/client/index.ts';
import { C1, C12, C1_KEYS, C3, C4, C6, type Configuration, LIFETIME } from '../ets/device.ts';
import { DEVICE_VALUES, EXTENDED_SERVER_VALUES, SERVER_VALUES, areBelow, includes } from '../ets/expectations.ts';
import type { Values } from '../ets/payloads.ts';
import { LeshanDevice } from './leshan-device.ts';
import { type LeshanFormat, LeshanServer } from './peers/leshan.ts';
import { needs, smoke } from './peers/peer.ts';

/** Those that carry instances; undefined: the device chooses. */
const TREES = [undefined, 'TLV', 'SENML_JSON', 'SENML_CBOR'] as const;
const SINGLES = [...TREES, 'TEXT', 'CBOR'] as const;
const COMPOSITES = ['SENML_JSON', 'SENML_CBOR'] as const;
const INSTANCES = ['TLV', 'SENML_JSON', 'SENML_CBOR'] as const;
/** Leshan has no pack of its own choice for what it writes. */
const WRITTEN = ['TLV', 'SENML_JSON', 'SENML_CBOR', 'TEXT', 'CBOR'] as const;

const FIRST: Values = {
  '/16/0/0/0': 'Host Device ID #1',
  '/16/0/0/1': 'Host Device Manufacturer #1',
  '/16/0/0/2': 'Host Device Model #1',
  '/16/0/0/3': 'Host Device Software Version #1',
};
const SECOND: Values = { '/16/1/0/0': 'Host Device ID #2', '/16/1/0/1': 'Host Device Model #2' };

describe('OMA interoperability cases at Leshan: device management', () => {
  needs('leshan');

  let leshan: LeshanServer;
  let devices = 0;
  before(async function () {
    this.timeout(90_000);
    leshan = await LeshanServer.start();
  });
  after(async () => leshan?.stop());

  /** A case with a device of its own, de-registered at the end. */
  function ets(
    title: string,
    configuration: Configuration,
    run: (device: LeshanDevice) => Promise<void>,
    version: LwM2mVersion = '1.1',
  ): void {
    it(title, async () => {
      await using device = await LeshanDevice.register(leshan, `ets-${devices++}`, configuration, version);
      await run(device);
    });
  }

  function inFormats<F extends LeshanFormat | undefined>(
    formats: readonly F[],
    title: string,
    configuration: Configuration,
    run: (device: LeshanDevice, format: F) => Promise<void>,
  ): void {
    for (const format of smoke ? formats.slice(-1) : formats) {
      ets(`${title} (${format ?? "the device's choice"})`, configuration, (device) => run(device, format));
    }
  }

  inFormats(SINGLES, 'int-201, 211, 224: single values', C1, async (device, format) => {
    const expected = { ...SERVER_VALUES, ...DEVICE_VALUES };
    for (const path of ['/3/0/0', '/3/0/1', '/3/0/2', '/3/0/16', '/1/0/0', '/1/0/1', '/1/0/6', '/1/0/7']) {
      assert.deepEqual(await device.read(path, format), { [path]: expected[path] });
    }
  });

  inFormats(TREES, 'int-203, 222, 223, 231, 232, 237: objects and instances', C1, async (device, format) => {
    includes(await device.read('/1', format), SERVER_VALUES);
    includes(await device.read('/3', format), DEVICE_VALUES);
    includes(await device.read('/1/0', format), SERVER_VALUES);
    includes(await device.read('/3/0', format), DEVICE_VALUES);
  });

  ets(
    'int-203 and 204: TLV and JSON of 1.0',
    C1,
    async (device) => {
      for (const format of ['TLV', 'JSON'] as const) includes(await device.read('/3/0', format), DEVICE_VALUES);
    },
    '1.0',
  );

  inFormats(SINGLES, 'int-225: a resource instance', C1, async (device, format) => {
    assert.deepEqual(await device.read('/3/0/11/0', format), { '/3/0/11/0': 0 });
  });

  inFormats(WRITTEN, 'int-205, 212: single values are written', C3, async (device, format) => {
    const written = { '/1/0/2': 101, '/1/0/3': 1010, '/1/0/5': 2000, '/1/0/6': true };
    for (const values of [written, EXTENDED_SERVER_VALUES]) {
      for (const path of Object.keys(written)) await device.write(path, values, format);
      includes(await device.read('/1/0', 'TLV'), { ...EXTENDED_SERVER_VALUES, ...pick(values, written) });
    }
  });

  inFormats(INSTANCES, 'int-215, 226: an instance is updated in part, and replaced', C3, async (device, format) => {
    const initial = await device.read('/1/0', format);
    const written = { '/1/0/1': 61, '/1/0/2': 101, '/1/0/3': 1010, '/1/0/5': 2000, '/1/0/6': true, '/1/0/7': 'U' };
    await device.write('/1/0', written, format, false);
    await device.updated(({ lifetime }) => lifetime === 61);
    assert.deepEqual(await device.read('/1/0', format), { ...initial, ...written });
    const { '/1/0/0': _shortServerId, ...writable } = EXTENDED_SERVER_VALUES;
    await device.write('/1/0', writable, format, true);
    await device.updated(({ lifetime }) => lifetime === LIFETIME);
    assert.deepEqual(await device.read('/1/0', format), EXTENDED_SERVER_VALUES);
  });

  ets(
    'int-220: an instance in the JSON of 1.0',
    C3,
    async (device) => {
      const initial = await device.read('/1/0', 'JSON');
      const written = { '/1/0/2': 101, '/1/0/3': 1010, '/1/0/5': 2000, '/1/0/6': true, '/1/0/7': 'U' };
      await device.write('/1/0', written, 'JSON', false);
      assert.deepEqual(await device.read('/1/0', 'JSON'), { ...initial, ...written });
    },
    '1.0',
  );

  ets('int-221: Security is not for servers', C1, async ({ endpoint }) => {
    const uri = { id: 0, kind: 'singleResource', type: 'STRING', value: 'coap://198.51.100.1' } as const;
    const answers = [
      await leshan.read(endpoint, '/0'),
      await leshan.write(endpoint, '/0/0/0', uri),
      await leshan.writeAttributes(endpoint, '/0', { pmin: '30', pmax: '45' }),
    ];
    for (const { status } of answers) assert.equal(status, 'UNAUTHORIZED(401)');
  });

  inFormats(WRITTEN, 'int-227: a resource is replaced', C1, async (device, format) => {
    for (const lifetime of [63, LIFETIME]) {
      await device.write('/1/0/1', { '/1/0/1': lifetime }, format);
      await device.updated((registration) => registration.lifetime === lifetime);
      assert.deepEqual(await device.read('/1/0/1', format), { '/1/0/1': lifetime });
    }
  });

  inFormats(WRITTEN, 'int-228: a resource instance is written', C12, async (device, format) => {
    await device.write('/16/0/0/1', { '/16/0/0/1': 'test' }, format);
    assert.deepEqual(await device.read('/16/0/0/1', format), { '/16/0/0/1': 'test' });
    assert.deepEqual(await device.read('/16'), { ...FIRST, '/16/0/0/1': 'test' });
  });

  inFormats(COMPOSITES, 'int-229, 235, 236, 280, 281: Read-Composite', C1_KEYS, async (device, format) => {
    const expected = { ...DEVICE_VALUES, ...SERVER_VALUES };
    // OMA asks for /1/0/1 and /3/0/11/0 beside these: Leshan refuses to ask for paths that overlap.
    includes(await device.readComposite(['/3', '/1/0'], format), expected);
    const all = await device.readComposite(['/'], format);
    includes(all, expected);
    areBelow(all, '/1/0', '/3/0');
    const present = await device.readComposite(['/1/0/1', '/3/0/11/0', '/3303/0/5700'], format);
    assert.deepEqual(present, { '/1/0/1': LIFETIME, '/3/0/11/0': 0 });
    const named = await device.readComposite(['/3/0/16', '/3/0/11/0', '/1/0'], format);
    includes(named, { ...SERVER_VALUES, '/3/0/11/0': 0, '/3/0/16': 'U' });
    const readable = await device.readComposite(['/1/0/1', '/1/0/7', '/1/0/8'], format);
    assert.deepEqual(readable, { '/1/0/1': LIFETIME, '/1/0/7': 'U' });
  });

  inFormats(COMPOSITES, 'int-230: Write-Composite of Server and Portfolio', C12, async (device, format) => {
    const identity = { '/16/0/0/0': 'aa', '/16/0/0/1': 'bb', '/16/0/0/2': 'cc', '/16/0/0/3': 'dd' };
    await device.writeComposite({ '/1/0/1': 61, '/1/0/6': true, ...identity }, format);
    await device.updated(({ lifetime }) => lifetime === 61);
    includes(await device.read('/1/0'), { ...SERVER_VALUES, '/1/0/1': 61, '/1/0/6': true });
    assert.deepEqual(await device.read('/16'), identity);
  });

  inFormats(
    COMPOSITES,
    'int-233, 234: instance, resource instance and resource are written',
    C12,
    async (device, format) => {
      await device.write('/1/0', { '/1/0/1': 61, '/1/0/6': true }, format, false);
      await device.updated(({ lifetime }) => lifetime === 61);
      includes(await device.read('/1', format), { ...SERVER_VALUES, '/1/0/1': 61, '/1/0/6': true });
      await device.write('/16/0/0/0', { '/16/0/0/0': 'test_value' }, format);
      assert.deepEqual(await device.read('/16', format), { ...FIRST, '/16/0/0/0': 'test_value' });
      await device.write('/1/0/1', { '/1/0/1': 63 }, format);
      await device.updated(({ lifetime }) => lifetime === 63);
      assert.deepEqual(await device.read('/1/0/1', format), { '/1/0/1': 63 });
    },
  );

  ets('int-241: Reboot', C1, async (device) => {
    const before = await leshan.registration(device.endpoint);
    await device.execute('/3/0/4');
    assert.equal(device.device.reboots, 1);
    await device.device.restart();
    const named = ({ endpoint, registrationId }: { endpoint: string; registrationId: string }): boolean =>
      endpoint === device.endpoint && registrationId !== before?.registrationId;
    await leshan.events.waitFor('REGISTRATION', named);
    includes(await device.read('/3/0'), DEVICE_VALUES);
  });

  inFormats(WRITTEN, 'int-256: what cannot be written', C1, async (device, format) => {
    const node = { id: 0, kind: 'singleResource', type: 'INTEGER', value: '123' } as const;
    const { status } = await leshan.write(device.endpoint, '/1/0/0', node, { format });
    assert.equal(status, 'METHOD_NOT_ALLOWED(405)');
    assert.deepEqual(await device.read('/1/0/0'), { '/1/0/0': 1 });
  });

  inFormats(COMPOSITES, 'int-257: Write-Composite of Server and Device', C6, async (device, format) => {
    includes(await device.read('/3', format), { ...DEVICE_VALUES, '/3/0/6/1': 2, '/3/0/22/0': '3:0' });
    await device.writeComposite({ '/1/0/2': 101, '/1/0/6': true, '/3/0/13': 0 }, format);
    includes(await device.read('/1'), { ...EXTENDED_SERVER_VALUES, '/1/0/2': 101, '/1/0/6': true });
    includes(await device.read('/3'), { ...DEVICE_VALUES, '/3/0/13': 0 });
  });

  ets('int-260: Discover', C4, async (device) => {
    const { '/3': object, '/3/0/7': voltage } = await device.discover('/3');
    assert.deepEqual([object, voltage], [{}, { dim: '2' }]);
    await device.writeAttributes('/3', { pmin: '10', pmax: '200' });
    assert.equal('/3' in (await device.discover('/3/0')), false);
    await device.writeAttributes('/3/0/7', { lt: '1', gt: '6', st: '1' });
    const own = { dim: '2', lt: '1', gt: '6', st: '1' };
    assert.deepEqual(numeric((await device.discover('/3/0'))['/3/0/7']), numeric(own));
    const { '/3/0/7': resource } = await device.discover('/3/0/7');
    assert.deepEqual(numeric(resource), numeric({ ...own, pmin: '10', pmax: '200' }));
  });

  ets('int-261: Write-Attributes on a multiple resource', C1, async (device) => {
    await device.writeAttributes('/3', { pmin: '10', pmax: '200' });
    await device.writeAttributes('/3/0', { pmax: '320' });
    await device.writeAttributes('/3/0/11/0', { pmax: '100', epmin: '1', epmax: '20' });
    assert.deepEqual(await device.discover('/3/0/11'), {
      '/3/0/11': { dim: '1', pmin: '10', pmax: '320' },
      '/3/0/11/0': { pmax: '100', epmin: '1', epmax: '20' },
    });
  });

  inFormats(INSTANCES, 'int-270, 290: an instance is created, and all are deleted', C12, async (device, format) => {
    assert.deepEqual((await device.discover('/16/0'))['/16/0/0'], { dim: '4' });
    await device.create('/16', 1, SECOND, format);
    await device.updated(({ objectLinks }) => objectLinks.some(({ url }) => url === '/16/1'));
    assert.deepEqual((await device.discover('/16/1'))['/16/1/0'], { dim: '2' });
    assert.deepEqual(await device.read('/16', format), { ...FIRST, ...SECOND });
    for (const path of ['/16/0', '/16/1']) await device.delete(path);
    assert.deepEqual(Object.keys(await device.discover('/16')), ['/16']);
  });
});

function pick(values: Values, like: Values): Values {
  return Object.fromEntries(Object.keys(like).map((path) => [path, values[path]!]));
}

/** Leshan may write 1 as 1.0. */
function numeric(attributes: Readonly<Record<string, string>> | undefined): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(attributes ?? {}).map(([name, value]) => [name, Number(value)]));
}
