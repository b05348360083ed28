import assert from 'node:assert/strict';
import { type CoapMessage, OPTION, RESPONSE_CODES, findBlock } from '../../lib/coap/index.ts';
import { block, body, makeRawPeer } from './raw-peer.ts';

const { content, changed, requestEntityTooLarge } = RESPONSE_CODES;
const CONTINUE = RESPONSE_CODES.continue;

function asked(message: CoapMessage): number {
  return findBlock(message.options, OPTION.block2)?.num ?? 0;
}

describe('Block-wise transfer as a client', () => {
  it('RFC 7959 Figure 2: fetches the blocks that a response announces', async () => {
    const peer = await makeRawPeer();
    const whole = body(300);
    peer.answer = (message) => {
      const num = asked(message);
      const options = [block(2, num, num < 2 ? 1 : 0, 128)];
      return { code: content, options, payload: whole.subarray(num * 128, num * 128 + 128) };
    };
    const response = await peer.time.run(peer.connection.request({ method: 'GET', path: ['status'] }));
    assert.deepEqual(response.payload, whole);
    assert.deepEqual(peer.lines(), ['CON 0.01', 'CON 0.01 2:1/0/128', 'CON 0.01 2:2/0/128']);
    assert.equal(response.options.length, 0, 'blocks are not shown');
  });

  it('RFC 7959 Figure 3: asks early for blocks that fit its own datagrams', async () => {
    const peer = await makeRawPeer({ mtu: 200 }); // 172 bytes inside, 64 kept for options
    const whole = body(150);
    peer.answer = (message) => {
      const num = asked(message);
      return {
        code: content,
        options: [block(2, num, num < 2 ? 1 : 0, 64)],
        payload: whole.subarray(num * 64, num * 64 + 64),
      };
    };
    const response = await peer.time.run(peer.connection.request({ method: 'GET', path: ['status'] }));
    assert.deepEqual(response.payload, whole);
    assert.deepEqual(peer.lines(), ['CON 0.01 2:0/0/64', 'CON 0.01 2:1/0/64', 'CON 0.01 2:2/0/64']);
  });

  it('RFC 7959 Figure 7: sends a body in blocks, each told to continue', async () => {
    const peer = await makeRawPeer({ mtu: 270 });
    peer.answer = (message) => {
      const { num, more } = findBlock(message.options, OPTION.block1)!;
      return { code: more ? CONTINUE : changed, options: [block(1, num, more ? 1 : 0, 128)] };
    };
    const response = await peer.time.run(
      peer.connection.request({ method: 'PUT', path: ['options'], payload: body(300) }),
    );
    assert.equal(response.code, changed);
    assert.deepEqual(peer.lines(), [
      'CON 0.03 1:0/1/128 size1=300 [128]',
      'CON 0.03 1:1/1/128 [128]',
      'CON 0.03 1:2/0/128 [44]',
    ]);
  });

  it('RFC 7959 Figure 8: goes on with the smaller blocks the peer asks for', async () => {
    const peer = await makeRawPeer({ mtu: 270 });
    peer.answer = (message) => {
      const { num, more } = findBlock(message.options, OPTION.block1)!;
      return { code: more ? CONTINUE : changed, options: [block(1, num, more ? 1 : 0, 32)] };
    };
    await peer.time.run(peer.connection.request({ method: 'PUT', path: ['options'], payload: body(200) }));
    assert.deepEqual(peer.lines(), [
      'CON 0.03 1:0/1/128 size1=200 [128]',
      'CON 0.03 1:4/1/32 [32]',
      'CON 0.03 1:5/1/32 [32]',
      'CON 0.03 1:6/0/32 [8]',
    ]);
  });

  it('starts again with smaller blocks after a 4.13 that hints at them', async () => {
    const peer = await makeRawPeer();
    peer.answer = (message) => {
      const { num, more, sizeExponent } = findBlock(message.options, OPTION.block1)!;
      if (sizeExponent > 4) return { code: requestEntityTooLarge, options: [block(1, 0, 0, 256)] };
      return { code: more ? CONTINUE : changed, options: [block(1, num, more ? 1 : 0, 256)] };
    };
    const response = await peer.time.run(peer.connection.request({ method: 'PUT', payload: body(1_100) }));
    assert.equal(response.code, changed);
    assert.deepEqual(peer.lines().slice(0, 2), [
      'CON 0.03 1:0/1/1024 size1=1100 [1024]',
      'CON 0.03 1:0/1/256 size1=1100 [256]',
    ]);
  });

  it('gives the error response that ends a transfer', async () => {
    const peer = await makeRawPeer();
    peer.answer = () => ({ code: requestEntityTooLarge });
    const response = await peer.time.run(peer.connection.request({ method: 'PUT', payload: body(3_000) }));
    assert.equal(response.code, requestEntityTooLarge);
    assert.equal(peer.heard.length, 1);
  });

  it('fetches a body anew that changes on the way, once', async () => {
    const peer = await makeRawPeer();
    let version = 0;
    const tagged = (message: CoapMessage, tag: number): Partial<CoapMessage> => {
      const num = asked(message);
      const options = [{ number: OPTION.etag, value: Uint8Array.of(tag) }, block(2, num, num === 0 ? 1 : 0, 16)];
      return { code: content, options, payload: body(32).subarray(num * 16, num * 16 + 16) };
    };
    peer.answer = (message) => tagged(message, asked(message) === 0 ? version : Math.min(++version, 1));
    const response = await peer.time.run(peer.connection.request({ method: 'GET' }));
    assert.deepEqual(response.payload, body(32));
    peer.answer = (message) => tagged(message, ++version);
    await assert.rejects(peer.time.run(peer.connection.request({ method: 'GET' })), { code: 'EPROTO' });
  });

  describe('does not believe', () => {
    const cases: [string, string, (message: CoapMessage) => Partial<CoapMessage>][] = [
      ['a response that begins in the middle', 'EPROTO', () => ({ options: [block(2, 3, 1, 16)], payload: body(16) })],
      ['a block number that jumps', 'EPROTO', (m) => ({ options: [block(2, asked(m) * 2, 1, 16)], payload: body(16) })],
      ['a block that repeats for ever', 'EPROTO', () => ({ options: [block(2, 0, 1, 16)], payload: body(16) })],
      ['a block shorter than it says', 'EPROTO', (m) => ({ options: [block(2, asked(m), 1, 32)], payload: body(31) })],
      ['a block longer than it says', 'EPROTO', (m) => ({ options: [block(2, asked(m), 0, 16)], payload: body(17) })],
      [
        'a block without its option',
        'EPROTO',
        (m) => ({ options: asked(m) === 0 ? [block(2, 0, 1, 16)] : [], payload: body(16) }),
      ],
      ['an endless body', 'EMSGSIZE', (m) => ({ options: [block(2, asked(m), 1, 1024)], payload: body(1024) })],
      [
        'a body announced beyond the limit',
        'EMSGSIZE',
        () => ({
          options: [block(2, 0, 1, 16), { number: OPTION.size2, value: Uint8Array.of(0xff, 0xff, 0xff) }],
          payload: body(16),
        }),
      ],
      [
        'the reserved SZX',
        'EPROTO',
        () => ({ options: [{ number: OPTION.block2, value: Uint8Array.of(0x0f) }], payload: body(16) }),
      ],
      ['a critical option it does not know', 'EPROTO', () => ({ options: [{ number: 2001, value: body(1) }] })],
      [
        'a Location-Path that is no text',
        'EPROTO',
        () => ({ options: [{ number: 8, value: Uint8Array.of(0xc3, 0x28) }] }),
      ],
    ];
    for (const [name, code, answer] of cases) {
      it(name, async () => {
        const peer = await makeRawPeer({ maxBodyBytes: 10_000 });
        peer.answer = (message) => ({ code: content, ...answer(message) });
        await assert.rejects(peer.time.run(peer.connection.request({ method: 'GET' })), { name: 'CoapError', code });
        assert.ok(peer.heard.length <= 12, `${peer.heard.length} messages`);
      });
    }

    it('a 2.31 that continues nothing', async () => {
      for (const options of [[], [block(1, 5, 1, 1024)]]) {
        const peer = await makeRawPeer();
        peer.answer = () => ({ code: CONTINUE, options });
        const request = peer.connection.request({ method: 'PUT', payload: body(3_000) });
        await assert.rejects(peer.time.run(request), { code: 'EPROTO' });
      }
    });
  });
});
