// ETS 6.3: what is read, in each format and at each level.

import assert from 'node:assert/strict';
import { C1, C1_KEYS } from './device.ts';
import { type EtsCase, SINCE_1_0, SINCE_1_1 } from './ets-case.ts';
import { DEVICE_VALUES, SERVER_VALUES, areBelow, includes } from './expectations.ts';
import { COMPOSITE_FORMATS, FORMATS, type Format, tlvRecords } from './payloads.ts';
import type { Session } from './session.ts';

/** One after the other: a session has one conversation. */
async function eachOf<T>(all: readonly T[], work: (each: T) => Promise<void>): Promise<void> {
  for (const each of all) await work(each);
}

export const READ_CASES: readonly EtsCase[] = [
  {
    id: 'int-201',
    title: 'Querying basic information in plain text',
    configuration: C1,
    versions: SINCE_1_0,
    async run(session) {
      await eachOf(['/3/0/0', '/3/0/1', '/3/0/2'], async (path) => {
        const { payload } = await session.ask('2.05', { method: 'GET', path, accept: FORMATS.text });
        assert.equal(Buffer.from(payload).toString('utf8'), DEVICE_VALUES[path]);
        assert.deepEqual(await session.read(path, FORMATS.text), { [path]: DEVICE_VALUES[path] });
      });
    },
  },
  {
    id: 'int-203',
    title: 'Querying basic information in TLV format',
    configuration: C1,
    versions: SINCE_1_0,
    async run(session) {
      const { payload } = await session.ask('2.05', { method: 'GET', path: '/3/0', accept: FORMATS.tlv });
      const outer = tlvRecords(payload);
      // Core §7.4.5 has an answer about one instance with its record (bits 7-6: 00) or without.
      const resources = outer[0]!.kind === 0 ? tlvRecords(outer[0]!.value) : outer;
      const kinds = Object.fromEntries(resources.map(({ id, kind }) => [id, kind]));
      for (const id of [0, 1, 2, 3, 16]) assert.equal(kinds[id], 0b11, `/3/0/${id} is a resource with value`);
      assert.equal(kinds[11], 0b10, '/3/0/11 has instances');
      includes(await session.read('/3/0', FORMATS.tlv), DEVICE_VALUES);
    },
  },
  {
    id: 'int-204',
    title: 'Querying basic information in JSON format',
    configuration: C1,
    versions: ['1.0'], // Core 1.2 §7.4.6: later clients shall not use it
    async run(session) {
      const values = await session.read('/3/0', FORMATS.json);
      includes(values, DEVICE_VALUES);
      areBelow(values, '/3/0');
    },
  },
  {
    id: 'int-211',
    title: 'Querying basic information in CBOR format',
    configuration: C1,
    versions: SINCE_1_1,
    async run(session) {
      // RFC 8949 appendix A: 1, false, "U"
      await eachOf(
        [
          ['/1/0/0', '01'],
          ['/1/0/6', 'f4'],
          ['/1/0/7', '6155'],
        ] as const,
        async ([path, bytes]) => {
          const { payload } = await session.ask('2.05', { method: 'GET', path, accept: FORMATS.cbor });
          assert.equal(Buffer.from(payload).toString('hex'), bytes, path);
          assert.deepEqual(await session.read(path, FORMATS.cbor), { [path]: SERVER_VALUES[path] });
        },
      );
    },
  },
  {
    id: 'int-221',
    title: 'Attempt to perform operations on Security',
    configuration: C1,
    versions: SINCE_1_0,
    async run(session) {
      const uri = Buffer.from('coap://198.51.100.1');
      const refused = [
        await session.ask('4.01', { method: 'GET', path: '/0' }),
        await session.ask('4.01', { method: 'PUT', path: '/0/0/0', contentFormat: FORMATS.text, payload: uri }),
        await session.ask('4.01', { method: 'PUT', path: '/0?pmin=30&pmax=45' }),
      ];
      for (const { payload } of refused) assert.equal(payload.length, 0, 'nothing is said of /0');
    },
  },
  {
    id: 'int-222',
    title: 'Read on Object',
    configuration: C1,
    versions: SINCE_1_0,
    run: readsWhole('/1', '/3'),
  },
  {
    id: 'int-223',
    title: 'Read on Object Instance',
    configuration: C1,
    versions: SINCE_1_0,
    run: readsWhole('/1/0', '/3/0'),
  },
  {
    id: 'int-224',
    title: 'Read on Resource',
    configuration: C1,
    versions: SINCE_1_0,
    async run(session) {
      for (const [path, value] of Object.entries({ ...SERVER_VALUES, '/3/0/16': 'U' })) {
        assert.deepEqual(await session.read(path), { [path]: value });
      }
    },
  },
  {
    id: 'int-225',
    title: 'Read on Resource Instance',
    configuration: C1,
    versions: SINCE_1_1,
    async run(session) {
      assert.deepEqual(await session.read('/3/0/11/0'), { '/3/0/11/0': 0 });
    },
  },
  {
    id: 'int-229',
    title: 'Read-Composite Operation',
    configuration: C1,
    versions: SINCE_1_1,
    async run(session) {
      await eachOf(COMPOSITE_FORMATS, async (format) => {
        const values = await session.readComposite(['/3', '/1/0', '/1/0/1', '/3/0/11/0'], format);
        includes(values, { ...DEVICE_VALUES, ...SERVER_VALUES });
        areBelow(values, '/3', '/1/0');
      });
    },
  },
  queries('int-231', 'Querying basic information in SenML JSON format', FORMATS.senmlJson),
  queries('int-232', 'Querying basic information in SenML CBOR format', FORMATS.senmlCbor),
  {
    id: 'int-235',
    title: 'Read-Composite Operation on root path',
    configuration: C1_KEYS,
    versions: SINCE_1_1,
    async run(session) {
      await eachOf(COMPOSITE_FORMATS, async (format) => {
        const values = await session.readComposite(['/'], format);
        includes(values, { ...DEVICE_VALUES, ...SERVER_VALUES });
        areBelow(values, '/1/0', '/3/0'); // so none of /0, /21 and /23
        for (const path of ['/1/0/8', '/3/0/4']) assert.equal(path in values, false, `${path} cannot be read`);
      });
    },
  },
  {
    id: 'int-236',
    title: 'Read-Composite Operation, partial presence',
    configuration: C1,
    versions: SINCE_1_1,
    async run(session) {
      const paths = ['/1/0', '/1/0/1', '/3/0/11/0', '/3339/0/5522', '/3353/0/6030'];
      await eachOf(COMPOSITE_FORMATS, async (format) => {
        const values = await session.readComposite(paths, format);
        includes(values, { ...SERVER_VALUES, '/3/0/11/0': 0 });
        areBelow(values, '/1/0', '/3/0/11/0');
      });
    },
  },
  {
    id: 'int-237',
    title: 'Read on Object without specifying Content-Type',
    configuration: C1,
    versions: SINCE_1_1,
    async run(session) {
      await eachOf(['/1', '/3'], async (path) => {
        const response = await session.ask('2.05', { method: 'GET', path });
        const values = session.valuesOf(response, path, COMPOSITE_FORMATS);
        includes(values, path === '/1' ? SERVER_VALUES : DEVICE_VALUES);
        areBelow(values, `${path}/0`);
      });
    },
  },
  {
    id: 'int-280',
    title: 'Successful Read-Composite Operation',
    configuration: C1,
    versions: SINCE_1_1,
    async run(session) {
      await eachOf(COMPOSITE_FORMATS, async (format) => {
        const values = await session.readComposite(['/3/0/16', '/3/0/11/0', '/1/0'], format);
        includes(values, { ...SERVER_VALUES, '/3/0/11/0': 0, '/3/0/16': 'U' });
        areBelow(values, '/3/0/16', '/3/0/11/0', '/1/0');
      });
    },
  },
  {
    id: 'int-281',
    title: 'Partially Successful Read-Composite Operation',
    configuration: C1,
    versions: SINCE_1_1,
    async run(session) {
      await eachOf(COMPOSITE_FORMATS, async (format) => {
        const values = await session.readComposite(['/1/0/1', '/1/0/7', '/1/0/8'], format);
        assert.deepEqual(values, { '/1/0/1': SERVER_VALUES['/1/0/1'], '/1/0/7': 'U' });
      });
    },
  },
];

/** The client chooses the format. */
function readsWhole(...paths: readonly ['/1' | '/1/0', '/3' | '/3/0']): (session: Session) => Promise<void> {
  return async (session) => {
    const [server, device] = [await session.read(paths[0]), await session.read(paths[1])];
    includes(server, SERVER_VALUES);
    areBelow(server, '/1/0');
    includes(device, DEVICE_VALUES);
    areBelow(device, '/3/0');
  };
}

/** Object, instance, resource and resource instance in one format. */
function queries(id: string, title: string, format: Format): EtsCase {
  return {
    id,
    title,
    configuration: C1,
    versions: SINCE_1_1,
    async run(session) {
      includes(await session.read('/1', format), SERVER_VALUES);
      includes(await session.read('/3/0', format), DEVICE_VALUES);
      assert.deepEqual(await session.read('/3/0/16', format), { '/3/0/16': 'U' });
      assert.deepEqual(await session.read('/3/0/11/0', format), { '/3/0/11/0': 0 });
    },
  };
}
