// Bodies that stream, both ways and at both ends (RFC 7959), in bounded memory.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { equalBytes } from '../../lib/bytes/index.ts';
import {
  type CoapMessage,
  OPTION,
  RESPONSE_CODES,
  type UdpCoapOptions,
  findBlock,
  findUint,
} from '../../lib/coap/index.ts';
import { seconds } from '../../lib/runtime/index.ts';
import { type Pair, makePair } from './pair.ts';
import { block, body, line, makeRawPeer } from './raw-peer.ts';

const { content, changed, requestEntityIncomplete, internalServerError, serviceUnavailable } = RESPONSE_CODES;
const CONTINUE = RESPONSE_CODES.continue;

async function* chunked(bytes: Uint8Array, size: number, taken: { bytes: number } = { bytes: 0 }) {
  for (let at = 0; at < bytes.length; at += size) {
    const chunk = bytes.subarray(at, at + size);
    taken.bytes += chunk.length;
    yield chunk;
  }
}

async function gathered(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk.slice());
  return Uint8Array.from(chunks.flatMap((chunk) => [...chunk]));
}

const streamedEcho: UdpCoapOptions = {
  streamed: ({ method }) => method === 'POST',
  handler: async ({ body: stream, method }) => {
    if (method === 'GET') return { code: content, stream: chunked(body(5_000), 700), streamBytes: 5_000 };
    return { code: changed, payload: await gathered(stream!) };
  },
};

