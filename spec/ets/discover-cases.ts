// ETS 6.3: Discover and Write-Attributes, Execute, Create and Delete.

import assert from 'node:assert/strict';
import { C1, C12, C4 } from './device.ts';
import { type EtsCase, SINCE_1_0, SINCE_1_1 } from './ets-case.ts';
import { expectRegister, includes } from './expectations.ts';
import { FORMATS } from './payloads.ts';
import { OPTIONS, texts } from './wire.ts';

type Links = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** The resources of the Device object in C.4 that OMA lists, with what they have. */
const BATTERY_LINKS: Links = {
  ...{ '/3/0/1': {}, '/3/0/2': {}, '/3/0/3': {}, '/3/0/4': {} },
  ...{ '/3/0/6': { dim: '2' }, '/3/0/7': { dim: '2' }, '/3/0/8': { dim: '2' }, '/3/0/9': {}, '/3/0/16': {} },
};

/** What is listed is there with these attributes and no others; /3/0/11 may say its `dim`, and more may be there. */
function lists(links: Links, expected: Links): void {
  const asked = Object.fromEntries(Object.keys(expected).map((target) => [target, links[target]]));
  assert.deepEqual(asked, expected);
}

/** All that is listed is at one of so many levels. */
function hasDepth(links: Links, deepest: number): void {
  const stray = Object.keys(links).filter((target) => target.slice(1).split('/').length > deepest);
  assert.deepEqual(stray, [], `links with more than ${deepest} ids`);
}

export const DISCOVER_CASES: readonly EtsCase[] = [
  {
    id: 'int-260',
    title: 'Discover Command',
    configuration: C4,
    versions: SINCE_1_0,
    async run(session) {
      const object = await session.discover('/3');
      lists(object, { '/3': {}, '/3/0': {}, ...BATTERY_LINKS });
      assert.ok('/3/0/11' in object);
      hasDepth(object, 3);
      await session.writeAttributes('/3?pmin=10&pmax=200');
      const instance = await session.discover('/3/0');
      lists(instance, { '/3/0': { pmin: '10', pmax: '200' }, ...BATTERY_LINKS });
      assert.equal('/3' in instance, false);
      hasDepth(instance, 3);
      await session.writeAttributes('/3/0/7?lt=1&gt=6&st=1');
      const attributed = { dim: '2', lt: '1', gt: '6', st: '1' };
      lists(await session.discover('/3/0'), { ...BATTERY_LINKS, '/3/0/7': attributed });
      const { '/3/0/7': resource, ...below } = await session.discover('/3/0/7');
      assert.deepEqual(resource, { ...attributed, pmin: '10', pmax: '200' }, 'its own and those it inherits');
      // 1.0 knows no resource instances; from 1.1 on they belong to the answer (Core 1.2 §6.3.2).
      assert.deepEqual(below, session.version === '1.0' ? {} : { '/3/0/7/0': {}, '/3/0/7/1': {} });
    },
  },
  {
    id: 'int-261',
    title: 'Write-Attribute Operation on a multiple resource',
    configuration: C1,
    versions: SINCE_1_1,
    async run(session) {
      assert.deepEqual(await session.discover('/3/0/11'), { '/3/0/11': { dim: '1' }, '/3/0/11/0': {} });
      await session.writeAttributes('/3?pmin=10&pmax=200');
      await session.writeAttributes('/3/0?pmax=320');
      await session.writeAttributes('/3/0/11/0?pmax=100&epmin=1&epmax=20');
      assert.deepEqual(await session.discover('/3/0/11'), {
        '/3/0/11': { dim: '1', pmin: '10', pmax: '320' },
        '/3/0/11/0': { pmax: '100', epmin: '1', epmax: '20' },
      });
    },
  },
  {
    id: 'int-264',
    title: 'Discover Command with depth value 1',
    configuration: C4,
    versions: ['1.2'],
    async run(session) {
      const defaults = { pmin: '1', pmax: '10' }; // of /1/0/2 and /1/0/3
      assert.deepEqual(await session.discover('/3?depth=1'), { '/3': defaults, '/3/0': {} });
      await session.writeAttributes('/3/0?pmax=200');
      assert.deepEqual(await session.discover('/3?depth=1'), { '/3': defaults, '/3/0': { pmax: '200' } });
    },
  },
  {
    id: 'int-266',
    title: 'Discover Command with depth value 3',
    configuration: C4,
    versions: ['1.2'],
    async run(session) {
      const before = await session.discover('/3?depth=2');
      lists(before, { '/3': { pmin: '1', pmax: '10' }, '/3/0': {}, ...BATTERY_LINKS });
      hasDepth(before, 3);
      await session.writeAttributes('/3?pmin=10&pmax=200');
      await session.writeAttributes('/3/0/7?lt=1&gt=6&st=1');
      await session.writeAttributes('/3/0/7/1?gt=8');
      // OMA prints the attributes of /3 beside /3/0; they were written at /3 (int-264 has them there).
      lists(await session.discover('/3?depth=3'), {
        ...{ '/3': { pmin: '10', pmax: '200' }, '/3/0': {}, ...BATTERY_LINKS },
        ...{ '/3/0/6/0': {}, '/3/0/6/1': {} },
        '/3/0/7': { dim: '2', lt: '1', gt: '6', st: '1' },
        ...{ '/3/0/7/0': {}, '/3/0/7/1': { gt: '8' }, '/3/0/8/0': {}, '/3/0/8/1': {} },
      });
    },
  },
];

export const EXECUTE_CASES: readonly EtsCase[] = [
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
];

// OMA's 1630-SetOfValues: instance 1 with two identities. It prints 80 00 2B, a length in a type byte without room for it.
const SECOND_PORTFOLIO = Buffer.concat([
  Buffer.from('08012E88002B', 'hex'),
  ...[Buffer.from('480011', 'hex'), Buffer.from('Host Device ID #2')],
  ...[Buffer.from('480114', 'hex'), Buffer.from('Host Device Model #2')],
]);

export const INSTANCE_CASES: readonly EtsCase[] = [
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
