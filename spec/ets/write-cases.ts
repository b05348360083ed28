// ETS 6.3: what is written, in each format and at each level.

import assert from 'node:assert/strict';
import { C1, C12, C3, C6, LIFETIME } from './device.ts';
import { type EtsCase, SINCE_1_0, SINCE_1_1 } from './ets-case.ts';
import { DEVICE_VALUES, EXTENDED_SERVER_VALUES, SERVER_VALUES, expectUpdate, includes } from './expectations.ts';
import { COMPOSITE_FORMATS, FORMATS, type Format, type Values, senmlPack } from './payloads.ts';
import type { Session } from './session.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

export const WRITE_CASES: readonly EtsCase[] = [
  {
    id: 'int-205',
    title: 'Setting basic information in Plain Text format',
    configuration: C3,
    versions: SINCE_1_0,
    async run(session) {
      for (const [pmin, pmax, timeout] of [
        ['101', '1010', '2000'],
        ['1', '10', '86400'],
      ] as const) {
        await session.write('PUT', '/1/0/2', FORMATS.text, pmin);
        await session.write('PUT', '/1/0/3', FORMATS.text, pmax);
        await session.write('PUT', '/1/0/5', FORMATS.text, timeout);
        const written = { '/1/0/2': Number(pmin), '/1/0/3': Number(pmax), '/1/0/5': Number(timeout) };
        includes(await session.read('/1/0', FORMATS.tlv), { ...EXTENDED_SERVER_VALUES, ...written });
      }
      await session.noUplink();
    },
  },
  {
    id: 'int-212',
    title: 'Setting basic information in CBOR format',
    configuration: C3,
    versions: SINCE_1_1,
    async run(session) {
      // RFC 8949 appendix A: 101, 1010, true
      await session.write('PUT', '/1/0/2', FORMATS.cbor, hex('18 65'));
      await session.write('PUT', '/1/0/3', FORMATS.cbor, hex('19 03F2'));
      await session.write('PUT', '/1/0/6', FORMATS.cbor, hex('F5'));
      const written = { '/1/0/2': 101, '/1/0/3': 1010, '/1/0/6': true };
      includes(await session.read('/1/0'), { ...EXTENDED_SERVER_VALUES, ...written });
    },
  },
  {
    id: 'int-215',
    title: 'Setting basic information in TLV format',
    configuration: C3,
    versions: SINCE_1_0,
    run: (session) =>
      setsAndRestores(session, FORMATS.tlv, [
        hex('C1 02 65  C2 03 03F2  C2 05 07D0  C1 06 01  C1 07 55'),
        hex('C4 01 00015180  C1 02 01  C1 03 0A  C4 05 00015180  C1 06 00  C1 07 55'),
      ]),
  },
  {
    id: 'int-220',
    title: 'Setting basic information in JSON format',
    configuration: C3,
    versions: ['1.0'], // Core 1.2 §7.4.6: later clients shall not use it
    // OMA prints the values of SenML's shape and 0101 for 101; this is the same in the form of LwM2M 1.0 §6.4.4.
    run: (session) =>
      setsAndRestores(session, FORMATS.json, [
        '{"bn":"/","e":[{"n":"1/0/2","v":101},{"n":"1/0/3","v":1010},{"n":"1/0/5","v":2000},{"n":"1/0/6","bv":true},{"n":"1/0/7","sv":"U"}]}',
        '{"bn":"/1/0/","e":[{"n":"1","v":86400},{"n":"2","v":1},{"n":"3","v":10},{"n":"5","v":86400},{"n":"6","bv":false},{"n":"7","sv":"U"}]}',
      ]),
  },
  {
    id: 'int-226',
    title: 'Write (Partial Update) on Object Instance',
    configuration: C1,
    versions: SINCE_1_0,
    async run(session) {
      await session.write('POST', '/1/0', FORMATS.tlv, hex('C1 01 3D  C1 06 01')); // 61 s, true
      await expectUpdate(session, 61);
      includes(await session.read('/1/0'), { ...SERVER_VALUES, '/1/0/1': 61, '/1/0/6': true });
      await session.write('POST', '/1/0', FORMATS.tlv, hex('C4 01 00015180  C1 06 00'));
      await expectUpdate(session, LIFETIME);
      includes(await session.read('/1/0'), SERVER_VALUES);
    },
  },
  {
    id: 'int-227',
    title: 'Write (replace) on Resource',
    configuration: C1,
    versions: SINCE_1_0,
    async run(session) {
      await session.write('PUT', '/1/0/1', FORMATS.text, '63');
      await expectUpdate(session, 63);
      assert.deepEqual(await session.read('/1/0/1'), { '/1/0/1': 63 });
      await session.write('PUT', '/1/0/1', FORMATS.text, `${LIFETIME}`);
      await expectUpdate(session, LIFETIME);
    },
  },
  {
    id: 'int-228',
    title: 'Write on Resource Instance',
    configuration: C12,
    versions: SINCE_1_1,
    async run(session) {
      const before = await session.read('/16/0/0');
      await session.write('PUT', '/16/0/0/1', FORMATS.text, 'test');
      assert.deepEqual(await session.read('/16/0/0/1'), { '/16/0/0/1': 'test' });
      assert.deepEqual(await session.read('/16/0/0'), { ...before, '/16/0/0/1': 'test' }, 'its siblings are as before');
    },
  },
  {
    id: 'int-230',
    title: 'Write-Composite Operation',
    configuration: C12,
    versions: SINCE_1_1,
    async run(session) {
      let lifetime = 61;
      for (const format of COMPOSITE_FORMATS) {
        const identity = { '/16/0/0/0': 'aa', '/16/0/0/1': 'bb', '/16/0/0/2': 'cc', '/16/0/0/3': 'dd' };
        const texts = Object.entries(identity).map(([n, vs]) => ({ n, vs }));
        const records = [{ n: '/1/0/1', v: lifetime }, { n: '/1/0/6', vb: true }, ...texts];
        await session.write('iPATCH', '/', format, senmlPack(format, records));
        await expectUpdate(session, lifetime);
        includes(await session.read('/1/0'), { ...SERVER_VALUES, '/1/0/1': lifetime, '/1/0/6': true });
        assert.deepEqual(await session.read('/16'), identity);
        await session.write('iPATCH', '/', format, senmlPack(format, [{ n: '/16/0/0/0', vs: 'other' }]));
        lifetime++;
      }
    },
  },
  sets('int-233', 'Setting basic information in SenML CBOR format', FORMATS.senmlCbor),
  sets('int-234', 'Setting basic information in SenML JSON format', FORMATS.senmlJson),
  {
    id: 'int-256',
    title: 'Write Operation Failure',
    configuration: C1,
    versions: SINCE_1_0,
    async run(session) {
      const payload = Buffer.from('123');
      await session.ask('4.05', { method: 'PUT', path: '/1/0/0', contentFormat: FORMATS.text, payload });
      assert.deepEqual(await session.read('/1/0/0'), { '/1/0/0': 1 });
    },
  },
  {
    id: 'int-257',
    title: 'Write-Composite Operation (Server and Device Object)',
    configuration: C6,
    versions: SINCE_1_1,
    async run(session) {
      const json = '[{"bn":"/","n":"1/0/2","v":101},{"n":"1/0/6","vb":true},{"n":"3/0/13","v":0}]';
      const cbor = hex(
        '83 A3 21 61 2F 00 65 312F302F32 02 18 65 A2 00 65 312F302F36 04 F5 A2 00 66 332F302F3133 02 00',
      );
      const restoring = [
        { n: '/1/0/2', v: 1 },
        { n: '/1/0/6', vb: false },
        { n: '/3/0/13', v: 1_700_000_000 },
      ];
      includes(await session.read('/1'), EXTENDED_SERVER_VALUES);
      includes(await session.read('/3'), {
        ...DEVICE_VALUES,
        '/3/0/6/0': 1,
        '/3/0/6/1': 2,
        '/3/0/9': 0,
        '/3/0/22/0': '3:0',
      });
      for (const [format, payload] of [
        [FORMATS.senmlJson, json],
        [FORMATS.senmlCbor, cbor],
      ] as const) {
        await session.write('iPATCH', '/', format, payload);
        includes(await session.read('/1'), { ...EXTENDED_SERVER_VALUES, '/1/0/2': 101, '/1/0/6': true });
        includes(await session.read('/3'), { ...DEVICE_VALUES, '/3/0/13': 0 });
        await session.write('iPATCH', '/', format, senmlPack(format, restoring));
        includes(await session.read('/3/0/13'), { '/3/0/13': 1_700_000_000 });
      }
    },
  },
];

