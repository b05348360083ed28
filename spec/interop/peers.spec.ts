// The peers against themselves: what fails here is the harness or the peer, not this project.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LeshanServer, startLeshanClient } from './peers/leshan.ts';
import { coapClient, startCoapServer } from './peers/libcoap.ts';
import { startOpensslClient, startOpensslServer } from './peers/openssl.ts';
import { PcapFile } from './peers/pcap.ts';
import { needs } from './peers/peer.ts';
import { UdpRelay } from './peers/relay.ts';
import { dissect } from './peers/tshark.ts';

const KEY = '000102030405060708090a0b0c0d0e0f';

describe('peers against themselves', () => {
  describe('openssl', () => {
    needs('openssl');

    it('s_client and s_server exchange lines through the relay, which loses the first flight', async () => {
      const server = await startOpensslServer({ suite: 'PSK-AES128-CCM8', key: KEY, stateless: true });
      const hazard = ({ index, bytes }: { index: number; bytes: Uint8Array }): Uint8Array[] =>
        index === 0 ? [] : [bytes];
      const relay = await UdpRelay.start({ target: server.port, hazard });
      const client = startOpensslClient({
        suite: 'PSK-AES128-CCM8',
        key: KEY,
        port: relay.port,
        identity: 'Client_identity',
      });
      try {
        await client.waitFor(/Cipher\s*: PSK-AES128-CCM8/);
        client.writeLine('from the client');
        await server.process.waitFor(/^from the client$/m);
        server.process.writeLine('hello from the server');
        await client.waitFor(/^hello from the server$/m);
      } finally {
        relay.close();
        await Promise.all([client.stop(), server.process.stop()]);
      }
    });
  });

  describe('libcoap', () => {
    needs('libcoap');

    it('coap-client reads from coap-server with and without DTLS', async () => {
      const server = await startCoapServer('secretPSK0123456');
      try {
        const plain = await coapClient({ uri: `coap://127.0.0.1:${server.port}/time` });
        assert.match(plain.output, /\d\d:\d\d:\d\d/);
        const psk = { identity: 'someone', key: 'secretPSK0123456' };
        const secure = await coapClient({ uri: `coaps://127.0.0.1:${server.securePort}/time`, psk });
        assert.match(secure.output, /\d\d:\d\d:\d\d/);
      } finally {
        await server.process.stop();
      }
    });
  });

  describe('tshark', () => {
    needs('tshark', 'openssl');

    it('names the CoAP messages in a recording of the relay', async () => {
      const directory = mkdtempSync(join(tmpdir(), 'lwm2m-peers-'));
      const server = await startOpensslServer({
        suite: 'PSK-AES128-CCM8',
        key: KEY,
        keyLogFile: join(directory, 'keys'),
      });
      const record = new PcapFile(join(directory, 'session.pcap'));
      const relay = await UdpRelay.start({ target: server.port, record });
      const client = startOpensslClient({ suite: 'PSK-AES128-CCM8', key: KEY, port: relay.port, identity: 'x' });
      try {
        await client.waitFor(/Cipher\s*: PSK-AES128-CCM8/);
        client.writeLine('@@@@ four bytes of 0x40: an empty confirmable message, then trailing bytes');
        await server.process.waitFor(/@@@@/);
        const secured = await dissect(record.path, server.port);
        assert.ok(secured.some((each) => each.info.includes('Client Key Exchange')));
        assert.ok(secured.every((each) => !each.protocols.endsWith('coap')));
        const opened = await dissect(record.path, server.port, join(directory, 'keys'));
        assert.ok(opened.some((each) => each.protocols.endsWith('coap')));
      } finally {
        relay.close();
        await Promise.all([client.stop(), server.process.stop()]);
        rmSync(directory, { recursive: true });
      }
    });
  });

  describe('leshan', () => {
    needs('leshan');

    let server: LeshanServer;
    before(async () => (server = await LeshanServer.start()));
    after(async () => server?.stop());

    for (const secure of [false, true]) {
      it(`its client registers over ${secure ? 'coaps' : 'coap'}, is read, written and observed, and leaves`, async () => {
        const endpoint = secure ? 'leshan-secure' : 'leshan-plain';
        const psk = { identity: `${endpoint}-id`, key: KEY };
        if (secure) await server.addPsk(endpoint, psk.identity, psk.key);
        const uri = secure ? `coaps://127.0.0.1:${server.coapsPort}` : `coap://127.0.0.1:${server.coapPort}`;
        const client = await startLeshanClient(endpoint, uri, secure ? psk : undefined);
        try {
          const registered = await server.events.waitFor('REGISTRATION', (data) => data.endpoint === endpoint);
          assert.equal(registered.lifetime, 300);
          assert.equal(registered.secure, secure);
          for (const format of ['TLV', 'SENML_JSON'] as const) {
            const { content } = await server.read(endpoint, '/3/0', format);
            assert.equal(content?.kind, 'instance');
          }
          const name = await server.read(endpoint, '/3/0/0', 'TEXT');
          assert.deepEqual(name.content, { id: 0, kind: 'singleResource', type: 'STRING', value: 'Leshan' });
          const written = await server.write(endpoint, '/1/0/1', {
            id: 1,
            kind: 'singleResource',
            type: 'INTEGER',
            value: '77',
          });
          assert.equal(written.status, 'CHANGED(204)');
          await server.events.waitFor(
            'UPDATED',
            ({ registration }) => registration.endpoint === endpoint && registration.lifetime === 77,
          );
          const links = await server.discover(endpoint, '/3/0');
          assert.ok(links.objectLinks?.some(({ url }) => url === '/3/0/0'));
          assert.equal((await server.observe(endpoint, '/3/0')).success, true);
          assert.equal((await server.cancelObserve(endpoint, '/3/0', 'active')).status, 'CONTENT(205)');
          assert.equal((await server.read(endpoint, '/3/0/99')).success, false);
          client.endInput();
          await server.events.waitFor('DEREGISTRATION', (data) => data.endpoint === endpoint);
          assert.equal(await server.registration(endpoint), undefined);
        } finally {
          await client.stop();
        }
      });
    }
  });
});
