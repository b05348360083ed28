// Every operation at every level, and the response code of each failure (LwM2M Transport 1.2, tables of the Device Management
// and Information Reporting interfaces; Core 1.2 §6.3).

import assert from 'node:assert/strict';
import { type IncomingRequest, type Method, RESPONSE_CODES } from '../../lib/coap/index.ts';
import { DEFAULT_HANDLER_TIMEOUT, Patience } from '../../lib/client/patience.ts';
import { VirtualTime, silentLog } from '../../lib/runtime/index.ts';
import { encodeCbor, fromHex, utf8Encode } from '../../lib/bytes/index.ts';
import { AttributeStore } from '../../lib/client/attribute-store.ts';
import { Dispatcher } from '../../lib/client/dispatch.ts';
import type { LwM2mVersion } from '../../lib/client/registration-parameters.ts';
import { ObjectSet } from '../../lib/client/object-set.ts';
import { createDevice } from '../../lib/objects/index.ts';
import { defineObject } from '../../lib/model/index.ts';
import { formatResponseCode } from '../../lib/client/index.ts';

const Valve = defineObject({
  id: 32_777,
  name: 'Valve',
  multiple: true,
  resources: {
    name: { id: 0, name: 'Name', operations: 'RW', type: 'string', mandatory: true },
    flow: { id: 1, name: 'Flow', operations: 'R', type: 'float' },
    pins: { id: 2, name: 'Pins', operations: 'RW', type: 'integer', multiple: true, range: [0, 9] },
    code: { id: 3, name: 'Code', operations: 'W', type: 'opaque' },
    turn: { id: 4, name: 'Turn', operations: 'E', type: 'none' },
    isOpen: { id: 5, name: 'Open', operations: 'R', type: 'boolean' },
    feeds: { id: 6, name: 'Feeds', operations: 'RW', type: 'objectLink' },
    tags: { id: 7, name: 'Tags', operations: 'RW', type: 'string', multiple: true },
    shown: { id: 9, name: 'Shown', operations: 'RW', type: 'coreLink' },
    absent: { id: 8, name: 'Absent', operations: 'R', type: 'integer' },
  },
});

function setup(version: LwM2mVersion) {
  const valves = Valve.create(
    {
      0: {
        name: 'inlet',
        flow: 1.5,
        pins: { 0: 4, 2: 7 },
        code: Uint8Array.of(1),
        turn: () => undefined,
        isOpen: true,
        feeds: { object: 65_535, instance: 65_535 },
        tags: {},
      },
    },
    { instanceTemplate: () => ({}), deletable: true },
  );
  const time = new VirtualTime();
  const { handle } = new Dispatcher({
    objects: new ObjectSet([valves, createDevice({ reboot: () => undefined })]),
    attributes: new AttributeStore(),
    log: silentLog,
    patience: new Patience(DEFAULT_HANDLER_TIMEOUT, { clock: time, timers: time }),
    version: () => version,
    preferredFormat: undefined,
    observe: () => undefined,
    attributesChanged: () => undefined,
  });
  const ask = async (method: Method, path: string, more: Partial<IncomingRequest> = {}): Promise<string> => {
    const response = await handle({
      method,
      path: path.split('/').filter((part) => part !== ''),
      query: [],
      accept: undefined,
      contentFormat: undefined,
      options: [],
      payload: new Uint8Array(0),
      confirmable: true,
      token: Uint8Array.of(1),
      acceptObservation: undefined,
      cancelsObservation: false,
      ...more,
    });
    if (response === undefined) return 'nothing';
    const location = response.locationPath === undefined ? '' : ` /${response.locationPath.join('/')}`;
    return `${formatResponseCode(response.code)}${location}`;
  };
  return { valves, ask };
}