/** int-215 and int-220: one partial update, and back by one replacement. */
async function setsAndRestores(
  session: Session,
  format: Format,
  [update, replacement]: readonly [Uint8Array | string, Uint8Array | string],
): Promise<void> {
  const initial: Values = await session.read('/1/0', format);
  includes(initial, EXTENDED_SERVER_VALUES);
  await session.write('POST', '/1/0', format, update);
  const written = { '/1/0/2': 101, '/1/0/3': 1010, '/1/0/5': 2000, '/1/0/6': true, '/1/0/7': 'U' };
  assert.deepEqual(await session.read('/1/0', format), { ...initial, ...written });
  await session.write('PUT', '/1/0', format, replacement);
  assert.deepEqual(await session.read('/1/0', format), EXTENDED_SERVER_VALUES, 'what was replaced, and nothing else');
  await session.noUplink();
}

/** int-233 and int-234. */
function sets(id: string, title: string, format: Format): EtsCase {
  return {
    id,
    title,
    configuration: C12,
    versions: SINCE_1_1,
    async run(session) {
      const pack = (...records: readonly Readonly<Record<string, unknown>>[]): Uint8Array => senmlPack(format, records);
      await session.write('POST', '/1/0', format, pack({ bn: '/1/0/', n: '1', v: 61 }, { n: '6', vb: true }));
      await expectUpdate(session, 61);
      includes(await session.read('/1', format), { ...SERVER_VALUES, '/1/0/1': 61, '/1/0/6': true });
      await session.write('PUT', '/16/0/0/0', format, pack({ n: '/16/0/0/0', vs: 'test_value' }));
      includes(await session.read('/16', format), { '/16/0/0/0': 'test_value', '/16/0/0/1': C12_SECOND });
      await session.write('PUT', '/1/0/1', format, pack({ n: '/1/0/1', v: 63 }));
      await expectUpdate(session, 63);
      assert.deepEqual(await session.read('/1/0/1', format), { '/1/0/1': 63 });
    },
  };
}

const C12_SECOND = 'Host Device Manufacturer #1';
