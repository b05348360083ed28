// The exchange layers over a carrier without a message layer, as a stream is one: BERT (RFC 8323 §6), and no numbers to
// sort notifications by (RFC 8323 §7.1).

import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  type CoapOption,
  type IncomingResponse,
  type MessageContent,
  OPTION,
  RESPONSE_CODES,
  type RequestHandler,
  blockOption,
  uintOption,
} from '../../lib/coap/index.ts';
import { findBlock } from '../../lib/coap/block-option.ts';
import type { Carrier } from '../../lib/coap/carrier.ts';
import { ClientExchanges } from '../../lib/coap/client-exchanges.ts';
import { ServerExchanges, type ServerExchangesOptions } from '../../lib/coap/server-exchanges.ts';
import { type Instant, seconds, secureRandom, silentLog } from '../../lib/runtime/index.ts';
import { body } from './raw-peer.ts';

const { changed, content } = RESPONSE_CODES;
const CONTINUE = RESPONSE_CODES.continue;
const NOTHING: Uint8Array = new Uint8Array(0);

const LIMITS = { optionReserve: 64, maxBodyBytes: 1_048_576, understoodOptions: [] };
const SERVER: ServerExchangesOptions = {
  ...LIMITS,
  maxTransfers: 4,
  maxKeptBytes: 2_097_152,
  lifetime: seconds(60),
  maxObservations: 10,
  maxObservedBytes: 10_000,
  maxOutstandingNotifications: 1,
  maxPendingRequests: 10,
  handlerTimeout: seconds(60),
};

/** Blocks as RFC 8323 §6.1 writes them: NUM, M, BERT or bytes of SZX, and the length. */
function line({ options, payload }: MessageContent): string {
  const words: string[] = [];
  for (const [kind, number] of [
    ['1', OPTION.block1],
    ['2', OPTION.block2],
  ] as const) {
    const found = findBlock(options, number, 7);
    if (found === undefined) continue;
    const size = found.sizeExponent === 7 ? 'BERT' : `${16 << found.sizeExponent}`;
    words.push(`${kind}:${found.num}/${found.more ? 1 : 0}/${size}`);
  }
  return `${words.join(' ')}(${payload.length})`;
}

function carrierTo(deliver: (content: MessageContent) => void, maxMessageBytes: number): Carrier {
  return {
    now: () => 0 as Instant,
    maxMessageBytes: () => maxMessageBytes,
    maxSizeExponent: () => 7,
    ordered: true,
    mustConfirm: () => false,
    send: (message, _confirmable, delivery) => {
      delivery.acknowledged();
      queueMicrotask(() => deliver(message));
      return { cancel: () => undefined };
    },
  };
}

function clientOf(deliver: (content: MessageContent) => void, maxMessageBytes: number): ClientExchanges {
  const options = { ...LIMITS, responseTimeout: seconds(60) };
  return new ClientExchanges(carrierTo(deliver, maxMessageBytes), secureRandom, silentLog, options);
}

function pair(handler: RequestHandler, maxMessageBytes: number, lines: string[] = []): ClientExchanges {
  const toClient = (message: MessageContent): void => {
    lines.push(line(message));
    client.handleResponse(message, 0 as Instant);
  };
  const back = carrierTo(toClient, maxMessageBytes);
  const server = new ServerExchanges(back, secureRandom, silentLog, SERVER);
  server.handler = handler;
  const client = clientOf((message) => {
    lines.push(line(message));
    const respond = (answer: MessageContent): void => toClient(answer);
    const silent = (): void => undefined;
    server.handle({ message, confirmable: false, respond, acknowledge: silent, ignore: silent });
  }, maxMessageBytes);
  return client;
}

const bert = (number: number, num: number, more: boolean): CoapOption =>
  blockOption(number, { num, more, sizeExponent: 7 });

