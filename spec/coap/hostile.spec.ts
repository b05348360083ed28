// What a hostile peer may send, each by its name, and how it is answered; and arbitrary peers, which must not do harm.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fromHex } from '../../lib/bytes/index.ts';
import {
  type CoapOption,
  METHODS,
  OPTION,
  RESPONSE_CODES,
  type UdpCoapOptions,
  uintOption,
} from '../../lib/coap/index.ts';
import { seconds } from '../../lib/runtime/index.ts';
import { type RawPeer, block, body, line, makeRawPeer } from './raw-peer.ts';

const { changed, content } = RESPONSE_CODES;

/** Echoes; streams what is POSTed; wants PUT to be fresh. */
const SERVER: UdpCoapOptions = {
  maxBodyBytes: 4_096,
  streamed: ({ method }) => method === 'POST',
  freshness: { demanded: ({ method }) => method === 'PUT' },
  transferLifetime: seconds(60),
  handler: async (request) => {
    request.acceptObservation?.({ ended: () => undefined });
    for await (const _ of request.body ?? []) continue;
    return { code: request.method === 'GET' ? content : changed, payload: request.payload };
  },
};

async function stillServes(peer: RawPeer): Promise<void> {
  const answers = await peer.say({ type: 0, code: METHODS.FETCH, payload: body(3), token: Uint8Array.of(0xee) });
  assert.ok(
    answers.some(({ code, token }) => code === changed && token[0] === 0xee),
    answers.map(line).join(),
  );
}

