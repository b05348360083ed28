// Echo and Request-Tag (RFC 9175) at both ends, and the answers that tell a client to try otherwise (RFC 7959 §2.9).

import assert from 'node:assert/strict';
import { fromHex, toHex } from '../../lib/bytes/index.ts';
import { type CoapMessage, OPTION, RESPONSE_CODES, findBlock, findOption } from '../../lib/coap/index.ts';
import { seconds } from '../../lib/runtime/index.ts';
import { makePair } from './pair.ts';
import { block, body, line, makeRawPeer } from './raw-peer.ts';

const { changed, content, unauthorized, requestEntityIncomplete, requestEntityTooLarge } = RESPONSE_CODES;
const CONTINUE = RESPONSE_CODES.continue;

function echoOf(message: CoapMessage): string | undefined {
  const value = findOption(message.options, OPTION.echo);
  return value && toHex(value);
}

function tagOf(message: CoapMessage): string | undefined {
  const value = findOption(message.options, OPTION.requestTag);
  return value && toHex(value);
}

describe('Echo', () => {
  it('RFC 9175 Figure 2: a client repeats a request that is refused for want of freshness', async () => {
    const peer = await makeRawPeer();
    const echo = { number: OPTION.echo, value: fromHex('00000009437468756c687521') };
    peer.answer = (message) =>
      echoOf(message) === undefined ? { code: unauthorized, options: [echo] } : { code: changed };
    const response = await peer.time.run(peer.connection.request({ method: 'PUT', path: ['lock'], payload: body(1) }));
    assert.equal(response.code, changed);
    assert.deepEqual(peer.heard.map(echoOf), [undefined, '00000009437468756c687521']);
    assert.notDeepEqual(peer.heard[0]!.token, peer.heard[1]!.token);
  });

  it('a client repeats once, not for ever', async () => {
    const peer = await makeRawPeer();
    peer.answer = () => ({ code: unauthorized, options: [{ number: OPTION.echo, value: body(8) }] });
    const response = await peer.time.run(peer.connection.request({ method: 'GET' }));
    assert.equal(response.code, unauthorized);
    assert.equal(peer.heard.length, 2);
  });

  it('a value that comes with a success goes back with the next request, once', async () => {
    const peer = await makeRawPeer();
    peer.answer = (message) =>
      peer.heard.length === 1
        ? { code: content, options: [{ number: OPTION.echo, value: fromHex('abcd') }] }
        : { code: content, payload: message.payload };
    for (let i = 0; i < 3; i++) await peer.time.run(peer.connection.request({ method: 'GET' }));
    assert.deepEqual(peer.heard.map(echoOf), [undefined, 'abcd', undefined]);
  });

  it('a server takes what must be fresh only with a value of its own, and of late', async () => {
    const handled: string[] = [];
    const peer = await makeRawPeer({
      freshness: { demanded: ({ method }) => method !== 'GET', within: seconds(10) },
      handler: ({ method }) => {
        handled.push(method);
        return { code: changed };
      },
    });
    const put = async (echo?: Uint8Array): Promise<CoapMessage> => {
      const options = echo === undefined ? [] : [{ number: OPTION.echo, value: echo }];
      return (await peer.say({ code: 3, options }))[0]!;
    };
    assert.equal((await peer.say({ code: 1 }))[0]!.code, changed, 'GET need not be');
    const refused = await put();
    assert.equal(refused.code, unauthorized);
    const value = findOption(refused.options, OPTION.echo)!;
    assert.equal((await put(body(8))).code, unauthorized, 'a value that was made up');
    assert.equal((await put(value)).code, changed);
    await peer.time.advance(10_000);
    assert.equal((await put(value)).code, unauthorized, 'kept back on its way');
    assert.deepEqual(handled, ['GET', 'PUT']);
  });

  it('both ends together: the user sees nothing of it, not even of a body in blocks', async () => {
    let handled = 0;
    const pair = await makePair({
      server: {
        freshness: { demanded: () => true },
        handler: ({ payload }) => {
          handled++;
          return { code: changed, payload };
        },
      },
    });
    const request = { method: 'PUT', payload: body(5_000) } as const;
    const response = await pair.time.run(pair.device.request(request));
    assert.equal(response.code, changed);
    assert.deepEqual(response.payload, body(5_000));
    assert.equal(handled, 1);
  });
});

