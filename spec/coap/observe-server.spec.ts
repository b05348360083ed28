import assert from 'node:assert/strict';
import { utf8Encode } from '../../lib/bytes/index.ts';
import {
  type CoapMessage,
  type IncomingRequest,
  type Observation,
  RESPONSE_CODES,
  type UdpCoapOptions,
  findUint,
  textOption,
  uintOption,
} from '../../lib/coap/index.ts';
import type { Instant } from '../../lib/runtime/index.ts';
import { type RawPeer, block, body, line, makeRawPeer, tokenOf } from './raw-peer.ts';

const OBSERVE = 6;
const { content, notFound } = RESPONSE_CODES;
const TOKEN = Uint8Array.of(0x4a);

interface Observed extends RawPeer {
  readonly observations: Observation[];
  readonly ended: string[];
}

async function makeObserved(options: UdpCoapOptions & { readonly mtu?: number } = {}, length = 4): Promise<Observed> {
  const observations: Observation[] = [];
  const ended: string[] = [];
  const peer = await makeRawPeer({
    handler: (request) => {
      const observation = request.acceptObservation?.({ ended: (reason) => ended.push(reason) });
      if (observation !== undefined) observations.push(observation);
      return { code: content, payload: body(length) };
    },
    ...options,
  });
  return Object.assign(peer, { observations, ended });
}

const register = (token = TOKEN, observe: number = 0): Partial<CoapMessage> => ({
  token,
  options: [uintOption(OBSERVE, observe), textOption(11, 'temperature')],
});

const acknowledge = (message: CoapMessage): Partial<CoapMessage> | undefined =>
  message.type === 0 ? { type: 2, code: 0, token: new Uint8Array(0) } : undefined;

const value = (text: string) => ({ code: content, payload: utf8Encode(text) });

