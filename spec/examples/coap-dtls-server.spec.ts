// The example's server in this process, its client as a program: what its README shows, and what a light answers.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { Light } from '../../examples/coap-dtls-server/light.ts';
import { serve } from '../../examples/coap-dtls-server/servers.ts';
import { utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import { type CoapClient, type CoapServer, coapClient, formatCode } from '../../lib/coap/index.ts';
import { udpSocket } from '../../lib/net/node/index.ts';

const COMPILED = path.extname(import.meta.filename) !== '.ts';
const ROOT = path.resolve(import.meta.dirname, COMPILED ? '../../..' : '../..');
const FOLDER = path.join(COMPILED ? 'dist' : '.', 'examples', 'coap-dtls-server');
const README = readFileSync(path.join(ROOT, 'examples', 'coap-dtls-server', 'README.md'), 'utf8');

// Credentials are found from the project's root, where all specs run.
describe('examples/coap-dtls-server', () => {
  const light = new Light();
  let servers: Readonly<Record<'plain' | 'psk' | 'pki', CoapServer>>;
  let client: CoapClient;
  before(async () => {
    servers = await serve(light.handler, '127.0.0.1', { plain: 0, psk: 0, pki: 0 });
    client = await coapClient(`coap://127.0.0.1:${servers.plain.local.port}`, { udp: udpSocket });
  });
  after(() => {
    client?.close();
    for (const server of Object.values(servers ?? {})) server.close();
  });

  const blocks = [...README.matchAll(/```text\n(.*?)```/gs)].map(([, text]) => text);

  for (const kind of ['plain', 'psk', 'pki'] as const) {
    it(`its client hears what it switches: ${kind}`, async () => {
      const uri = `${kind === 'plain' ? 'coap' : 'coaps'}://127.0.0.1:${servers[kind].local.port}/light`;
      const file = path.join(FOLDER, `client${COMPILED ? '.js' : '.ts'}`);
      const args = [...(COMPILED ? [] : ['--import', 'tsx']), file, uri, kind];
      const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: ROOT });
      assert.equal(stderr, '');
      assert.equal(stdout, blocks[1]);
      assert.equal(light.observers, 0);
    });
  }

  it('answers as a CoAP server does', async () => {
    const put = (text: string): Promise<string> =>
      client.put('/light', { payload: utf8Encode(text), contentFormat: 0 }).then(({ code }) => formatCode(code));
    assert.equal(await put('on'), '2.04');
    assert.equal(utf8Decode((await client.get('/light')).payload), 'on');
    assert.equal(await put('dim'), '4.00');
    assert.equal(utf8Decode((await client.get('/light')).payload), 'on');
    assert.equal(
      formatCode((await client.put('/light', { payload: utf8Encode('off'), contentFormat: 60 })).code),
      '4.15',
    );
    assert.equal(utf8Decode((await client.get('/light')).payload), 'on');
    assert.equal(formatCode((await client.get('/light', { accept: 60 })).code), '4.06');
    assert.equal(formatCode((await client.delete('/light')).code), '4.05');
    assert.equal(formatCode((await client.get('/heater')).code), '4.04');
    const links = await client.get('/.well-known/core');
    assert.deepEqual([links.contentFormat, utf8Decode(links.payload)], [40, '</light>;rt="light";ct=0;obs']);
  });

  it('tells only of changes', async () => {
    const heard: string[] = [];
    const observation = await client.observe('/light');
    for await (const { payload } of observation) {
      heard.push(utf8Decode(payload));
      if (heard.length === 2) break;
      for (const word of ['on', 'off']) await client.put('/light', { payload: utf8Encode(word), contentFormat: 0 });
    }
    assert.deepEqual(heard, ['on', 'off']);
  });

  it('keeps the names and ports that its README has', () => {
    const lines = blocks[0]!.trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => line.replace(/:\d+\//, ':*/')),
      ['plain: coap://127.0.0.1:*/light', 'psk: coaps://127.0.0.1:*/light', 'pki: coaps://127.0.0.1:*/light'],
    );
    for (const uri of blocks[0]!.match(/coaps?:\S+/g)!) assert.ok(README.split(uri).length > 2, uri);
  });
});
