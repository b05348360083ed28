// ETS 6.6 and 6.7: objects that a device has values for and nothing to do with. Their definitions are OMA's own files.

import assert from 'node:assert/strict';
import { C3, type Configuration } from './device.ts';
import { type EtsCase, SINCE_1_0, SINCE_1_1 } from './ets-case.ts';
import { areBelow, includes } from './expectations.ts';
import { FORMATS, type Values } from './payloads.ts';
import { type ResourceValues, lacksRegistry, registryObject } from './registry.ts';
import type { Session } from './session.ts';

function having(file: string, ...instances: readonly ResourceValues[]): Configuration {
  return { ...C3, others: async () => [await registryObject(file, Object.fromEntries(instances.entries()))] };
}

/** C.5: Connectivity Monitoring. */
const C5 = having('version_history/4-1_0.xml', {
  ...{ 0: 0, 1: { 0: 0, 1: 21 }, 2: -92, 3: 2, 4: { 0: '192.0.2.7', 1: '2001:db8::7' }, 5: { 0: '192.0.2.1' } },
  ...{ 6: 5, 7: { 0: 'web.example.com' }, 8: 69_635, 9: 30, 10: 310 },
});
const CONNECTIVITY: Values = {
  ...{ '/4/0/0': 0, '/4/0/1/0': 0, '/4/0/1/1': 21, '/4/0/2': -92, '/4/0/3': 2 },
  ...{ '/4/0/4/0': '192.0.2.7', '/4/0/4/1': '2001:db8::7', '/4/0/5/0': '192.0.2.1', '/4/0/6': 5 },
  ...{ '/4/0/7/0': 'web.example.com', '/4/0/8': 69_635, '/4/0/9': 30, '/4/0/10': 310 },
};

/** C.7: Location. */
const MAY_2013 = 1_367_491_215;
const C7 = having('version_history/6-1_0.xml', {
  ...{ 0: 43.5723, 1: 153.2176, 2: 140, 3: 100, 4: Uint8Array.of(0), 5: new Date(MAY_2013 * 1_000), 6: 3 },
});
const LOCATION: Values = {
  ...{ '/6/0/0': 43.5723, '/6/0/1': 153.2176, '/6/0/2': 140, '/6/0/3': 100 },
  ...{ '/6/0/4': '00', '/6/0/5': MAY_2013, '/6/0/6': 3 },
};

/** C.10 and C.11: Cellular Connectivity. The eDRX parameters are one byte each, whatever OMA's listing says. */
const TIMERS = { 4: 3600, 5: 600, 8: Uint8Array.of(2), 9: Uint8Array.of(5) };
const TIMER_VALUES: Values = { '/10/0/4': 3600, '/10/0/5': 600, '/10/0/8': '02', '/10/0/9': '05' };
const PROFILES = { 0: { object: 11, instance: 0 } };
const C10 = having('version_history/10-1_0.xml', { ...TIMERS, 6: 40, 11: PROFILES });
const C11 = having('version_history/10-1_1.xml', { ...TIMERS, 11: PROFILES, 12: 3, 13: 1 });

/** C.15: BinaryAppDataContainer, of which instance 0 is for the server and instance 1 for the device. */
const METER = Buffer.from('{"meter":42}');
const C15 = having('version_history/19-1_0.xml', { 0: { 0: Uint8Array.from(METER) } }, { 0: { 0: new Uint8Array() } });

/** C.16: Event Log. */
const C16 = having('version_history/20-1_0.xml', { 4010: 0, 4013: 3, 4014: Uint8Array.of(0xca, 0xfe) });