describe('A hostile peer', () => {
  const options64K = `41011234aa${'e0ff00'}`; // shortened by its sender: the length it claims is not there
  const cases: [string, string, string[]][] = [
    ...[9, 10, 11, 12, 13, 14, 15].map((length): [string, string, string[]] => [
      `a token of ${length} bytes`,
      `4${length.toString(16)}011234${'00'.repeat(length)}`,
      ['RST 0.00'],
    ]),
    ['a token of 9 bytes, not confirmable', `59011234${'00'.repeat(9)}`, []],
    ['a token longer than the message', '48011234aabb', ['RST 0.00']],
    ['an option delta of 15', '40011234f0', ['RST 0.00']],
    ['an option length of 15', '400112340f', ['RST 0.00']],
    ['an option number that overflows 16 bits', '40011234e0ffffe0ffff', ['RST 0.00']],
    ['an option delta cut short', '40011234e0ff', ['RST 0.00']],
    ['an option length cut short', '400112340eff', ['RST 0.00']],
    ['an option of 64 KB that is not there', options64K, ['RST 0.00']],
    ['a payload marker and no payload', '40011234ff', ['RST 0.00']],
    ['an empty message with a token', '41001234aa', ['RST 0.00']],
    ['version 0', '00011234', []],
    ['version 2', '80011234', []],
    ['a datagram of three bytes', '400112', []],
    ['an empty datagram', '', []],
    ['a request in an acknowledgement', '60011234', []],
    ['a request in a Reset', '70011234', []],
    ['a code of the reserved class 1', '40211234', ['RST 0.00']],
    ['a code of the reserved class 7', '40e11234', ['RST 0.00']],
    ['an unknown method', '400a1234', ['ACK 4.05']],
    ['a response to nothing', '40451234', ['RST 0.00']],
    ['an acknowledgement of nothing', '60001234', []],
  ];
  for (const [name, hex, expected] of cases) {
    it(`${name} is ${expected[0] ?? 'left unanswered'}`, async () => {
      const peer = await makeRawPeer(SERVER);
      assert.deepEqual((await peer.sayBytes(fromHex(hex))).map(line), expected);
      await stillServes(peer);
    });
  }

  const size1 = (value: number): CoapOption => uintOption(OPTION.size1, value);
  const bodies: [string, [CoapOption[], number][], string][] = [
    ['a body announced as 4 GB', [[[block(1, 0, 1, 1024), size1(0xffffffff)], 1024]], 'ACK 4.13 1:0/0/1024 size1=4096'],
    ['a block number of 20 bits', [[[block(1, 0xfffff, 1, 1024)], 1024]], 'ACK 4.08 1:1048575/0/1024'],
    [
      'a body larger than announced',
      [
        [[block(1, 0, 1, 16), size1(16)], 16],
        [[block(1, 1, 0, 16)], 16],
      ],
      'ACK 2.04 1:1/0/16 [32]',
    ],
    [
      'blocks of another size half way',
      [
        [[block(1, 0, 1, 32)], 32],
        [[block(1, 1, 0, 16)], 16],
      ],
      'ACK 4.08 1:1/0/16',
    ],
  ];
  for (const [name, steps, expected] of bodies) {
    it(`${name}: ${expected}`, async () => {
      const peer = await makeRawPeer(SERVER);
      let last = '';
      for (const [options, length] of steps) {
        const answers = await peer.say({ code: METHODS.iPATCH, options, payload: body(length) });
        last = answers.map(line).join();
      }
      assert.equal(last, expected);
      await stillServes(peer);
    });
  }

  for (const [name, number, expected] of [
    ['a Uri-Path of 60 KB hears 4.02', OPTION.uriPath, 'ACK 4.02'],
    ['an elective option of 60 KB, which nobody knows, is answered as without it', 65_000, 'ACK 2.05'],
    ['a critical option of 60 KB, which nobody knows, hears 4.02', 65_001, 'ACK 4.02'],
  ] as const) {
    it(name, async () => {
      const peer = await makeRawPeer(SERVER);
      const options = [{ number, value: new Uint8Array(60_000) }];
      assert.deepEqual((await peer.say({ options })).map(line), [expected]);
      await stillServes(peer);
    });
  }

  it('that floods us with pings gets a Reset for each, and nothing is kept of them', async () => {
    const peer = await makeRawPeer(SERVER);
    let resets = 0;
    for (let i = 0; i < 2_000; i++) resets += (await peer.sayBytes(Uint8Array.of(0x40, 0, i >> 8, i & 0xff))).length;
    assert.equal(resets, 2_000);
    assert.ok(peer.heard.every((each) => line(each) === 'RST 0.00'));
    assert.equal(peer.time.pending, 0);
    await stillServes(peer);
  });

  it('Reset to everything: no exchange outlives it, no observation either', async () => {
    const peer = await makeRawPeer(SERVER);
    peer.answer = () => ({ type: 3, code: 0, token: new Uint8Array(0), options: [], payload: new Uint8Array(0) });
    for (const confirmable of [true, false]) {
      const request = peer.connection.request({ method: 'GET', confirmable });
      await assert.rejects(peer.time.run(request), { code: 'ECONNRESET' });
    }
    await peer.time.run(peer.connection.ping());
    assert.equal(peer.time.pending, 0);
  });

  it('that begins bodies anew for ever has no more handlers at work than are allowed', async () => {
    let atWork = 0;
    const peer = await makeRawPeer({
      streamed: () => true,
      maxPendingRequests: 3,
      handler: async () => {
        atWork++;
        return new Promise(() => undefined);
      },
    });
    for (let i = 0; i < 20; i++) await peer.say({ code: 3, options: [block(1, 0, 1, 16)], payload: body(16) });
    assert.equal(atWork, 3);
  });

  const anyOption = fc.oneof(
    fc.record({ number: fc.constantFrom(...Object.values(OPTION)), value: fc.uint8Array({ maxLength: 10 }) }),
    fc.record({ number: fc.nat(65_535), value: fc.uint8Array({ maxLength: 20 }) }),
    fc
      .tuple(fc.constantFrom(1 as const, 2 as const), fc.nat(5), fc.constantFrom(0 as const, 1 as const), fc.nat(6))
      .map(([kind, num, more, exponent]) => block(kind, num, more, 16 << exponent)),
  );
  const anyMessage = fc.record({
    type: fc.constantFrom(0, 1, 2, 3),
    code: fc.oneof(fc.integer({ min: 1, max: 7 }), fc.constantFrom(0, 0x45, 0x5f, 0x84, 0x88, 0x8d), fc.nat(255)),
    token: fc.uint8Array({ maxLength: 2 }),
    options: fc.array(anyOption, { maxLength: 4 }),
    payload: fc.oneof(fc.constantFrom(0, 16, 32, 1_024).map(body), fc.uint8Array({ maxLength: 40 })),
  });
  type AnyMessage = Parameters<RawPeer['say']>[0];

  it('that says anything, in any order, is answered or not, and others are served', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyMessage, { maxLength: 20 }), async (messages) => {
        const peer = await makeRawPeer(SERVER);
        for (const message of messages) {
          const valid = message.code === 0 ? { type: message.type, code: 0 } : message;
          const answers = await peer.say(valid as AnyMessage);
          assert.ok(answers.length <= 3, `${answers.length} answers`);
        }
        await stillServes(peer);
      }),
      { numRuns: 1_000 },
    );
  });

  it('that answers anything: each request ends in a response or a CoapError, after few messages', async () => {
    const setting = fc.record({ answers: fc.array(anyMessage, { minLength: 1, maxLength: 6 }), large: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(setting, async ({ answers, large }) => {
        const peer = await makeRawPeer({ maxBodyBytes: 8_192, transmission: { maxRetransmit: 1 } });
        let at = 0;
        peer.answer = ({ type, code }) => {
          if (type > 1 || code === 0) return undefined;
          const { type: _, token: __, ...answer } = answers[at++ % answers.length]!;
          return answer.code === 0 ? undefined : answer;
        };
        const payload = body(large ? 3_000 : 10);
        const request = peer.connection.request({ method: large ? 'PUT' : 'GET', payload });
        const outcome = await peer.time.run(
          request.then(
            () => 'response',
            (error: Error) => error.name,
          ),
        );
        assert.ok(outcome === 'response' || outcome === 'CoapError', outcome);
        assert.ok(peer.heard.length <= 1_200, `${peer.heard.length} messages`);
      }),
      { numRuns: 1_000 },
    );
  });
});
