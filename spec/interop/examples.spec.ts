// The examples beside real peers.

import assert from 'node:assert/strict';
import path from 'node:path';
import { Light } from '../../examples/coap-dtls-server/light.ts';
import { PSK, credential, serve } from '../../examples/coap-dtls-server/servers.ts';
import type { CoapServer } from '../../lib/coap/index.ts';
import { type LibcoapRequest, coapClient } from './peers/libcoap.ts';
import { needs } from './peers/peer.ts';

describe('examples/coap-dtls-server beside libcoap', () => {
  needs('libcoap');
  const light = new Light();
  let servers: Readonly<Record<'plain' | 'psk' | 'pki', CoapServer>>;
  before(async () => {
    servers = await serve(light.handler, '127.0.0.1', { plain: 0, psk: 0, pki: 0 });
  });
  after(() => {
    for (const server of Object.values(servers ?? {})) server.close();
  });

  const file = (name: string): string => path.resolve(credential(name)); // coap-client runs elsewhere
  const certificates = ['-c', file('device.pem'), '-j', file('device.key'), '-C', file('ca.pem')];
  const kinds: readonly (readonly [string, 'plain' | 'psk' | 'pki', Partial<LibcoapRequest>])[] = [
    ['without security', 'plain', {}],
    ['with a pre-shared key', 'psk', { psk: PSK }],
    ['with certificates, by OpenSSL', 'pki', { credential: { flavour: 'openssl', flags: certificates } }],
    ['with certificates, by GnuTLS', 'pki', { credential: { flavour: 'gnutls', flags: certificates } }],
  ];
  for (const [title, kind, credentials] of kinds) {
    it(`is switched, read and observed ${title}`, async () => {
      const uri = `${kind === 'plain' ? 'coap' : 'coaps'}://127.0.0.1:${servers[kind].local.port}/light`;
      const ask = async (more: Partial<LibcoapRequest>): Promise<string> =>
        (await coapClient({ uri, ...credentials, ...more })).output.trim();
      assert.equal(await ask({ method: 'put', payload: 'on' }), '');
      assert.equal(await ask({}), 'on');
      const observed = ask({ observe: 3 });
      while (light.observers === 0) await new Promise((resolve) => setImmediate(resolve));
      await ask({ method: 'put', payload: 'off' });
      assert.match(await observed, /^on\s*off/);
    });
  }
});
