import assert from 'node:assert/strict';
import fc from 'fast-check';
import { equalBytes } from '../../lib/bytes/index.ts';
import {
  type CoapMessage,
  type CoapOption,
  OPTION,
  RESPONSE_CODES,
  encodeMessage,
  encodedLength,
  findOption,
  textOption,
} from '../../lib/coap/index.ts';
import { makePair } from './pair.ts';
import { type RawPeer, block, body, line, makeRawPeer } from './raw-peer.ts';

const FROM = { address: '192.0.2.1', port: 5683 };
const status = textOption(OPTION.uriPath, 'status');

async function exchange(
  peer: RawPeer,
  code: number,
  options: readonly CoapOption[],
  payload: Uint8Array = new Uint8Array(0),
): Promise<CoapMessage> {
  const [answer, ...others] = await peer.say({ code, options: [status, ...options], payload });
  assert.ok(answer !== undefined && others.length === 0);
  return answer;
}

describe('Block-wise transfer as a server', () => {
  it('RFC 7959 Figure 3: gives a response in the blocks asked for, all of one rendering', async () => {
    let rendered = 0;
    const peer = await makeRawPeer({
      handler: () => {
        rendered++;
        return { code: RESPONSE_CODES.content, payload: body(150).map((byte) => byte + rendered) };
      },
    });
    const answers: CoapMessage[] = [];
    for (const num of [0, 1, 2]) answers.push(await exchange(peer, 0x01, [block(2, num, 0, 64)]));
    assert.deepEqual(answers.map(line), ['ACK 2.05 2:0/1/64 [64]', 'ACK 2.05 2:1/1/64 [64]', 'ACK 2.05 2:2/0/64 [22]']);
    assert.equal(rendered, 1);
    const whole = Uint8Array.from(answers.flatMap(({ payload }) => [...payload]));
    assert.deepEqual(
      whole,
      body(150).map((byte) => byte + 1),
    );
    const tags = answers.map(({ options }) => findOption(options, OPTION.etag));
    assert.ok(tags[0] !== undefined);
    assert.deepEqual(tags[1], tags[0]);
  });

  it('takes a block size from its own MTU, and lets the client change to a smaller one', async () => {
    const peer = await makeRawPeer({ mtu: 400, handler: () => ({ code: RESPONSE_CODES.content, payload: body(600) }) });
    assert.equal(line(await exchange(peer, 0x01, [])), 'ACK 2.05 2:0/1/256 [256]');
    assert.equal(line(await exchange(peer, 0x01, [block(2, 4, 0, 64)])), 'ACK 2.05 2:4/1/64 [64]');
    assert.equal(line(await exchange(peer, 0x01, [block(2, 9, 0, 64)])), 'ACK 2.05 2:9/0/64 [24]');
    assert.equal(line(await exchange(peer, 0x01, [block(2, 10, 0, 64)])), 'ACK 4.00');
    assert.equal(line(await exchange(peer, 0x01, [block(2, 0, 0, 1024)])), 'ACK 2.05 2:0/1/256 [256]');
  });

  it('RFC 7959 Figures 7 and 10: puts a request together, and answers it in blocks', async () => {
    const peer = await makeRawPeer({
      mtu: 300,
      handler: ({ payload }) => ({ code: RESPONSE_CODES.changed, payload }),
    });
    const sent = body(300);
    const lines: string[] = [];
    for (const num of [0, 1, 2]) {
      const part = sent.subarray(num * 128, num * 128 + 128);
      lines.push(line(await exchange(peer, 0x02, [block(1, num, num < 2 ? 1 : 0, 128)], part)));
    }
    lines.push(line(await exchange(peer, 0x02, [block(2, 1, 0, 128)])));
    lines.push(line(await exchange(peer, 0x02, [block(2, 2, 0, 128)])));
    assert.deepEqual(lines, [
      'ACK 2.31 1:0/1/128',
      'ACK 2.31 1:1/1/128',
      'ACK 2.04 1:2/0/128 2:0/1/128 [128]',
      'ACK 2.04 2:1/1/128 [128]',
      'ACK 2.04 2:2/0/128 [44]',
    ]);
  });

  describe('refuses', () => {
    const handled: number[] = [];
    const start = (): Promise<RawPeer> =>
      makeRawPeer({
        maxBodyBytes: 100,
        handler: ({ payload }) => {
          handled.push(payload.length);
          return { code: RESPONSE_CODES.changed };
        },
      });
    const cases: [string, [CoapOption[], number][], string][] = [
      ['a body without its beginning', [[[block(1, 1, 1, 16)], 16]], 'ACK 4.08 1:1/0/16'],
      [
        'a block number that jumps',
        [
          [[block(1, 0, 1, 16)], 16],
          [[block(1, 2, 1, 16)], 16],
        ],
        'ACK 4.08 1:2/0/16',
      ],
      [
        'a block number that goes back',
        [
          [[block(1, 0, 1, 16)], 16],
          [[block(1, 1, 1, 16)], 16],
          [[block(1, 1, 0, 16)], 16],
        ],
        'ACK 4.08 1:1/0/16',
      ],
      ['a block shorter than it says', [[[block(1, 0, 1, 32)], 16]], 'ACK 4.00'],
      ['a block longer than it says', [[[block(1, 0, 0, 16)], 17]], 'ACK 4.00'],
      [
        'a body that grows beyond the limit',
        [
          [[block(1, 0, 1, 64)], 64],
          [[block(1, 1, 1, 64)], 64],
        ],
        'ACK 4.13 1:1/0/64 size1=100',
      ],
      [
        'a body announced beyond the limit',
        [[[block(1, 0, 1, 16), { number: OPTION.size1, value: Uint8Array.of(101) }], 16]],
        'ACK 4.13 1:0/0/16 size1=100',
      ],
      ['the reserved SZX', [[[{ number: OPTION.block1, value: Uint8Array.of(0x0f) }], 16]], 'ACK 4.00'],
      [
        'a block of another format',
        [
          [[{ number: 12, value: Uint8Array.of(11) }, block(1, 0, 1, 16)], 16],
          [[block(1, 1, 0, 16)], 16],
        ],
        'ACK 4.08 1:1/0/16',
      ],
      ['to fetch a response it does not keep', [[[block(2, 1, 0, 16)], 0]], 'ACK 4.08'],
    ];
    for (const [name, steps, expected] of cases) {
      it(name, async () => {
        const peer = await start();
        let last = '';
        for (const [options, length] of steps) last = line(await exchange(peer, 0x02, options, body(length)));
        assert.equal(last, expected);
        assert.deepEqual(handled, []);
      });
    }
  });

  it('keeps few transfers, for a limited time', async () => {
    const peer = await makeRawPeer({ maxTransfers: 2, handler: () => ({ code: RESPONSE_CODES.changed }) });
    const put = async (name: string, num: number, more: 0 | 1): Promise<string> => {
      const options = [textOption(OPTION.uriPath, name), block(1, num, more, 16)];
      return line((await peer.say({ code: 0x03, options, payload: body(16) }))[0]!);
    };
    for (const name of ['a', 'b', 'c']) assert.equal(await put(name, 0, 1), 'ACK 2.31 1:0/1/16');
    assert.equal(await put('a', 1, 0), 'ACK 4.08 1:1/0/16', 'the oldest gave way');
    assert.equal(await put('b', 1, 0), 'ACK 2.04 1:1/0/16');
    await peer.time.advance(247_000);
    assert.equal(await put('c', 1, 0), 'ACK 4.08 1:1/0/16', 'it paused too long');
    assert.equal(peer.time.pending, 0, 'no timer is left behind');
  });

  it('moves bodies of any length over any MTU, no datagram larger than it', async () => {
    const setting = fc.record({
      mtu: fc.constantFrom(160, 200, 256, 576, 1_280, 1_500),
      up: fc.integer({ min: 0, max: 3_000 }),
      down: fc.integer({ min: 0, max: 3_000 }),
    });
    await fc.assert(
      fc.asyncProperty(setting, async ({ mtu, up, down }) => {
        let got: Uint8Array = new Uint8Array(0);
        const pair = await makePair({
          mtu,
          server: {
            handler: ({ payload }) => {
              got = payload.slice();
              return { code: RESPONSE_CODES.content, payload: body(down) };
            },
          },
        });
        const response = await pair.time.run(pair.device.request({ method: 'POST', path: ['a'], payload: body(up) }));
        assert.deepEqual(got, body(up));
        assert.deepEqual(response.payload, body(down));
        for (const { bytes } of pair.sent) assert.ok(bytes.length <= mtu - 28);
      }),
      { numRuns: 100 },
    );
  });

  it('takes a body of 4,096 of the smallest blocks', async () => {
    let got: Uint8Array = new Uint8Array(0);
    const peer = await makeRawPeer({
      handler: ({ payload }) => {
        got = payload;
        return { code: RESPONSE_CODES.changed };
      },
    });
    const sent = body(65_536);
    const blocks = sent.length / 16;
    for (let num = 0; num < blocks; num++) {
      const options = [status, block(1, num, num < blocks - 1 ? 1 : 0, 16)];
      const message = {
        type: 1,
        code: 0x02,
        messageId: num & 0xffff,
        token: Uint8Array.of(num >> 16),
        options,
      } as const;
      peer.network.inject(
        FROM,
        peer.socket.local!,
        encodeMessage({ ...message, payload: sent.subarray(num * 16, num * 16 + 16) }),
      );
      if (num % 1_000 === 0) await peer.time.advance(20);
    }
    await peer.time.advance(1_000);
    assert.ok(equalBytes(got, sent));
  });

  it('answers 5.00 where not even the options fit', async () => {
    const big = { number: 65_000, value: body(2_000) };
    const peer = await makeRawPeer({ handler: () => ({ code: RESPONSE_CODES.content, options: [big] }) });
    const answer = await exchange(peer, 0x01, []);
    assert.equal(line(answer), 'ACK 5.00');
    assert.ok(encodedLength(answer) < 20);
  });
});
