// Requests over a bad network, by seed: each completes or ends in ETIMEDOUT, and none is delivered twice.

import assert from 'node:assert/strict';
import { type CoapError, type Observation, RESPONSE_CODES, type UdpCoapOptions } from '../../lib/coap/index.ts';
import type { SimulatedNetworkOptions } from '../../lib/net/simulated/index.ts';
import { makePair } from './pair.ts';
import { body } from './raw-peer.ts';

const REQUESTS = 20;

interface Outcome {
  answered: number;
  timedOut: number;
  slowest: number;
}

async function run(
  seed: number,
  network: Omit<SimulatedNetworkOptions, 'time'>,
  options: UdpCoapOptions,
  length: number,
): Promise<Outcome> {
  const delivered = new Map<string, number>();
  const handler: UdpCoapOptions['handler'] = (request) => {
    const name = request.path.join('/');
    delivered.set(name, (delivered.get(name) ?? 0) + 1);
    const answer = { code: RESPONSE_CODES.changed, payload: request.payload };
    return name.endsWith('3') ? Promise.resolve(answer) : answer;
  };
  const { time, device } = await makePair({
    network: { ...network, seed },
    device: options,
    server: { ...options, handler },
  });
  const outcome: Outcome = { answered: 0, timedOut: 0, slowest: 0 };
  for (let i = 0; i < REQUESTS; i++) {
    const start = time.now();
    try {
      const response = await time.run(
        device.request({ method: 'POST', path: [String(seed), String(i)], payload: body(length) }),
      );
      assert.deepEqual(response.payload, body(length));
      outcome.answered++;
    } catch (error) {
      assert.equal((error as CoapError).code, 'ETIMEDOUT', String(error));
      outcome.timedOut++;
    }
    outcome.slowest = Math.max(outcome.slowest, time.now() - start);
  }
  for (const [name, times] of delivered) assert.equal(times, 1, `${name} was delivered ${times} times`);
  return outcome;
}

async function sum(
  seeds: number,
  network: Omit<SimulatedNetworkOptions, 'time'>,
  options: UdpCoapOptions = {},
  length = 30,
): Promise<Outcome> {
  const total: Outcome = { answered: 0, timedOut: 0, slowest: 0 };
  for (let seed = 1; seed <= seeds; seed++) {
    const one = await run(seed, network, options, length);
    total.answered += one.answered;
    total.timedOut += one.timedOut;
    total.slowest = Math.max(total.slowest, one.slowest);
  }
  return total;
}

describe('CoAP in bad weather', () => {
  const bad = { loss: 0.1, duplication: 0.1, reordering: 0.2 };

  it('loses 10 %, duplicates 10 %, reorders 20 %: all complete with MAX_RETRANSMIT 8', async () => {
    const total = await sum(100, bad, { transmission: { maxRetransmit: 8 } });
    assert.deepEqual([total.answered, total.timedOut], [100 * REQUESTS, 0]);
  });

  it('with the defaults of the RFC, at most 0.1 % time out', async () => {
    const total = await sum(100, bad);
    assert.equal(total.answered + total.timedOut, 100 * REQUESTS);
    assert.ok(total.timedOut <= (100 * REQUESTS) / 1_000, `${total.timedOut} timed out`);
  });

  it('loses 30 %: each completes or times out within MAX_TRANSMIT_WAIT', async () => {
    const total = await sum(100, { ...bad, loss: 0.3 });
    assert.equal(total.answered + total.timedOut, 100 * REQUESTS);
    assert.ok(total.slowest <= 93_000, `${total.slowest} ms`);
  });

  it('duplicates and reorders everything without harm', async () => {
    const total = await sum(20, { duplication: 1, reordering: 1 });
    assert.deepEqual([total.answered, total.timedOut], [20 * REQUESTS, 0]);
  });

  it('moves large bodies through it', async () => {
    const total = await sum(5, bad, { transmission: { maxRetransmit: 8 } }, 3_000);
    assert.deepEqual([total.answered, total.timedOut], [5 * REQUESTS, 0]);
  });

  it('brings notifications in order, and the last confirmable one for certain', async () => {
    for (let seed = 1; seed <= 50; seed++) {
      let observation: Observation | undefined;
      const { time, device } = await makePair({
        network: { ...bad, loss: 0.2, seed },
        device: { transmission: { maxRetransmit: 8 } },
        server: {
          transmission: { maxRetransmit: 8 },
          handler: (request) => {
            observation = request.acceptObservation?.({ ended: () => undefined });
            return { code: RESPONSE_CODES.content, payload: Uint8Array.of(0) };
          },
        },
      });
      const heard: number[] = [];
      await time.run(device.observe({ method: 'GET' }, ({ payload }) => heard.push(payload[0]!)));
      for (let i = 1; i <= 30; i++) {
        void observation!.notify({ code: RESPONSE_CODES.content, payload: Uint8Array.of(i) });
        await time.advance(i % 3 === 0 ? 500 : 1);
      }
      const last = { code: RESPONSE_CODES.content, payload: Uint8Array.of(99) };
      await time.run(observation!.notify(last, { confirmable: true }));
      assert.equal(heard.at(-1), 99, `seed ${seed}`);
      assert.deepEqual(
        heard,
        heard.toSorted((a, b) => a - b),
        `seed ${seed}`,
      );
      assert.equal(new Set(heard).size, heard.length, `seed ${seed}`);
    }
  });
});
