// OMA's interoperability cases that Leshan can drive, in each format it speaks: information reporting (int-3xx).
// Observe with parameters (int-312, 313) is beyond it, as is Discover by depth (int-264, 266).

import assert from 'node:assert/strict';
import { C1, C1_PORTFOLIO, C1_SENDING, C3, C4, type Configuration, LIFETIME } from '../ets/device.ts';
import { DEVICE_VALUES } from '../ets/expectations.ts';
import type { Values } from '../ets/payloads.ts';
import { LeshanDevice } from './leshan-device.ts';
import { type LeshanFormat, LeshanServer } from './peers/leshan.ts';
import { needs, smoke } from './peers/peer.ts';

const FORMATS = ['TLV', 'SENML_JSON', 'SENML_CBOR'] as const;
const COMPOSITES = ['SENML_JSON', 'SENML_CBOR'] as const;

const VOLTAGE = '/3/0/7';
const CURRENT = '/3/0/8';
const PATHS = ['/1/0/1', '/3/0/11/0', '/3/0/16'] as const;
const VALUES: Values = { '/1/0/1': LIFETIME, '/3/0/11/0': 0, '/3/0/16': 'U' };
const PORTFOLIOS = ['/16/0', '/16/1'] as const;
const FIRST: Values = { '/16/0/0/0': 'aa', '/16/0/0/1': 'bb', '/16/0/0/2': 'cc', '/16/0/0/3': 'dd' };
const SECOND: Values = { '/16/1/0/0': '11', '/16/1/0/1': '22', '/16/1/0/2': '33', '/16/1/0/3': '44' };

