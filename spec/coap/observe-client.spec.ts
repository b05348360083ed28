import assert from 'node:assert/strict';
import fc from 'fast-check';
import { utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import {
  type CoapMessage,
  type ObservedResource,
  OPTION,
  RESPONSE_CODES,
  findBlock,
  findUint,
  uintOption,
} from '../../lib/coap/index.ts';
import { isFresher } from '../../lib/coap/client-observation.ts';
import type { Instant } from '../../lib/runtime/index.ts';
import { type RawPeer, block, body, line, makeRawPeer, tokenOf } from './raw-peer.ts';

const { content, notFound } = RESPONSE_CODES;
const observe = (sequence: number) => uintOption(OPTION.observe, sequence);
const at = (ms: number): Instant => ms as Instant;

interface Started extends RawPeer {
  readonly observed: ObservedResource;
  readonly notified: string[];
  notify(sequence: number | undefined, text: string, more?: Partial<CoapMessage>): Promise<CoapMessage[]>;
}

async function start(mtu?: number): Promise<Started> {
  const peer = await makeRawPeer({ mtu: mtu ?? 1_280 });
  peer.answer = () => ({ code: content, options: [observe(10)], payload: utf8Encode('first') });
  const notified: string[] = [];
  const observed = await peer.time.run(
    peer.connection.observe({ method: 'GET', path: ['t'] }, ({ code, payload }) => {
      notified.push(code === content ? utf8Decode(payload) : `error ${code}`);
    }),
  );
  peer.answer = undefined;
  const { token } = peer.heard[0]!;
  const notify: Started['notify'] = (sequence, text, more) =>
    peer.say({
      code: content,
      type: 1,
      token,
      options: sequence === undefined ? [] : [observe(sequence)],
      payload: utf8Encode(text),
      ...more,
    });
  return Object.assign(peer, { observed, notified, notify });
}

describe('Freshness of notifications (RFC 7641 §3.4)', () => {
  it('compares numbers modulo 2^24, and takes any after 128 s', () => {
    const cases: [number, number, boolean][] = [
      [2, 1, true],
      [1, 1, false],
      [0, 1, false],
      [0x7fffff + 1, 1, true],
      [0x800000 + 1, 1, false],
      [0, 0xffffff, true],
      [0xffffff, 0, false],
    ];
    for (const [sequence, newest, fresh] of cases)
      assert.equal(isFresher(sequence, at(0), newest, at(0)), fresh, `${sequence}`);
    assert.equal(isFresher(1, at(128_000), 2, at(0)), false);
    assert.equal(isFresher(1, at(128_001), 2, at(0)), true);
  });

  it('never takes both of two notifications as newer than the other', () => {
    const number = fc.integer({ min: 0, max: 0xffffff });
    fc.assert(
      fc.property(number, number, (a, b) => !(isFresher(a, at(0), b, at(0)) && isFresher(b, at(0), a, at(0)))),
      { numRuns: 1_000 },
    );
  });
});

describe('Observe as a client', () => {
  it('registers and hears fresh notifications, drops stale ones', async () => {
    const peer = await start();
    assert.equal(line(peer.heard[0]!), 'CON 0.01 observe=0');
    assert.equal(utf8Decode(peer.observed.response.payload), 'first');
    await peer.notify(12, 'b');
    await peer.notify(11, 'stale');
    assert.deepEqual((await peer.notify(13, 'c', { type: 0 })).map(line), ['ACK 0.00'], 'confirmable: acknowledged');
    assert.deepEqual(
      (await peer.notify(13, 'c again', { type: 0 })).map(line),
      ['ACK 0.00'],
      'stale: acknowledged too',
    );
    assert.deepEqual(peer.notified, ['b', 'c']);
    assert.equal(peer.observed.active, true);
  });

  it('ends when the server answers without Observe, or with an error', async () => {
    const plain = await start();
    await plain.notify(undefined, 'last');
    assert.deepEqual((await plain.notify(20, 'x')).map(line), ['RST 0.00']);
    assert.deepEqual(plain.notified, ['last']);
    assert.equal(plain.observed.active, false);
    const error = await start();
    await error.notify(undefined, '', { code: notFound });
    assert.deepEqual(error.notified, [`error ${notFound}`]);
    assert.equal(error.observed.active, false);
  });

  it('says so when the server does not observe', async () => {
    const peer = await makeRawPeer();
    peer.answer = () => ({ code: content });
    const observed = await peer.time.run(peer.connection.observe({ method: 'GET' }, () => undefined));
    assert.equal(observed.active, false);
    await observed.cancel();
    assert.equal(peer.heard.length, 1);
  });

  it('deregisters by Observe: 1 on the same token; a notification on the way is no answer to it', async () => {
    const peer = await start();
    const { token } = peer.heard[0]!;
    const canceling = peer.observed.cancel();
    await peer.notify(11, 'crossing', { type: 0 });
    assert.deepEqual(peer.lines().slice(1), ['CON 0.01 observe=1', 'ACK 0.00']);
    assert.equal(tokenOf(peer.heard[1]!), tokenOf(peer.heard[0]!));
    await peer.say({ type: 2, code: content, messageId: peer.heard[1]!.messageId, token });
    await peer.time.run(canceling);
    assert.deepEqual(peer.notified, []);
  });

  it('cancels by Reset to the next notification', async () => {
    const peer = await start();
    await peer.observed.cancel('reset');
    assert.equal(peer.heard.length, 1);
    assert.deepEqual((await peer.notify(11, 'x')).map(line), ['RST 0.00']);
    assert.deepEqual((await peer.notify(12, 'x', { type: 0 })).map(line), ['RST 0.00']);
    assert.deepEqual(peer.notified, []);
  });

  it('fetches the rest of a large notification; a newer one overtakes it', async () => {
    const peer = await start();
    const whole = body(40).map((byte) => 0x41 + (byte % 26));
    peer.answer = (message) => {
      const num = findBlock(message.options, OPTION.block2)?.num;
      if (message.type !== 0 || num === undefined) return undefined;
      return {
        code: content,
        options: [block(2, num, num < 2 ? 1 : 0, 16)],
        payload: whole.subarray(num * 16, num * 16 + 16),
      };
    };
    await peer.notify(11, '', { options: [observe(11), block(2, 0, 1, 16)], payload: whole.subarray(0, 16) });
    assert.deepEqual(peer.notified, [utf8Decode(whole)]);
    assert.deepEqual(peer.lines().slice(1), ['CON 0.01 2:1/0/16', 'CON 0.01 2:2/0/16']);
    peer.answer = undefined;
    await peer.notify(12, '', { options: [observe(12), block(2, 0, 1, 16)], payload: whole.subarray(0, 16) });
    await peer.notify(13, 'newer');
    const pending = peer.heard.findLast(({ type }) => type === 0)!;
    await peer.say({
      type: 2,
      code: content,
      messageId: pending.messageId,
      token: pending.token,
      options: [block(2, 1, 0, 16)],
      payload: body(1),
    });
    assert.deepEqual(peer.notified.slice(1), ['newer']);
  });

  it('survives a malformed notification and a receiver that throws', async () => {
    const peer = await makeRawPeer();
    peer.answer = () => ({ code: content, options: [observe(1)] });
    let calls = 0;
    const observed = await peer.time.run(
      peer.connection.observe({ method: 'GET' }, () => {
        calls++;
        throw new Error('receiver');
      }),
    );
    peer.answer = undefined;
    const { token } = peer.heard[0]!;
    await peer.say({ type: 1, code: content, token, options: [observe(2)] });
    assert.equal(calls, 1);
    assert.equal(observed.active, true);
    const reserved = { number: OPTION.block2, value: Uint8Array.of(0x0f) };
    assert.deepEqual((await peer.say({ code: content, token, options: [observe(3), reserved] })).map(line), [
      'RST 0.00',
    ]);
    assert.equal(observed.active, false);
    assert.equal(findUint([observe(3)], OPTION.observe), 3);
  });
});
