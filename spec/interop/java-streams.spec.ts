// Our CoAP over TCP and TLS beside Californium's and java-coap's, both roles: BERT, observations, methods. Californium frames
// messages as RFC 8323 says and knows no signals, so the peer speaks them for it: IntroducedConnector.java.

import assert from 'node:assert/strict';
import { utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import {
  type CoapBackends,
  type CoapClient,
  type CoapServer,
  type Observation,
  RESPONSE_CODES,
  TcpCoapConnection,
  coapClient,
  coapServer,
} from '../../lib/coap/index.ts';
import { nodeKeyDecryption } from '../../lib/crypto/node/index.ts';
import { tcpSocket } from '../../lib/net/node/index.ts';
import { nodeTls } from '../../security-backends/node-tls/index.ts';
import { clientSecurity, serverSecurity } from './ours-certificates.ts';
import { type PeerCredentials, startJavaClient, startJavaServer } from './peers/java-streams.ts';
import { needs, smoke } from './peers/peer.ts';
import { Pki } from './peers/pki.ts';
import type { PeerProcess } from './peers/process.ts';

const BACKENDS: CoapBackends = { tcp: tcpSocket, tls: nodeTls({ keyDecryption: nodeKeyDecryption }) };
const BODY_BYTES = 50_000;

for (const peer of ['Californium', 'java-coap'] as const)
  describe(`CoAP over streams beside ${peer}`, () => {
    needs('leshan', 'openssl');
    let pki: Pki;
    before(() => (pki = new Pki('ec')));
    after(() => pki?.remove());

    for (const scheme of smoke ? (['coaps+tcp'] as const) : (['coap+tcp', 'coaps+tcp'] as const)) {
      const secure = scheme === 'coaps+tcp';
      const theirs = (role: 'server' | 'client'): PeerCredentials | undefined =>
        secure
          ? { key: pki.file(`${role}.key`), chain: pki.file(`${role}-chain.pem`), authority: pki.file('root.pem') }
          : undefined;

      describe(`our client, ${scheme}`, () => {
        let server: { readonly port: number; readonly process: PeerProcess };
        let client: CoapClient;
        before(async function () {
          this.timeout(60_000);
          server = await startJavaServer(peer, theirs('server'));
          const security = secure ? clientSecurity(pki, 'client') : undefined;
          client = await coapClient(`${scheme}://127.0.0.1:${server.port}`, BACKENDS, { security });
        });
        after(async () => {
          client?.close();
          await server?.process.stop();
        });

        it('both are introduced', async () => {
          assert.ok(client.connection instanceof TcpCoapConnection);
          assert.deepEqual(client.connection.capabilities, { maxMessageSize: 8_192, blockWise: true });
          await server.process.waitFor(/^signal 225$/m);
        });
        it('an unknown path is 4.04', async () =>
          assert.equal((await client.get('/nowhere')).code, RESPONSE_CODES.notFound));
        it(`PUT and GET of ${BODY_BYTES} bytes, by BERT both ways`, async () => {
          const payload = Uint8Array.from({ length: BODY_BYTES }, (_, i) => i * 7);
          assert.equal((await client.put('/store', { payload })).code, RESPONSE_CODES.changed);
          await server.process.waitFor(/^block1 0\/1\/7$/m);
          assert.deepEqual((await client.get('/store')).payload, payload);
          await server.process.waitFor(/^block2 4\d\/0\/7$/m);
        });
        for (const method of ['fetch', 'iPatch'] as const)
          it(`${method} arrives as it is, and its body with it`, async () => {
            const { payload } = await client[method]('/echo', { payload: utf8Encode('some body'), contentFormat: 0 });
            assert.equal(utf8Decode(payload).toLowerCase(), `${method.toLowerCase()} some body`);
          });
        it('observes, hears every change, and cancels', async () => {
          const heard: string[] = [];
          for await (const { payload } of await client.observe('/counter')) {
            heard.push(utf8Decode(payload));
            if (heard.length === 4) break;
            server.process.writeLine('CHANGE');
          }
          assert.deepEqual(heard, ['0', '1', '2', '3']);
          assert.equal((await client.get('/counter')).code, RESPONSE_CODES.content);
          server.process.writeLine('CHANGE');
          await server.process.waitFor(/^observers 0$/m);
        });
        it('pings', () => client.connection.ping());
        it('many requests at once are all answered', async () => {
          const all = await Promise.all(Array.from({ length: 100 }, () => client.get('/counter')));
          assert.ok(all.every(({ code }) => code === RESPONSE_CODES.content));
        });
      });

      describe(`our server, ${scheme}`, () => {
        let server: CoapServer;
        let client: PeerProcess;
        let stored = new Uint8Array(0);
        let observation: Observation | undefined;
        before(async function () {
          this.timeout(60_000);
          const content = (payload: Uint8Array) => ({ code: RESPONSE_CODES.content, payload });
          server = await coapServer(
            `${scheme}://127.0.0.1:0`,
            BACKENDS,
            (request) => {
              switch (`${request.method} ${request.path.join('/')}`) {
                case 'PUT store':
                  stored = request.payload.slice();
                  return { code: RESPONSE_CODES.changed };
                case 'GET store':
                  return content(stored);
                case 'FETCH echo':
                  return content(utf8Encode(`FETCH ${utf8Decode(request.payload)}`));
                case 'GET counter':
                  observation = request.acceptObservation?.({ ended: () => (observation = undefined) });
                  return content(utf8Encode('0'));
                default:
                  return { code: RESPONSE_CODES.notFound };
              }
            },
            { security: secure ? serverSecurity(pki) : undefined },
          );
          client = await startJavaClient(peer, server.local.port, theirs('client'));
        });
        after(async () => {
          await client?.stop();
          server?.close();
        });

        it('is asked, and says 4.04', async () => {
          client.writeLine('GET /nowhere');
          await client.waitFor(/^4\.04 0 bytes/m);
          assert.match(client.output, /^signal 225$/m);
        });
        it(`takes and gives ${BODY_BYTES} bytes, by BERT both ways`, async () => {
          client.writeLine(`PUT /store ${BODY_BYTES}`);
          await client.waitFor(/^2\.04 0 bytes/m);
          assert.equal(stored.length, BODY_BYTES);
          assert.match(client.output, /^block1 \d+\/\d\/7$/m);
          client.writeLine('GET /store');
          await client.waitFor(new RegExp(`^2\\.05 ${BODY_BYTES} bytes`, 'm'));
          assert.match(client.output, /^block2 \d+\/\d\/7$/m);
        });
        it('is asked by FETCH', async () => {
          client.writeLine('FETCH /echo words');
          await client.waitFor(/^2\.05 \d+ bytes FETCH words$/m);
        });
        it('is observed, until that is cancelled', async () => {
          client.writeLine('OBSERVE /counter');
          await client.waitFor(/^notified 0$/m);
          for (const value of ['1', '2', '3']) {
            await observation?.notify({ code: RESPONSE_CODES.content, payload: utf8Encode(value) });
            await client.waitFor(new RegExp(`^notified ${value}$`, 'm'));
          }
          client.writeLine('CANCEL');
          client.writeLine('GET /nowhere?again');
          await client.waitFor(/(^4\.04 [^\n]*\n.*){2}/ms);
          assert.equal(observation, undefined);
        });
      });
    }
  });
