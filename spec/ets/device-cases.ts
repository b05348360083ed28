// ETS 6.6.4: the Device object.

import { C1, C6 } from './device.ts';
import assert from 'node:assert/strict';
import { type EtsCase, SINCE_1_0 } from './ets-case.ts';
import { DEVICE_VALUES, includes } from './expectations.ts';
import { FORMATS } from './payloads.ts';

const SAVED = { '/3/0/14': '+01:00', '/3/0/15': 'Europe/Berlin' };

/** A TLV resource with an id and a length of a byte each (Core 1.2 §7.4.5). */
function resource(id: number, value: string): Uint8Array {
  const bytes = Buffer.from(value);
  return Buffer.concat([Uint8Array.of(0xc8, id, bytes.length), bytes]);
}

export const DEVICE_CASES: readonly EtsCase[] = [
  {
    id: 'int-651',
    title: 'Device: Access Check to the Resources',
    configuration: C6,
    versions: SINCE_1_0,
    async run(session) {
      includes(await session.read('/3/0', FORMATS.tlv), { ...DEVICE_VALUES, ...SAVED });
      // OMA's 651-SetOfValues: 1367491215, "+02:00", "Europe/Paris"
      const zone = Buffer.from('C40D5182428FC60E2B30323A3030C80F0C4575726F70652F5061726973', 'hex');
      await session.write('POST', '/3/0', FORMATS.tlv, zone);
      const paris = { '/3/0/13': 1_367_491_215, '/3/0/14': '+02:00', '/3/0/15': 'Europe/Paris' };
      includes(await session.read('/3/0', FORMATS.tlv), { ...DEVICE_VALUES, ...paris });
      const saved = [
        Buffer.from('C40D6955B900', 'hex'),
        resource(14, SAVED['/3/0/14']),
        resource(15, SAVED['/3/0/15']),
      ];
      await session.write('PUT', '/3/0', FORMATS.tlv, Buffer.concat(saved));
      const restored = { ...DEVICE_VALUES, ...SAVED, '/3/0/13': 0x6955_b900 };
      includes(await session.read('/3/0', FORMATS.tlv), restored);
    },
  },
  {
    id: 'int-652',
    title: 'Device: Querying the firmware version from the client',
    configuration: C6,
    versions: SINCE_1_0,
    async run(session) {
      assert.deepEqual(await session.read('/3/0/3'), { '/3/0/3': '1.0' });
    },
  },
  {
    id: 'int-680',
    title: 'Device: Create Object Instance',
    configuration: C1,
    versions: SINCE_1_0,
    async run(session) {
      const payload = Buffer.from('080103C1004D', 'hex'); // instance 1 with a Manufacturer
      await session.ask('4.05', { method: 'POST', path: '/3', contentFormat: FORMATS.tlv, payload });
      await session.ask('4.05', { method: 'POST', path: '/3' });
    },
  },
  {
    id: 'int-685',
    title: 'Device: Delete Object Instance',
    configuration: C1,
    versions: SINCE_1_0,
    async run(session) {
      await session.ask('4.05', { method: 'DELETE', path: '/3/0' });
      includes(await session.read('/3/0'), DEVICE_VALUES);
    },
  },
];