type More = Partial<IncomingRequest>;
const as = (contentFormat: number, payload: Uint8Array | string): More => ({
  contentFormat,
  payload: typeof payload === 'string' ? utf8Encode(payload) : payload,
});
const text = (value: string): More => as(0, value);
const json = (...records: readonly object[]): More => as(110, JSON.stringify(records));
const etch = (...records: readonly object[]): More => as(320, JSON.stringify(records));
const tlv = (hex: string): More => as(11_542, fromHex(hex));
const lwm2m = (map: Parameters<typeof encodeCbor>[0]): More => as(11_544, encodeCbor(map));
const link = { accept: 40 };
const query = (...parameters: readonly string[]): More => ({ query: parameters });
const O = '/32777';

type Row = readonly [operation: string, method: Method, path: string, more: More, code: string, version?: LwM2mVersion];

const ROWS: readonly Row[] = [
  ['Read the root', 'GET', '/', {}, '4.05'],
  ['Read an object', 'GET', O, {}, '2.05'],
  ['Read an instance', 'GET', `${O}/0`, {}, '2.05'],
  ['Read a resource', 'GET', `${O}/0/0`, {}, '2.05'],
  ['Read a multiple resource', 'GET', `${O}/0/2`, {}, '2.05'],
  ['Read a multiple resource without instances', 'GET', `${O}/0/7`, {}, '2.05'],
  ['Read a resource instance', 'GET', `${O}/0/2/2`, {}, '2.05'],
  ['Read an object that is not there', 'GET', '/9999', {}, '4.04'],
  ['Read an instance that is not there', 'GET', `${O}/1`, {}, '4.04'],
  ['Read a resource that is not there', 'GET', `${O}/0/8`, {}, '4.04'],
  ['Read a resource instance that is not there', 'GET', `${O}/0/2/1`, {}, '4.04'],
  ['Read a resource instance of a single resource', 'GET', `${O}/0/0/0`, {}, '4.04'],
  ['Read what is written only', 'GET', `${O}/0/3`, {}, '4.05'],
  ['Read what is executed', 'GET', `${O}/0/4`, {}, '4.05'],
  ['Read Security', 'GET', '/0', {}, '4.01'],
  ['Read Security below', 'GET', '/0/0/0', {}, '4.01'],
  ['Read OSCORE', 'GET', '/21/0', {}, '4.01'],
  ['Read in a format unknown', 'GET', `${O}/0`, { accept: 50 }, '4.06'],
  ['Read several values in text', 'GET', `${O}/0/2`, { accept: 0 }, '4.06'],
  ['Read text as opaque', 'GET', `${O}/0/0`, { accept: 42 }, '4.06'],
  ['Read in the JSON of 1.0', 'GET', `${O}/0`, { accept: 11_543 }, '4.06'],
  ['Read in the JSON of 1.0', 'GET', `${O}/0`, { accept: 11_543 }, '2.05', '1.0'],
  ['Read in LwM2M CBOR', 'GET', `${O}/0`, { accept: 11_544 }, '4.06', '1.1'],
  ['Read in SenML', 'GET', `${O}/0`, { accept: 110 }, '4.06', '1.0'],
  ['Read a resource instance', 'GET', `${O}/0/2/2`, {}, '4.04', '1.0'],
  ['Read what is no path', 'GET', '/3/x', {}, '4.04'],
  ['Read five levels deep', 'GET', '/3/0/6/0/0', {}, '4.04'],

  ['Discover the root', 'GET', '/', link, '2.05'],
  ['Discover an object', 'GET', O, link, '2.05'],
  ['Discover an instance', 'GET', `${O}/0`, link, '2.05'],
  ['Discover a resource', 'GET', `${O}/0/2`, link, '2.05'],
  ['Discover what is executed', 'GET', `${O}/0/4`, link, '2.05'],
  ['Discover a resource instance', 'GET', `${O}/0/2/2`, link, '4.05'],
  ['Discover what is not there', 'GET', `${O}/0/8`, link, '4.04'],
  ['Discover Security', 'GET', '/0', link, '4.01'],
  ['Discover at depth 4', 'GET', O, { ...link, ...query('depth=4') }, '4.00'],

  ['Write the root', 'PUT', '/', json(), '4.05'],
  ['Write an object', 'PUT', O, json(), '4.05'],
  ['Write an instance', 'PUT', `${O}/0`, json({ n: `${O}/0/0`, vs: 'x' }), '2.04'],
  ['Write an instance without what is mandatory', 'PUT', `${O}/0`, json({ n: `${O}/0/2/0`, v: 1 }), '4.00'],
  ['Write a part of an instance', 'POST', `${O}/0`, json({ n: `${O}/0/2/0`, v: 1 }), '2.04'],
  ['Write a resource', 'PUT', `${O}/0/0`, text('x'), '2.04'],
  ['Write a resource without Content-Format', 'PUT', `${O}/0/0`, { payload: utf8Encode('x') }, '2.04'],
  ['Write all of a multiple resource', 'PUT', `${O}/0/2`, json({ n: `${O}/0/2/5`, v: 1 }), '2.04'],
  ['Write a part of a multiple resource', 'POST', `${O}/0/2`, json({ n: `${O}/0/2/5`, v: 1 }), '2.04'],
  ['Write a resource instance', 'PUT', `${O}/0/2/2`, text('1'), '2.04'],
  ['Write a resource instance that is not there', 'PUT', `${O}/0/2/1`, text('1'), '4.04'],
  ['Write a resource instance of a single resource', 'PUT', `${O}/0/0/0`, text('1'), '4.04'],
  ['Write what is read only', 'PUT', `${O}/0/1`, text('1'), '4.05'],
  ['Write what is executed', 'PUT', `${O}/0/4`, text('1'), '4.05'],
  ['Write among others what is read only', 'POST', `${O}/0`, json({ n: `${O}/0/1`, v: 1 }), '4.05'],
  ['Write among others what is executed', 'POST', `${O}/0`, json({ n: `${O}/0/4`, v: 1 }), '4.05'],
  ['Write among others what nobody knows', 'POST', `${O}/0`, json({ n: `${O}/0/99`, v: 1 }), '2.04'],
  ['Write a resource nobody knows', 'PUT', `${O}/0/99`, text('1'), '4.04'],
  ['Write where no instance is', 'PUT', `${O}/7/0`, text('x'), '4.04'],
  ['Write where no object is', 'PUT', '/9999/0/0', text('x'), '4.04'],
  ['Write a value of another type', 'PUT', `${O}/0/2/2`, text('x'), '4.00'],
  ['Write a value out of range', 'PUT', `${O}/0/2/2`, text('10'), '4.00'],
  ['Write in a format unknown', 'PUT', `${O}/0/0`, as(50, 'x'), '4.15'],
  ['Write in a format for links', 'PUT', `${O}/0`, as(40, '</3>'), '4.15'],
  ['Write in a format for composites', 'PUT', `${O}/0`, etch({ n: `${O}/0/0`, vs: 'x' }), '4.15'],
  ['Write an instance in text', 'PUT', `${O}/0`, text('x'), '4.15'],
  ['Write in SenML', 'POST', `${O}/0`, json({ n: `${O}/0/0`, vs: 'x' }), '4.15', '1.0'],
  ['Write beside the path', 'POST', `${O}/0`, json({ n: '/3/0/14', vs: 'x' }), '4.00'],
  ['Write Security', 'PUT', '/0/0/0', text('coap://x'), '4.01'],
  ['Write the null link', 'PUT', `${O}/0/6`, text('65535:65535'), '2.04'],
  ['Write a link to an instance', 'PUT', `${O}/0/6`, text('3:0'), '2.04'],
  ['Write a link to an object', 'PUT', `${O}/0/6`, text('3:65535'), '2.04'],
  ['Write a link to no instance', 'PUT', `${O}/0/6`, text('3:1'), '4.00'],
  ['Write a link to no object', 'PUT', `${O}/0/6`, text('9999:65535'), '4.00'],
  ['Write a link to an instance of nothing', 'PUT', `${O}/0/6`, text('65535:0'), '4.00'],
  ['Write a link to what servers may not see', 'PUT', `${O}/0/6`, text('0:65535'), '4.00'],
  ['Write such a link among others', 'POST', `${O}/0`, json({ n: `${O}/0/6`, vlo: '9999:0' }), '4.00'],

  ['Write CoRE links', 'PUT', `${O}/0/9`, text('</3/0>;dim=2,</5>'), '2.04'],
  ['Write what are no CoRE links', 'PUT', `${O}/0/9`, text('</3/0'), '4.00'],
  ['Write what are no CoRE links among others', 'POST', `${O}/0`, json({ n: `${O}/0/9`, vs: 'x' }), '4.00'],

  ['Write attributes of the root', 'PUT', '/', query('pmin=1'), '4.05'],
  ['Write attributes of an object', 'PUT', O, query('pmin=1'), '2.04'],
  ['Write attributes of an instance', 'PUT', `${O}/0`, query('con=1'), '2.04'],
  ['Write attributes of a resource', 'PUT', `${O}/0/1`, query('gt=5', 'lt=1', 'st=1'), '2.04'],
  ['Write attributes of a resource instance', 'PUT', `${O}/0/2/2`, query('st=1'), '2.04'],
  ['Write attributes of what is not there', 'PUT', `${O}/0/8`, query('pmin=1'), '4.04'],
  ['Write attributes of no resource instance', 'PUT', `${O}/0/2/1`, query('pmin=1'), '4.04'],
  ['Write attributes of what is executed', 'PUT', `${O}/0/4`, query('pmin=1'), '4.05'],
  ['Write attributes of what is written only', 'PUT', `${O}/0/3`, query('pmin=1'), '4.05'],
  ['Write attributes of Security', 'PUT', '/0/0', query('pmin=1'), '4.01'],
  ['Write an attribute unknown', 'PUT', O, query('band=1'), '4.00'],
  ['Write an attribute badly', 'PUT', O, query('pmin=1.5'), '4.00'],
  ['Write an attribute for an object that takes none', 'PUT', O, query('gt=5'), '4.00'],
  ['Write lt above gt', 'PUT', `${O}/0/1`, query('gt=1', 'lt=5'), '4.00'],
  ['Write steps that do not fit between', 'PUT', `${O}/0/1`, query('gt=5', 'lt=1', 'st=2'), '4.00'],
  ['Write epmin as large as epmax', 'PUT', O, query('epmin=5', 'epmax=5'), '4.00'],
  ['Write pmax below pmin', 'PUT', O, query('pmin=5', 'pmax=1'), '2.04'],
  ['Write edge', 'PUT', `${O}/0/5`, query('edge=1'), '2.04'],
  ['Write edge', 'PUT', `${O}/0/5`, query('edge=1'), '4.00', '1.1'],
  ['Write epmin', 'PUT', O, query('epmin=1'), '4.00', '1.0'],

  ['Execute the root', 'POST', '/', {}, '4.05'],
  ['Execute a resource', 'POST', `${O}/0/4`, {}, '2.04'],
  ['Execute with arguments', 'POST', `${O}/0/4`, text("0='x',1"), '2.04'],
  ['Execute with what are none', 'POST', `${O}/0/4`, text('x'), '4.00'],
  ['Execute what cannot be', 'POST', `${O}/0/0`, {}, '4.05'],
  ['Execute a resource instance', 'POST', `${O}/0/2/2`, {}, '4.05'],
  ['Execute what is not there', 'POST', `${O}/0/99`, {}, '4.04'],
  ['Execute where no instance is', 'POST', `${O}/7/4`, {}, '4.04'],
  ['Execute at Security', 'POST', '/0/0/0', {}, '4.01'],

  ['Create without what is mandatory', 'POST', O, {}, '4.00'],
  ['Create in TLV, resources alone', 'POST', O, tlv('c10078'), '2.01 /32777/1'],
  ['Create in the old TLV, resources alone', 'POST', O, as(1542, fromHex('c10078')), '2.01 /32777/1'],
  ['Create in LwM2M CBOR, resources alone', 'POST', O, lwm2m(new Map([[0, 'x']])), '2.01 /32777/1'],
  ['Create in TLV, with an id', 'POST', O, tlv('0305c10078'), '2.01 /32777/5'],
  ['Create in LwM2M CBOR, with an id', 'POST', O, lwm2m(new Map([[5, new Map([[0, 'x']])]])), '2.01 /32777/5'],
  ['Create in LwM2M CBOR, whole', 'POST', O, lwm2m(new Map([[[32_777, 5, 0], 'x']])), '2.01 /32777/5'],
  ['Create in SenML JSON', 'POST', O, json({ n: `${O}/5/0`, vs: 'x' }), '2.01 /32777/5'],
  ['Create several', 'POST', O, json({ n: `${O}/5/0`, vs: 'x' }, { n: `${O}/6/0`, vs: 'y' }), '2.01'],
  ['Create what is there', 'POST', O, json({ n: `${O}/0/0`, vs: 'x' }), '4.00'],
  [
    'Create with what is read only',
    'POST',
    O,
    json({ n: `${O}/5/0`, vs: 'x' }, { n: `${O}/5/1`, v: 2 }),
    '2.01 /32777/5',
  ],
  [
    'Create with what nobody knows',
    'POST',
    O,
    json({ n: `${O}/5/0`, vs: 'x' }, { n: `${O}/5/99`, v: 2 }),
    '2.01 /32777/5',
  ],
  [
    'Create with a link to itself',
    'POST',
    O,
    json({ n: `${O}/5/0`, vs: 'x' }, { n: `${O}/5/6`, vlo: '32777:5' }),
    '2.01 /32777/5',
  ],
  ['Create with a link to nothing', 'POST', O, json({ n: `${O}/5/0`, vs: 'x' }, { n: `${O}/5/6`, vlo: '3:7' }), '4.00'],
  ['Create with a value of another type', 'POST', O, lwm2m(new Map([[0, 1]])), '4.00'],
  [
    'Create with what is executed',
    'POST',
    O,
    json({ n: `${O}/5/0`, vs: 'x' }, { n: `${O}/5/4`, v: 2 }),
    '2.01 /32777/5',
  ],
  ['Create without Content-Format', 'POST', O, { payload: fromHex('c10078') }, '4.00'],
  ['Create in text', 'POST', O, text('x'), '4.15'],
  ['Create in a format unknown', 'POST', O, as(50, 'x'), '4.15'],
  ['Create in LwM2M CBOR', 'POST', O, lwm2m(new Map([[0, 'x']])), '4.15', '1.1'],
  ['Create another Device', 'POST', '/3', {}, '4.05'],
  ['Create of no object', 'POST', '/9999', tlv('c10078'), '4.04'],
  ['Create Security', 'POST', '/0', tlv('c10078'), '4.01'],

  ['Delete the root', 'DELETE', '/', {}, '4.05'],
  ['Delete an object', 'DELETE', O, {}, '4.05'],
  ['Delete an instance', 'DELETE', `${O}/0`, {}, '2.02'],
  ['Delete an instance that is not there', 'DELETE', `${O}/7`, {}, '4.04'],
  ['Delete the Device', 'DELETE', '/3/0', {}, '4.05'],
  ['Delete a resource', 'DELETE', `${O}/0/0`, {}, '4.05'],
  ['Delete a resource instance', 'DELETE', `${O}/0/2/2`, {}, '2.02'],
  ['Delete a resource instance', 'DELETE', `${O}/0/2/2`, {}, '4.05', '1.1'],
  ['Delete a resource instance', 'DELETE', `${O}/0/2/2`, {}, '4.04', '1.0'],
  ['Delete a resource instance that is not there', 'DELETE', `${O}/0/2/1`, {}, '4.04'],
  ['Delete where no object is', 'DELETE', '/9999/0', {}, '4.04'],
  ['Delete Security', 'DELETE', '/0/0', {}, '4.01'],

  ['Read-Composite', 'FETCH', '/', json({ n: `${O}/0/0` }), '2.05'],
  ['Read-Composite in SenML-ETCH', 'FETCH', '/', etch({ n: `${O}/0/0` }), '2.05'],
  ['Read-Composite of all', 'FETCH', '/', json({ n: '/' }), '2.05'],
  ['Read-Composite of what is forbidden or absent', 'FETCH', '/', json({ n: '/0' }, { n: '/9999' }), '2.05'],
  ['Read-Composite with a value', 'FETCH', '/', json({ n: `${O}/0/0`, v: 1 }), '4.00'],
  ['Read-Composite in TLV', 'FETCH', '/', tlv('c10078'), '4.15'],
  ['Read-Composite without Content-Format', 'FETCH', '/', {}, '4.15'],
  ['Read-Composite for TLV', 'FETCH', '/', { ...json({ n: O }), accept: 11_542 }, '4.06'],
  ['Read-Composite below the root', 'FETCH', O, json({ n: O }), '4.05'],
  ['Read-Composite', 'FETCH', '/', json({ n: `${O}/0/0` }), '4.05', '1.0'],
  ['Read-Composite in SenML-ETCH', 'FETCH', '/', etch({ n: `${O}/0/0` }), '4.15', '1.1'],

  ['Write-Composite', 'iPATCH', '/', json({ n: `${O}/0/0`, vs: 'x' }), '2.04'],
  ['Write-Composite in LwM2M CBOR', 'iPATCH', '/', lwm2m(new Map([[[32_777, 0, 0], 'x']])), '2.04'],
  ['Write-Composite of an end', 'iPATCH', '/', etch({ n: `${O}/0/2/2`, v: null }), '2.04'],
  ['Write-Composite of a link to nothing', 'iPATCH', '/', json({ n: `${O}/0/6`, vlo: '3:7' }), '4.00'],
  ['Write-Composite of what is read only', 'iPATCH', '/', json({ n: `${O}/0/1`, v: 1 }), '4.05'],
  ['Write-Composite of what is not there', 'iPATCH', '/', json({ n: `${O}/7/0`, vs: 'x' }), '4.04'],
  ['Write-Composite of Security', 'iPATCH', '/', json({ n: '/0/0/0', vs: 'x' }), '4.01'],
  ['Write-Composite of an instance', 'iPATCH', '/', json({ n: `${O}/0`, vs: 'x' }), '4.00'],
  ['Write-Composite in text', 'iPATCH', '/', text('x'), '4.15'],
  ['Write-Composite', 'iPATCH', '/', json({ n: `${O}/0/0`, vs: 'x' }), '4.05', '1.0'],
  ['PATCH', 'PATCH', '/', json({ n: `${O}/0/0`, vs: 'x' }), '4.05'],
];

describe('response codes', () => {
  for (const [operation, method, path, more, expected, version = '1.2'] of ROWS) {
    it(`${operation} (${version}): ${expected}`, async () => {
      const { ask, valves } = setup(version);
      const before = stateOf(valves);
      assert.equal(await ask(method, path, more), expected);
      if (!expected.startsWith('2.')) assert.equal(stateOf(valves), before, 'nothing has changed');
    });
  }

  it('are those of the tables alone', () => {
    const known = new Set(Object.values(RESPONSE_CODES).map(formatResponseCode));
    assert.deepEqual(
      ROWS.map(([, , , , code]) => code.split(' ')[0]!).filter((code) => !known.has(code)),
      [],
    );
  });
});

function stateOf(valves: ReturnType<typeof setup>['valves']): string {
  const shown = (value: unknown): unknown => (value instanceof Uint8Array ? [...value] : value);
  return JSON.stringify(
    valves.instanceIds.map((id) => ({ ...valves[id] })),
    (_, value) => shown(value),
  );
}
