// ETS 6.2: Register, Update and De-register.

import assert from 'node:assert/strict';
import { C1, C14, C3, LIFETIME } from './device.ts';
import { type EtsCase, SINCE_1_0, SINCE_1_1 } from './ets-case.ts';
import { expectRegister, expectUpdate, includes } from './expectations.ts';
import { FORMATS } from './payloads.ts';
import type { Session } from './session.ts';

export const REGISTRATION_CASES: readonly EtsCase[] = [
  {
    id: 'int-101',
    title: 'Initial Registration',
    configuration: C1,
    versions: SINCE_1_0,
    // Every case begins with it; here nothing follows.
    run: (session) => session.noUplink(),
  },
  {
    id: 'int-102',
    title: 'Registration Update',
    configuration: C1,
    versions: SINCE_1_0,
    run: (session) => writeLifetime(session, 20),
  },
  {
    id: 'int-103',
    title: 'Deregistration',
    configuration: C3,
    versions: SINCE_1_0,
    async run(session) {
      await session.ask('2.04', { method: 'POST', path: '/1/0/4' });
      const { method, path } = await session.uplink();
      assert.equal(`${method} ${path}`, 'DELETE /rd/5a3f');
      await session.noUplink();
    },
  },
  {
    id: 'int-104',
    title: 'Registration Update Trigger',
    configuration: C1,
    versions: SINCE_1_0,
    async run(session) {
      await writeLifetime(session, 20);
      await session.ask('2.04', { method: 'POST', path: '/1/0/8' });
      await expectUpdate(session);
    },
  },
  {
    id: 'int-105',
    title: 'Discarded Register Update',
    configuration: C1,
    versions: SINCE_1_0,
    async run(session) {
      await session.write('PUT', '/1/0/1', FORMATS.text, '60');
      await expectUpdate(session, 60);
      const { verdict } = session.server;
      session.server.verdict = (request) => (request.path === '/rd' ? verdict(request) : { code: '4.04' });
      await session.elapse(60);
      await expectUpdate(session);
      await expectRegister(session, 60);
    },
  },
  {
    id: 'int-106',
    title: 'TCP Binding',
    configuration: {
      ...C1,
      server: { ...C1.server, binding: 'T' },
      device: { ...C1.device, supportedBindingAndModes: 'T' },
    },
    versions: SINCE_1_1,
    transports: ['tcp'],
    // That CSM goes both ways is looked at below (`TcpTransport`), and Register before these steps.
    async run(session) {
      assert.deepEqual(await session.read('/1/0/7'), { '/1/0/7': 'T' });
      assert.deepEqual(await session.read('/3/0/16'), { '/3/0/16': 'T' });
      await session.noUplink();
    },
  },
  {
    id: 'int-107',
    title: 'Extending the lifetime of a registration',
    configuration: { ...C1, account: { lifetime: 60 } },
    versions: SINCE_1_0,
    run: (session) => writeLifetime(session, 120),
  },
  {
    id: 'int-108',
    title: 'Turn on Queue Mode',
    configuration: { ...C1, account: { queueMode: true } },
    versions: SINCE_1_1,
    // Register says it, which is looked at before these steps.
    run: (session) => session.noUplink(),
  },
  {
    id: 'int-950',
    title: 'Multi-Servers Registration',
    configuration: C14,
    versions: SINCE_1_0,
    async run(...sessions) {
      // Each has had its Register; the values of its account are its own.
      for (const session of sessions) {
        const instance = `/1/${session.shortServerId - 1}`;
        includes(await session.read(instance), {
          [`${instance}/0`]: session.shortServerId,
          [`${instance}/1`]: LIFETIME,
        });
        await session.noUplink();
      }
    },
  },
  {
    id: 'int-951',
    title: 'Multi-Servers and Attributes',
    configuration: C14,
    versions: SINCE_1_0,
    async run(first, second) {
      await first.writeAttributes('/3/0?pmin=2&pmax=10');
      await second!.writeAttributes('/3/0?pmin=15&pmax=50');
      for (const [session, pmin, pmax] of [
        [first, '2', '10'],
        [second!, '15', '50'],
      ] as const) {
        const links = await session.discover('/3/0');
        assert.deepEqual(links['/3/0'], { pmin, pmax });
        for (const id of [0, 1, 2, 3, 16]) assert.deepEqual(links[`/3/0/${id}`], {});
        assert.ok('/3/0/11' in links);
      }
    },
  },
];

/** A written lifetime is told by Update at once, and the next Update comes within it. */
async function writeLifetime(session: Session, lifetime: number): Promise<void> {
  await session.write('PUT', '/1/0/1', FORMATS.text, `${lifetime}`);
  await expectUpdate(session, lifetime);
  await session.elapse(lifetime - 1);
  await expectUpdate(session);
}
