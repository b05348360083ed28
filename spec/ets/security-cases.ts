// ETS 6.5: the channel is secured, by DTLS.

import assert from 'node:assert/strict';
import { CERTIFICATES, type Credentials, OTHER_NAME, PSK } from './credentials.ts';
import { C1 } from './device.ts';
import { type EtsCase, SINCE_1_0 } from './ets-case.ts';
import { DEVICE_VALUES, includes } from './expectations.ts';
import { FORMATS } from './payloads.ts';

export const SECURITY_CASES: readonly EtsCase[] = [
  registers('int-401', 'UDP Channel Security: Pre-shared Key Mode', PSK),
  registers('int-402', 'UDP Channel Security: Certificate Mode', CERTIFICATES),
  {
    id: 'int-403',
    title: 'UDP Channel Security: Certificate Mode, failure of the server identity',
    configuration: { ...C1, credentials: OTHER_NAME },
    versions: SINCE_1_0,
    transports: ['dtls'],
    registers: false,
    async run(session) {
      const { error } = await session.device.client.events.next('registrationFailed');
      assert.match(error.message, /server-fail\.example/, 'the name is said that the certificate is not for');
      assert.deepEqual(session.server.uplinks, [], 'the server has heard of no device');
    },
  },
];

/** The session is made and Register comes through it, which is looked at before; then it is read as in int-203. */
function registers(id: string, title: string, credentials: Credentials): EtsCase {
  return {
    id,
    title,
    configuration: { ...C1, credentials },
    versions: SINCE_1_0,
    transports: ['dtls'],
    async run(session) {
      includes(await session.read('/3/0', FORMATS.tlv), DEVICE_VALUES);
      await session.noUplink();
    },
  };
}
