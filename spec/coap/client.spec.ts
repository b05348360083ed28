// The README's ten lines, and what else stands between a user and a connection.

import assert from 'node:assert/strict';
import { utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import { type CoapServer, type Observation, RESPONSE_CODES, coapClient, coapServer } from '../../lib/coap/index.ts';
import { SimulatedNetwork } from '../../lib/net/simulated/index.ts';
import { VirtualTime } from '../../lib/runtime/index.ts';
import { pskIdentityFromBuffer, pskKeyFromBuffer } from '../../lib/crypto/index.ts';
import { tcpSocket, udpSocket } from '../../lib/net/node/index.ts';
import type { AnySocket, DatagramSocket, SecurityBackend, SocketError, StreamSocket } from '../../lib/net/index.ts';
import { nativeDtls } from '../../security-backends/native/index.ts';
import { nodeTls } from '../../security-backends/node-tls/index.ts';

const text = (payload: string) => ({ code: RESPONSE_CODES.content, payload: utf8Encode(payload) });

describe('coapClient and coapServer', () => {
  for (const [scheme, backends] of [
    ['coap', { udp: udpSocket }],
    ['coap+tcp', { tcp: tcpSocket }],
  ] as const)
    it(`ten lines each, over ${scheme}: a server with a resource to read, write and observe, and its client`, async () => {
      let light = 'off';
      const observers = new Set<Observation>();
      const server = await coapServer(`${scheme}://127.0.0.1:0`, backends, (request) => {
        if (request.path.join('/') !== 'light') return { code: RESPONSE_CODES.notFound };
        const observation = request.acceptObservation?.({ ended: () => observers.clear() });
        if (observation !== undefined) observers.add(observation);
        if (request.method === 'GET') return text(light);
        light = utf8Decode(request.payload);
        for (const each of observers) void each.notify(text(light), { confirmable: true });
        return { code: RESPONSE_CODES.changed };
      });
      const client = await coapClient(`${scheme}://127.0.0.1:${server.local.port}`, backends);
      const heard: string[] = [];
      for await (const { payload } of await client.observe('/light')) {
        heard.push(utf8Decode(payload));
        if (heard.length === 3) break;
        await client.put('/light', { payload: utf8Encode(`level ${heard.length}`) });
      }
      assert.deepEqual(heard, ['off', 'level 1', 'level 2']);
      assert.equal(observers.size, 0, 'leaving the loop deregisters');
      assert.equal((await client.get('/nowhere')).code, RESPONSE_CODES.notFound);
      client.close();
      server.close();
    });

  it('the same over DTLS, with a key', async () => {
    const dtls = nativeDtls({ datagramSocket: udpSocket });
    const key = pskKeyFromBuffer(utf8Encode('0123456789abcdef'));
    const lookup = () => key;
    const greet = (): ReturnType<typeof text> => text('hello');
    const server = await coapServer('coaps://127.0.0.1:0', { dtls }, greet, { security: { mode: 'psk', lookup } });
    const security = { mode: 'psk', identity: pskIdentityFromBuffer(utf8Encode('me')), key } as const;
    const client = await coapClient(`coaps://127.0.0.1:${server.local.port}`, { dtls }, { security });
    assert.equal(utf8Decode((await client.get('/')).payload), 'hello');
    client.close();
    server.close();
  });

  describe('end', () => {
    /** A backend that tells whether its sockets have been disposed of, and with them their keys. */
    const watched = <S extends AnySocket>(backend: SecurityBackend<S>, disposed: string[]): SecurityBackend<S> => {
      const watch = (socket: S, name: string): S => {
        const dispose = socket[Symbol.asyncDispose].bind(socket);
        const watchedDispose = (): Promise<void> => {
          disposed.push(name);
          return dispose();
        };
        return Object.assign(socket, { [Symbol.asyncDispose]: watchedDispose });
      };
      return {
        ...backend,
        createSocket: (configuration, environment) => watch(backend.createSocket(configuration, environment), 'client'),
        createServer: (configuration, environment) =>
          watch(backend.createServer!(configuration, environment), 'server'),
      };
    };

    for (const scheme of ['coaps', 'coaps+tcp'] as const) {
      const opened = async (disposed: string[], onClosed?: (cause: SocketError | undefined) => void) => {
        const backends = {
          dtls: watched<DatagramSocket>(nativeDtls({ datagramSocket: udpSocket }), disposed),
          tls: watched<StreamSocket>(nodeTls(), disposed),
        };
        const key = pskKeyFromBuffer(utf8Encode('0123456789abcdef'));
        const ended: (string | undefined)[] = [];
        let told: () => void = () => undefined;
        const hasEnded = new Promise<void>((resolve) => (told = resolve));
        const server = await coapServer(`${scheme}://127.0.0.1:0`, backends, () => text('hello'), {
          security: { mode: 'psk', lookup: () => key },
          onClosed: (cause) => {
            ended.push(cause?.code);
            told();
          },
        });
        const security = { mode: 'psk', identity: pskIdentityFromBuffer(utf8Encode('me')), key } as const;
        const client = await coapClient(`${scheme}://127.0.0.1:${server.local.port}`, backends, { security, onClosed });
        assert.equal(utf8Decode((await client.get('/')).payload), 'hello');
        return { server, client, ended, hasEnded };
      };

      it(`for good, and keys with them, over ${scheme}`, async () => {
        const disposed: string[] = [];
        const { server, client } = await opened(disposed);
        client.close();
        server.close();
        assert.deepEqual(disposed, ['client', 'server']);
        await assert.rejects(client.get('/'), { code: 'ECONNABORTED' });
      });

      it(`in order where they are disposed of: nothing looks cut off, over ${scheme}`, async () => {
        const disposed: string[] = [];
        const { server, client, ended, hasEnded } = await opened(disposed);
        await client[Symbol.asyncDispose]();
        await hasEnded;
        assert.deepEqual(ended, [undefined]);
        await server[Symbol.asyncDispose]();
        assert.deepEqual(disposed, ['client', 'server']);
      });

      it(`in order where the server is disposed of, over ${scheme}`, async () => {
        let told: (cause: string | undefined) => void = () => undefined;
        const ended = new Promise<string | undefined>((resolve) => (told = resolve));
        const { server, client } = await opened([], (cause) => told(cause?.code));
        await server[Symbol.asyncDispose]();
        assert.equal(await ended, undefined);
        client.close();
      });
    }
  });

  it('refuses what it cannot open, naming what it lacks', async () => {
    const cases: [string, RegExp][] = [
      ['coap://127.0.0.1', /coap needs a UDP backend/],
      ['coaps://127.0.0.1', /coaps needs a DTLS backend/],
      ['coap+tcp://127.0.0.1', /coap\+tcp needs a TCP backend/],
      ['coaps+tcp://127.0.0.1', /coaps\+tcp needs a TLS backend/],
      ['http://127.0.0.1', /uri scheme/],
    ];
    for (const [uri, message] of cases) {
      await assert.rejects(coapClient(uri, {}), { message });
      await assert.rejects(
        coapServer(uri, {}, () => undefined),
        { message },
      );
    }
    const dtls = nativeDtls({ datagramSocket: udpSocket });
    await assert.rejects(coapClient('coaps://127.0.0.1', { dtls }), { message: /needs security/ });
  });
});

describe('Notifications', () => {
  interface Scene {
    readonly time: VirtualTime;
    readonly network: SimulatedNetwork;
    readonly server: CoapServer;
    readonly observations: Observation[];
    readonly client: Awaited<ReturnType<typeof coapClient>>;
    readonly asked: string[];
  }

  async function scene(maxAge?: number): Promise<Scene> {
    const time = new VirtualTime();
    const network = new SimulatedNetwork({ time });
    const observations: Observation[] = [];
    const asked: string[] = [];
    const { environment } = network;
    const udpAt = (address: string) => ({ udp: () => network.datagramSocket(address) });
    const server = await coapServer(
      'coap://192.0.2.1',
      udpAt('192.0.2.1'),
      (request) => {
        asked.push(`${request.method} /${request.path.join('/')}?${request.query.join('&')}`);
        const observation = request.acceptObservation?.({ ended: (reason) => void asked.push(reason) });
        if (observation !== undefined) observations.push(observation);
        return { ...text('first'), maxAge };
      },
      { environment },
    );
    const client = await coapClient('coap://192.0.2.1/base?v=1', udpAt('192.0.2.2'), { environment });
    return { time, network, server, observations, client, asked };
  }

  it('go before nothing: base path and query come before the path asked for', async () => {
    const { time, client, asked } = await scene();
    await time.run(client.get('/a%2Fb?x=1&y=2'));
    await time.run(client.delete('c'));
    assert.deepEqual(asked, ['GET /base/a/b?v=1&x=1&y=2', 'DELETE /base/c?v=1']);
  });

  it('drop the oldest for a slow reader, and say how many', async () => {
    const { time, client, observations } = await scene();
    const notifications = await time.run(client.observe('/x', { maxBuffered: 3 }));
    for (let i = 1; i <= 9; i++) {
      void observations[0]!.notify(text(`${i}`));
      await time.advance(100);
    }
    const heard: string[] = [];
    for (let i = 0; i < 3; i++) heard.push(utf8Decode((await notifications.next()).value!.payload));
    assert.deepEqual(heard, ['7', '8', '9']);
    assert.equal(notifications.dropped, 7);
  });

  it('end with an error response, which comes last', async () => {
    const { time, client, observations } = await scene();
    const notifications = await time.run(client.observe('/x'));
    void observations[0]!.notify({ code: RESPONSE_CODES.notFound });
    await time.advance(100);
    const codes: number[] = [];
    for await (const { code } of notifications) codes.push(code);
    assert.deepEqual(codes, [RESPONSE_CODES.content, RESPONSE_CODES.notFound]);
    assert.equal(notifications.active, false);
  });

  it('throw what breaks them, after what was heard', async () => {
    const { time, client } = await scene();
    const notifications = await time.run(client.observe('/x'));
    client.close();
    assert.equal((await notifications.next()).done, false);
    await assert.rejects(notifications.next(), { code: 'ECONNABORTED' });
  });

  it('are aborted by their signal, and deregister', async () => {
    const { time, client, asked } = await scene();
    const controller = new AbortController();
    const notifications = await time.run(client.observe('/x', { signal: controller.signal }));
    await notifications.next();
    const waiting = assert.rejects(notifications.next(), { code: 'ECANCELED' });
    controller.abort();
    await waiting;
    await time.advance(1_000);
    assert.ok(asked.includes('deregistered'));
  });

  it('register anew when nothing was heard for Max-Age and a little more (RFC 7641 §3.3.1)', async () => {
    const { time, client, asked } = await scene(30);
    const notifications = await time.run(client.observe('/x', { keepFresh: true }));
    await time.advance(34_000);
    assert.equal(asked.length, 1);
    await time.advance(12_000);
    assert.equal(asked.filter((line) => line.startsWith('GET')).length, 2);
    assert.ok(asked.includes('replaced'), 'on the same token');
    await notifications.next();
    assert.equal(utf8Decode((await notifications.next()).value!.payload), 'first');
    await time.run(notifications.return());
    await time.advance(120_000);
    assert.equal(asked.filter((line) => line.startsWith('GET')).length, 3, 'the last one deregisters');
  });
});
