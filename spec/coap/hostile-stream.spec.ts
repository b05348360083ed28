// What a hostile peer may do at the other end of a stream, by name (RFC 8323): each is answered as due, and bounded.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { concatBytes, fromHex, utf8Decode } from '../../lib/bytes/index.ts';
import {
  CoapError,
  type CoapOption,
  type IncomingRequest,
  type MessageContent,
  OPTION,
  RESPONSE_CODES,
  TcpCoapConnection,
  blockOption,
  findBlock,
  findUint,
  uintOption,
} from '../../lib/coap/index.ts';
import { BERT_EXPONENT } from '../../lib/coap/block-option.ts';
import {
  SIGNAL_CODES,
  SIGNAL_OPTIONS,
  abortMessage,
  csmMessage,
  pingMessage,
  releaseMessage,
} from '../../lib/coap/signalling.ts';
import { encodeFrame } from '../../lib/coap/stream-frame.ts';
import type { SocketError } from '../../lib/net/index.ts';
import { milliseconds, seconds } from '../../lib/runtime/index.ts';
import { body } from './raw-peer.ts';
import { connectStreams, makeRawStreamPeer, nameOf } from './stream-pair.ts';

const NONE: Uint8Array = new Uint8Array(0);
const CSM = csmMessage({ maxMessageSize: 65_536, blockWise: true });
const BASE_CSM = csmMessage({ maxMessageSize: 1_152, blockWise: false });
const handler = (): { code: typeof RESPONSE_CODES.content } => ({ code: RESPONSE_CODES.content });
const message = (given: Partial<MessageContent>): MessageContent => ({
  code: 1,
  token: NONE,
  options: [],
  payload: NONE,
  ...given,
});
const wordsOf = (abort: MessageContent | undefined): string => utf8Decode(abort?.payload ?? NONE);

