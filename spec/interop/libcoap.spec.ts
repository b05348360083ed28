// Our CoAP against libcoap's: coap-client against our server, our client against coap-server, plain and over DTLS-PSK.

import assert from 'node:assert/strict';
import { utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import {
  type CoapServing,
  OPTION,
  RESPONSE_CODES,
  UdpCoapConnection,
  formatCode,
  serveCoap,
} from '../../lib/coap/index.ts';
import type { DatagramSocket } from '../../lib/net/index.ts';
import { udpSocket } from '../../lib/net/node/index.ts';
import { milliseconds } from '../../lib/runtime/index.ts';
import { clientSocket, environment, listening } from './ours.ts';
import { BIG, LONG, PSK, bigFile, chunks, resources } from './libcoap-resources.ts';
import { type CoapServer, coapClient, startCoapServer, startPlainCoapServer } from './peers/libcoap.ts';
import { needs, smoke } from './peers/peer.ts';

describe('CoAP beside libcoap', () => {
  needs('libcoap');

  for (const flavour of [undefined, 'openssl', ...(smoke ? [] : ['gnutls' as const])] as const) {
    const secure = flavour !== undefined;
    const scheme = secure ? 'coaps' : 'coap';
    const credentials = secure ? ({ psk: PSK, flavour } as const) : {};
    /** Over GnuTLS, libcoap 4.3.1 gives up where its handshake loses a datagram ("cannot send CoAP pdu"): it loses later ones. */
    const lost = flavour === 'gnutls' ? '9,12,15-16,30' : '10%';
    const loses = flavour === 'gnutls' ? 'loses datagrams after its handshake' : 'loses a tenth of its datagrams';
    const over = secure ? `${scheme} over ${flavour}` : scheme;

    describe(`coap-client against our server, ${over}`, () => {
      let served: Served;
      before(async () => (served = await serve(secure)));
      after(() => served?.close());

      const ask = async (path: string, more: Partial<Parameters<typeof coapClient>[0]> = {}): Promise<string> => {
        const uri = `${scheme}://127.0.0.1:${served.port}${path}`;
        const { output } = await coapClient({ uri, ...credentials, ...more });
        return output.trimEnd();
      };

      it('GET is answered at once', async () => assert.equal(await ask('/hello?who=libcoap'), 'hello who=libcoap'));
      it('a late answer comes as a separate response', async () => assert.equal(await ask('/late'), 'at last'));
      it('an unknown path is 4.04', async () => assert.match(await ask('/nowhere'), /4\.04/));
      it('GET of a long body, block by block', async () => assert.equal(await ask('/long', { blockSize: 128 }), LONG));
      it('PUT of a long body, block by block', async () => {
        await ask('/store', { method: 'put', payload: encodeURIComponent(LONG), blockSize: 64 });
        assert.equal(served.stored(), LONG);
        assert.equal(await ask('/store'), LONG);
      });
      it('observes, and hears every change', async () => {
        const output = await ask('/counter', { observe: 3 });
        assert.match(output, /0\n1\n2\n3/);
      });
      it('PUT with If-None-Match: once', async () => {
        const put = { method: 'put', payload: 'new', more: ['-O', '5'] } as const;
        assert.equal(await ask('/once', put), '');
        assert.match(await ask('/once', put), /4\.12/);
      });
      for (const method of ['fetch', 'patch', 'ipatch'] as const) {
        it(`${method.toUpperCase()} arrives as it is, and its body with it`, async () => {
          assert.equal(await ask('/method', { method, payload: 'some body' }), `${method.toUpperCase()} some body`);
        });
      }
      it('a GET that names the ETag is answered 2.03', async () => {
        const { output } = await coapClient({
          uri: `${scheme}://127.0.0.1:${served.port}/tagged`,
          ...credentials,
          more: ['-O', '4,0xabcd', '-v', '7'],
        });
        assert.match(output, /2\.03/);
      });
      it('no response is wanted, and none comes', async () => {
        const { output } = await coapClient({
          uri: `${scheme}://127.0.0.1:${served.port}/method`,
          ...credentials,
          method: 'post',
          payload: 'quiet',
          more: ['-O', '258,0x1a', '-B', '2'],
        });
        assert.ok(!output.includes('POST quiet'), output);
      });
      it('a request that must be fresh is demanded again by Echo, which libcoap obeys', async () => {
        assert.equal(await ask('/fresh'), 'fresh enough');
      });
      it('GET of a stream of 100,000 bytes', async () => {
        assert.equal(await ask('/stream', { blockSize: 1024 }), BIG);
      });
      it('PUT of 100,000 bytes from a file, read as they come', async () => {
        await ask('/sink', { method: 'put', blockSize: 1024, more: ['-f', await bigFile()] });
        assert.equal(served.stored(), BIG);
      });
      if (!smoke) {
        it(`100,000 bytes each way, while it ${loses}`, async () => {
          const lossy = { blockSize: 1024, limitSeconds: 150 };
          await ask('/sink', { ...lossy, method: 'put', more: ['-l', lost, '-f', await bigFile()] });
          assert.ok(served.stored() === BIG, `${served.stored().length} bytes arrived`);
          const got = await ask('/stream', { ...lossy, more: ['-l', lost] });
          assert.ok(got === BIG, `${got.length} bytes arrived`);
        });
      }
      if (!smoke && flavour !== 'gnutls') {
        it('loses the 2nd, 5th and 6th datagram it sends and still gets a long body', async () => {
          assert.equal(await ask('/long', { blockSize: 512, more: ['-l', '2,5-6'] }), LONG);
        });
      }
    });

    describe(`our client against coap-server, ${over}`, () => {
      let server: CoapServer;
      let socket: DatagramSocket;
      let coap: UdpCoapConnection;
      before(async () => {
        server = secure ? await startCoapServer(PSK.key, [], flavour) : await startPlainCoapServer();
        socket = secure ? clientSocket(PSK.identity, utf8Encode(PSK.key)) : udpSocket();
        await socket.connect('127.0.0.1', secure ? server.securePort : server.port);
        coap = new UdpCoapConnection(socket, environment);
      });
      after(async () => {
        coap?.close();
        socket?.close();
        await server?.process.stop();
      });

      it('GET /time', async () => {
        const response = await coap.request({ method: 'GET', path: ['time'] });
        assert.equal(response.code, RESPONSE_CODES.content);
        assert.match(utf8Decode(response.payload), /\d\d:\d\d:\d\d/);
      });

      it('GET /async waits for the separate response', async () => {
        const response = await coap.request({ method: 'GET', path: ['async'], query: ['1'] });
        assert.equal(utf8Decode(response.payload), 'done');
      });

      it('PUT and GET of a long body, block by block', async () => {
        const payload = utf8Encode(LONG);
        const put = await coap.request({ method: 'PUT', path: ['example_data'], payload, contentFormat: 0 });
        assert.equal(put.code, RESPONSE_CODES.created);
        const got = await coap.request({ method: 'GET', path: ['example_data'] });
        assert.equal(utf8Decode(got.payload), LONG);
      });

      it('observes /time, then cancels', async () => {
        const heard: string[] = [];
        let enough: () => void;
        const three = new Promise<void>((resolve) => (enough = resolve));
        const observed = await coap.observe({ method: 'GET', path: ['time'] }, ({ payload }) => {
          heard.push(utf8Decode(payload));
          if (heard.length === 3) enough();
        });
        await three;
        await observed.cancel();
        assert.equal(new Set(heard).size, heard.length);
      });

      it('an unknown path is 4.04', async () => {
        const response = await coap.request({ method: 'GET', path: ['nowhere'] });
        assert.equal(response.code, RESPONSE_CODES.notFound);
      });

      it('pings', () => coap.ping());

      it('FETCH is answered, and that POST, PATCH and iPATCH are not allowed', async () => {
        const { content, methodNotAllowed } = RESPONSE_CODES;
        const expected = { FETCH: content, POST: methodNotAllowed, PATCH: methodNotAllowed, iPATCH: methodNotAllowed };
        for (const method of ['FETCH', 'POST', 'PATCH', 'iPATCH'] as const) {
          const { code } = await coap.request({ method, path: ['time'], payload: utf8Encode('x'), contentFormat: 0 });
          assert.equal(code, expected[method], method);
        }
      });

      it('streams 100,000 bytes there and back', async () => {
        const stream = chunks(utf8Encode(BIG), 3_000);
        const put = await coap.request({
          method: 'PUT',
          path: ['big'],
          stream,
          streamBytes: BIG.length,
          contentFormat: 0,
        });
        assert.equal(put.code, RESPONSE_CODES.created);
        const got = await coap.requestStream({ method: 'GET', path: ['big'] });
        let text = '';
        for await (const part of got.body) text += utf8Decode(part);
        assert.equal(text, BIG);
      });
    });

    if (!smoke) {
      describe(`our client against coap-server that ${loses}, ${over}`, () => {
        it('100,000 bytes each way, with timeouts that follow the round trips', async () => {
          const losing = ['-l', lost];
          const server = secure ? await startCoapServer(PSK.key, losing, flavour) : await startPlainCoapServer(losing);
          const patient = { handshakeTries: 12 }; // OpenSSL sends a lost flight again by its own clock alone, after 1 s, 2 s …
          const socket = secure ? clientSocket(PSK.identity, utf8Encode(PSK.key), patient) : udpSocket();
          await socket.connect('127.0.0.1', secure ? server.securePort : server.port);
          const coap = new UdpCoapConnection(socket, environment, {
            transmission: {
              timeout: 'cocoa',
              maxRetransmit: 8,
              ackTimeout: milliseconds(200),
              processingDelay: milliseconds(50),
            },
          });
          try {
            const payload = utf8Encode(BIG);
            let text = '';
            for (let round = 0; round < 5 && text !== BIG; round++) {
              const put = await coap.request({ method: 'PUT', path: ['big'], payload, contentFormat: 0 });
              assert.ok(put.code < 0x80, formatCode(put.code));
              text = utf8Decode((await coap.request({ method: 'GET', path: ['big'] })).payload);
              // coap-server knows no duplicates: the last block, sent again for want of an answer, is a body of its own to it.
              assert.ok(text === BIG || BIG.endsWith(text), `${text.length} bytes arrived`);
            }
            assert.ok(text === BIG);
            assert.ok(coap.counters.retransmissions > 0);
          } finally {
            coap.close();
            socket.close();
            await server.process.stop();
          }
        });
      });
    }
  }
});

interface Served {
  readonly port: number;
  readonly stored: () => string;
  close(): void;
}

async function serve(secure: boolean): Promise<Served> {
  let stored = new Uint8Array(0);
  const handler = resources(
    () => stored,
    (bytes) => (stored = Uint8Array.from(bytes)),
  );
  let listener: DatagramSocket;
  let port: number;
  if (secure) ({ server: listener, port } = await listening({ [PSK.identity]: utf8Encode(PSK.key) }));
  else {
    listener = udpSocket();
    await listener.bind('127.0.0.1', 0);
    port = listener.local!.port;
  }
  const serving: CoapServing = serveCoap(listener, environment, (connection) => (connection.handler = handler), {
    understoodOptions: [OPTION.ifMatch, OPTION.ifNoneMatch],
    freshness: { demanded: (request) => request.path[0] === 'fresh' },
    streamed: (request) => request.path[0] === 'sink',
  });
  return {
    port,
    stored: () => utf8Decode(stored),
    close: () => {
      serving.stop();
      listener.close();
    },
  };
}
