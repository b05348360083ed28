// CoAP over a stream (RFC 8323): exchanges, signals, blocks and endings, on a simulated network under virtual time.

import assert from 'node:assert/strict';
import { concatBytes, utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import {
  type IncomingResponse,
  type MessageContent,
  type Observation,
  OPTION,
  RESPONSE_CODES,
  type ReleaseReasons,
  findBlock,
  TcpCoapConnection,
  findUint,
} from '../../lib/coap/index.ts';
import { SIGNAL_CODES, SIGNAL_OPTIONS, csmMessage, pingMessage } from '../../lib/coap/signalling.ts';
import { SimulatedStreamSocket } from '../../lib/net/simulated/stream-socket.ts';
import { encodeFrame } from '../../lib/coap/stream-frame.ts';
import { hours, seconds } from '../../lib/runtime/index.ts';
import { body } from './raw-peer.ts';
import { connectStreams, makeRawStreamPeer, makeStreamPair, nameOf } from './stream-pair.ts';

const { content, changed } = RESPONSE_CODES;
const text = (words: string) => ({ code: content, payload: utf8Encode(words) });
const custodyOf = (pong: MessageContent | undefined): boolean =>
  pong?.options.some(({ number }) => number === SIGNAL_OPTIONS.custody) === true;

describe('TcpCoapConnection', () => {
  it('asks and answers both ways on one stream', async () => {
    const { client, server, time } = await makeStreamPair({
      client: { handler: () => text('from the client') },
      server: { handler: ({ path }) => text(path.join('/')) },
    });
    const there = await time.run(client.request({ method: 'GET', path: ['a', 'b'] }));
    const back = await time.run(server.request({ method: 'GET' }));
    assert.deepEqual(
      [there, back].map(({ payload }) => utf8Decode(payload)),
      ['a/b', 'from the client'],
    );
  });

  it('says its CSM first, with what it takes', async () => {
    const { heard } = await makeRawStreamPeer({ introduced: false, maxMessageBytes: 2_000 });
    assert.equal(heard.length, 1);
    assert.equal(heard[0]!.code, SIGNAL_CODES.csm);
    assert.equal(findUintOf(heard[0]!, SIGNAL_OPTIONS.maxMessageSize), 2_000);
    assert.ok(heard[0]!.options.some(({ number }) => number === SIGNAL_OPTIONS.blockWiseTransfer));
  });

  it('requests leave before the CSM has come, no larger than every peer takes', async () => {
    const streams = await connectStreams();
    const client = new TcpCoapConnection(streams.clientSocket, streams.network.environment);
    const asked = client.request({ method: 'PUT', payload: body(2_000) });
    const sizes: number[] = [];
    const server = new TcpCoapConnection(streams.serverSocket, streams.network.environment, {
      handler: ({ payload }) => {
        sizes.push(payload.length);
        return { code: changed };
      },
    });
    await streams.time.run(asked);
    assert.deepEqual(sizes, [2_000]);
    assert.deepEqual(server.capabilities, { maxMessageSize: 65_536, blockWise: true });
  });

  it('bodies of any length go both ways, in one message or by BERT', async () => {
    for (const [up, down, most] of [
      [10, 10, 65_536],
      [60_000, 60_000, 65_536],
      [300_000, 500_000, 65_536],
      [5_000, 5_000, 1_152],
      [20_000, 20_000, 2_500],
    ] as const) {
      let got = new Uint8Array(0);
      const { client, time } = await makeStreamPair({
        server: {
          maxMessageBytes: most,
          handler: (request) => {
            got = request.payload.slice();
            return { code: changed, payload: body(down) };
          },
        },
      });
      const { payload } = await time.run(client.request({ method: 'PUT', payload: body(up) }));
      assert.deepEqual(got, body(up));
      assert.deepEqual(payload, body(down));
    }
  });

  it('uses BERT only with a peer that can: more than 1,152 bytes and block-wise', async () => {
    const sizeExponents: (number | undefined)[] = [];
    for (const capabilities of [
      { maxMessageSize: 9_000, blockWise: true },
      { maxMessageSize: 1_152, blockWise: true },
      { maxMessageSize: 9_000, blockWise: false },
    ]) {
      const peer = await makeRawStreamPeer({ introduced: false });
      await peer.say(csmMessage(capabilities));
      peer.connection.request({ method: 'PUT', payload: body(20_000) }).catch(() => undefined);
      await peer.time.advance(10);
      sizeExponents.push(findBlock(peer.heard.at(-1)!.options, OPTION.block1, 7)?.sizeExponent);
    }
    assert.deepEqual(sizeExponents, [7, 6, 6]);
  });

  it('observes: notifications in the order they come, until it is cancelled', async () => {
    let observation: Observation | undefined;
    let ended: string | undefined;
    const { client, time } = await makeStreamPair({
      server: {
        handler: (request) => {
          observation = request.acceptObservation?.({ ended: (reason) => void (ended = reason) });
          return text('0');
        },
      },
    });
    const heard: string[] = [];
    const notified = ({ payload }: IncomingResponse): void => void heard.push(utf8Decode(payload));
    const observed = await time.run(client.observe({ method: 'GET', path: ['x'] }, notified));
    for (const state of ['1', '2', '3']) await time.run(observation!.notify(text(state), { confirmable: true }));
    await time.advance(10);
    assert.deepEqual(heard, ['1', '2', '3']);
    await time.run(observed.cancel());
    assert.equal(ended, 'deregistered');
  });

  it('answers Ping with Pong and its token, also with custody', async () => {
    const peer = await makeRawStreamPeer();
    const [pong] = await peer.say(pingMessage('ping', Uint8Array.of(1, 2, 3), true));
    assert.equal(nameOf(pong!), 'pong');
    assert.deepEqual(pong!.token, Uint8Array.of(1, 2, 3));
    assert.equal(custodyOf(pong), true);
  });

  it('takes custody only when all requests before the ping have been answered', async () => {
    let answer: (() => void) | undefined;
    const peer = await makeRawStreamPeer({
      handler: () => new Promise((resolve) => (answer = () => resolve({ code: content }))),
    });
    await peer.say({ token: Uint8Array.of(7) });
    assert.deepEqual(await peer.say(pingMessage('ping', Uint8Array.of(9), true)), []);
    const [plain] = await peer.say(pingMessage('ping', Uint8Array.of(8), false));
    assert.deepEqual([plain!.token[0], custodyOf(plain)], [8, false]);
    peer.heard.length = 0;
    answer?.();
    await peer.time.advance(100);
    assert.deepEqual(peer.heard.map(nameOf), ['2.05', 'pong']);
    assert.equal(custodyOf(peer.heard[1]), true);
  });

  it('pings, and finds out when nobody answers', async () => {
    const { client, server, time } = await makeStreamPair();
    await time.run(client.ping({ custody: true }));
    const { connection, time: other } = await makeRawStreamPeer({ pingTimeout: seconds(5) });
    const unanswered = connection.ping();
    await assert.rejects(other.run(unanswered), { code: 'ETIMEDOUT' });
    assert.equal(server.counters.unexpected, 0);
  });

  it('ignores empty messages, before and after the CSM', async () => {
    const peer = await makeRawStreamPeer({ introduced: false, handler: () => text('here') });
    assert.deepEqual(await peer.sayBytes(new Uint8Array(20)), []);
    await peer.say(csmMessage({ maxMessageSize: 1_152, blockWise: false }));
    assert.deepEqual((await peer.say({ token: Uint8Array.of(1) })).map(nameOf), ['2.05']);
    assert.equal(peer.connection.counters.empty, 10);
  });

  it('a silent peer is asked after the interval, and left when it does not answer', async () => {
    let cause: string | undefined;
    const peer = await makeRawStreamPeer({ onClosed: (error) => (cause = error?.code) });
    await peer.time.advance(hours(2) - 10_000);
    assert.equal(peer.heard.length, 1);
    await peer.time.advance(20_000);
    assert.deepEqual(peer.heard.map(nameOf), ['csm', 'ping']);
    await peer.say(pingMessage('pong', new Uint8Array(0), false));
    await peer.time.advance(hours(3));
    assert.equal(cause, 'ETIMEDOUT');
    assert.deepEqual(peer.heard.map(nameOf), ['csm', 'ping', 'ping', 'abort']);
  });

  it('Release: ends when requests of both sides are done, and tells why', async () => {
    let released: ReleaseReasons | undefined;
    let answer: (() => void) | undefined;
    let closed = false;
    const { client, server, time, clientSocket, serverSocket } = await makeStreamPair({
      client: { onReleased: (reasons) => (released = reasons), onClosed: () => (closed = true) },
      server: { handler: () => new Promise((resolve) => (answer = () => resolve(text('at last')))) },
    });
    const asked = client.request({ method: 'GET' });
    await time.advance(10);
    server.release({ alternativeAddresses: ['[2001:db8::1]:5683', 'other.example'], holdOffSeconds: 30 });
    await time.advance(10);
    assert.deepEqual(released, {
      alternativeAddresses: ['[2001:db8::1]:5683', 'other.example'],
      holdOffSeconds: 30,
      diagnostic: '',
    });
    assert.equal(closed, false);
    answer?.();
    assert.equal(utf8Decode((await time.run(asked)).payload), 'at last');
    await time.advance(1_000);
    assert.equal(closed, true);
    assert.deepEqual(
      [clientSocket, serverSocket].map((socket) => socket.getOption('state')),
      ['closed', 'closed'],
    );
    assert.equal(time.pending, 0);
  });

  it('Release in the middle of a transfer: the transfer is completed', async () => {
    const { client, server, time, serverSocket } = await makeStreamPair({
      client: { maxMessageBytes: 2_500 },
      server: { handler: () => ({ code: content, payload: body(20_000) }) },
    });
    const asked = client.request({ method: 'GET' });
    await time.advance(5);
    server.release();
    assert.deepEqual((await time.run(asked)).payload, body(20_000));
    await time.advance(1_000);
    assert.equal(serverSocket.getOption('state'), 'closed');
  });

  it('a peer that goes on after Release is left after a time', async () => {
    const peer = await makeRawStreamPeer({ messageTimeout: seconds(10) });
    peer.connection.release({ diagnostic: 'maintenance' });
    await peer.time.advance(9_000);
    assert.equal(peer.ended(), false);
    assert.deepEqual(peer.heard.map(nameOf), ['csm', 'release']);
    await peer.time.advance(2_000);
    assert.equal(peer.ended(), true);
  });

  it('what is under way fails with ECONNRESET when the stream ends, and the observation with it', async () => {
    let endedBy: Error | undefined;
    let reason: string | undefined;
    const { client, time, serverSocket } = await makeStreamPair({
      server: {
        handler: (request) => {
          if (request.acceptObservation === undefined) return new Promise(() => undefined);
          request.acceptObservation({ ended: (why) => void (reason = why) });
          return text('0');
        },
      },
    });
    await time.run(client.observe({ method: 'GET' }, () => undefined, { ended: (cause) => void (endedBy = cause) }));
    const asked = client.request({ method: 'GET' });
    await time.advance(10);
    assert.ok(serverSocket instanceof SimulatedStreamSocket);
    serverSocket.reset();
    await assert.rejects(time.run(asked), { name: 'CoapError', code: 'ECONNRESET' });
    assert.equal((endedBy as { code?: string } | undefined)?.code, 'ECONNRESET');
    assert.equal(reason, 'closed');
  });

  it('what was asked is answered after the peer’s FIN (half-closed)', async () => {
    let answer: (() => void) | undefined;
    const peer = await makeRawStreamPeer({
      handler: () => new Promise((resolve) => (answer = () => resolve(text('still')))),
    });
    await peer.say({ token: Uint8Array.of(1) });
    await peer.clientSocket.shutdown();
    await peer.time.advance(100);
    assert.equal(peer.ended(), false);
    answer?.();
    await peer.time.advance(100);
    assert.deepEqual(peer.heard.map(nameOf), ['csm', '2.05']);
    assert.equal(peer.ended(), true);
  });

  it('send without response settles when the stream has taken it', async () => {
    let asked = 0;
    const { client, time } = await makeStreamPair({
      server: {
        handler: () => {
          asked++;
          return { code: changed };
        },
      },
    });
    const stop = new AbortController();
    await time.run(client.send({ method: 'POST', payload: body(10) }, { signal: stop.signal }));
    await time.advance(10);
    assert.equal(asked, 1);
    stop.abort();
  });

  it('a request behind the response that lets us admit it is answered, though both come at once', async () => {
    let admitted = false;
    const peer = await makeRawStreamPeer({ admits: () => admitted, handler: () => text('yes') });
    void peer.connection.request({ method: 'POST' }).then(() => (admitted = true));
    await peer.time.advance(10);
    const { token } = peer.heard.at(-1)!;
    const none = new Uint8Array(0);
    const response = encodeFrame({ code: content, token, options: [], payload: none });
    const request = encodeFrame({ code: 1, token: Uint8Array.of(5), options: [], payload: none });
    assert.deepEqual((await peer.sayBytes(concatBytes(response, request))).map(nameOf), ['2.05']);
  });

  it('a peer that reads slowly is not read: what waits is bounded, and all comes in the end', async () => {
    const { client, time } = await makeStreamPair({
      socket: { maxBufferedBytes: 70_000 },
      server: { handler: () => ({ code: content, payload: body(60_000) }) },
    });
    const all = Promise.all(Array.from({ length: 40 }, () => client.request({ method: 'GET' })));
    const responses = await time.run(all);
    assert.ok(responses.every(({ payload }) => payload.length === 60_000));
  });

  it('while the stream takes nothing, an observation keeps its newest state only', async () => {
    let observation: Observation | undefined;
    const { client, time, clientSocket } = await makeStreamPair({
      socket: { maxBufferedBytes: 40_000 },
      server: {
        handler: (request) => {
          observation = request.acceptObservation?.({ ended: () => undefined });
          return text('first');
        },
      },
    });
    const heard: number[] = [];
    await time.run(client.observe({ method: 'GET' }, ({ payload }) => heard.push(payload[0]!)));
    const { handler } = clientSocket;
    clientSocket.handler = undefined;
    for (let i = 1; i <= 50; i++) {
      observation!.notify({ code: content, payload: new Uint8Array(30_000).fill(i) }).catch(() => undefined);
      await time.advance(10);
    }
    clientSocket.handler = handler;
    handler?.readable();
    await time.advance(1_000);
    assert.ok(heard.length < 8, `${heard.length} notifications`);
    assert.equal(heard.at(-1), 50);
  });
});

function findUintOf(message: MessageContent, number: number): number | undefined {
  return findUint(message.options, number);
}
