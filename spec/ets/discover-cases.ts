// ETS 6.3: Discover and Write-Attributes.

import assert from 'node:assert/strict';
import { C1, C4 } from './device.ts';
import { type EtsCase, SINCE_1_0, SINCE_1_1 } from './ets-case.ts';
import { lists } from './expectations.ts';
import type { Links } from './payloads.ts';

/** The resources of the Device object in C.4 that OMA lists, with what they have. */
const BATTERY_LINKS: Links = {
  ...{ '/3/0/1': {}, '/3/0/2': {}, '/3/0/3': {}, '/3/0/4': {} },
  ...{ '/3/0/6': { dim: '2' }, '/3/0/7': { dim: '2' }, '/3/0/8': { dim: '2' }, '/3/0/9': {}, '/3/0/16': {} },
};

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