describe('TcpCoapConnection, to a hostile peer', () => {
  /** What ends it, and with what words. */
  const ended = async (
    act: (peer: Awaited<ReturnType<typeof makeRawStreamPeer>>) => Promise<unknown>,
    options: Parameters<typeof makeRawStreamPeer>[0] = {},
  ): Promise<{ last: MessageContent; cause: SocketError | undefined }> => {
    let cause: SocketError | undefined;
    let closed = 0;
    const peer = await makeRawStreamPeer({
      handler,
      ...options,
      onClosed: (error) => {
        cause = error;
        closed++;
      },
    });
    await act(peer);
    assert.equal(closed, 1, 'closed is told once');
    assert.equal(peer.ended(), true);
    await peer.time.advance(120_000);
    assert.equal(peer.time.pending, 0, 'nothing waits any more');
    return { last: peer.heard.at(-1)!, cause };
  };

  for (const [name, first] of [
    ['a request', message({ code: 1 })],
    ['a response', message({ code: 0x45 })],
    ['a ping', pingMessage('ping', NONE, false)],
    ['a release', releaseMessage({})],
  ] as const) {
    it(`that says ${name} before its CSM is aborted`, async () => {
      const { last, cause } = await ended((peer) => peer.say(first), { introduced: false });
      assert.equal(nameOf(last), 'abort');
      assert.match(wordsOf(last), /CSM/);
      assert.equal(cause?.code, 'EPROTO');
    });
  }

  it('that never says its CSM is left after a time (half-open)', async () => {
    const { last, cause } = await ended((peer) => peer.time.advance(31_000), { introduced: false });
    assert.match(wordsOf(last), /no CSM/);
    assert.equal(cause?.code, 'ETIMEDOUT');
  });

  it('that says its CSM twice, or again and again, only changes what it can take', async () => {
    const peer = await makeRawStreamPeer({ handler });
    for (let i = 0; i < 100; i++)
      await peer.sayBytes(encodeFrame(csmMessage({ maxMessageSize: 1_152 + i, blockWise: false })));
    assert.deepEqual(peer.connection.capabilities, { maxMessageSize: 1_251, blockWise: true });
    assert.deepEqual((await peer.say(message({}))).map(nameOf), ['2.05']);
  });

  it('whose CSM has a critical option that nobody knows is aborted, and told which', async () => {
    const bad = { ...CSM, options: [...CSM.options, { number: 33, value: NONE }] };
    const { last } = await ended((peer) => peer.say(bad), { introduced: false });
    assert.equal(findUint(last.options, SIGNAL_OPTIONS.badCsmOption), 33);
  });

  for (const code of [SIGNAL_CODES.ping, SIGNAL_CODES.pong, SIGNAL_CODES.release]) {
    it(`whose ${nameOf(message({ code }))} has a critical option that nobody knows is aborted`, async () => {
      const { last } = await ended((peer) => peer.say(message({ code, options: [{ number: 9, value: NONE }] })));
      assert.equal(nameOf(last), 'abort');
      assert.deepEqual(last.options, []);
      assert.match(wordsOf(last), /critical option 9/);
    });
  }

  it('whose CSM names no size that a message could have is aborted', async () => {
    for (const options of [[uintOption(2, 0)], [{ number: 2, value: new Uint8Array(5) }]]) {
      const { last } = await ended((peer) => peer.say(message({ code: SIGNAL_CODES.csm, options })), {
        introduced: false,
      });
      assert.match(wordsOf(last), /Max-Message-Size/);
    }
  });

  it('that claims 4 GB is aborted at the header', async () => {
    const { last } = await ended((peer) => peer.sayBytes(fromHex('f1ffffffff02aa')));
    assert.match(wordsOf(last), /a message of 4295033107 bytes, at most 65536 are taken/);
  });

  it('whose response is larger than we take is aborted', async () => {
    const { last } = await ended((peer) => peer.say(message({ code: 0x45, payload: body(70_000) })));
    assert.match(wordsOf(last), /at most 65536/);
  });

  it('whose request is larger than we take hears 4.13 and how it may come, and the next one is answered', async () => {
    const peer = await makeRawStreamPeer({ handler, maxMessageBytes: 1_152 });
    const large = encodeFrame(message({ code: 3, token: Uint8Array.of(1), payload: body(20_000) }));
    const [refusal, answer] = await peer.sayBytes(
      concatBytes(large, encodeFrame(message({ token: Uint8Array.of(2) }))),
    );
    assert.equal(refusal?.code, RESPONSE_CODES.requestEntityTooLarge);
    assert.equal(findBlock(refusal.options, OPTION.block1)?.sizeExponent, 6);
    assert.deepEqual([refusal.token[0], answer?.token[0], answer?.code], [1, 2, RESPONSE_CODES.content]);
  });

  for (let length = 9; length <= 15; length++) {
    it(`with a token of ${length} bytes is aborted`, async () => {
      const { last } = await ended((peer) => peer.sayBytes(Uint8Array.of(length, 1)));
      assert.match(wordsOf(last), /token length/);
    });
  }

  it('whose option runs over the end of its message is aborted', async () => {
    const { last } = await ended((peer) => peer.sayBytes(fromHex('2001b5aa')));
    assert.match(wordsOf(last), /option 11 value/);
  });

  for (const [name, body] of [
    ['whose option number overflows 16 bits', 'e0ffffe0ffff'],
    ['whose option delta is 15', 'f0'],
    ['whose option length is 15', '0f'],
    ['whose payload marker has no payload', 'ff'],
  ] as const) {
    it(`${name} is aborted`, async () => {
      const head = (body.length / 2).toString(16);
      const { last } = await ended((peer) => peer.sayBytes(fromHex(`${head}001${body}`)));
      assert.equal(nameOf(last), 'abort');
    });
  }

  for (const [name, number, expected] of [
    ['a Uri-Path of 64 KB hears 4.02', OPTION.uriPath, '4.02'],
    ['an elective option of 64 KB, which nobody knows, is answered as without it', 65_000, '2.05'],
    ['a critical option of 64 KB, which nobody knows, hears 4.02', 65_001, '4.02'],
  ] as const) {
    it(`whose request has ${name}`, async () => {
      const peer = await makeRawStreamPeer({ handler });
      const options = [{ number, value: new Uint8Array(65_500) }];
      assert.deepEqual((await peer.say(message({ options }))).map(nameOf), [expected]);
      assert.deepEqual((await peer.say(message({}))).map(nameOf), ['2.05']);
    });
  }

  const bert = (num: number, more: boolean): CoapOption =>
    blockOption(OPTION.block1, { num, more, sizeExponent: BERT_EXPONENT });
  for (const [name, options, length, expected] of [
    ['begins a body at its fifth block', [bert(5, true)], 2_048, '4.08'],
    ['names a block number of 20 bits', [bert(0xfffff, true)], 1_024, '4.08'],
    ['announces 4 GB', [bert(0, true), uintOption(OPTION.size1, 0xffffffff)], 2_048, '4.13'],
    ['has more to come, and half a block', [bert(0, true)], 1_500, '4.00'],
    ['has more to come, and no block at all', [bert(0, true)], 0, '4.00'],
  ] as const) {
    it(`whose request by BERT ${name}, hears ${expected}`, async () => {
      const peer = await makeRawStreamPeer({ handler });
      const request = message({ code: 3, options: [...options], payload: body(length) });
      assert.deepEqual((await peer.say(request)).map(nameOf), [expected]);
      assert.deepEqual((await peer.say(message({}))).map(nameOf), ['2.05']);
    });
  }

  it('that sends a message byte by byte for ever (slow-loris) is left after a time, however busy it seems', async () => {
    const { cause } = await ended(
      async (peer) => {
        const bytes = encodeFrame(message({ code: 2, payload: body(1_000) }));
        for (let i = 0; i < 70 && !peer.ended(); i++) await peer.sayBytes(bytes.slice(i, i + 1));
      },
      { messageTimeout: seconds(60) },
    );
    assert.equal(cause?.code, 'ETIMEDOUT');
  });

  it('that sends messages slowly, but ends each in time, is heard', async () => {
    const peer = await makeRawStreamPeer({ handler, messageTimeout: seconds(20) });
    const bytes = encodeFrame(message({ code: 2, payload: body(30) }));
    for (let round = 0; round < 5; round++)
      for (const byte of bytes)
        await peer.sayBytes(Uint8Array.of(byte)).then(
          () => undefined,
          () => undefined,
        );
    assert.equal(peer.ended(), true, 'more than 20 s for one message');
    const patient = await makeRawStreamPeer({ handler, messageTimeout: seconds(60) });
    for (let round = 0; round < 5; round++) for (const byte of bytes) await patient.sayBytes(Uint8Array.of(byte));
    assert.equal(patient.heard.filter(({ code }) => code === RESPONSE_CODES.content).length, 5);
  });

  it('that floods us with pings and reads nothing: what waits is bounded, and it is left after a time', async () => {
    let cause: SocketError | undefined;
    const streams = await connectStreams({ maxBufferedBytes: 20_000 });
    const connection = new TcpCoapConnection(streams.serverSocket, streams.network.environment, {
      maxQueuedBytes: 10_000,
      messageTimeout: seconds(30),
      onClosed: (error) => void (cause = error),
    });
    const { clientSocket: raw, time } = streams;
    raw.send(encodeFrame(CSM));
    const ping = encodeFrame(pingMessage('ping', new Uint8Array(8), false));
    const flood = concatBytes(...Array.from({ length: 1_000 }, () => ping));
    let taken = 0;
    for (let i = 0; i < 200; i++) {
      try {
        raw.send(flood.slice());
        taken += flood.length;
      } catch (error) {
        assert.equal((error as SocketError).code, 'EAGAIN');
      }
      await time.advance(10);
    }
    assert.ok(taken < 150_000, `${taken} bytes taken`);
    await time.advance(40_000);
    assert.equal(cause?.code, 'ETIMEDOUT');
    await assert.rejects(connection.ping(), { code: 'ETIMEDOUT' });
  });

  it('that asks for much at once is answered whole, though little fits into the stream', async () => {
    const handler = () => ({ code: RESPONSE_CODES.content, payload: body(1_000) });
    const peer = await makeRawStreamPeer({ handler, socket: { maxBufferedBytes: 4_096 } });
    const requests = Array.from({ length: 100 }, (_, at) => encodeFrame(message({ token: Uint8Array.of(at) })));
    const answers = await peer.sayBytes(concatBytes(...requests));
    assert.deepEqual(
      answers.map(({ token }) => token[0]),
      requests.map((_, at) => at),
    );
  });

  it('that wants custody of a thousand pings gets sixteen such, the rest at once', async () => {
    const peer = await makeRawStreamPeer({ handler: () => new Promise(() => undefined) });
    await peer.say(message({ token: Uint8Array.of(1) }));
    const ping = encodeFrame(pingMessage('ping', Uint8Array.of(3), true));
    const pongs = await peer.sayBytes(concatBytes(...Array.from({ length: 1_000 }, () => ping)));
    assert.equal(pongs.length, 984);
  });

  it('that observes with large requests has as many observations as fit, and keeps no more of ours than it asked with', async () => {
    const requests: IncomingRequest[] = [];
    const accepting = (request: IncomingRequest): { code: typeof RESPONSE_CODES.content } => {
      if (request.acceptObservation?.({ ended: () => undefined }) !== undefined) requests.push(request);
      return { code: RESPONSE_CODES.content };
    };
    const peer = await makeRawStreamPeer({ handler: accepting, maxObservedBytes: 10_000 });
    const empties = new Uint8Array(20_000); // messages of two bytes, which say nothing
    const observe = (token: number, size: number): Uint8Array =>
      encodeFrame(message({ code: 5, token: Uint8Array.of(token), options: [uintOption(6, 0)], payload: body(size) }));
    for (let at = 0; at < 12; at++) await peer.sayBytes(concatBytes(observe(at, 1_000), empties));
    assert.equal(requests.length, 9);
    for (const { payload, options } of requests)
      for (const kept of [payload, ...options.map(({ value }) => value)])
        assert.equal(kept.buffer.byteLength, kept.length, 'a view of what was read');
    const last = message({ code: 5, token: Uint8Array.of(0), options: [uintOption(6, 1)], payload: body(1) });
    await peer.say(last);
    await peer.sayBytes(observe(99, 1_000));
    assert.equal(requests.length, 10, 'what ends makes room');
  });

  it('that aborts in the middle of an observation ends it, with its words', async () => {
    const peer = await makeRawStreamPeer();
    const endings: (Error | undefined)[] = [];
    const observing = peer.connection.observe({ method: 'GET' }, () => undefined, {
      ended: (cause) => void endings.push(cause),
    });
    await peer.time.advance(10);
    const { token } = peer.heard.at(-1)!;
    await peer.say(message({ code: 0x45, token, options: [uintOption(OPTION.observe, 1)] }));
    assert.equal((await observing).active, true);
    await peer.say(abortMessage('out of \u001b[31mmemory'));
    const [endedBy] = endings;
    assert.ok(endedBy instanceof CoapError && endedBy.code === 'ECONNRESET');
    assert.match(endedBy.message, /out of \ufffd\[31mmemory/);
    assert.equal(peer.ended(), true);
  });

  it('that aborts before its CSM fails who waits for it', async () => {
    const peer = await makeRawStreamPeer({ introduced: false });
    const waiting = peer.connection.introduced();
    waiting.catch(() => undefined);
    await peer.say(abortMessage('no'));
    await assert.rejects(waiting, { code: 'ECONNRESET' });
  });

  it('that releases in the middle of a transfer, and then says nothing: the transfer fails in time', async () => {
    const failures: Error[] = [];
    const peer = await makeRawStreamPeer({ introduced: false, messageTimeout: seconds(10) });
    await peer.say(BASE_CSM);
    peer.connection.request({ method: 'PUT', payload: body(5_000) }).catch((error: Error) => void failures.push(error));
    await peer.time.advance(10);
    await peer.say(releaseMessage({ holdOffSeconds: 5 }));
    await peer.time.advance(8_000);
    assert.equal(failures.length, 0);
    await peer.time.advance(2_000);
    assert.ok(failures[0] instanceof CoapError);
    assert.equal(peer.ended(), true);
  });

  it('that releases again and again is left once', async () => {
    const { cause } = await ended((peer) =>
      peer.sayBytes(
        concatBytes(...Array.from({ length: 100 }, () => encodeFrame(releaseMessage({ holdOffSeconds: 1 })))),
      ),
    );
    assert.equal(cause, undefined);
  });

  it('that answers tokens of nobody, or with codes that mean nothing, is not heard', async () => {
    const peer = await makeRawStreamPeer({ handler });
    for (const code of [0x45, 0x84, 0x3f, 0x61, 0xc0, 0xff]) await peer.say(message({ code, token: Uint8Array.of(9) }));
    assert.equal(peer.connection.counters.unexpected, 6);
    assert.deepEqual((await peer.say(message({}))).map(nameOf), ['2.05']);
  });

  it('whose every byte is arbitrary: it is answered or left, and nothing else happens', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { maxLength: 8 }),
        fc.boolean(),
        async (pieces, introduced) => {
          const peer = await makeRawStreamPeer({ handler, introduced, messageTimeout: milliseconds(5_000) });
          for (const piece of pieces) if (!peer.ended()) await peer.sayBytes(piece);
          peer.connection.close();
          peer.serverSocket.close();
          peer.clientSocket.close();
          await peer.time.advance(1_000);
          assert.equal(peer.time.pending, 0);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