describe('Request-Tag', () => {
  it('keeps two bodies for the same resource apart that go out at once', async () => {
    const got: Uint8Array[] = [];
    const pair = await makePair({
      device: { transmission: { nstart: 4 } },
      server: {
        handler: ({ payload }) => {
          got.push(payload.slice());
          return { code: changed };
        },
      },
    });
    const bodies = [1, 2, 3].map((salt) => body(4_000).map((byte) => byte ^ salt));
    const all = bodies.map((payload) => pair.device.request({ method: 'PUT', path: ['x'], payload }));
    for (const { code } of await pair.time.run(Promise.all(all))) assert.equal(code, changed);
    const sums = (all: Uint8Array[]): string[] => all.map(toHex).toSorted();
    assert.deepEqual(sums(got), sums(bodies));
  });

  it('is left out while a body is alone, and new after one was broken off', async () => {
    const peer = await makeRawPeer();
    let refuse = true;
    peer.answer = (message) => {
      const { num, more } = findBlock(message.options, OPTION.block1)!;
      if (refuse && num === 1) return { code: RESPONSE_CODES.serviceUnavailable };
      return { code: more ? CONTINUE : changed, options: [block(1, num, more ? 1 : 0, 1024)] };
    };
    const put = (): Promise<unknown> => peer.time.run(peer.connection.request({ method: 'PUT', payload: body(1_500) }));
    await put();
    refuse = false;
    await put();
    await put();
    assert.deepEqual(peer.heard.map(tagOf), [undefined, undefined, '01', '01', '02', '02']);
  });

  it('a server never puts blocks of different tags together', async () => {
    const handled: number[] = [];
    const peer = await makeRawPeer({
      handler: ({ payload }) => {
        handled.push(payload[16]!);
        return { code: changed };
      },
    });
    const put = async (tag: number, num: number, more: 0 | 1): Promise<string> => {
      const options = [block(1, num, more, 16), { number: OPTION.requestTag, value: Uint8Array.of(tag) }];
      return line((await peer.say({ code: 3, options, payload: new Uint8Array(16).fill(tag) }))[0]!);
    };
    assert.deepEqual(
      [await put(1, 0, 1), await put(2, 0, 1), await put(2, 1, 0), await put(1, 1, 0), await put(3, 1, 0)],
      ['ACK 2.31 1:0/1/16', 'ACK 2.31 1:0/1/16', 'ACK 2.04 1:1/0/16', 'ACK 2.04 1:1/0/16', 'ACK 4.08 1:1/0/16'],
    );
    assert.deepEqual(handled, [2, 1]);
  });
});

describe('A client that is told', () => {
  it('4.08, begins the body anew once', async () => {
    const peer = await makeRawPeer();
    let forgetful = 1;
    peer.answer = (message) => {
      const { num, more } = findBlock(message.options, OPTION.block1)!;
      if (num === 2 && forgetful-- > 0) return { code: requestEntityIncomplete };
      return { code: more ? CONTINUE : changed, options: [block(1, num, more ? 1 : 0, 1024)] };
    };
    const put = () => peer.time.run(peer.connection.request({ method: 'PUT', payload: body(4_000) }));
    assert.equal((await put()).code, changed);
    assert.deepEqual(
      peer.heard.map(({ options }) => findBlock(options, OPTION.block1)!.num),
      [0, 1, 2, 0, 1, 2, 3],
    );
    forgetful = 2;
    assert.equal((await put()).code, requestEntityIncomplete);
  });

  it('4.13 with a smaller size half way, begins anew with that', async () => {
    const peer = await makeRawPeer();
    peer.answer = (message) => {
      const { num, more, sizeExponent } = findBlock(message.options, OPTION.block1)!;
      if (sizeExponent === 6 && num === 1) return { code: requestEntityTooLarge, options: [block(1, 1, 0, 512)] };
      return { code: more ? CONTINUE : changed, options: [block(1, num, more ? 1 : 0, 16 << sizeExponent)] };
    };
    const response = await peer.time.run(peer.connection.request({ method: 'PUT', payload: body(2_100) }));
    assert.equal(response.code, changed);
    const sizes = peer.heard.map(({ options }) => 16 << findBlock(options, OPTION.block1)!.sizeExponent);
    assert.deepEqual(sizes, [1_024, 1_024, 512, 512, 512, 512, 512]);
  });

  it('4.13 with a size to a request in one message, sends it in blocks', async () => {
    const peer = await makeRawPeer();
    peer.answer = (message) => {
      const found = findBlock(message.options, OPTION.block1);
      if (found === undefined) return { code: requestEntityTooLarge, options: [block(1, 0, 0, 64)] };
      return { code: found.more ? CONTINUE : changed, options: [block(1, found.num, found.more ? 1 : 0, 64)] };
    };
    const response = await peer.time.run(peer.connection.request({ method: 'PUT', payload: body(100) }));
    assert.equal(response.code, changed);
    assert.deepEqual(peer.lines(), ['CON 0.03 [100]', 'CON 0.03 1:0/1/64 size1=100 [64]', 'CON 0.03 1:1/0/64 [36]']);
  });

  it('4.13 again and again, ends', async () => {
    const peer = await makeRawPeer();
    peer.answer = (message) => {
      const { sizeExponent } = findBlock(message.options, OPTION.block1)!;
      return { code: requestEntityTooLarge, options: [block(1, 0, 0, Math.max(16, 8 << sizeExponent))] };
    };
    const response = await peer.time.run(peer.connection.request({ method: 'PUT', payload: body(3_000) }));
    assert.equal(response.code, requestEntityTooLarge);
    assert.equal(peer.heard.length, 7);
  });

  it('2.04 for each block alone, goes on (RFC 7959 Figure 9)', async () => {
    const peer = await makeRawPeer();
    peer.answer = (message) => {
      const { num } = findBlock(message.options, OPTION.block1)!;
      return { code: changed, options: [block(1, num, 0, 1024)] };
    };
    await peer.time.run(peer.connection.request({ method: 'PUT', payload: body(3_000) }));
    assert.equal(peer.heard.length, 3);
  });

  it('a larger size than it asked for, does not believe it', async () => {
    const peer = await makeRawPeer();
    peer.answer = (message) => {
      const asked = findBlock(message.options, OPTION.block2);
      const size = asked === undefined ? 16 : 32;
      return { code: content, options: [block(2, asked === undefined ? 0 : 0.5, 1, size)], payload: body(size) };
    };
    await assert.rejects(peer.time.run(peer.connection.request({ method: 'GET' })), { code: 'EPROTO' });
  });
});
