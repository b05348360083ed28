// What options and methods mean: RFC 7252 §5.10, RFC 8132, RFC 7967, and messages to a group.

import assert from 'node:assert/strict';
import { utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import {
  type CoapMessage,
  type CoapOption,
  METHODS,
  type Method,
  OPTION,
  RESPONSE_CODES,
  checkPreconditions,
  decodeMessage,
  findUint,
  textOption,
  uintOption,
} from '../../lib/coap/index.ts';
import { makePair } from './pair.ts';
import { block, body, line, makeRawPeer } from './raw-peer.ts';

const { badOption, changed, content, created, preconditionFailed, proxyingNotSupported, valid } = RESPONSE_CODES;

describe('Methods', () => {
  for (const method of Object.keys(METHODS) as Method[]) {
    it(`${method} comes as it went, with a body in blocks both ways`, async () => {
      const pair = await makePair({
        mtu: 256,
        server: {
          handler: (request) => ({
            code: content,
            payload: Uint8Array.from([
              ...utf8Encode(`${request.method} ${request.contentFormat} `),
              ...request.payload,
            ]),
          }),
        },
      });
      for (const length of [10, 1_500]) {
        const request = { method, path: ['a'], contentFormat: 42, payload: body(length) };
        const response = await pair.time.run(pair.device.request(request));
        const start = utf8Encode(`${method} 42 `);
        assert.deepEqual(response.payload.subarray(0, start.length), start);
        assert.deepEqual(response.payload.subarray(start.length), body(length));
      }
    });
  }

  it('FETCH of different bodies at once is answered each by its own, block by block', async () => {
    const pair = await makePair({
      mtu: 256,
      device: { transmission: { nstart: 3 } },
      server: { handler: ({ payload }) => ({ code: content, payload: new Uint8Array(1_000).fill(payload[0]!) }) },
    });
    const all = [1, 2, 3].map((value) => pair.device.request({ method: 'FETCH', payload: Uint8Array.of(value) }));
    const responses = await pair.time.run(Promise.all(all));
    responses.forEach(({ payload }, i) => assert.deepEqual(payload, new Uint8Array(1_000).fill(i + 1)));
  });

  it('FETCH is observed, and its notifications are of its body', async () => {
    const pair = await makePair({
      server: {
        handler: (request) => {
          const asked = utf8Decode(request.payload);
          const observation = request.acceptObservation?.({ ended: () => undefined });
          const told = { code: content, payload: utf8Encode(`${asked} again`) } as const;
          if (observation !== undefined) setImmediate(() => void observation.notify(told));
          return { code: content, payload: utf8Encode(asked) };
        },
      },
    });
    const heard: string[] = [];
    const request = { method: 'FETCH', payload: utf8Encode('what') } as const;
    const observed = await pair.time.run(pair.device.observe(request, (r) => void heard.push(utf8Decode(r.payload))));
    await pair.time.advance(1_000);
    assert.equal(utf8Decode(observed.response.payload), 'what');
    assert.deepEqual(heard, ['what again']);
  });
});

describe('Options', () => {
  it('If-Match and If-None-Match are refused by 4.02 unless the handler keeps them', async () => {
    for (const option of [
      { number: OPTION.ifMatch, value: body(2) },
      { number: OPTION.ifNoneMatch, value: body(0) },
    ]) {
      const peer = await makeRawPeer({ handler: () => ({ code: changed }) });
      assert.equal((await peer.say({ code: 3, options: [option] }))[0]!.code, badOption);
    }
  });

  it('If-Match and If-None-Match hold, where the handler keeps them (RFC 7252 §5.10.8)', async () => {
    let etag: Uint8Array | undefined;
    const pair = await makePair({
      server: {
        understoodOptions: [OPTION.ifMatch, OPTION.ifNoneMatch],
        handler: (request) => {
          checkPreconditions(request, etag);
          const code = etag === undefined ? created : changed;
          etag = Uint8Array.of((etag?.[0] ?? 0) + 1);
          return { code, etag };
        },
      },
    });
    const put = async (fields: object): Promise<number> =>
      (await pair.time.run(pair.device.request({ method: 'PUT', ...fields }))).code;
    assert.equal(await put({ ifMatch: [new Uint8Array(0)] }), preconditionFailed, 'it does not exist');
    assert.equal(await put({ ifNoneMatch: true }), created);
    assert.equal(await put({ ifNoneMatch: true }), preconditionFailed);
    assert.equal(await put({ ifMatch: [Uint8Array.of(9)] }), preconditionFailed);
    assert.equal(await put({ ifMatch: [Uint8Array.of(9), Uint8Array.of(1)] }), changed);
    assert.equal(await put({ ifMatch: [new Uint8Array(0)] }), changed, 'an empty one matches what exists');
    assert.deepEqual(etag, Uint8Array.of(3));
  });

  it('a GET that names the ETag is answered 2.03 without the body (RFC 7252 §5.10.6.2)', async () => {
    const handler = () => ({ code: content, etag: Uint8Array.of(1, 2), maxAge: 5, payload: body(5_000) });
    const pair = await makePair({ server: { handler } });
    const get = (etags: Uint8Array[]) => pair.time.run(pair.device.request({ method: 'GET', etags }));
    const known = await get([Uint8Array.of(7), Uint8Array.of(1, 2)]);
    assert.deepEqual([known.code, known.payload.length, known.maxAge], [valid, 0, 5]);
    assert.deepEqual(known.etag, Uint8Array.of(1, 2));
    assert.equal((await get([Uint8Array.of(1)])).payload.length, 5_000);
  });

  it('Location, Max-Age and ETag of a response have fields', async () => {
    const given = {
      code: created,
      locationPath: ['a', 'b c'],
      locationQuery: ['x=1'],
      maxAge: 0,
      etag: body(8),
    } as const;
    const pair = await makePair({ server: { handler: () => given } });
    const response = await pair.time.run(pair.device.request({ method: 'POST', uriHost: 'example.org' }));
    const { locationPath, locationQuery, maxAge, etag } = response;
    assert.deepEqual({ code: response.code, locationPath, locationQuery, maxAge, etag }, given);
  });

  it('Max-Age is 60 if it is not said', async () => {
    const pair = await makePair({ server: { handler: () => ({ code: content }) } });
    assert.equal((await pair.time.run(pair.device.request({ method: 'GET' }))).maxAge, 60);
  });

  const refused: [string, CoapOption, number][] = [
    ['an unknown critical option', { number: 2_001, value: body(0) }, badOption],
    ['Uri-Path twice as long as it may be', { number: OPTION.uriPath, value: body(256) }, badOption],
    ['Accept twice', uintOption(OPTION.accept, 0), badOption],
    ['Proxy-Uri', textOption(OPTION.proxyUri, 'coap://x'), proxyingNotSupported],
    ['Proxy-Scheme', textOption(OPTION.proxyScheme, 'coap'), proxyingNotSupported],
  ];
  for (const [name, option, code] of refused) {
    it(`${name} is refused, whatever the handler thinks`, async () => {
      const peer = await makeRawPeer({ handler: () => ({ code: content }) });
      const options = name.endsWith('twice') ? [option, option] : [option];
      assert.equal((await peer.say({ code: 1, options }))[0]!.code, code);
    });
  }

  it('an unknown elective option is nothing to anybody', async () => {
    const peer = await makeRawPeer({ handler: () => ({ code: content }) });
    const options = [{ number: 2_000, value: body(300) }];
    assert.equal((await peer.say({ code: 1, options }))[0]!.code, content);
  });

  it('an unknown critical option of a response rejects it: by Reset, or silence if it is an acknowledgement (RFC 7252 §5.4.1)', async () => {
    for (const type of [0, 1, 2] as const) {
      const peer = await makeRawPeer();
      const request = peer.connection.request({ method: 'GET' });
      const failed = assert.rejects(request, { code: 'EPROTO' });
      await peer.time.advance(10);
      const { token, messageId } = peer.heard[0]!;
      const id = type === 2 ? messageId : 0x2000;
      const answers = await peer.say({
        type,
        messageId: id,
        code: content,
        token,
        options: [{ number: 2_001, value: body(0) }],
      });
      await failed;
      assert.deepEqual(answers.map(line), type === 2 ? [] : ['RST 0.00']);
    }
  });
});

describe('No-Response (RFC 7967)', () => {
  async function answer(type: 0 | 1, silenced: number, code: number): Promise<string[]> {
    const peer = await makeRawPeer({ handler: () => ({ code: code as typeof content }) });
    const options = [uintOption(OPTION.noResponse, silenced)];
    return (await peer.say({ type, code: 3, options })).map(line);
  }

  it('silences the classes it names and no others', async () => {
    assert.deepEqual(await answer(1, 2, changed), []);
    assert.deepEqual(await answer(0, 2, changed), ['ACK 0.00']);
    assert.deepEqual(await answer(0, 2, badOption), ['ACK 4.02']);
    assert.deepEqual(await answer(1, 8, badOption), []);
    assert.deepEqual(await answer(0, 16, 0xa0), ['ACK 0.00']);
    assert.deepEqual(await answer(0, 0, changed), ['ACK 2.04']);
  });

  it('lets blocks be told to go on', async () => {
    const peer = await makeRawPeer({ handler: () => ({ code: changed }) });
    const silence = uintOption(OPTION.noResponse, 26);
    const first = await peer.say({ code: 3, options: [block(1, 0, 1, 16), silence], payload: body(16) });
    const last = await peer.say({ code: 3, options: [block(1, 1, 0, 16), silence], payload: body(16) });
    assert.deepEqual([...first, ...last].map(line), ['ACK 2.31 1:0/1/16', 'ACK 0.00']);
  });

  it('send: is done when the peer has it, or at once', async () => {
    let handled = 0;
    const pair = await makePair({
      server: {
        handler: () => {
          handled++;
          return { code: changed };
        },
      },
    });
    await pair.time.run(pair.device.send({ method: 'POST', payload: body(10) }));
    assert.equal(handled, 1);
    await pair.device.send({ method: 'POST', confirmable: false });
    await pair.time.advance(1_000);
    assert.equal(handled, 2);
    const codes = pair.sent.map(({ bytes }) => decodeMessage(bytes).code);
    assert.deepEqual(codes, [METHODS.POST, 0, METHODS.POST], 'an empty acknowledgement, and nothing');
    await assert.rejects(pair.device.send({ method: 'POST', payload: body(5_000) }), { code: 'EINVAL' });
  });
});

describe('A socket that belongs to a group (RFC 7252 §8)', () => {
  const cases: [string, Partial<CoapMessage>, string[]][] = [
    ['answers a request that is not confirmable', { type: 1, code: 1 }, ['NON 2.05']],
    ['takes no confirmable one', { type: 0, code: 1 }, []],
    ['answers no ping', { type: 0, code: 0 }, []],
    ['answers no error', { type: 1, code: 2 }, []],
    ['answers no error of its own', { type: 1, code: 1, options: [{ number: 2_001, value: body(0) }] }, []],
    ['takes no response', { type: 0, code: content, token: body(8) }, []],
  ];
  for (const [name, message, expected] of cases) {
    it(name, async () => {
      const handler = ({ method }: { method: Method }) => ({
        code: method === 'GET' ? content : RESPONSE_CODES.methodNotAllowed,
      });
      const peer = await makeRawPeer({ multicast: true, handler });
      assert.deepEqual((await peer.say(message)).map(line), expected);
    });
  }

  it('is silent to what is malformed', async () => {
    const peer = await makeRawPeer({ multicast: true });
    assert.deepEqual(await peer.sayBytes(Uint8Array.of(0x4f, 1, 0, 0)), []);
    assert.equal(peer.connection.counters.malformed, 1);
  });
});

describe('Size2', () => {
  it('is said when it is asked for, even of a body in one message (RFC 7959 §4)', async () => {
    const peer = await makeRawPeer({ handler: () => ({ code: content, payload: body(20) }) });
    const [answer] = await peer.say({ code: 1, options: [uintOption(OPTION.size2, 0)] });
    assert.equal(findUint(answer!.options, OPTION.size2), 20);
  });
});