describe('Observe as a server', () => {
  it('RFC 7641 Figure 2: registers, notifies with rising numbers on the same token', async () => {
    const peer = await makeObserved();
    assert.deepEqual((await peer.say(register())).map(line), ['ACK 2.05 observe=1 [4]']);
    const [observation] = peer.observations;
    await observation!.notify(value('22.8'));
    await observation!.notify(value('23.1'));
    await peer.time.advance(0);
    assert.deepEqual(peer.lines().slice(1), ['NON 2.05 observe=2 [4]', 'NON 2.05 observe=3 [4]']);
    assert.deepEqual(peer.heard.map(tokenOf), ['4a', '4a', '4a']);
  });

  it('ends by Observe: 1, by Reset, by a new request on the token, by silence, and by close', async () => {
    const peer = await makeObserved();
    await peer.say(register());
    assert.deepEqual((await peer.say(register(TOKEN, 1))).map(line), ['ACK 2.05 [4]']);
    assert.deepEqual(peer.ended, ['deregistered']);

    await peer.say(register());
    peer.answer = () => ({ type: 3, code: 0, token: new Uint8Array(0) });
    await peer.observations[1]!.notify(value('1'));
    await peer.time.advance(1_000);
    assert.deepEqual(peer.ended, ['deregistered', 'reset']);
    await assert.rejects(peer.observations[1]!.notify(value('2')), { code: 'ECANCELED' });

    peer.answer = undefined;
    await peer.say(register());
    await peer.say(register());
    await peer.say({ token: TOKEN, options: [textOption(11, 'other')] });
    assert.deepEqual(peer.ended.slice(2), ['replaced', 'replaced']);

    await peer.say(register());
    const given = peer.observations[4]!.notify(value('3'), { confirmable: true });
    await assert.rejects(peer.time.run(given), { code: 'ETIMEDOUT' });
    assert.equal(peer.ended[4], 'timeout');
    assert.equal(peer.observations[4]!.active, false);

    await peer.say(register());
    peer.connection.close();
    assert.equal(peer.ended[5], 'closed');
  });

  it('keeps only the newest notification behind a confirmable one in flight', async () => {
    const peer = await makeObserved();
    await peer.say(register());
    const [observation] = peer.observations;
    const before = peer.heard.length;
    const first = observation!.notify(value('1'), { confirmable: true });
    const others = ['22', '333', '4444'].map((text) => observation!.notify(value(text), { confirmable: true }));
    await peer.time.advance(100);
    assert.deepEqual(peer.lines().slice(before), ['CON 2.05 observe=2 [1]']);
    peer.answer = acknowledge;
    await peer.time.run(Promise.all([first, ...others]));
    assert.deepEqual(peer.lines().slice(before), [
      'CON 2.05 observe=2 [1]',
      'CON 2.05 observe=2 [1]',
      'CON 2.05 observe=3 [4]',
    ]);
  });

  it('sends a confirmable notification at least every 24 hours', async () => {
    const peer = await makeObserved();
    peer.answer = acknowledge;
    await peer.say(register());
    const [observation] = peer.observations;
    const types: string[] = [];
    for (let hour = 1; hour <= 50; hour++) {
      await peer.time.advance(3_600_000);
      await peer.time.run(observation!.notify(value('x')));
      types.push(line(peer.heard.at(-1)!).slice(0, 3));
    }
    assert.deepEqual(
      types.flatMap((type, i) => (type === 'CON' ? [i + 1] : [])),
      [24, 48],
    );
  });

  it('ends with an error response, which carries no Observe', async () => {
    const peer = await makeObserved();
    await peer.say(register());
    await peer.observations[0]!.notify({ code: notFound });
    await peer.time.advance(10);
    assert.equal(line(peer.heard.at(-1)!), 'NON 4.04');
    assert.equal(peer.observations[0]!.active, false);
    assert.deepEqual(peer.ended, []);
  });

  it('does not register when the handler answers with an error', async () => {
    const ended: string[] = [];
    let observation: Observation | undefined;
    const peer = await makeRawPeer({
      handler: (request) => {
        observation = request.acceptObservation?.({ ended: (reason) => ended.push(reason) });
        return { code: notFound };
      },
    });
    assert.deepEqual((await peer.say(register())).map(line), ['ACK 4.04']);
    assert.equal(observation?.active, false);
  });

  it('holds notifications back until the response that accepts is out', async () => {
    const peer = await makeRawPeer({
      handler: (request) => {
        void request.acceptObservation!({ ended: () => undefined }).notify(value('early'));
        return { code: content };
      },
    });
    assert.deepEqual((await peer.say(register())).map(line), ['ACK 2.05 observe=1', 'NON 2.05 observe=2 [5]']);
  });

  it('notifies by a first block; the rest of the same body is fetched by GET', async () => {
    const peer = await makeObserved({ mtu: 300 }, 300);
    assert.deepEqual((await peer.say(register())).map(line), ['ACK 2.05 2:0/1/128 observe=1 [128]']);
    await peer.observations[0]!.notify({ code: content, payload: body(200).map((byte) => ~byte) });
    await peer.time.advance(10);
    const first = peer.heard.at(-1)!;
    assert.equal(line(first), 'NON 2.05 2:0/1/128 observe=2 [128]');
    const [rest] = await peer.say({
      token: Uint8Array.of(9),
      options: [textOption(11, 'temperature'), block(2, 1, 0, 128)],
    });
    assert.equal(line(rest!), 'ACK 2.05 2:1/0/128 [72]');
    assert.deepEqual(
      Uint8Array.of(...first.payload, ...rest!.payload),
      body(200).map((byte) => ~byte),
    );
    assert.equal(peer.observations[0]!.active, true);
  });

  it('answers plainly beyond its limit of observations', async () => {
    const peer = await makeObserved({ maxObservations: 2 });
    for (const byte of [1, 2, 3]) await peer.say(register(Uint8Array.of(byte)));
    assert.deepEqual(
      peer.heard.map((message) => findUint(message.options, OBSERVE)),
      [1, 2, undefined],
    );
  });

  it('tells the sender of a notification that cannot be sent, and goes on', async () => {
    const peer = await makeObserved();
    await peer.say(register());
    const big = { number: 65_000, value: body(2_000) };
    await assert.rejects(peer.observations[0]!.notify({ ...value('x'), options: [big] }), { code: 'EMSGSIZE' });
    await assert.rejects(peer.observations[0]!.notify({ code: content, contentFormat: 70_000 }), { code: 'EINVAL' });
    await peer.observations[0]!.notify(value('y'));
    assert.deepEqual(peer.ended, []);
  });

  it('survives a watcher that throws', async () => {
    const peer = await makeRawPeer({
      handler: (request) => {
        request.acceptObservation?.({
          ended: () => {
            throw new Error('watcher');
          },
        });
        return { code: content };
      },
    });
    await peer.say(register());
    assert.deepEqual((await peer.say(register(TOKEN, 1))).map(line), ['ACK 2.05']);
  });

  it('ends when the response that accepts it, sent apart, is reset', async () => {
    const ended: string[] = [];
    const peer = await makeRawPeer({
      handler: (request) => {
        request.acceptObservation!({ ended: (reason) => ended.push(reason) });
        return new Promise((resolve) => peer.network.time.at(2_000 as Instant, () => resolve({ code: content })));
      },
    });
    await peer.say(register());
    peer.answer = () => ({ type: 3, code: 0, token: new Uint8Array(0) });
    await peer.time.advance(2_000);
    assert.deepEqual(peer.lines(), ['ACK 0.00', 'CON 2.05 observe=1']);
    assert.deepEqual(ended, ['reset']);
  });

  it('cannot be accepted after the answer; ends at once if the connection closed before it', async () => {
    const ended: string[] = [];
    let accept: IncomingRequest['acceptObservation'];
    let answer: (() => void) | undefined;
    const peer = await makeRawPeer({
      handler: (request) => {
        accept = request.acceptObservation;
        if (answer !== undefined) return { code: content };
        accept!({ ended: (reason) => ended.push(reason) });
        return new Promise((resolve) => (answer = () => resolve({ code: content })));
      },
    });
    await peer.say(register());
    await peer.say(register(Uint8Array.of(2)));
    assert.throws(() => accept!({ ended: () => undefined }), { code: 'EINVAL' });
    peer.connection.close();
    answer!();
    await peer.time.advance(1_000);
    assert.deepEqual(ended, ['closed']);
  });

  it('goes on with an observation on another connection: the same token, numbers that follow', async () => {
    const requests: IncomingRequest[] = [];
    const before = await makeRawPeer({
      handler: (request) => {
        requests.push(request);
        request.acceptObservation?.({ ended: () => undefined });
        return { code: content, payload: body(4) };
      },
    });
    await before.say(register());
    const after = await makeRawPeer({});
    const ended: string[] = [];
    const observation = after.connection.adoptObservation(requests[0]!, { ended: (why) => ended.push(why) }, 0xfffffe);
    assert.equal(observation.sequence, 0xfffffe);
    await observation.notify(value('22.8'));
    await observation.notify(value('23.1'));
    await after.time.advance(0);
    assert.deepEqual(after.lines(), ['NON 2.05 observe=16777215 [4]', 'NON 2.05 observe=0 [4]']);
    assert.deepEqual(after.heard.map(tokenOf), ['4a', '4a']);
    assert.equal(observation.sequence, 0);
    await after.say({ type: 3, code: 0, messageId: after.heard[1]!.messageId, token: new Uint8Array(0) });
    assert.deepEqual([ended, observation.active], [['reset'], false]);
  });
});