describe('OMA interoperability cases at Leshan: information reporting', () => {
  needs('leshan');

  let leshan: LeshanServer;
  let devices = 0;
  before(async function () {
    this.timeout(90_000);
    leshan = await LeshanServer.start();
  });
  after(async () => leshan?.stop());

  function inFormats<F extends LeshanFormat>(
    formats: readonly F[],
    title: string,
    configuration: Configuration,
    run: (device: LeshanDevice, format: F) => Promise<void>,
  ): void {
    for (const format of smoke ? formats.slice(-1) : formats) {
      it(`${title} (${format})`, async () => {
        await using device = await LeshanDevice.register(leshan, `ets-reporting-${devices++}`, configuration);
        await run(device, format);
        const named = ({ ep }: { readonly ep: string }): boolean => ep === device.endpoint;
        assert.deepEqual(leshan.events.heard('ERROR', named), [], 'Leshan understood everything');
      });
    }
  }

  /** Observes voltage and current with the periods of int-301. */
  async function observeBattery(device: LeshanDevice, format: LeshanFormat): Promise<void> {
    await device.writeAttributes(VOLTAGE, { pmin: '5', pmax: '15' });
    await device.writeAttributes(CURRENT, { pmin: '10', pmax: '20' });
    assert.deepEqual(await device.observe(VOLTAGE, format), { '/3/0/7/0': 0, '/3/0/7/1': 0 });
    assert.deepEqual(await device.observe(CURRENT, format), { '/3/0/8/0': 0, '/3/0/8/1': 0 });
  }

  inFormats(FORMATS, 'int-301, 303: notifications by pmin and pmax, until Observe 1', C4, async (device, format) => {
    await observeBattery(device, format);
    await device.quiet(14);
    await device.elapse(1);
    assert.deepEqual(await device.notified(VOLTAGE, 1), { '/3/0/7/0': 0, '/3/0/7/1': 0 });
    device.device.device.powerSourceVoltage = { 0: 3700, 1: 12_000 };
    device.device.device.powerSourceCurrent = { 0: 125, 1: 0 };
    await device.elapse(5);
    assert.deepEqual(await device.notified(VOLTAGE, 2), { '/3/0/7/0': 3700, '/3/0/7/1': 12_000 });
    assert.deepEqual(await device.notified(CURRENT, 1), { '/3/0/8/0': 125, '/3/0/8/1': 0 });
    for (const path of [VOLTAGE, CURRENT]) await device.cancelObserve(path, 'active');
    device.device.device.powerSourceVoltage = { 0: 1, 1: 1 };
    await device.quiet(60);
  });

  inFormats(FORMATS, 'int-302: cancelled by Reset', C4, async (device, format) => {
    await observeBattery(device, format);
    await device.elapse(15);
    await device.notified(VOLTAGE, 1);
    await device.cancelObserve(VOLTAGE, 'passive');
    await device.elapse(15); // Leshan answers this notification of the voltage by Reset
    await device.notified(CURRENT, 1);
    await device.elapse(10); // 40 s
    await device.notified(CURRENT, 2);
    await device.quiet(19); // the voltage would be due at 45 s
    assert.equal(device.heard(VOLTAGE).length, 1);
  });

  inFormats(COMPOSITES, 'int-304, 305: Observe-Composite, until it is cancelled', C1, async (device, format) => {
    await device.writeAttributes('/1/0/1', { pmin: '30', pmax: '45' });
    assert.deepEqual(await device.observeComposite(PATHS, format), VALUES);
    device.device.device.errorCode = { 0: 1 };
    await device.quiet(29);
    await device.elapse(1);
    assert.deepEqual(await device.notifiedComposite(1), { ...VALUES, '/3/0/11/0': 1 });
    await device.elapse(45);
    assert.deepEqual(await device.notifiedComposite(2), { ...VALUES, '/3/0/11/0': 1 });
    await device.cancelObserveComposite(PATHS);
    device.device.device.errorCode = { 0: 2 };
    await device.quiet(90);
  });

  inFormats(COMPOSITES, 'int-308, 309: what is created and deleted meanwhile', C1_PORTFOLIO, async (device, format) => {
    await device.create('/16', 0, FIRST, format);
    await device.writeAttributes('/16/0', { pmin: '30', pmax: '45' });
    assert.deepEqual(await device.observeComposite(PORTFOLIOS, format), FIRST);
    await device.elapse(45);
    assert.deepEqual(await device.notifiedComposite(1), FIRST);
    await device.create('/16', 1, SECOND, format);
    await device.elapse(30);
    assert.deepEqual(await device.notifiedComposite(2), { ...FIRST, ...SECOND });
    await device.delete('/16/1');
    await device.elapse(30);
    assert.deepEqual(await device.notifiedComposite(3), FIRST);
  });

  inFormats(COMPOSITES, 'int-310: attributes are written meanwhile', C3, async (device, format) => {
    const expected = { '/1/0/3': 10, ...DEVICE_VALUES };
    assert.deepEqual(await device.observeComposite(['/1/0/3', '/3/0'], format), expected);
    await device.elapse(10);
    assert.deepEqual(await device.notifiedComposite(1), expected);
    await device.writeAttributes('/3', { pmax: '5' });
    for (const count of [2, 3, 4]) {
      await device.elapse(5);
      assert.deepEqual(await device.notifiedComposite(count), expected);
    }
  });

  it('int-306, 307, 311: Send, and Mute Send', async () => {
    await using device = await LeshanDevice.register(leshan, `ets-reporting-${devices++}`, C1_SENDING);
    const { client } = device.device;
    await client.send(['/1/0/1', '/3/0/11/0']);
    assert.deepEqual(await device.received(1), { '/1/0/1': LIFETIME, '/3/0/11/0': 0 });
    await device.write('/1/0/23', { '/1/0/23': true });
    await assert.rejects(client.send(['/3/0/0']), { code: 'EMUTED' });
    await device.write('/1/0/23', { '/1/0/23': false });
    await client.send(['/3/0/0']);
    assert.deepEqual(await device.received(2), { '/3/0/0': 'Open Mobile Alliance' });
  });
});
