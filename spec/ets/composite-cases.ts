// ETS 6.4: observations of several paths at once.

import assert from 'node:assert/strict';
import { C1, C1_PORTFOLIO, C3, LIFETIME } from './device.ts';
import { type EtsCase, SINCE_1_1 } from './ets-case.ts';
import { DEVICE_VALUES, includes } from './expectations.ts';
import { COMPOSITE_FORMATS, type Format, type Values, senmlPack } from './payloads.ts';
import type { Observing, Session } from './session.ts';

const PATHS = ['/1/0/1', '/3/0/11/0', '/3/0/16'] as const;
const VALUES: Values = { '/1/0/1': LIFETIME, '/3/0/11/0': 0, '/3/0/16': 'U' };

const PORTFOLIOS = ['/16/0', '/16/1'] as const;
const FIRST = identities(0, ['aa', 'bb', 'cc', 'dd']);
const SECOND = identities(1, ['11', '22', '33', '44']);

function identities(instance: number, texts: readonly string[]): Values {
  return Object.fromEntries(texts.map((text, id) => [`/16/${instance}/0/${id}`, text]));
}

/** A case that is the same in SenML JSON and SenML CBOR, each with a conversation from the start. */
function inBoth(run: (session: Session, format: Format) => Promise<void>): EtsCase['run'] {
  return COMPOSITE_FORMATS.map((format) => (session: Session) => run(session, format));
}

/** The notification that came last is the only one since `before`, at `from` to `to` seconds after it. */
function cameBetween(
  session: Session,
  observing: Observing,
  { before, from, to }: { readonly before: number; readonly from: number; readonly to: number },
): number {
  const [notification, ...others] = session.notificationsOf(observing).filter(({ at }) => at > before);
  assert.ok(notification, 'a notification');
  assert.deepEqual(others, [], 'one notification');
  const waited = notification.at - before;
  assert.ok(waited >= from && waited <= to, `${waited} s, expected ${from} to ${to}`);
  return notification.at;
}

function lastValues(session: Session, observing: Observing, format: Format): Values {
  return session.valuesOf(session.notificationsOf(observing).at(-1)!, '/', format);
}

async function createPortfolio(session: Session, format: Format, values: Values): Promise<void> {
  const payload = senmlPack(
    format,
    Object.entries(values).map(([n, vs]) => ({ n, vs })),
  );
  await session.ask('2.01', { method: 'POST', path: '/16', contentFormat: format, payload });
}

export const COMPOSITE_CASES: readonly EtsCase[] = [
  {
    id: 'int-304',
    title: 'Observe-Composite Operation',
    configuration: C1,
    versions: SINCE_1_1,
    run: inBoth(async (session, format) => {
      await session.writeAttributes('/1/0/1?pmin=30&pmax=45');
      const start = session.now;
      const observing = await session.observe(PATHS, format);
      assert.deepEqual(observing.values, VALUES);
      await session.elapse(45);
      const first = cameBetween(session, observing, { before: start, from: 30, to: 45 });
      assert.deepEqual(lastValues(session, observing, format), VALUES);
      session.device.device.errorCode = { 0: 1 }; // at once after the first: it has to wait for pmin
      await session.elapse(30);
      cameBetween(session, observing, { before: first, from: 30, to: 45 });
      assert.deepEqual(lastValues(session, observing, format), { ...VALUES, '/3/0/11/0': 1 });
    }),
  },
  {
    id: 'int-305',
    title: 'Cancel Observation-Composite Operation',
    configuration: C1,
    versions: SINCE_1_1,
    run: inBoth(async (session, format) => {
      const observing = await session.observe(PATHS, format);
      assert.deepEqual(observing.values, VALUES);
      session.device.device.errorCode = { 0: 1 };
      await session.elapse(1);
      assert.deepEqual(lastValues(session, observing, format), { ...VALUES, '/3/0/11/0': 1 });
      const cancelled = await session.cancel(observing, PATHS, format);
      assert.deepEqual(cancelled, { ...VALUES, '/3/0/11/0': 1 });
      session.device.device.errorCode = { 0: 2 };
      await session.elapse(60);
      assert.equal(session.notificationsOf(observing).length, 1, 'none once it is cancelled');
    }),
  },
  {
    id: 'int-308',
    title: 'Observe-Composite and Creating Object Instance',
    configuration: C1_PORTFOLIO,
    versions: SINCE_1_1,
    run: inBoth(async (session, format) => {
      await createPortfolio(session, format, FIRST);
      await session.writeAttributes('/16/0?pmin=30&pmax=45');
      const start = session.now;
      const observing = await session.observe(PORTFOLIOS, format);
      assert.deepEqual(observing.values, FIRST);
      await session.elapse(45);
      const first = cameBetween(session, observing, { before: start, from: 30, to: 45 });
      assert.deepEqual(lastValues(session, observing, format), FIRST);
      await createPortfolio(session, format, SECOND);
      await session.elapse(45);
      cameBetween(session, observing, { before: first, from: 30, to: 45 });
      assert.deepEqual(lastValues(session, observing, format), { ...FIRST, ...SECOND });
    }),
  },
  {
    id: 'int-309',
    title: 'Observe-Composite and Deleting Object Instance',
    configuration: C1_PORTFOLIO,
    versions: SINCE_1_1,
    run: inBoth(async (session, format) => {
      await createPortfolio(session, format, FIRST);
      await createPortfolio(session, format, SECOND);
      await session.writeAttributes('/16/0?pmin=30&pmax=45');
      const start = session.now;
      const observing = await session.observe(PORTFOLIOS, format);
      assert.deepEqual(observing.values, { ...FIRST, ...SECOND });
      await session.elapse(45);
      const first = cameBetween(session, observing, { before: start, from: 30, to: 45 });
      assert.deepEqual(lastValues(session, observing, format), { ...FIRST, ...SECOND });
      await session.ask('2.02', { method: 'DELETE', path: '/16/1' });
      await session.elapse(45);
      cameBetween(session, observing, { before: first, from: 30, to: 45 });
      assert.deepEqual(lastValues(session, observing, format), FIRST);
    }),
  },
  {
    id: 'int-310',
    title: 'Observe-Composite and modification of parameter values',
    configuration: C3,
    versions: SINCE_1_1,
    run: inBoth(async (session, format) => {
      const start = session.now;
      const observing = await session.observe(['/1/0/3', '/3/0'], format);
      const expected = { '/1/0/3': 10, ...DEVICE_VALUES };
      assert.deepEqual(observing.values, expected);
      await session.elapse(10);
      assert.equal(cameBetween(session, observing, { before: start, from: 1, to: 10 }), start + 10, 'by /1/0/3');
      await session.writeAttributes('/3?pmax=5');
      await session.elapse(20);
      const later = session.notificationsOf(observing).map(({ at }) => at - start);
      assert.deepEqual(later, [10, 15, 20, 25, 30], 'every 5 s from then on');
      includes(lastValues(session, observing, format), expected);
    }),
  },
];
