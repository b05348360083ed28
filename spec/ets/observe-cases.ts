// ETS 6.4: observations of one path. Time is the device's own, which passes when a case says so.

import assert from 'node:assert/strict';
import { C4 } from './device.ts';
import { type EtsCase, SINCE_1_0 } from './ets-case.ts';
import type { Values } from './payloads.ts';
import type { Observing, Session } from './session.ts';

const VOLTAGE = '/3/0/7';
const CURRENT = '/3/0/8';
const VOLTAGES: Values = { '/3/0/7/0': 0, '/3/0/7/1': 0 };
const CURRENTS: Values = { '/3/0/8/0': 0, '/3/0/8/1': 0 };

/** Seconds after `since` at which notifications came. */
function arrivals(session: Session, observing: Observing, since: number): readonly number[] {
  return session.notificationsOf(observing).map(({ at }) => at - since);
}

interface Battery {
  readonly since: number;
  readonly voltage: Observing;
  readonly current: Observing;
}

/** Steps 1 to 3 of int-301, which int-302 and int-303 begin with. */
async function observeBattery(session: Session): Promise<Battery> {
  await session.writeAttributes(`${VOLTAGE}?pmin=5&pmax=15`);
  await session.writeAttributes(`${CURRENT}?pmin=10&pmax=20`);
  const since = session.now;
  const [voltage, current] = [await session.observe(VOLTAGE), await session.observe(CURRENT)];
  assert.deepEqual(voltage.values, VOLTAGES);
  assert.deepEqual(current.values, CURRENTS);
  return { since, voltage, current };
}

export const OBSERVE_CASES: readonly EtsCase[] = [
  {
    id: 'int-301',
    title: 'Observation and Notification of parameter values',
    configuration: C4,
    versions: SINCE_1_0,
    async run(session) {
      assert.deepEqual(await session.read('/3/0/6'), { '/3/0/6/0': 1, '/3/0/6/1': 2 });
      const { since, voltage, current } = await observeBattery(session);
      await session.elapse(40);
      assert.deepEqual(arrivals(session, voltage, since), [15, 30], 'nothing changes: pmax');
      assert.deepEqual(arrivals(session, current, since), [20, 40]);
      await session.elapse(1);
      session.device.device.powerSourceVoltage = { 0: 3700, 1: 12_000 };
      session.device.device.powerSourceCurrent = { 0: 125, 1: 0 };
      await session.elapse(9); // 50 s
      assert.deepEqual(arrivals(session, voltage, since).slice(2), [41], 'a change later than pmin: at once');
      assert.deepEqual(arrivals(session, current, since).slice(2), [50], 'a change earlier than pmin: with it');
      const [voltages, currents] = [voltage, current].map((each) => session.notificationsOf(each).at(-1)!);
      assert.deepEqual(session.valuesOf(voltages!, VOLTAGE), { '/3/0/7/0': 3700, '/3/0/7/1': 12_000 });
      assert.deepEqual(session.valuesOf(currents!, CURRENT), { '/3/0/8/0': 125, '/3/0/8/1': 0 });
    },
  },
  {
    id: 'int-302',
    title: 'Cancel Observations using Reset Operation',
    configuration: C4,
    versions: SINCE_1_0,
    transports: ['udp'], // a stream has no Reset
    async run(session) {
      const { since, voltage, current } = await observeBattery(session);
      await session.elapse(20);
      assert.deepEqual(arrivals(session, voltage, since), [15]);
      assert.deepEqual(arrivals(session, current, since), [20]);
      session.server.resets.add(voltage.token);
      await session.elapse(60);
      assert.deepEqual(arrivals(session, voltage, since), [15, 30], 'the one that was reset is the last');
      assert.deepEqual(arrivals(session, current, since), [20, 40, 60, 80]);
      session.server.resets.add(current.token);
      session.device.device.powerSourceVoltage = { 0: 1, 1: 1 };
      session.device.device.powerSourceCurrent = { 0: 1, 1: 1 };
      await session.elapse(60);
      assert.deepEqual(arrivals(session, voltage, since), [15, 30]);
      assert.deepEqual(arrivals(session, current, since), [20, 40, 60, 80, 90]);
    },
  },
  {
    id: 'int-303',
    title: 'Cancel observations using Observe with Cancel parameter',
    configuration: C4,
    versions: SINCE_1_0,
    async run(session) {
      const { since, voltage, current } = await observeBattery(session);
      await session.elapse(20);
      // OMA has Observe=1 at /3/0 end both. RFC 7641 §3.6 knows an observation by its token, so each is ended by its own.
      await session.ask('2.05', { method: 'GET', path: '/3/0', observe: 1 });
      assert.deepEqual(await session.cancel(voltage, VOLTAGE), VOLTAGES);
      assert.deepEqual(await session.cancel(current, CURRENT), CURRENTS);
      session.device.device.powerSourceVoltage = { 0: 1, 1: 1 };
      session.device.device.powerSourceCurrent = { 0: 1, 1: 1 };
      await session.elapse(60);
      assert.deepEqual(arrivals(session, voltage, since), [15]);
      assert.deepEqual(arrivals(session, current, since), [20]);
    },
  },
  {
    id: 'int-312',
    title: 'Observation and Notification of parameter values with attributes as parameters',
    configuration: C4,
    versions: ['1.2'],
    async run(session) {
      const since = session.now;
      const observing = await session.observe(`${VOLTAGE}?pmin=5&pmax=15`);
      assert.deepEqual(observing.values, VOLTAGES);
      await session.elapse(31);
      session.device.device.powerSourceVoltage = { 0: 3600, 1: 0 };
      await session.elapse(19); // 50 s
      assert.deepEqual(arrivals(session, observing, since), [15, 30, 35, 50]);
      const last = session.notificationsOf(observing).at(-1)!;
      assert.deepEqual(session.valuesOf(last, VOLTAGE), { '/3/0/7/0': 3600, '/3/0/7/1': 0 });
    },
  },
  {
    id: 'int-313',
    title: 'Observation with attributes as parameters overriding the attached attributes',
    configuration: C4,
    versions: ['1.2'],
    async run(session) {
      await session.writeAttributes(`${VOLTAGE}?pmin=5&pmax=60`);
      const since = session.now;
      const observing = await session.observe(`${VOLTAGE}?pmin=5&pmax=10`);
      assert.deepEqual(observing.values, VOLTAGES);
      await session.elapse(60);
      assert.deepEqual(arrivals(session, observing, since), [10, 20, 30, 40, 50, 60]);
      const { '/3/0/7': resource } = await session.discover(VOLTAGE);
      assert.deepEqual(resource, { dim: '2', pmin: '5', pmax: '60' }, 'the attached ones are as they were');
    },
  },
];
