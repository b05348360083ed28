// The examples beside programs nobody here wrote: what their guides promise of OpenSSL, GnuTLS and libcoap.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Light } from '../../examples/coap-dtls-server/light.ts';
import { PSK, credential, serve } from '../../examples/coap-dtls-server/servers.ts';
import * as endpoint from '../../examples/dtls-echo/endpoint.ts';
import * as sansIoClient from '../../examples/dtls-echo/sans-io-client.ts';
import * as sansIoServer from '../../examples/dtls-echo/sans-io-server.ts';
import type { CoapServer } from '../../lib/coap/index.ts';
import { GNUTLS_SUITES, type GnutlsSuite, startGnutlsClient, startGnutlsEcho } from './peers/gnutls-certificates.ts';
import { type LibcoapRequest, coapClient } from './peers/libcoap.ts';
import {
  startOpensslCertificateClient,
  startOpensslCertificateServer,
  startOpensslClient,
  startOpensslServer,
} from './peers/openssl.ts';
import { needs } from './peers/peer.ts';
import type { PeerProcess } from './peers/process.ts';

const KEY = '000102030405060708090a0b0c0d0e0f';
const IDENTITY = 'sensor-1';
const PSK_SUITE = 'PSK-AES128-CCM8';
const ECDSA_SUITE = 'ECDHE-ECDSA-AES128-GCM-SHA256'; // security level 1 of OpenSSL takes no CCM_8
const RAW_SUITE: GnutlsSuite = GNUTLS_SUITES.find(({ id }) => id === 0xc0ae)!;

const file = (name: string): string => path.resolve(credential(name)); // peers run elsewhere
const rawFlags = (role: 'server' | 'device'): readonly string[] => [
  '--rawpkkeyfile',
  file(`${role}.key`),
  '--rawpkfile',
  file(`${role}.pub`),
];

const stops: (() => unknown)[] = [];
const stopAll = async (): Promise<void> => {
  for (const stop of stops.splice(0)) await stop();
};
const running = (process: PeerProcess): PeerProcess => {
  stops.push(() => process.stop());
  return process;
};

describe('examples/dtls-echo beside OpenSSL and GnuTLS', () => {
  needs('openssl');
  afterEach(stopAll);

  const silent = (): void => undefined;
  const servers = {
    'by endpoint': async () => {
      const server = await endpoint.startServer(0, silent);
      stops.push(() => server.close());
      return server.socket.local!.port;
    },
    'by hand, psk': () => byHand('psk'),
    'by hand, raw public keys': () => byHand('rawPublicKey'),
  } as const;

  async function byHand(kind: 'psk' | 'rawPublicKey'): Promise<number> {
    const server = await sansIoServer.startServer(kind, 0, silent);
    stops.push(() => server.close());
    return server.port;
  }

  /** Two lines there and back. What a client prints of its own comes before. */
  async function echoes(client: PeerProcess, ready: RegExp): Promise<void> {
    await running(client).waitFor(ready);
    for (const line of ['one line', 'another line']) {
      client.writeLine(line);
      await client.waitFor(new RegExp(`^${line}$`, 'm'));
    }
  }

  for (const name of ['by endpoint', 'by hand, psk'] as const) {
    it(`server ${name}: s_client with a pre-shared key`, async () => {
      const port = await servers[name]();
      await echoes(startOpensslClient({ suite: PSK_SUITE, key: KEY, port, identity: IDENTITY }), /Verify return code/);
    });
  }

  it('server by endpoint: s_client with a certificate', async () => {
    const port = await servers['by endpoint']();
    const client = startOpensslCertificateClient({
      suite: ECDSA_SUITE,
      certificate: file('device.pem'),
      key: file('device.key'),
      trusted: file('ca.pem'),
      port,
    });
    await echoes(client, /Verify return code: 0/);
  });

  const clients = { 'by endpoint': endpoint.sayHello, 'by hand': sansIoClient.sayHello } as const;

  /** s_server echoes nothing over DTLS: it prints what it hears, and the answer is typed. */
  async function answered<T>(server: PeerProcess, heard: Promise<T>): Promise<T> {
    heard.catch(() => undefined);
    await running(server).waitFor(/^hello$/m);
    server.writeLine('likewise');
    return heard;
  }

  for (const [name, sayHello] of Object.entries(clients)) {
    it(`client ${name}: s_server with a pre-shared key`, async () => {
      const server = await startOpensslServer({ suite: PSK_SUITE, key: KEY });
      const heard = sayHello('psk', server.port, 'hello');
      assert.deepEqual(await answered(server.process, heard), { agreed: 'psk, suite 0xc0a8', answer: 'likewise' });
    });
  }

  it('client by endpoint: s_server with certificates both ways', async () => {
    const server = await startOpensslCertificateServer({
      suite: ECDSA_SUITE,
      certificate: file('server.pem'),
      key: file('server.key'),
      trusted: file('ca.pem'),
    });
    const heard = endpoint.sayHello('certificate', server.port, 'hello');
    const expected = { agreed: 'certificate, suite 0xc02b', answer: 'likewise' };
    assert.deepEqual(await answered(server.process, heard), expected);
  });

  describe('with raw public keys', () => {
    needs('gnutls');

    for (const name of ['by endpoint', 'by hand, raw public keys'] as const) {
      it(`server ${name}: gnutls-cli with raw public keys`, async () => {
        const port = await servers[name]();
        const flags = [...rawFlags('device'), '--insecure'];
        await echoes(startGnutlsClient({ suite: RAW_SUITE, raw: true, flags, port }), /Handshake was completed/);
      });
    }

    for (const [name, sayHello] of Object.entries(clients)) {
      it(`client ${name}: gnutls-serv with raw public keys`, async () => {
        const server = await startGnutlsEcho({ suite: RAW_SUITE, raw: true, flags: [...rawFlags('server'), '-r'] });
        running(server.process);
        const expected = { agreed: 'rawPublicKey, suite 0xc0ae', answer: 'hello' };
        assert.deepEqual(await sayHello('rawPublicKey', server.port, 'hello'), expected);
      });
    }
  });
});

describe('examples/coap-dtls-server beside libcoap', () => {
  needs('libcoap');
  const light = new Light();
  const scratch = mkdtempSync(path.join(tmpdir(), 'lwm2m-light-'));
  after(() => rmSync(scratch, { recursive: true }));
  let servers: Readonly<Record<'plain' | 'psk' | 'pki', CoapServer>>;
  before(async () => {
    servers = await serve(light.handler, '127.0.0.1', { plain: 0, psk: 0, pki: 0 });
  });
  after(() => {
    for (const server of Object.values(servers ?? {})) server.close();
  });

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

  it('sends the hint CoAP, by which coap-client finds its key', async () => {
    const hints = path.join(scratch, 'hints');
    writeFileSync(hints, `another,nobody,wrongKey\nCoAP,${PSK.identity},${PSK.key}\n`);
    const uri = `coaps://127.0.0.1:${servers.psk.local.port}/light`;
    const psk = { identity: 'nobody', key: 'wrongKey' }; // where no hint fits
    const { output } = await coapClient({ uri, psk, more: ['-h', hints] });
    assert.match(output, /^o(n|ff)$/m);
  });
});
