// Our CoAP over TCP and TLS against libcoap's (RFC 8323): coap-client against our server, our client against coap-server.

import assert from 'node:assert/strict';
import { utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import {
  type CoapBackends,
  type CoapClient,
  type CoapServer,
  RESPONSE_CODES,
  TcpCoapConnection,
  coapClient,
  coapServer,
} from '../../lib/coap/index.ts';
import { pskKeyFromBuffer } from '../../lib/crypto/index.ts';
import { tcpSocket } from '../../lib/net/node/index.ts';
import { nodeTls } from '../../security-backends/node-tls/index.ts';
import { BIG, LONG, PSK, bigFile, chunks, resources } from './libcoap-resources.ts';
import { psk } from './ours.ts';
import {
  type CoapServer as LibcoapServer,
  coapClient as libcoapClient,
  startCoapServer,
  startPlainCoapServer,
} from './peers/libcoap.ts';
import { needs, smoke } from './peers/peer.ts';

const BACKENDS: CoapBackends = { tcp: tcpSocket, tls: nodeTls() };
const KEY = utf8Encode(PSK.key);

describe('CoAP over streams beside libcoap', () => {
  needs('libcoap');

  for (const flavour of [undefined, 'openssl', ...(smoke ? [] : ['gnutls' as const])] as const) {
    const secure = flavour !== undefined;
    const scheme = secure ? 'coaps+tcp' : 'coap+tcp';
    const over = secure ? `${scheme} over ${flavour}` : scheme;
    /** Over GnuTLS, libcoap 4.3.1 sends the first TLS record (16 KiB) of a message and forgets the rest. */
    const limits = flavour === 'gnutls' ? { maxMessageBytes: 16_000 } : {};

    describe(`coap-client against our server, ${over}`, () => {
      let stored: Uint8Array = new Uint8Array(0);
      let server: CoapServer;
      before(async () => {
        const handler = resources(
          () => stored,
          (bytes) => (stored = Uint8Array.from(bytes)),
        );
        const lookup = (identity: Uint8Array) =>
          utf8Decode(identity) === PSK.identity ? pskKeyFromBuffer(KEY) : undefined;
        server = await coapServer(`${scheme}://127.0.0.1:0`, BACKENDS, handler, {
          ...limits,
          ...(secure && { security: { mode: 'psk', lookup } }),
          freshness: { demanded: (request) => request.path[0] === 'fresh' },
          streamed: (request) => request.path[0] === 'sink',
        });
      });
      after(() => server?.close());

      const ask = async (path: string, more: Partial<Parameters<typeof libcoapClient>[0]> = {}): Promise<string> => {
        const uri = `${scheme}://127.0.0.1:${server.local.port}${path}`;
        const { output } = await libcoapClient({ uri, ...(secure && { psk: PSK, flavour }), ...more });
        return output.trimEnd();
      };

      it('GET is answered at once', async () => assert.equal(await ask('/hello?who=libcoap'), 'hello who=libcoap'));
      it('a late answer comes late', async () => assert.equal(await ask('/late'), 'at last'));
      it('an unknown path is 4.04', async () => assert.match(await ask('/nowhere'), /4\.04/));
      it('GET of a long body', async () => assert.equal(await ask('/long'), LONG));
      it('GET of a long body, block by block', async () => assert.equal(await ask('/long', { blockSize: 128 }), LONG));
      it('GET of 100,000 bytes, more than we send in one message', async () => assert.equal(await ask('/stream'), BIG));
      it('PUT of 100,000 bytes from a file, read as they come', async () => {
        await ask('/sink', { method: 'put', more: ['-f', await bigFile()] });
        assert.ok(utf8Decode(stored) === BIG, `${stored.length} bytes arrived`);
      });
      it('observes, and hears every change', async () => {
        assert.match(await ask('/counter', { observe: 3 }), /0\n1\n2\n3/);
      });
      for (const method of ['fetch', 'patch', 'ipatch'] as const) {
        it(`${method.toUpperCase()} arrives as it is, and its body with it`, async () => {
          assert.equal(await ask('/method', { method, payload: 'some body' }), `${method.toUpperCase()} some body`);
        });
      }
      it('a request that must be fresh is demanded again by Echo', async () => {
        assert.equal(await ask('/fresh'), 'fresh enough');
      });
      if (secure) {
        it('a client with another key gets nothing', async () => {
          const { output } = await libcoapClient({
            uri: `${scheme}://127.0.0.1:${server.local.port}/hello`,
            psk: { identity: PSK.identity, key: 'another0123456789' },
            flavour,
            limitSeconds: 5,
          });
          assert.ok(!output.includes('hello'), output);
        });
      }
    });

    describe(`our client against coap-server, ${over}`, () => {
      let server: LibcoapServer;
      let client: CoapClient;
      before(async () => {
        server = secure ? await startCoapServer(PSK.key, [], flavour) : await startPlainCoapServer();
        if (secure) await server.process.waitFor(/created TLS\s+endpoint/i);
        const port = secure ? server.securePort : server.port;
        const security = secure ? psk(PSK.identity, KEY) : undefined;
        client = await coapClient(`${scheme}://127.0.0.1:${port}`, BACKENDS, { ...limits, security });
      });
      after(async () => {
        client?.close();
        await server?.process.stop();
      });

      it('says what it can take', () => {
        assert.ok(client.connection instanceof TcpCoapConnection);
        assert.ok((client.connection.capabilities?.maxMessageSize ?? 0) > 1_152);
      });
      it('GET /time', async () => {
        const { code, payload } = await client.get('/time');
        assert.equal(code, RESPONSE_CODES.content);
        assert.match(utf8Decode(payload), /\d\d:\d\d:\d\d/);
      });
      it('GET /async waits for the answer', async () => {
        assert.equal(utf8Decode((await client.get('/async?1')).payload), 'done');
      });
      it('an unknown path is 4.04', async () => {
        assert.equal((await client.get('/nowhere')).code, RESPONSE_CODES.notFound);
      });
      it('PUT and GET of a body larger than any datagram', async () => {
        const payload = utf8Encode(LONG.repeat(8));
        assert.ok((await client.put('/example_data', { payload, contentFormat: 0 })).code < 0x80);
        assert.deepEqual((await client.get('/example_data')).payload, payload);
      });
      it('streams 100,000 bytes there and back', async () => {
        const stream = chunks(utf8Encode(BIG), 3_000);
        const put = await client.put('/big', { stream, streamBytes: BIG.length, contentFormat: 0 });
        assert.equal(put.code, RESPONSE_CODES.created);
        let text = '';
        for await (const part of (await client.getStream('/big')).body) text += utf8Decode(part);
        assert.ok(text === BIG, `${text.length} bytes`);
      });
      it('observes /time, then cancels', async () => {
        const heard = new Set<string>();
        for await (const { payload } of await client.observe('/time')) {
          heard.add(utf8Decode(payload));
          if (heard.size === 3) break;
        }
        assert.equal(heard.size, 3);
      });
      it('pings, with custody too', async () => {
        await client.connection.ping();
        assert.ok(client.connection instanceof TcpCoapConnection);
        await client.connection.ping({ custody: true });
      });
      it('many requests at once are all answered', async () => {
        const all = await Promise.all(Array.from({ length: 100 }, () => client.get('/time')));
        assert.ok(all.every(({ code }) => code === RESPONSE_CODES.content));
      });
    });
  }
});