describe('Streams', () => {
  it('carry bodies of any length, from chunks of any size, over any MTU, through bad weather', async () => {
    const setting = fc.record({
      mtu: fc.constantFrom(160, 256, 576, 1_280),
      length: fc.integer({ min: 0, max: 4_000 }),
      chunk: fc.integer({ min: 1, max: 3_000 }),
      seed: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(setting, async ({ mtu, length, chunk, seed }) => {
        const pair = await makePair({
          mtu,
          network: { seed, loss: 0.1, reordering: 0.1, duplication: 0.1 },
          device: { transmission: { maxRetransmit: 10 } },
          server: { ...streamedEcho, transmission: { maxRetransmit: 10 } },
        });
        const sent = body(length);
        const request = { method: 'POST', path: ['a'], stream: chunked(sent, chunk), streamBytes: length } as const;
        const response = await pair.time.run(
          pair.device.requestStream(request).then(async (head) => ({ ...head, got: await gathered(head.body) })),
        );
        assert.equal(response.code, changed);
        assert.ok(equalBytes(response.got, sent));
      }),
      { numRuns: 60 },
    );
  });

  it('are read only as fast as the peer takes them: no more than a block and a chunk ahead', async () => {
    const taken = { bytes: 0 };
    const pair = await makePair({
      server: { handler: () => ({ code: content, stream: chunked(body(100_000), 1_000, taken) }) },
    });
    const response = await pair.time.run(pair.device.requestStream({ method: 'GET' }));
    let read = 0;
    let ahead = 0;
    const reading = (async () => {
      for await (const part of response.body) {
        read += part.length;
        ahead = Math.max(ahead, taken.bytes - read);
      }
    })();
    await pair.time.run(reading);
    assert.equal(read, 100_000);
    assert.ok(ahead <= 2 * 1_024 + 1_000, `${ahead} bytes ahead`);
  });

  it('hold the sender back until their reader goes on', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let blocks = 0;
    const pair = await makePair({
      server: {
        streamed: () => true,
        handler: async ({ body: stream }) => {
          for await (const _ of stream!) {
            blocks++;
            if (blocks === 2) await held;
          }
          return { code: changed };
        },
      },
    });
    const taken = { bytes: 0 };
    const done = pair.device.request({ method: 'PUT', stream: chunked(body(20_000), 500, taken) });
    await pair.time.advance(60_000);
    assert.equal(blocks, 2);
    assert.ok(taken.bytes <= 3 * 1_024 + 500, `${taken.bytes} bytes were read`);
    release();
    assert.equal((await pair.time.run(done)).code, changed);
    assert.equal(blocks, 20);
  });

  it('ask for no further block once their reader has left', async () => {
    const pair = await makePair({ server: { handler: () => ({ code: content, payload: body(10_000) }) } });
    const { body: stream, bodyBytes } = await pair.time.run(pair.device.requestStream({ method: 'GET' }));
    assert.equal(bodyBytes, 10_000);
    await pair.time.run(
      (async () => {
        for await (const part of stream) if (part[0] !== 0 || part.length > 0) break;
      })(),
    );
    const sent = pair.sent.length;
    await pair.time.advance(10_000);
    assert.equal(pair.sent.length, sent);
  });

  it('close what they were read from when the transfer ends or is dropped', async () => {
    const ended: string[] = [];
    async function* watched(name: string) {
      try {
        for (let i = 0; i < 100; i++) yield body(1_000);
      } finally {
        ended.push(name);
      }
    }
    const pair = await makePair({
      server: {
        handler: ({ query }) => ({ code: content, stream: watched(query[0]!) }),
        transferLifetime: seconds(60),
      },
    });
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      await pair.time.run(pair.device.requestStream({ method: 'GET', query: [name] }));
    }
    await pair.time.advance(1_000);
    assert.deepEqual(ended, ['a'], 'the oldest gave way');
    await pair.time.advance(60_000);
    assert.deepEqual(ended.toSorted(), ['a', 'b', 'c', 'd', 'e']);
  });

  it('can be a ReadableStream', async () => {
    const pair = await makePair({ server: { handler: ({ payload }) => ({ code: changed, payload }) } });
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        controller.enqueue(body(1_500));
        controller.close();
      },
    });
    const response = await pair.time.run(pair.device.request({ method: 'PUT', stream }));
    assert.deepEqual(response.payload, body(1_500));
  });

  it('can be read at any place, so that any block may be asked for in any order', async () => {
    const whole = body(3_000);
    const reads: number[] = [];
    const peer = await makeRawPeer({
      handler: () => ({
        code: content,
        etag: Uint8Array.of(7),
        stream: {
          byteLength: whole.length,
          read: (offset, length) => {
            reads.push(offset);
            return Promise.resolve(whole.subarray(offset, offset + length));
          },
        },
      }),
    });
    const ask = async (num: number): Promise<CoapMessage> =>
      (await peer.say({ code: 1, options: [block(2, num, 0, 512)] })).at(-1)!;
    for (const num of [0, 5, 2, 2, 4]) {
      const answer = await ask(num);
      assert.deepEqual(answer.payload, whole.subarray(num * 512, num * 512 + 512));
      assert.equal(findBlock(answer.options, OPTION.block2)?.more, num < 5);
      if (num === 0) assert.equal(findUint(answer.options, OPTION.size2), 3_000);
    }
    assert.deepEqual(reads, [0, 2_560, 1_024, 1_024, 2_048]);
    assert.equal(line(await ask(6)), 'ACK 4.00');
  });

  describe('that fail', () => {
    async function failing(server: UdpCoapOptions): Promise<Pair> {
      return makePair({ server });
    }

    it('on their way out end the request with the error of their source', async () => {
      const pair = await failing({ handler: () => ({ code: changed }) });
      async function* broken() {
        yield body(1_500);
        throw new Error('the disk is gone');
      }
      await assert.rejects(pair.time.run(pair.device.request({ method: 'PUT', stream: broken() })), /the disk is gone/);
    });

    it('as responses are 5.00, and the peer learns no more', async () => {
      async function* broken() {
        yield body(1_500);
        throw new Error('secret');
      }
      const pair = await failing({ handler: () => ({ code: content, stream: broken() }) });
      const response = await pair.time.run(pair.device.request({ method: 'GET' }));
      assert.equal(response.code, internalServerError);
      assert.equal(response.payload.length, 0);
    });

    it('have another length than announced', async () => {
      const pair = await failing({ handler: () => ({ code: changed }) });
      for (const streamBytes of [1_999, 2_001]) {
        const request = pair.device.request({ method: 'PUT', stream: chunked(body(2_000), 300), streamBytes });
        await assert.rejects(pair.time.run(request), { code: 'EINVAL', message: /as announced/ });
      }
    });

    it('pause too long are told to their reader, and the next block is 4.08', async () => {
      let failure: unknown;
      const peer = await makeRawPeer({
        streamed: () => true,
        transferLifetime: seconds(30),
        handler: async ({ body: stream }) => {
          try {
            await gathered(stream!);
          } catch (error) {
            failure = error;
          }
          return { code: changed };
        },
      });
      const first = await peer.say({ code: 3, options: [block(1, 0, 1, 16)], payload: body(16) });
      assert.deepEqual(first.map(line), ['ACK 2.31 1:0/1/16']);
      await peer.time.advance(31_000);
      assert.equal((failure as { code?: string }).code, 'ETIMEDOUT');
      const late = await peer.say({ code: 3, options: [block(1, 1, 0, 16)], payload: body(16) });
      assert.equal(late[0]?.code, requestEntityIncomplete);
    });

    it('jump, repeat or lie are 4.08, and their reader knows', async () => {
      for (const [num, length] of [
        [2, 16],
        [0, 15],
      ] as const) {
        let failure: unknown;
        const peer = await makeRawPeer({
          streamed: () => true,
          handler: async ({ body: stream }) => {
            await gathered(stream!).catch((error: unknown) => (failure = error));
            return { code: changed };
          },
        });
        await peer.say({ code: 3, options: [block(1, 0, 1, 16)], payload: body(16) });
        const [answer] = await peer.say({ code: 3, options: [block(1, num, 1, 16)], payload: body(length) });
        assert.ok(answer!.code >= 0x80, line(answer!));
        assert.equal((failure as { code?: string }).code, 'ECONNABORTED');
      }
    });

    it('are too many are 5.03, and those under way go on', async () => {
      const peer = await makeRawPeer({
        streamed: () => true,
        maxTransfers: 2,
        handler: async ({ body: stream }) => ({ code: changed, payload: await gathered(stream!) }),
      });
      const put = async (name: string, num: number, more: 0 | 1): Promise<CoapMessage> => {
        const options = [{ number: OPTION.uriPath, value: new TextEncoder().encode(name) }, block(1, num, more, 16)];
        return (await peer.say({ code: 3, options, payload: body(16) }))[0]!;
      };
      assert.deepEqual([(await put('a', 0, 1)).code, (await put('b', 0, 1)).code], [CONTINUE, CONTINUE]);
      assert.equal((await put('c', 0, 1)).code, serviceUnavailable);
      const last = await put('a', 1, 0);
      assert.equal(last.code, changed);
      assert.equal(last.payload.length, 32);
    });

    it('are both a payload and a stream are refused', async () => {
      const pair = await failing({ handler: () => ({ code: changed }) });
      const both = { method: 'PUT', payload: body(1), stream: chunked(body(1), 1) } as const;
      await assert.rejects(pair.device.request(both), { code: 'EINVAL', message: /stream: expected none/ });
    });
  });

  it('answered early end the transfer', async () => {
    const pair = await makePair({
      server: {
        streamed: () => true,
        handler: async ({ body: stream }) => {
          for await (const _ of stream!) return { code: RESPONSE_CODES.forbidden };
          return { code: changed };
        },
      },
    });
    const taken = { bytes: 0 };
    const response = await pair.time.run(
      pair.device.request({ method: 'PUT', stream: chunked(body(50_000), 1_000, taken) }),
    );
    assert.equal(response.code, RESPONSE_CODES.forbidden);
    assert.ok(taken.bytes < 5_000);
  });
});
