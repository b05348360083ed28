// What servers may ask for, over the wire: several instances at once, arguments by their bytes, integers of 64 bits, attributes
// that outlive a restart and are each server's own, changes that applications hear of.

import assert from 'node:assert/strict';
import { type OutgoingRequest, RESPONSE_CODES } from '../../lib/coap/index.ts';
import type { ClientOptions } from '../../lib/client/index.ts';
import { MemoryStorage } from '../../lib/storage/index.ts';
import { Scene } from './scripted-server.ts';
import { type ObjectDefinition, Path, defineObject, plausibleObject } from '../../lib/model/index.ts';
import { encodeEntries } from '../../lib/formats/index.ts';
import { formatResponseCode } from '../../lib/client/index.ts';
import { fromHex, utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';

const Lock = defineObject({
  id: 32_776,
  name: 'Lock',
  multiple: true,
  resources: {
    name: { id: 0, name: 'Name', operations: 'RW', type: 'string', mandatory: true },
    level: { id: 1, name: 'Level', operations: 'RW', type: 'integer', range: [0, 9] },
    turn: { id: 2, name: 'Turn', operations: 'E', type: 'none' },
  },
});

async function registered(options: Partial<ClientOptions> = {}) {
  const scene = new Scene();
  await scene.listen();
  const turned: string[] = [];
  const locks = Lock.create(
    { 0: { name: 'front', level: 1, turn: (args) => void turned.push(JSON.stringify([...args])) } },
    { instanceTemplate: () => ({ level: 5 }), deletable: true },
  );
  const changes: string[] = [];
  locks.subscribe(({ kind, path }) => changes.push(`${kind} ${path}`));
  const client = scene.client({ objects: [locks], versions: ['1.2'], ...options });
  await client.start();
  await scene.time.advance(1_000);
  const ask = async (method: OutgoingRequest['method'], path: string, more: Partial<OutgoingRequest> = {}) => {
    const request = { method, path: path.split('/').slice(1), ...more };
    const { code, payload } = await scene.time.run(scene.connection.request(request));
    return `${formatResponseCode(code)} ${code === RESPONSE_CODES.content ? utf8Decode(payload) : ''}`.trim();
  };
  return { scene, client, locks, turned, changes, ask };
}

const senml = (records: object): Partial<OutgoingRequest> => ({
  contentFormat: 110,
  payload: utf8Encode(JSON.stringify(records)),
});

describe('Create', () => {
  it('makes several instances at once, in SenML JSON as in TLV, and one Update tells of them', async () => {
    const { scene, client, locks, changes, ask } = await registered();
    const two = [
      { bn: '/32776/', n: '3/0', vs: 'back' },
      { n: '7/0', vs: 'side' },
      { n: '7/1', v: 2 },
    ];
    assert.equal(await ask('POST', '/32776', senml(two)), '2.01');
    assert.deepEqual(locks.instanceIds, [0, 3, 7]);
    assert.deepEqual([locks[3]?.level, locks[7]?.level], [5, 2]);
    assert.deepEqual(changes, ['created /32776/3', 'created /32776/7']);
    await scene.time.advance(1_000);
    assert.equal(scene.lines.length, 2, 'one Update');
    assert.match(scene.seen[1]!.payload, /<\/32776\/3>,<\/32776\/7>$/);
    // 03 09 c1 00 "x": an instance of three bytes, with resource 0 of one byte
    const tlv = fromHex('0309c10078030ac10079');
    assert.equal(await ask('POST', '/32776', { contentFormat: 11_542, payload: tlv }), '2.01');
    assert.deepEqual(locks.instanceIds, [0, 3, 7, 9, 10]);
    await scene.time.run(client.stop());
  });

  it('makes all or none', async () => {
    const { scene, client, locks, changes, ask } = await registered();
    const wrong: readonly [object, string][] = [
      [
        [
          { n: '/32776/3/0', vs: 'a' },
          { n: '/32776/4/1', v: 1 },
        ],
        '4.00',
      ],
      [
        [
          { n: '/32776/3/0', vs: 'a' },
          { n: '/32776/4/0', vs: 'b' },
          { n: '/32776/4/1', v: 10 },
        ],
        '4.00',
      ],
      [
        [
          { n: '/32776/3/0', vs: 'a' },
          { n: '/32776/0/0', vs: 'b' },
        ],
        '4.00',
      ],
      [
        [
          { n: '/32776/3/0', vs: 'a' },
          { n: '/1/4/0', v: 1 },
        ],
        '4.00',
      ],
    ];
    for (const [records, code] of wrong) {
      assert.match(await ask('POST', '/32776', senml(records)), new RegExp(`^${code}`), JSON.stringify(records));
    }
    assert.deepEqual([locks.instanceIds, changes], [[0], []]);
    await scene.time.run(client.stop());
  });
});

describe('Execute', () => {
  it('takes arguments byte by byte as the grammar has them', async () => {
    const { scene, client, turned, ask } = await registered();
    const right: readonly [string, string][] = [
      ['', '[]'],
      ['0', '[[0,null]]'],
      ["0='left'", '[[0,"left"]]'],
      ["2='10.3',7=''", '[[2,"10.3"],[7,""]]'],
      ["9,1='!#$%&()*+,-./:;<=>?@[]^_`{|}~'", '[[9,null],[1,"!#$%&()*+,-./:;<=>?@[]^_`{|}~"]]'],
    ];
    for (const [text, args] of right) {
      turned.length = 0;
      const request = { contentFormat: 0, payload: utf8Encode(text) };
      assert.equal(await ask('POST', '/32776/0/2', text === '' ? {} : request), '2.04', text);
      assert.deepEqual(turned, [args]);
    }
    turned.length = 0;
    const wrong = [
      '00',
      "0='",
      "0=''1",
      "a='1'",
      ',',
      '0,',
      "0='a'b'",
      "0='a\\'",
      "0='\"'",
      '0,0',
      "0=' '",
      '10',
      '0=1',
      'é',
    ];
    for (const text of wrong) {
      const code = await ask('POST', '/32776/0/2', { contentFormat: 0, payload: utf8Encode(text) });
      assert.equal(code, '4.00', text);
    }
    const bytes = { contentFormat: 0, payload: Uint8Array.of(0x30, 0xff) };
    assert.equal(await ask('POST', '/32776/0/2', bytes), '4.00', 'no UTF-8');
    assert.equal(await ask('POST', '/32776/0/2', { contentFormat: 42, payload: utf8Encode('0') }), '4.15');
    assert.deepEqual(turned, []);
    await scene.time.run(client.stop());
  });
});

describe('integers of 64 bits', () => {
  const Counter: ObjectDefinition = {
    id: 32_781,
    name: 'Counter',
    resources: {
      signed: { id: 0, name: 'Signed', operations: 'RW', type: 'integer' },
      unsigned: { id: 1, name: 'Unsigned', operations: 'RW', type: 'unsignedInteger' },
      narrow: { id: 2, name: 'Narrow', operations: 'RW', type: 'integer', range: [-128, 127] },
    },
  };
  const cases: readonly [resource: number, type: 'integer' | 'unsignedInteger', value: bigint][] = [
    [0, 'integer', (1n << 63n) - 1n],
    [0, 'integer', -(1n << 63n)],
    [0, 'integer', (1n << 53n) + 1n],
    [0, 'integer', 5n],
    [1, 'unsignedInteger', (1n << 64n) - 1n],
    [1, 'unsignedInteger', 1n << 63n],
  ];

  it('are written in any format and read in plain digits, as they are', async () => {
    const object = plausibleObject(Counter, { instances: [0], now: new Date(0) });
    const { scene, client, ask } = await registered({ objects: [object] });
    for (const contentFormat of [0, 60, 110, 112, 11_542, 11_544]) {
      for (const [resource, type, value] of cases) {
        const path = Path.of(32_781, 0, resource);
        const payload = encodeEntries(contentFormat, path, [{ path, value }], () => ({ type, multiple: false }));
        assert.equal(await ask('PUT', `${path}`, { contentFormat, payload }), '2.04', `${value} in ${contentFormat}`);
        assert.equal(await ask('GET', `${path}`, { accept: 0 }), `2.05 ${value}`);
        assert.equal(await ask('GET', `${path}`, { accept: 110 }), `2.05 [{"bn":"${path}","v":${value}}]`);
      }
    }
    for (const wrong of ['9223372036854775808', '-9223372036854775809'])
      assert.match(await ask('PUT', '/32781/0/0', { contentFormat: 0, payload: utf8Encode(wrong) }), /^4\.00/);
    for (const wrong of ['-1', '18446744073709551616'])
      assert.match(await ask('PUT', '/32781/0/1', { contentFormat: 0, payload: utf8Encode(wrong) }), /^4\.00/);
    assert.match(await ask('PUT', '/32781/0/2', { contentFormat: 0, payload: utf8Encode('128') }), /^4\.00/);
    await scene.time.run(client.stop());
  });

  it('are numbers where they fit, bigints where they do not, and told to observers exactly', async () => {
    const object = plausibleObject(Counter, { instances: [0], now: new Date(0) });
    const { scene, client, ask } = await registered({ objects: [object] });
    const heard: string[] = [];
    const request = { method: 'GET', path: ['32781', '0', '0'], accept: 0 } as const;
    await scene.time.run(scene.connection.observe(request, ({ payload }) => heard.push(utf8Decode(payload))));
    for (const value of [9_007_199_254_740_991, 9_007_199_254_740_993n, 9_007_199_254_740_992n]) {
      await ask('PUT', '/32781/0/0', { contentFormat: 0, payload: utf8Encode(`${value}`) });
      assert.equal(object.instance(0)['signed'], value);
      await scene.time.advance(1_000);
    }
    assert.deepEqual(heard, ['9007199254740991', '9007199254740993', '9007199254740992']);
    assert.equal(typeof object.instance(0)['narrow'], 'number');
    await scene.time.run(client.stop());
  });
});

describe('notification attributes', () => {
  it("outlive a restart, and are not shown to another server's account", async () => {
    const storage = new MemoryStorage();
    const first = await registered({ storage });
    assert.equal(await first.ask('PUT', '/32776/0/1', { query: ['pmin=5', 'gt=3'] }), '2.04');
    assert.equal(await first.ask('PUT', '/32776', { query: ['con=1'] }), '2.04');
    await first.scene.time.run(first.client.stop({ deregister: false }));
    const second = await registered({ storage });
    const shown = '2.05 </32776/0/1>;con=1;pmin=5;gt=3';
    assert.equal(await second.ask('GET', '/32776/0/1', { accept: 40 }), shown);
    await second.scene.time.run(second.client.stop({ deregister: false }));
    const servers = [{ uri: 'coap://192.0.2.1', shortServerId: 7 }];
    const third = await registered({ storage, servers });
    assert.equal(await third.ask('GET', '/32776/0/1', { accept: 40 }), '2.05 </32776/0/1>');
    await third.scene.time.run(third.client.stop());
  });

  it('are kept a second after they were written, also should the process be killed then', async () => {
    const storage = new MemoryStorage();
    const { scene, client, ask } = await registered({ storage });
    assert.equal(await ask('PUT', '/32776/0/1', { query: ['pmin=5'] }), '2.04');
    await scene.time.advance(1_100);
    const saved = await storage.get('attributes-101');
    assert.deepEqual((JSON.parse(utf8Decode(saved!)) as { attributes: object }).attributes, {
      '/32776/0/1': { pmin: 5 },
    });
    await scene.time.run(client.stop());
  });
});
