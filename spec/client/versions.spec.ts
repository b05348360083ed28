// LwM2M 1.0, 1.1 and 1.2: what is registered, which object versions go with each, and what a version lacks.

import assert from 'node:assert/strict';
import { type IncomingRequest, type OutgoingRequest, RESPONSE_CODES } from '../../lib/coap/index.ts';
import type { ClientOptions, LwM2mVersion } from '../../lib/client/index.ts';
import { utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import { Scene } from './scripted-server.ts';
import { createDevice } from '../../lib/objects/index.ts';
import { defineObject } from '../../lib/model/index.ts';
import { formatResponseCode } from '../../lib/client/index.ts';

const Own = defineObject({
  id: 32_775,
  name: 'Own',
  resources: {
    names: { id: 1, name: 'Names', operations: 'RW', type: 'string', multiple: true },
  },
});

/** @param accepts the versions that the server has */
async function started(options: Partial<ClientOptions> = {}, accepts: readonly LwM2mVersion[] = ['1.0', '1.1', '1.2']) {
  const scene = new Scene();
  await scene.listen();
  const before = scene.answer;
  const refuses = ({ path, query }: IncomingRequest): boolean =>
    path.length === 1 && path[0] === 'rd' && !accepts.some((version) => query.includes(`lwm2m=${version}`));
  scene.answer = (request) => (refuses(request) ? { code: RESPONSE_CODES.preconditionFailed } : before(request));
  const own = Own.create({ 0: { names: { 0: 'a', 1: 'b' } } });
  const client = scene.client({ objects: [createDevice({ reboot() {} }), own], ...options });
  await client.start();
  await scene.time.advance(1_000);
  const ask = async (method: OutgoingRequest['method'], path: string, more: Partial<OutgoingRequest> = {}) => {
    const request = { method, path: path.split('/').filter((part) => part !== ''), ...more };
    const { code, payload } = await scene.time.run(scene.connection.request(request));
    return `${formatResponseCode(code)} ${code === RESPONSE_CODES.content ? utf8Decode(payload) : ''}`.trim();
  };
  return { scene, client, ask };
}

const SENML = { contentFormat: 110, payload: utf8Encode('[{"n":"/1/0/1","v":60}]') };

describe('versions', () => {
  const registered: readonly [LwM2mVersion, string, string][] = [
    ['1.0', '0 42 11542 11543', '</1/0>,</3/0>,</32775/0>'],
    ['1.1', '0 42 60 110 112 11542', '</1>;ver=1.1,</1/0>,</3>;ver=1.2,</3/0>,</32775/0>'],
    ['1.2', '0 42 60 110 112 11542 11544', '</1>;ver=1.2,</1/0>,</3>;ver=1.2,</3/0>,</32775/0>'],
  ];
  for (const [version, formats, objects] of registered) {
    it(`${version} is registered with the formats and object versions it has`, async () => {
      const { scene, client } = await started({ versions: [version] });
      assert.deepEqual(scene.lines, [`POST /rd?ep=urn:dev:example&lt=300&lwm2m=${version}&b=U`]);
      assert.equal(scene.seen[0]!.payload, `</>;rt="oma.lwm2m";ct="${formats}",${objects}`);
      await scene.time.run(client.stop());
    });
  }

  it('of a server that answers 4.12 are tried in order, each with its own objects, and no Update follows', async () => {
    const { scene, client } = await started({ versions: ['1.2', '1.1', '1.0'] }, ['1.0']);
    assert.deepEqual(
      scene.seen.map(({ line, payload }) => [/lwm2m=(...)/.exec(line)?.[1], payload.split(',')[1]]),
      [
        ['1.2', '</1>;ver=1.2'],
        ['1.1', '</1>;ver=1.1'],
        ['1.0', '</1/0>'],
      ],
    );
    await scene.time.run(client.stop());
  });

  it('are those that the server says it has (/1/x/25), where it says so', async () => {
    const account = (values: Readonly<Record<number, string>>): Partial<ClientOptions> => ({
      versions: ['1.2', '1.1', '1.0'],
      servers: [{ uri: 'coap://192.0.2.1', server: { supportedServerVersions: values } }],
    });
    for (const [values, first] of [
      [{ 0: '1.0', 1: '1.1' }, '1.1'],
      [{ 0: '1.0' }, '1.0'],
      [{ 0: '1.1.1' }, '1.1'],
      [{ 0: '1.10', 1: 'x1.0', 2: '1.0.2' }, '1.0'],
      [{ 0: '2.0' }, '1.2'],
      [{}, '1.2'],
    ] as const) {
      const { scene, client } = await started(account(values));
      assert.match(scene.lines[0]!, new RegExp(`lwm2m=${first}`));
      await scene.time.run(client.stop());
    }
  });

  it('tell ver of every object where an option says so, also in Discover', async () => {
    const { scene, client, ask } = await started({ versions: ['1.0'], explicitVersions: true });
    const links = '</1>;ver=1.0,</1/0>,</3>;ver=1.0,</3/0>,</32775>;ver=1.0,</32775/0>';
    assert.equal(scene.seen[0]!.payload, `</>;rt="oma.lwm2m";ct="0 42 11542 11543",${links}`);
    assert.match(await ask('GET', '/32775', { accept: 40 }), /^2\.05 <\/32775>;ver=1\.0,<\/32775\/0>,/);
    assert.match(await ask('GET', '/32775/0', { accept: 40 }), /^2\.05 <\/32775\/0>,/);
    await scene.time.run(client.stop());
  });

  describe('a server of 1.0', () => {
    it('sees the Server object as 1.0 has it, and cannot take away what it does not see', async () => {
      const { scene, client, ask } = await started({ versions: ['1.0'] });
      assert.match(await ask('GET', '/1', { accept: 40 }), /^2\.05 <\/1>,<\/1\/0>;ssid=101,(<\/1\/0\/[0-8]>,?)+$/);
      assert.equal(await ask('GET', '/1/0/23', { accept: 0 }), '4.04');
      assert.equal(await ask('PUT', '/1/0/23', { contentFormat: 0, payload: utf8Encode('1') }), '4.04');
      assert.equal(await ask('PUT', '/1/0/23', { query: ['pmin=1'] }), '4.04');
      const replace = utf8Encode(
        '{"e":[{"n":"1","v":60},{"n":"6","bv":true},{"n":"7","sv":"U"},{"n":"23","bv":true}]}',
      );
      assert.equal(await ask('PUT', '/1/0', { contentFormat: 11_543, payload: replace }), '2.04');
      assert.equal(client.server.instance(0).lifetime, 60);
      assert.equal(client.server.instance(0).muteSend, false);
      await scene.time.run(client.stop());
    });

    it('is refused what came later', async () => {
      const { scene, client, ask } = await started({ versions: ['1.0'] });
      assert.equal(await ask('GET', '/32775/0/1/0'), '4.04');
      assert.equal(await ask('PUT', '/32775/0/1/0', { contentFormat: 0, payload: utf8Encode('c') }), '4.04');
      assert.equal(await ask('FETCH', '/', { contentFormat: 110, payload: utf8Encode('[{"n":"/3"}]') }), '4.05');
      assert.equal(await ask('iPATCH', '/', SENML), '4.05');
      for (const accept of [60, 110, 112, 11_544]) assert.equal(await ask('GET', '/1/0/1', { accept }), '4.06');
      assert.equal(await ask('PUT', '/1/0/1', SENML), '4.15');
      assert.equal(await ask('GET', '/1', { accept: 40, query: ['depth=1'] }), '4.00');
      for (const query of ['epmin=1', 'epmax=9', 'con=1', 'hqmax=1', 'edge=1']) {
        assert.equal(await ask('PUT', '/1/0/1', { query: [query] }), '4.00', query);
      }
      await assert.rejects(client.send(['/3/0/16']), { code: 'ESTATE' });
      await scene.time.run(client.stop());
    });
  });

  it('of 1.1 lack what came with 1.2', async () => {
    const { scene, client, ask } = await started({ versions: ['1.1'] });
    assert.equal(await ask('GET', '/1/0/1', { accept: 11_544 }), '4.06');
    assert.equal(await ask('DELETE', '/32775/0/1/0'), '4.05');
    assert.equal(await ask('GET', '/1/0/25'), '4.04');
    assert.equal(await ask('GET', '/1', { accept: 40, query: ['depth=1'] }), '4.00');
    assert.equal(await ask('PUT', '/1/0/1', { query: ['epmin=1'] }), '2.04');
    for (const query of ['con=1', 'hqmax=1', 'edge=1']) {
      assert.equal(await ask('PUT', '/1/0/1', { query: [query] }), '4.00', query);
    }
    const observing = scene.connection.observe(
      { method: 'GET', path: ['1', '0', '1'], query: ['pmin=1'] },
      () => undefined,
    );
    assert.equal((await scene.time.run(observing)).response.code, RESPONSE_CODES.badRequest);
    await scene.time.run(client.stop());
  });

  it('of 1.2 have it', async () => {
    const { scene, client, ask } = await started({ versions: ['1.2'] });
    assert.match(await ask('GET', '/1/0/1', { accept: 60 }), /^2\.05/);
    assert.equal(await ask('DELETE', '/32775/0/1/0'), '2.02');
    assert.equal(await ask('GET', '/32775', { accept: 40, query: ['depth=0'] }), '2.05 </32775>');
    assert.equal(await ask('PUT', '/1/0/1', { query: ['con=1'] }), '2.04');
    assert.equal(await ask('PUT', '/1/0/26', { contentFormat: 0, payload: utf8Encode('1') }), '2.04');
    await scene.time.run(client.stop());
  });
});
