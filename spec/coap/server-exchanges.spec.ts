import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fromHex, utf8Encode } from '../../lib/bytes/index.ts';
import {
  type CoapMessage,
  type CoapOption,
  type IncomingRequest,
  type OutgoingResponse,
  RESPONSE_CODES,
  encodeMessage,
  findOption,
  textOption,
  uintOption,
} from '../../lib/coap/index.ts';
import type { Log } from '../../lib/runtime/index.ts';
import { body, line, makeRawPeer } from './raw-peer.ts';

const { content } = RESPONSE_CODES;
const ok = (): OutgoingResponse => ({ code: content });

describe('Requests of the peer', () => {
  it('come with every field of theirs', async () => {
    let request: IncomingRequest | undefined;
    const peer = await makeRawPeer({ handler: (heard) => ((request = heard), ok()) });
    const options: CoapOption[] = [
      textOption(11, 'a b'),
      textOption(11, ''),
      textOption(11, 'ü'),
      uintOption(12, 11_542),
      textOption(15, 'x=1&y'),
      uintOption(17, 110),
      { number: 65_000, value: body(2) },
    ];
    await peer.say({ type: 1, code: 0x06, token: fromHex('0102'), options, payload: utf8Encode('p') });
    assert.ok(request !== undefined);
    const { method, path, query, accept, contentFormat, confirmable, cancelsObservation, acceptObservation } = request;
    assert.deepEqual(
      { method, path, query, accept, contentFormat, confirmable, cancelsObservation, acceptObservation },
      {
        method: 'PATCH',
        path: ['a b', '', 'ü'],
        query: ['x=1&y'],
        accept: 110,
        contentFormat: 11_542,
        confirmable: false,
        cancelsObservation: false,
        acceptObservation: undefined,
      },
    );
    assert.equal(request.options.length, 7);
    assert.deepEqual(request.token, fromHex('0102'));
    assert.deepEqual(request.payload, utf8Encode('p'));
  });

  it('are answered in the very call that brings the datagram', async () => {
    const peer = await makeRawPeer({ handler: ok });
    void peer.say({});
    assert.equal(peer.heard.length, 0);
    assert.ok(peer.time.step());
    assert.deepEqual(peer.lines(), ['ACK 2.05'], 'no promise had a chance to settle');
  });

  it('are refused by the right code when they cannot be understood', async () => {
    const cases: [string, Partial<CoapMessage>, string][] = [
      ['an unknown method', { code: 0x1f }, 'ACK 4.05'],
      ['an unknown critical option', { options: [{ number: 2_001, value: body(1) }] }, 'ACK 4.02'],
      ['If-Match, which the handler does not understand', { options: [{ number: 1, value: body(1) }] }, 'ACK 4.02'],
      ['OSCORE', { options: [{ number: 9, value: body(1) }] }, 'ACK 4.02'],
      ['Accept twice', { options: [uintOption(17, 0), uintOption(17, 0)] }, 'ACK 4.02'],
      ['Accept of three bytes', { options: [{ number: 17, value: body(3) }] }, 'ACK 4.02'],
      ['Uri-Path of 256 bytes', { options: [{ number: 11, value: body(256) }] }, 'ACK 4.02'],
      ['Proxy-Uri', { options: [textOption(35, 'coap://x')] }, 'ACK 5.05'],
      ['Proxy-Scheme', { options: [textOption(39, 'coap')] }, 'ACK 5.05'],
      ['a path that is no text', { options: [{ number: 11, value: fromHex('ff') }] }, 'ACK 4.00'],
      ['nothing wrong, an unknown elective option', { options: [{ number: 2_000, value: body(400) }] }, 'ACK 2.05'],
      ['nothing wrong, a malformed elective option', { options: [{ number: 12, value: body(3) }] }, 'ACK 2.05'],
      ['nothing wrong, a host and a port', { options: [textOption(3, 'h'), uintOption(7, 5_683)] }, 'ACK 2.05'],
    ];
    for (const [name, message, expected] of cases) {
      const peer = await makeRawPeer({ handler: ok });
      assert.deepEqual((await peer.say(message)).map(line), [expected], name);
    }
  });

  it('may carry critical options the handler says it understands', async () => {
    const peer = await makeRawPeer({ handler: ok, understoodOptions: [1] });
    assert.deepEqual((await peer.say({ options: [{ number: 1, value: body(1) }] })).map(line), ['ACK 2.05']);
  });

  it('are left as if lost when the handler gives no answer, and handed over anew', async () => {
    let calls = 0;
    const peer = await makeRawPeer({ handler: () => (++calls < 3 ? undefined : ok()) });
    const again = { messageId: 7, token: fromHex('01') };
    assert.deepEqual(await peer.say(again), []);
    assert.deepEqual(await peer.say({ ...again, type: 1 }), []);
    assert.deepEqual((await peer.say(again)).map(line), ['ACK 2.05']);
  });

  it('are answered 5.03 beyond the limit of slow handlers, and served again later', async () => {
    const waiting: ((response: OutgoingResponse) => void)[] = [];
    const peer = await makeRawPeer({
      maxPendingRequests: 2,
      transmission: { nstart: 4 },
      handler: () => new Promise((resolve) => waiting.push(resolve)),
    });
    for (let i = 0; i < 3; i++) await peer.say({});
    assert.deepEqual(peer.lines(), ['ACK 0.00', 'ACK 0.00', 'ACK 5.03']);
    for (const resolve of waiting) resolve(ok());
    await peer.time.advance(1_000);
    assert.deepEqual(peer.lines().slice(3, 5), ['CON 2.05', 'CON 2.05']);
    await peer.say({});
    assert.equal(waiting.length, 3);
  });

  it('answered 5.00 leave a line in the log, without payload', async () => {
    const lines: string[] = [];
    const note = (fields: object | string, message?: string): void =>
      void lines.push(JSON.stringify([fields, message]));
    const log: Log = { trace: note, debug: note, info: note, warn: note, error: note, child: () => log };
    const peer = await makeRawPeer({
      log,
      handler: () => {
        throw new TypeError('a bug');
      },
    });
    assert.deepEqual((await peer.say({ payload: utf8Encode('hunter2') })).map(line), ['ACK 5.00']);
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, /a bug/);
    assert.doesNotMatch(lines[0]!, /hunter2/);
  });

  it('get 5.00 when the handler answers what is no response', async () => {
    const wrong: OutgoingResponse[] = [
      { code: 0x01 as typeof content },
      { code: content, contentFormat: -1 },
      { code: content, locationPath: ['x'.repeat(256)] },
      { code: content, options: [uintOption(12, 0)] },
      { code: content, options: [{ number: 70_000, value: body(0) }] },
    ];
    for (const response of wrong) {
      const peer = await makeRawPeer({ handler: () => response });
      assert.deepEqual((await peer.say({})).map(line), ['ACK 5.00']);
    }
  });

  it('carry Location-Path back', async () => {
    const peer = await makeRawPeer({ handler: () => ({ code: RESPONSE_CODES.created, locationPath: ['rd', '5a3f'] }) });
    const [answer] = await peer.say({ code: 0x02 });
    assert.deepEqual(findOption(answer!.options, 8), utf8Encode('rd'));
    assert.equal(answer!.options.length, 2);
  });

  it('never break the connection, whatever their options', async () => {
    const peer = await makeRawPeer({
      handler: (request) => {
        request.acceptObservation?.({ ended: () => undefined });
        return { code: content, payload: body(100) };
      },
      maxObservations: 3,
      maxObservedBytes: 10_000,
    });
    const numbers = fc.oneof(fc.constantFrom(6, 11, 12, 17, 23, 27, 28, 60), fc.integer({ min: 0, max: 300 }));
    const options = fc.array(fc.record({ number: numbers, value: fc.uint8Array({ maxLength: 5 }) }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(
        options,
        fc.integer({ min: 1, max: 8 }),
        fc.uint8Array({ maxLength: 40 }),
        async (given, code, payload) => {
          const [answer] = await peer.say({ code, options: given, payload });
          assert.equal(answer?.type, 2);
        },
      ),
      { numRuns: 1_000 },
    );
    assert.deepEqual((await peer.say({})).map(line), ['ACK 2.05 [100]']);
    await peer.sayBytes(
      encodeMessage({ type: 3, code: 0, messageId: 1, token: body(0), options: [], payload: body(0) }),
    );
  });
});
