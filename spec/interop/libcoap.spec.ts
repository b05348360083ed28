// Our CoAP against libcoap's: coap-client against our server, our client against coap-server, plain and over DTLS-PSK.

import assert from 'node:assert/strict';
import { utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import {
  type CoapServing,
  type Observation,
  RESPONSE_CODES,
  type RequestHandler,
  UdpCoapConnection,
  serveCoap,
} from '../../lib/coap/index.ts';
import type { DatagramSocket } from '../../lib/net/index.ts';
import { udpSocket } from '../../lib/net/node/index.ts';
import { clientSocket, environment, listening } from './ours.ts';
import { type CoapServer, coapClient, startCoapServer } from './peers/libcoap.ts';
import { needs, smoke } from './peers/peer.ts';

const PSK = { identity: 'libcoap', key: 'secretPSK0123456' };
const LONG = Array.from({ length: 300 }, (_, line) => `line ${line} of a long body`).join('\n');

describe('CoAP beside libcoap', () => {
  needs('libcoap');

  for (const secure of [false, true]) {
    const scheme = secure ? 'coaps' : 'coap';

    describe(`coap-client against our server, ${scheme}`, () => {
      let served: Served;
      before(async () => (served = await serve(secure)));
      after(() => served?.close());

      const ask = async (path: string, more: Partial<Parameters<typeof coapClient>[0]> = {}): Promise<string> => {
        const uri = `${scheme}://127.0.0.1:${served.port}${path}`;
        const { output } = await coapClient({ uri, ...(secure ? { psk: PSK } : {}), ...more });
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
      if (!smoke) {
        it('loses the 2nd, 5th and 6th datagram it sends and still gets a long body', async () => {
          assert.equal(await ask('/long', { blockSize: 512, more: ['-l', '2,5-6'] }), LONG);
        });
      }
    });

    describe(`our client against coap-server, ${scheme}`, () => {
      let server: CoapServer;
      let socket: DatagramSocket;
      let coap: UdpCoapConnection;
      before(async () => {
        server = await startCoapServer(PSK.key);
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
    });
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
  const serving: CoapServing = serveCoap(listener, environment, (connection) => (connection.handler = handler));
  return {
    port,
    stored: () => utf8Decode(stored),
    close: () => {
      serving.stop();
      listener.close();
    },
  };
}

function resources(stored: () => Uint8Array, store: (bytes: Uint8Array) => void): RequestHandler {
  const content = (text: string) => ({ code: RESPONSE_CODES.content, contentFormat: 0, payload: utf8Encode(text) });
  return async (request) => {
    switch (request.path.join('/')) {
      case 'hello':
        return content(`hello ${request.query.join('&')}`);
      case 'late':
        await new Promise((resolve) => setTimeout(resolve, 300));
        return content('at last');
      case 'long':
        return content(LONG);
      case 'store':
        if (request.method === 'GET') return { code: RESPONSE_CODES.content, payload: stored() };
        store(request.payload);
        return { code: RESPONSE_CODES.changed };
      case 'counter': {
        const observation = request.acceptObservation?.({ ended: () => undefined });
        if (observation !== undefined) void count(observation, content);
        return content('0');
      }
      default:
        return { code: RESPONSE_CODES.notFound };
    }
  };
}

async function count(
  observation: Observation,
  content: (text: string) => Parameters<Observation['notify']>[0],
): Promise<void> {
  for (let value = 1; value <= 3 && observation.active; value++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    await observation.notify(content(`${value}`), { confirmable: true }).catch(() => undefined);
  }
}