export const OBJECT_CASES: readonly EtsCase[] = [
  reads('int-701', 'Connectivity Monitoring: Read', C5, '/4/0', CONNECTIVITY),
  observes('int-710', 'Connectivity Monitoring: Basic Observation', C5, { '/4/0': [2, 10] }, CONNECTIVITY),
  reads('int-801', 'Location: Read', C7, '/6/0', LOCATION),
  observes('int-810', 'Location: Basic Observation', C7, { '/6/0': [2, 10] }, LOCATION),
  reads('int-1200', 'Cellular Connectivity: Read', C10, '/10/0', { ...TIMER_VALUES, '/10/0/6': 40 }, FORMATS.tlv),
  {
    id: 'int-1201',
    title: 'Cellular Connectivity 1.1: Read',
    configuration: C11,
    versions: SINCE_1_1,
    lacks: lacksRegistry,
    async run(session) {
      await discovers(session, '1.1', [4, 5, 8, 9, 11, 12, 13]);
      const values = await session.read('/10/0', FORMATS.tlv);
      includes(values, { ...TIMER_VALUES, '/10/0/11/0': '11:0', '/10/0/12': 3, '/10/0/13': 1 });
    },
  },
  {
    id: 'int-1202',
    title: 'Cellular Connectivity 1.1: Setting the active power saving mode',
    configuration: C11,
    versions: SINCE_1_1,
    lacks: lacksRegistry,
    // OMA counts the modes as 13 and 14; the object's definition has them as 12 and 13.
    async run(session) {
      await discovers(session, '1.1', [11, 12, 13]);
      assert.deepEqual(await session.read('/10/0/12'), { '/10/0/12': 3 });
      await session.write('PUT', '/10/0/13', FORMATS.tlv, Buffer.from('C10D02', 'hex'));
      assert.deepEqual(await session.read('/10/0/13'), { '/10/0/13': 2 });
    },
  },
  observes(
    'int-1203',
    'Cellular Connectivity 1.1: Observing the power saving modes',
    C11,
    { '/10/0/12': [5, 15], '/10/0/13': [10, 20] },
    { '/10/0/12': 3, '/10/0/13': 1 },
  ),
  observes(
    'int-1204',
    'Cellular Connectivity: Observing the timers',
    C10,
    { '/10/0/4': [5, 15], '/10/0/5': [10, 20], '/10/0/8': [5, 15], '/10/0/9': [10, 20] },
    TIMER_VALUES,
  ),
  observes(
    'int-1900',
    'BinaryAppDataContainer: Basic Observation',
    C15,
    { '/19/0/0': [300, 3600] },
    { '/19/0/0/0': METER.toString('hex') },
  ),
  {
    id: 'int-1901',
    title: 'BinaryAppDataContainer: Writing Data',
    configuration: C15,
    versions: SINCE_1_1,
    lacks: lacksRegistry,
    async run(session) {
      await session.write('PUT', '/19/1/0', FORMATS.tlv, Buffer.from('830041002A', 'hex'));
      assert.deepEqual(await session.read('/19/1/0'), { '/19/1/0/0': '2a' });
    },
  },
  reads(
    'int-2001',
    'Event Log: Read',
    C16,
    '/20/0',
    { '/20/0/4010': 0, '/20/0/4013': 3, '/20/0/4014': 'cafe' },
    FORMATS.tlv,
  ),
];

function reads(
  id: string,
  title: string,
  configuration: Configuration,
  path: string,
  expected: Values,
  format?: (typeof FORMATS)['tlv'],
): EtsCase {
  return {
    id,
    title,
    configuration,
    versions: SINCE_1_0,
    lacks: lacksRegistry,
    async run(session) {
      const values = await session.read(path, format);
      includes(values, expected);
      areBelow(values, path);
    },
  };
}

/** Discover of /10 lists these resources, and what version of the object it is. */
async function discovers(session: Session, version: string, resources: readonly number[]): Promise<void> {
  const { payload } = await session.ask('2.05', { method: 'GET', path: '/10', accept: FORMATS.coreLink });
  assert.match(Buffer.from(payload).toString(), new RegExp(`^</10>;ver="?${version}"?,</10/0>`));
  const links = await session.discover('/10');
  for (const id of resources) assert.ok(`/10/0/${id}` in links, `/10/0/${id}`);
}

/** Writes periods at each path, observes each, and hears of each when its longest period is over. */
function observes(
  id: string,
  title: string,
  configuration: Configuration,
  periods: Readonly<Record<string, readonly [number, number]>>,
  expected: Values,
): EtsCase {
  return {
    id,
    title,
    configuration,
    versions: SINCE_1_0,
    lacks: lacksRegistry,
    async run(session) {
      for (const [path, [pmin, pmax]] of Object.entries(periods)) {
        await session.writeAttributes(`${path}?pmin=${pmin}&pmax=${pmax}`);
      }
      for (const [path, [, pmax]] of Object.entries(periods)) {
        const below = Object.fromEntries(Object.entries(expected).filter(([at]) => `${at}/`.startsWith(`${path}/`)));
        const observing = await session.observe(path);
        includes(observing.values, below);
        const started = session.now;
        await session.elapse(2 * pmax, Math.ceil(pmax / 60));
        const heard = session.notificationsOf(observing);
        assert.deepEqual(
          heard.map(({ at }) => at - started),
          [pmax, 2 * pmax],
        );
        for (const each of heard) includes(session.valuesOf(each, path), below);
      }
    },
  };
}
