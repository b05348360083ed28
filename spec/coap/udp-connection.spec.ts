import assert from 'node:assert/strict';
import { utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import {
  type CoapError,
  type CoapMessage,
  type IncomingRequest,
  OPTION,
  type OutgoingRequest,
  RESPONSE_CODES,
  type RequestHandler,
  ResponseError,
  UdpCoapConnection,
  encodeMessage,
  serveCoap,
  textOption,
  uintOption,
} from '../../lib/coap/index.ts';
import { SocketError } from '../../lib/net/index.ts';
import { SimulatedNetwork } from '../../lib/net/simulated/index.ts';
import { SeededRandom, VirtualTime, seconds } from '../../lib/runtime/index.ts';
import { makePair } from './pair.ts';
import { block, body, line, makeRawPeer } from './raw-peer.ts';

const echo: RequestHandler = (request) => ({
  code: RESPONSE_CODES.content,
  contentFormat: request.contentFormat,
  payload: utf8Encode([request.method, ...request.path, ...request.query, utf8Decode(request.payload)].join(' ')),
});

describe('UdpCoapConnection', () => {
  it('sends a request and gets the response of the handler, piggy-backed', async () => {
    const { time, device, sent } = await makePair({ server: { handler: echo } });
    const response = await time.run(
      device.request({
        method: 'POST',
        path: ['rd'],
        query: ['ep=a', 'b=U'],
        contentFormat: 0,
        payload: utf8Encode('x'),
      }),
    );
    assert.equal(response.code, RESPONSE_CODES.content);
    assert.equal(utf8Decode(response.payload), 'POST rd ep=a b=U x');
    assert.equal(response.contentFormat, 0);
    assert.deepEqual(
      sent.map(({ by }) => by),
      ['device', 'server'],
    );
    assert.equal(time.pending, 1, 'no timer is left but the one of the listener');
  });

  it('answers late by an empty ACK and a separate response', async () => {
    const pair = await makePair({
      server: {
        handler: () =>
          new Promise((resolve) => {
            pair.time.at((pair.time.now() + 3_000) as ReturnType<typeof pair.time.now>, () =>
              resolve({ code: RESPONSE_CODES.content, payload: utf8Encode('late') }),
            );
          }),
      },
    });
    const response = await pair.time.run(pair.device.request({ method: 'GET', path: ['slow'] }));
    assert.equal(utf8Decode(response.payload), 'late');
    assert.deepEqual(
      pair.sent.map(({ by, at, bytes }) => [by, at, (bytes[0]! >> 4) & 3]),
      [
        ['device', 0, 0],
        ['server', 510, 2],
        ['server', 3_010, 0],
        ['device', 3_020, 2],
      ],
    );
  });

  it('carries requests both ways on one socket', async () => {
    const { time, device, server } = await makePair({ server: { handler: echo }, device: { handler: echo } });
    await time.run(device.request({ method: 'GET', path: ['a'] }));
    const response = await time.run(server().request({ method: 'PUT', path: ['3', '0'], payload: utf8Encode('p') }));
    assert.equal(utf8Decode(response.payload), 'PUT 3 0 p');
  });

  it('moves large bodies both ways in blocks', async () => {
    const body = new Uint8Array(5_000).map((_, i) => i * 7);
    let heard: IncomingRequest | undefined;
    const { time, device } = await makePair({
      server: {
        handler: (request) => {
          heard = request;
          return { code: RESPONSE_CODES.changed, payload: request.payload };
        },
      },
    });
    const response = await time.run(device.request({ method: 'PUT', path: ['fw'], contentFormat: 42, payload: body }));
    assert.deepEqual(heard?.payload, body);
    assert.deepEqual(response.payload, body);
  });

  it('maps errors of the handler to response codes', async () => {
    const { time, device } = await makePair({
      server: {
        handler: ({ path: [what] }) => {
          if (what === 'sync') throw new ResponseError(RESPONSE_CODES.forbidden, 'no');
          if (what === 'bug') throw new Error('secret');
          return Promise.reject(new ResponseError(RESPONSE_CODES.conflict, 'no'));
        },
      },
    });
    for (const [path, code] of [
      ['sync', 0x83],
      ['bug', 0xa0],
      ['async', 0x89],
    ] as const) {
      assert.equal((await time.run(device.request({ method: 'GET', path: [path] }))).code, code);
    }
  });

  it('answers 4.04 without a handler, and pings', async () => {
    const { time, device } = await makePair();
    assert.equal((await time.run(device.request({ method: 'GET' }))).code, RESPONSE_CODES.notFound);
    await time.run(device.ping());
  });

  it('observes: notifications in order, until deregistered', async () => {
    const ended: string[] = [];
    let observation: ReturnType<NonNullable<IncomingRequest['acceptObservation']>> | undefined;
    const { time, device } = await makePair({
      server: {
        handler: (request) => {
          observation = request.acceptObservation?.({ ended: (reason) => ended.push(reason) }) ?? observation;
          return { code: RESPONSE_CODES.content, payload: utf8Encode('0') };
        },
      },
    });
    const heard: string[] = [];
    const observed = await time.run(
      device.observe({ method: 'GET', path: ['t'] }, ({ payload }) => heard.push(utf8Decode(payload))),
    );
    assert.equal(utf8Decode(observed.response.payload), '0');
    assert.equal(observed.active, true);
    await time.run(observation!.notify({ code: RESPONSE_CODES.content, payload: utf8Encode('1') }));
    await time.run(
      observation!.notify({ code: RESPONSE_CODES.content, payload: utf8Encode('2') }, { confirmable: true }),
    );
    await time.advance(1_000);
    assert.deepEqual(heard, ['1', '2']);
    await time.run(observed.cancel());
    assert.deepEqual(ended, ['deregistered']);
    assert.equal(observation!.active, false);
  });

  it('gives up with ETIMEDOUT, and with the socket’s error when it closes', async () => {
    const { time, network, device, deviceSocket } = await makePair({ server: { handler: echo } });
    network.setConditions({ loss: 1 });
    await assert.rejects(time.run(device.request({ method: 'GET' })), { code: 'ETIMEDOUT' });
    assert.ok(time.now() >= 62_000 && time.now() <= 93_000, `${time.now()}`);
    const left = device.request({ method: 'GET' });
    deviceSocket.close();
    await assert.rejects(time.run(left), { code: 'ECONNABORTED' });
    await assert.rejects(time.run(device.request({ method: 'GET' })), { code: 'ECONNABORTED' });
  });

  it('closes with the cause of its socket, tells its owner once, and leaves nothing behind', async () => {
    const closings: unknown[] = [];
    const { time, device, deviceSocket } = await makePair({ device: { onClosed: (cause) => closings.push(cause) } });
    const cause = new SocketError('ETLSALERT', 'close_notify');
    const left = [device.request({ method: 'GET' }), device.request({ method: 'GET' }), device.ping()];
    const pending = time.pending;
    deviceSocket.handler!.closed(cause);
    for (const promise of left) await assert.rejects(promise, (error) => error === cause);
    assert.deepEqual(closings, [cause]);
    assert.ok(time.pending < pending);
    await assert.rejects(device.request({ method: 'GET' }), (error) => error === cause);
    await assert.rejects(device.ping(), (error) => error === cause);
    device.close();
    assert.equal(closings.length, 1);
  });

  it('leaves the socket to its owner when it is closed itself', async () => {
    const { device, deviceSocket } = await makePair();
    const left = device.request({ method: 'GET' });
    device.close();
    await assert.rejects(left, { name: 'CoapError', code: 'ECONNABORTED' });
    assert.equal(deviceSocket.getOption('state'), 'connected');
    assert.equal(deviceSocket.handler, undefined);
  });

  it('aborts by signal: before, in flight, waiting for NSTART, and half way through a body', async () => {
    const { time, device } = await makePair({ server: { handler: echo } });
    const reason = new Error('enough');
    await assert.rejects(device.request({ method: 'GET' }, { signal: AbortSignal.abort(reason) }), {
      code: 'ECANCELED',
      cause: reason,
    });
    await assert.rejects(device.ping({ signal: AbortSignal.abort() }), { code: 'ECANCELED' });
    const controller = new AbortController();
    const { signal } = controller;
    const left = [
      device.request({ method: 'PUT', payload: new Uint8Array(5_000) }, { signal }),
      device.request({ method: 'GET' }, { signal }),
      device.ping({ signal }),
      device.observe({ method: 'GET' }, () => undefined, { signal }),
    ];
    await time.advance(25);
    controller.abort();
    for (const promise of left) await assert.rejects(promise, { code: 'ECANCELED' });
    assert.equal((await time.run(device.request({ method: 'GET' }))).code, RESPONSE_CODES.content);
  });

  it('refuses a request that cannot be sent as it is, naming the field', async () => {
    const { time, device } = await makePair({ server: { handler: echo } });
    const wrong: [OutgoingRequest, RegExp][] = [
      [{ method: 'GET', path: ['..'] }, /path/],
      [{ method: 'GET', path: ['x'.repeat(256)] }, /path segment: expected 0 to 255 bytes, found 256/],
      [{ method: 'GET', query: ['x'.repeat(256)] }, /query argument/],
      [{ method: 'GET', accept: 65_536 }, /Accept/],
      [{ method: 'POST', contentFormat: 1.5 }, /Content-Format/],
      [{ method: 'GET', options: [{ number: OPTION.uriPath, value: utf8Encode('x') }] }, /options.*Uri-Path/],
      [{ method: 'BREW' as 'GET' }, /method/],
    ];
    for (const [request, message] of wrong) {
      await assert.rejects(time.run(device.request(request)), { name: 'CoapError', code: 'EINVAL', message });
    }
    const large = { number: 65_000, value: new Uint8Array(2_000) };
    await assert.rejects(time.run(device.request({ method: 'GET', options: [large] })), { code: 'EMSGSIZE' });
    assert.equal((await time.run(device.request({ method: 'GET' }))).code, RESPONSE_CODES.content);
  });

  it('waits for a separate response as long as it says, not for ever', async () => {
    const peer = await makeRawPeer({ responseTimeout: seconds(30) });
    peer.answer = () => ({ type: 2, code: 0, token: new Uint8Array(0) });
    await assert.rejects(peer.time.run(peer.connection.request({ method: 'GET' })), { code: 'ETIMEDOUT' });
    assert.equal(peer.time.now(), 30_010);
    assert.equal(peer.time.pending, 0);
    peer.answer = undefined;
    await assert.rejects(peer.time.run(peer.connection.request({ method: 'GET', confirmable: false })), {
      code: 'ETIMEDOUT',
    });
    assert.equal(peer.time.now(), 60_010);
  });

  it('gives up early on a port that nothing listens at, each time', async () => {
    const time = new VirtualTime();
    const network = new SimulatedNetwork({ time });
    const socket = network.datagramSocket('192.0.2.2');
    await socket.connect('192.0.2.1', 5683);
    const connection = new UdpCoapConnection(socket, network.environment);
    await assert.rejects(time.run(connection.request({ method: 'GET' })), (error: CoapError) => {
      assert.equal(error.code, 'ECONNREFUSED');
      assert.match(error.message, /connection refused: nothing listens/);
      assert.equal((error.cause as SocketError).code, 'ECONNREFUSED');
      return true;
    });
    assert.ok(time.now() >= 6_000 && time.now() <= 9_100, `after the third transmission: ${time.now()}`);
  });

  it('waits on for a peer that was refused only now and then, and names that when it is silent at last', async () => {
    const time = new VirtualTime();
    const network = new SimulatedNetwork({ time });
    const socket = network.datagramSocket('192.0.2.2');
    await socket.connect('192.0.2.1', 5683);
    const connection = new UdpCoapConnection(socket, network.environment);
    const starting = network.datagramSocket('192.0.2.1');
    const request = connection.request({ method: 'GET' });
    request.catch(() => undefined);
    await time.advance(100); // the first one is refused
    await starting.bind('192.0.2.1', 5683); // and from now on swallowed
    await assert.rejects(time.run(request), (error: CoapError) => {
      assert.equal(error.code, 'ETIMEDOUT');
      assert.match(error.message, /after 5 transmissions; the network said ECONNREFUSED/);
      return true;
    });
  });
});

describe('UdpCoapConnection, to a hostile peer', () => {
  const REJECT = { type: 3, code: 0, token: new Uint8Array(0) } as const;

  it('that resets everything', async () => {
    const peer = await makeRawPeer({ handler: () => ({ code: RESPONSE_CODES.content }) });
    peer.answer = ({ type }) => (type < 2 ? REJECT : undefined);
    const requests = [true, false].map((confirmable) => peer.connection.request({ method: 'GET', confirmable }));
    for (const request of requests) await assert.rejects(peer.time.run(request), { code: 'ECONNRESET' });
    const observing = peer.connection.observe({ method: 'GET' }, () => undefined);
    await assert.rejects(peer.time.run(observing), { code: 'ECONNRESET' });
    await peer.time.run(peer.connection.ping());
    assert.equal(peer.time.pending, 0);
  });

  it('that answers other tokens, other ids, and requests by requests', async () => {
    const peer = await makeRawPeer();
    peer.answer = ({ type, messageId, token }) => {
      if (type !== 0) return undefined;
      void peer.say({ type: 2, code: 0x45, messageId, token: token.toReversed() });
      void peer.say({ type: 2, code: 0x45, messageId: messageId ^ 1, token });
      void peer.say({ type: 2, code: 0x01, messageId, token });
      return undefined;
    };
    await assert.rejects(peer.time.run(peer.connection.request({ method: 'GET' })), { code: 'ETIMEDOUT' });
  });

  it('that floods it with pings, repeated ids, 64 KB options and garbage', async () => {
    let handled = 0;
    const peer = await makeRawPeer({
      handler: () => {
        handled++;
        return { code: RESPONSE_CODES.content };
      },
    });
    const from = { address: '192.0.2.1', port: 5683 };
    const flood = (message: Partial<CoapMessage>): void => {
      const none = new Uint8Array(0);
      const whole = { type: 0, code: 1, messageId: 1, token: none, options: [], payload: none, ...message } as const;
      peer.network.inject(from, peer.socket.local!, encodeMessage(whole));
    };
    const random = new SeededRandom(3);
    for (let i = 0; i < 500; i++) {
      flood({ code: 0, messageId: i });
      flood({ messageId: 1 });
      flood({ messageId: 2_000 + i, token: random.bytes(8), code: 0x45 });
      peer.network.inject(from, peer.socket.local!, random.bytes(100));
    }
    flood({ messageId: 9_000, options: [{ number: 65_000, value: new Uint8Array(65_000) }] });
    await peer.time.advance(1_000);
    assert.equal(handled, 2, 'one for the repeated id, one for the large option');
    assert.equal(peer.connection.counters.duplicates, 499);
    assert.deepEqual((await peer.say({ messageId: 9_001 })).map(line), ['ACK 2.05']);
    assert.equal(peer.time.pending, 0);
  });

  it('that opens as many observations and transfers as it can', async () => {
    const peer = await makeRawPeer({
      maxObservations: 10,
      handler: (request) => {
        const observation = request.acceptObservation?.({ ended: () => undefined });
        return { code: observation === undefined ? RESPONSE_CODES.changed : RESPONSE_CODES.content };
      },
    });
    for (let i = 0; i < 100; i++) {
      const token = Uint8Array.of(i);
      await peer.say({ token, options: [uintOption(OPTION.observe, 0)] });
      const options = [textOption(OPTION.uriPath, String(i)), block(1, 0, 1, 16)];
      await peer.say({ code: 0x03, token: Uint8Array.of(200), options, payload: body(16) });
    }
    const codes = peer.heard.filter(({ code }) => code !== 0x5f).map(({ code }) => code);
    assert.equal(codes.filter((code) => code === RESPONSE_CODES.content).length, 10);
  });
});

describe('serveCoap', () => {
  it('gives each session its connection, survives one that fails, and stops', async () => {
    const time = new VirtualTime();
    const network = new SimulatedNetwork({ time });
    const listener = network.datagramSocket('192.0.2.1');
    await listener.bind('192.0.2.1', 5683);
    let sessions = 0;
    const serving = serveCoap(listener, network.environment, (connection) => {
      if (++sessions === 1) throw new Error('the first one fails');
      connection.handler = echo;
    });
    const connect = async (): Promise<UdpCoapConnection> => {
      const socket = network.datagramSocket();
      await socket.connect('192.0.2.1', 5683);
      return new UdpCoapConnection(socket, network.environment);
    };
    const devices = [await connect(), await connect(), await connect()];
    for (const device of devices) void device.request({ method: 'GET', path: ['early'] }).catch(() => undefined);
    await time.advance(100);
    for (const device of devices.slice(1)) {
      assert.equal((await time.run(device.request({ method: 'GET', path: ['x'] }))).code, RESPONSE_CODES.content);
    }
    serving.stop();
    assert.equal(await serving.ended, undefined);
    assert.equal(listener.getOption('state'), 'bound');
  });
});
