// What several cases expect: a Register, an Update, values among others.

import assert from 'node:assert/strict';
import { LIFETIME } from './device.ts';
import { FORMATS, type Links, type Values, readLinks } from './payloads.ts';
import { ENDPOINT, type Session } from './session.ts';
import { contentFormatOf } from './scripted-server.ts';

/** What a server reads of /1/0 in every configuration. */
export const SERVER_VALUES: Values = { '/1/0/0': 1, '/1/0/1': LIFETIME, '/1/0/6': false, '/1/0/7': 'U' };
/** And where the configuration is C.3 or more. */
export const EXTENDED_SERVER_VALUES: Values = { ...SERVER_VALUES, '/1/0/2': 1, '/1/0/3': 10, '/1/0/5': 86_400 };
/** What a server reads of /3/0 in every configuration. */
export const DEVICE_VALUES: Values = {
  '/3/0/0': 'Open Mobile Alliance',
  '/3/0/1': 'Lightweight M2M Client',
  '/3/0/2': '345000123',
  '/3/0/3': '1.0',
  '/3/0/11/0': 0,
  '/3/0/16': 'U',
};

/** A configuration is the least: more may be there, but of the same paths. */
export function includes(values: Values, expected: Values): void {
  const asked = Object.fromEntries(Object.keys(expected).map((path) => [path, values[path]]));
  assert.deepEqual(asked, expected);
}

/** All values are at or below one of these paths. */
export function areBelow(values: Values, ...paths: readonly string[]): void {
  const stray = Object.keys(values).filter((at) => !paths.some((path) => at === path || at.startsWith(`${path}/`)));
  assert.deepEqual(stray, [], `values outside of ${paths.join(', ')}`);
}

/** int-101: name, lifetime, version and binding; the objects without those of keys. */
export async function expectRegister(session: Session, lifetime?: number): Promise<void> {
  const { version, configuration } = session;
  const register = await session.uplink();
  assert.equal(`${register.method} ${register.path}`, 'POST /rd');
  const lt = lifetime ?? configuration.account?.lifetime ?? LIFETIME;
  const expected = [`ep=${ENDPOINT}`, `lt=${lt}`, `lwm2m=${version}`, ...bindingQuery(session)];
  assert.deepEqual(register.query.toSorted(), expected.toSorted());
  assert.equal(contentFormatOf(register), FORMATS.coreLink);
  const links = Object.keys(readLinks(register.payload));
  for (const needed of ['/1/0', '/3/0']) assert.ok(links.includes(needed), `${needed} in ${links.join(' ')}`);
  assert.deepEqual(
    links.filter((link) => /^\/(0|21|23)(\/|$)/.test(link)),
    [],
    'objects that no server is told of',
  );
}

/** An Update that says the new lifetime, if any, and nothing else (Core 1.2 §6.2.2). */
export async function expectUpdate(session: Session, lifetime?: number): Promise<void> {
  const update = await session.uplink();
  assert.equal(`${update.method} ${update.path}`, 'POST /rd/5a3f');
  assert.deepEqual(update.query, lifetime === undefined ? [] : [`lt=${lifetime}`]);
  assert.equal(update.payload.length, 0, 'the objects are the same');
}

/** Since 1.1 queue mode is an argument of its own (Core 1.2 §6.2.1). */
function bindingQuery({ version, configuration, transport }: Session): readonly string[] {
  const binding = transport === 'tcp' ? 'b=T' : 'b=U';
  if (configuration.account?.queueMode !== true) return [binding];
  return version === '1.0' ? [`${binding}Q`] : [binding, 'Q'];
}

/** What is listed is there with these attributes and no others; /3/0/11 may say its `dim`, and more may be there. */
export function lists(links: Links, expected: Links): void {
  const asked = Object.fromEntries(Object.keys(expected).map((target) => [target, links[target]]));
  assert.deepEqual(asked, expected);
}
