// ETS 6.3 and 6.7.5: Execute, Create and Delete.

import assert from 'node:assert/strict';
import { C1, C12 } from './device.ts';
import { type EtsCase, SINCE_1_0 } from './ets-case.ts';
import { expectRegister, includes, lists } from './expectations.ts';
import { FORMATS } from './payloads.ts';
import { OPTIONS, texts } from './wire.ts';

// OMA's 1630-SetOfValues: instance 1 with two identities. It prints 80 00 2B, a length in a type byte without room for it.
const SECOND_PORTFOLIO = Buffer.concat([
  Buffer.from('08012E88002B', 'hex'),
  ...[Buffer.from('480011', 'hex'), Buffer.from('Host Device ID #2')],
  ...[Buffer.from('480114', 'hex'), Buffer.from('Host Device Model #2')],
]);

export const INSTANCE_CASES: readonly EtsCase[] = [
  {
    id: 'int-241',
    title: 'Executable Resource: Rebooting the device',
    configuration: C1,
    versions: SINCE_1_0,
    async run(session) {
      await session.ask('2.04', { method: 'POST', path: '/3/0/4' });
      assert.equal(session.device.reboots, 1, 'the application is told to reboot');
      await session.device.restart();
      await expectRegister(session);
      includes(await session.read('/3/0/0'), { '/3/0/0': 'Open Mobile Alliance' });
    },
  },
  {
    id: 'int-1630',
    title: 'Create Portfolio Object Instance',
    configuration: C12,
    versions: SINCE_1_0,
    async run(session) {
      lists(await session.discover('/16/0'), { '/16/0/0': { dim: '4' } });
      const question = { method: 'POST', path: '/16', contentFormat: FORMATS.tlv, payload: SECOND_PORTFOLIO } as const;
      const created = await session.ask('2.01', question);
      const location = texts(created.options, OPTIONS.locationPath);
      assert.ok(location.length === 0 || location.join('/') === '16/1', `Location-Path /${location.join('/')}`);
      const update = await session.uplink();
      assert.ok(Buffer.from(update.payload).toString().includes('</16/1>'), 'the Update names the new instance');
      lists(await session.discover('/16/1'), { '/16/1/0': { dim: '2' } });
      assert.deepEqual(await session.read('/16', FORMATS.tlv), {
        '/16/0/0/0': 'Host Device ID #1',
        '/16/0/0/1': 'Host Device Manufacturer #1',
        '/16/0/0/2': 'Host Device Model #1',
        '/16/0/0/3': 'Host Device Software Version #1',
        '/16/1/0/0': 'Host Device ID #2',
        '/16/1/0/1': 'Host Device Model #2',
      });
    },
  },
  {
    id: 'int-1635',
    title: 'Delete all the Portfolio Object Instances',
    configuration: C12,
    versions: SINCE_1_0,
    async run(session) {
      lists(await session.discover('/16/0'), { '/16/0': {}, '/16/0/0': { dim: '4' } });
      await session.ask('2.01', { method: 'POST', path: '/16', contentFormat: FORMATS.tlv, payload: SECOND_PORTFOLIO });
      await session.uplink();
      for (const path of ['/16/0', '/16/1']) await session.ask('2.02', { method: 'DELETE', path });
      assert.deepEqual(await session.discover('/16'), { '/16': {} });
      const update = await session.uplink();
      assert.ok(!Buffer.from(update.payload).toString().includes('</16/'), 'the Update names no instance of it');
    },
  },
];
