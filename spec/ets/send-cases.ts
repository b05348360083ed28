// ETS 6.4: what the device sends of its own accord.

import assert from 'node:assert/strict';
import { C1_SENDING, LIFETIME } from './device.ts';
import { type EtsCase, SINCE_1_1 } from './ets-case.ts';
import { COMPOSITE_FORMATS, type Values } from './payloads.ts';
import type { Session } from './session.ts';

const VALUES: Values = { '/1/0/1': LIFETIME, '/3/0/11/0': 0 };

/** The device sends those values; what the server got. */
async function send(session: Session, paths: readonly string[]): Promise<Values> {
  const accepted = session.device.client.send(paths);
  const request = await session.uplink();
  assert.equal(`${request.method} ${request.path}`, 'POST /dp');
  assert.deepEqual(request.query, []);
  await accepted;
  return session.valuesOf(request, '/', COMPOSITE_FORMATS);
}

export const SEND_CASES: readonly EtsCase[] = [
  {
    id: 'int-306',
    title: 'Send Operation',
    configuration: C1_SENDING,
    versions: SINCE_1_1,
    async run(session) {
      assert.deepEqual(await send(session, ['/3/0/0']), { '/3/0/0': 'Open Mobile Alliance' });
      // What was not registered is not sent: /0 is never, /4 is not there.
      for (const path of ['/0/0/0', '/4/0/2'])
        await assert.rejects(async () => session.device.client.send([path]), path);
      await session.noUplink();
    },
  },
  {
    id: 'int-307',
    title: 'Muting Send',
    configuration: C1_SENDING,
    versions: SINCE_1_1,
    async run(session) {
      assert.deepEqual(await send(session, ['/3/0/0']), { '/3/0/0': 'Open Mobile Alliance' });
      await session.write('PUT', '/1/0/23', 0, '1');
      await assert.rejects(session.device.client.send(['/3/0/0']), { code: 'EMUTED' });
      await session.elapse(60);
      await session.noUplink();
      await session.write('PUT', '/1/0/23', 0, '0');
      assert.deepEqual(await send(session, ['/3/0/0']), { '/3/0/0': 'Open Mobile Alliance' });
    },
  },
  {
    id: 'int-311',
    title: 'Send command',
    configuration: C1_SENDING,
    versions: SINCE_1_1,
    async run(session) {
      assert.deepEqual(await send(session, Object.keys(VALUES)), VALUES);
      await session.noUplink();
    },
  },
];
