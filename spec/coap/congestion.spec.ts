// What keeps a connection from flooding its peer: PROBING_RATE, turns of notifications, and round trips measured (CoCoA).

import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  type Observation,
  type ObservationWatcher,
  RESPONSE_CODES,
  SLOW_LINK_TRANSMISSION,
  checkedTransmission,
  decodeMessage,
  exchangeLifetime,
  maxTransmitSpan,
  maxTransmitWait,
} from '../../lib/coap/index.ts';
import { ProbingBudget } from '../../lib/coap/probing.ts';
import { RoundTrips, backOffFactor } from '../../lib/coap/round-trips.ts';
import { type Instant, milliseconds, seconds } from '../../lib/runtime/index.ts';
import { makePair } from './pair.ts';
import { body, makeRawPeer } from './raw-peer.ts';

const { content } = RESPONSE_CODES;
const at = (value: number): Instant => value as Instant;
const unwatched: ObservationWatcher = { ended: () => undefined };

describe('PROBING_RATE (RFC 7252 §4.7)', () => {
  it('a silent peer gets no more than the burst and the rate allow, whatever is sent when', () => {
    const sends = fc.array(fc.record({ wait: fc.nat(20_000), bytes: fc.integer({ min: 1, max: 1_500 }) }));
    fc.assert(
      fc.property(sends, fc.integer({ min: 1, max: 1_000 }), fc.nat(5_000), (all, rate, burst) => {
        const budget = new ProbingBudget(rate, burst);
        let now = 1_000;
        let sent = 0;
        for (const { wait, bytes } of all) {
          now += wait;
          if (budget.readyAt() > now) continue;
          budget.spend(bytes, at(now));
          sent += bytes;
          const allowed = burst + (rate * (now - 1_000)) / 1_000 + bytes;
          assert.ok(sent <= allowed + 1e-6, `${sent} of ${allowed}`);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('requests that are not confirmable wait, until the time has come or the peer is heard', async () => {
    const peer = await makeRawPeer({ transmission: { probingRate: 100, probingBurst: 0 } });
    const ask = () => peer.connection.request({ method: 'POST', payload: body(80), confirmable: false });
    const all = Array.from({ length: 5 }, () => ask().catch((error: unknown) => error));
    await peer.time.advance(10);
    assert.equal(peer.heard.length, 1);
    await peer.time.advance(1_000);
    assert.equal(peer.heard.length, 2, 'a message of 90 bytes is paid for in 0.9 s');
    await peer.say({ type: 1, code: content, token: peer.heard[0]!.token });
    assert.equal(peer.heard.length, 4, 'one at once, and one in the second after');
    peer.connection.close();
    await Promise.all(all);
    assert.equal(peer.time.pending, 0);
  });

  it('those that wait are bounded', async () => {
    const peer = await makeRawPeer({ transmission: { probingRate: 1, probingBurst: 0 }, maxQueuedMessages: 3 });
    const ask = () => peer.connection.request({ method: 'POST', payload: body(80), confirmable: false });
    const left = Array.from({ length: 4 }, () => assert.rejects(ask(), { code: 'ECONNABORTED' }));
    await assert.rejects(ask(), { code: 'ENOBUFS' });
    peer.connection.close();
    await Promise.all(left);
  });

  it('notifications to a silent peer become confirmable, and free again when it acknowledges', async () => {
    let observation: Observation | undefined;
    const pair = await makePair({
      server: {
        transmission: { probingBurst: 200 },
        handler: (request) => {
          observation = request.acceptObservation?.(unwatched);
          return { code: content };
        },
      },
    });
    await pair.time.run(pair.device.observe({ method: 'GET' }, () => undefined));
    const types: string[] = [];
    for (let i = 0; i < 9; i++) {
      const before = pair.sent.length;
      void observation!.notify({ code: content, payload: body(60) });
      await pair.time.advance(100);
      types.push(
        pair.sent
          .slice(before)
          .map(({ bytes }) => 'CNAR'[decodeMessage(bytes).type])
          .join(''),
      );
    }
    assert.deepEqual(types, ['N', 'N', 'N', 'CA', 'N', 'N', 'N', 'CA', 'N']);
  });
});

describe('Notifications of many observations', () => {
  it('take turns: NSTART of them out, of the others the newest state waits', async () => {
    const observations: Observation[] = [];
    const pair = await makePair({
      server: {
        handler: (request) => {
          const observation = request.acceptObservation?.(unwatched);
          if (observation !== undefined) observations.push(observation);
          return { code: content };
        },
      },
    });
    const heard = new Map<number, number[]>();
    for (let i = 0; i < 50; i++) {
      const values: number[] = [];
      heard.set(i, values);
      const notified = ({ payload }: { payload: Uint8Array }): void => void values.push(payload[0]!);
      await pair.time.run(pair.device.observe({ method: 'GET', path: [`${i}`] }, notified));
    }
    let out = 0;
    const untap = pair.network.onDatagram((from, _to, bytes) => {
      const { type } = decodeMessage(bytes);
      if (from.address === '192.0.2.1' && type === 0) out++;
      return 'drop';
    });
    const outcomes: Promise<unknown>[] = [];
    for (let value = 1; value <= 20; value++) {
      for (const each of observations) {
        outcomes.push(each.notify({ code: content, payload: Uint8Array.of(value) }, { confirmable: true }));
      }
      await pair.time.advance(10);
    }
    assert.equal(out, 1, 'one is out while nobody acknowledges');
    untap();
    await pair.time.run(Promise.all(outcomes));
    for (const [i, values] of heard) {
      assert.equal(values.at(-1), 20, 'each ends with the newest');
      assert.ok(values.length <= 2, `observation ${i} heard ${values.length}`);
    }
  });

  it('one that ends while it waits lets the next one go', async () => {
    const observations: Observation[] = [];
    const peer = await makeRawPeer({
      handler: (request) => {
        observations.push(request.acceptObservation!(unwatched));
        return { code: content };
      },
    });
    const observe = { number: 6, value: new Uint8Array(0) };
    for (const token of [1, 2, 3]) await peer.say({ code: 1, token: Uint8Array.of(token), options: [observe] });
    peer.heard.length = 0;
    const outcomes = observations.map((each) =>
      each.notify({ code: content }, { confirmable: true }).then(
        () => 'sent',
        (error: { code: string }) => error.code,
      ),
    );
    observations[1]!.end();
    peer.answer = ({ type }) => (type === 0 ? { code: 0, token: new Uint8Array(0) } : undefined);
    await peer.time.advance(5_000);
    assert.deepEqual(await Promise.all(outcomes), ['sent', 'ECANCELED', 'sent']);
    assert.deepEqual(new Set(peer.heard.map(({ token }) => token[0])), new Set([1, 3]));
  });
});

describe('SLOW_LINK_TRANSMISSION', () => {
  it('waits for an answer that takes 10 s without sending again', async () => {
    const latency = seconds(4.9);
    const slow = { transmission: SLOW_LINK_TRANSMISSION };
    const pair = await makePair({
      network: { latency },
      device: slow,
      server: { ...slow, handler: () => ({ code: content }) },
    });
    await pair.time.run(pair.device.request({ method: 'GET' }));
    assert.equal(pair.sent.length, 2);
    assert.equal(pair.device.counters.retransmissions, 0);
  });

  it('has the lifetimes that follow (RFC 7252 §4.8.2)', () => {
    assert.equal(maxTransmitWait(SLOW_LINK_TRANSMISSION), 465_000);
    assert.equal(exchangeLifetime(SLOW_LINK_TRANSMISSION), 435_000);
  });
});

describe('CoCoA (draft-ietf-core-cocoa-03)', () => {
  it('a first strong measurement: half of RTT + 4 RTT/2, half of what was', () => {
    const trips = new RoundTrips(seconds(2));
    trips.measured(milliseconds(200), 0, at(0));
    assert.equal(trips.timeout(at(0)), 0.5 * (200 + 4 * 100) + 0.5 * 2_000);
  });

  it('a first weak one: a quarter of RTT + RTT/2', () => {
    const trips = new RoundTrips(seconds(2));
    trips.measured(milliseconds(3_000), 1, at(0));
    assert.equal(trips.timeout(at(0)), 0.25 * (3_000 + 1_500) + 0.75 * 2_000);
  });

  it('takes nothing from the third retransmission on', () => {
    const trips = new RoundTrips(seconds(2));
    trips.measured(seconds(20), 3, at(0));
    assert.equal(trips.timeout(at(0)), 2_000);
  });

  it('ages back where nothing is measured: short ones double, long ones shrink', () => {
    const short = new RoundTrips(seconds(2));
    for (let i = 0; i < 30; i++) short.measured(milliseconds(20), 0, at(0));
    const before = short.timeout(at(0));
    assert.ok(before < 100);
    assert.equal(short.timeout(at(16 * before)), before);
    assert.equal(short.timeout(at(17 * before)), 2 * before);
    const long = new RoundTrips(seconds(10));
    long.measured(seconds(10), 0, at(0));
    const high = long.timeout(at(0));
    assert.equal(long.timeout(at(5 * high)), 1_000 + 0.5 * high);
  });

  it('backs off by 3 below 1 s, by 1.5 above 3 s, by 2 between', () => {
    assert.deepEqual(
      [0.5, 1, 2, 3, 3.1].map((s) => backOffFactor(seconds(s))),
      [3, 2, 2, 2, 1.5],
    );
  });

  it('stays between nothing and 60 s, whatever is measured', () => {
    const measurement = fc.record({ trip: fc.nat(200_000), retransmissions: fc.nat(4), wait: fc.nat(1_000_000) });
    fc.assert(
      fc.property(fc.array(measurement), (all) => {
        const trips = new RoundTrips(seconds(2));
        let now = 0;
        for (const { trip, retransmissions, wait } of all) {
          now += wait;
          trips.measured(milliseconds(trip), retransmissions, at(now));
          const timeout = trips.timeout(at(now));
          assert.ok(timeout > 0 && timeout <= 60_000);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('on a fast link that loses, is done sooner than with the fixed timeout; on a slow one it sends less', async () => {
    const run = async (timeout: 'fixed' | 'cocoa', latency: number, loss: number) => {
      const pair = await makePair({
        network: { latency: milliseconds(latency), loss, seed: 5 },
        device: { transmission: { timeout, maxRetransmit: 8 } },
        server: { handler: () => ({ code: content }) },
      });
      for (let i = 0; i < 60; i++) await pair.time.run(pair.device.request({ method: 'GET' }));
      return { took: pair.time.now(), retransmissions: pair.device.counters.retransmissions };
    };
    const [fixedFast, cocoaFast] = [await run('fixed', 20, 0.2), await run('cocoa', 20, 0.2)];
    assert.ok(cocoaFast.took < fixedFast.took / 2, `${cocoaFast.took} ms against ${fixedFast.took} ms`);
    const [fixedSlow, cocoaSlow] = [await run('fixed', 2_500, 0), await run('cocoa', 2_500, 0)];
    assert.ok(
      cocoaSlow.retransmissions < fixedSlow.retransmissions / 3,
      `${cocoaSlow.retransmissions} retransmissions`,
    );
  });

  it('gives up within MAX_TRANSMIT_SPAN and one wait, on which lifetimes rest', async () => {
    const transmission = { timeout: 'cocoa', ackTimeout: milliseconds(600) } as const;
    const pair = await makePair({ device: { transmission } });
    pair.network.onDatagram(() => 'drop');
    await pair.time.run(assert.rejects(pair.device.request({ method: 'GET' }), { code: 'ETIMEDOUT' }));
    const span = maxTransmitSpan(checkedTransmission(transmission));
    const last = pair.sent.at(-1)!.at;
    assert.ok(last <= span, `the last left after ${last} ms of ${span}`);
    assert.ok(pair.time.now() <= 4 * span, `given up after ${pair.time.now()} ms`);
  });
});