describe('Exchanges over a stream', () => {
  it('RFC 8323 Figure 13: a body comes by blocks of several kilobytes', async () => {
    const asked: string[] = [];
    const parts = new Map([
      [0, 3_072],
      [3, 5_120],
      [8, 4_711],
    ]);
    const client = clientOf((message) => {
      asked.push(line(message));
      const num = findBlock(message.options, OPTION.block2, 7)?.num ?? 0;
      const options = [bert(OPTION.block2, num, num < 8)];
      const payload = body(12_903).subarray(num * 1_024, num * 1_024 + parts.get(num)!);
      client.handleResponse({ code: content, token: message.token, options, payload }, 0 as Instant);
    }, 9_000);
    const { payload } = await client.request({ method: 'GET' }, undefined);
    assert.deepEqual(payload, body(12_903));
    assert.deepEqual(asked, ['(0)', '2:3/0/BERT(0)', '2:8/0/BERT(0)']);
  });

  it('RFC 8323 Figure 14: a body goes by blocks of several kilobytes', async () => {
    const asked: string[] = [];
    const client = clientOf((message) => {
      asked.push(line(message));
      const { num, more } = findBlock(message.options, OPTION.block1, 7)!;
      const options = [bert(OPTION.block1, num, more)];
      const code = more ? CONTINUE : changed;
      client.handleResponse({ code, token: message.token, options, payload: NOTHING }, 0 as Instant);
    }, 8_192 + 100);
    const { code } = await client.request({ method: 'PUT', payload: body(8_192 + 8_192 + 5_683) }, undefined);
    assert.equal(code, changed);
    assert.deepEqual(asked, ['1:0/1/BERT(8192)', '1:8/1/BERT(8192)', '1:16/0/BERT(5683)']);
  });

  it('what fits one message needs no blocks, however large', async () => {
    const lines: string[] = [];
    const client = pair(({ payload }) => ({ code: content, payload }), 100_000, lines);
    const { payload } = await client.request({ method: 'POST', payload: body(90_000) }, undefined);
    assert.deepEqual(payload, body(90_000));
    assert.deepEqual(lines, ['(90000)', '(90000)']);
  });

  it('bodies of any length go both ways, over any size of message', async () => {
    const setting = fc.record({
      up: fc.nat(20_000),
      down: fc.nat(20_000),
      most: fc.integer({ min: 200, max: 9_000 }),
    });
    await fc.assert(
      fc.asyncProperty(setting, async ({ up, down, most }) => {
        let got = NOTHING;
        const client = pair((request) => {
          got = request.payload.slice();
          return { code: changed, payload: body(down) };
        }, most);
        const { payload } = await client.request({ method: 'PUT', payload: body(up) }, undefined);
        assert.deepEqual(got, body(up));
        assert.deepEqual(payload, body(down));
      }),
      { numRuns: 300 },
    );
  });

  it('a block with BERT that is no multiple of 1,024 is not believed', async () => {
    const client = clientOf((message) => {
      const options = [bert(OPTION.block2, 0, true)];
      client.handleResponse({ code: content, token: message.token, options, payload: body(1_500) }, 0 as Instant);
    }, 9_000);
    await assert.rejects(client.request({ method: 'GET' }, undefined), { code: 'EPROTO' });
  });

  it('notifications are taken in the order they come, whatever their numbers', async () => {
    let token = NOTHING;
    const notify = (sequence: number, value: number): void => {
      const options = [uintOption(OPTION.observe, sequence)];
      client.handleResponse({ code: content, token, options, payload: Uint8Array.of(value) }, 0 as Instant);
    };
    const client = clientOf((message) => {
      token = message.token;
      notify(5, 0);
    }, 2_000);
    const heard: number[] = [];
    const notified = (response: IncomingResponse): void => void heard.push(response.payload[0]!);
    const observed = await client.observe({ method: 'GET' }, notified, {});
    [4, 4, 9].forEach((sequence, i) => notify(sequence, i + 1));
    assert.deepEqual(heard, [1, 2, 3]);
    assert.equal(observed.active, true);
  });
});
