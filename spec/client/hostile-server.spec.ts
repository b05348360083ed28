// A server that answers anything, at any moment: the client never hangs, never runs hot, and always stops.

import assert from 'node:assert/strict';
import { type OutgoingResponse, RESPONSE_CODES } from '../../lib/coap/index.ts';
import { Scene } from './scripted-server.ts';
import { SeededRandom } from '../../lib/runtime/index.ts';
import { createTemperature } from '../../lib/objects/index.ts';

const SEEDS = 150;
const CODES = Object.values(RESPONSE_CODES);
const MINUTE = 60_000;

function anyAnswer(random: SeededRandom): OutgoingResponse | undefined {
  const dice = random.unit();
  if (dice < 0.35) return { code: RESPONSE_CODES.created, locationPath: ['rd', String(random.uint32() % 3)] };
  if (dice < 0.55) return { code: RESPONSE_CODES.changed };
  if (dice < 0.65) return { code: RESPONSE_CODES.created };
  if (dice < 0.75) return undefined;
  return { code: CODES[random.uint32() % CODES.length]!, payload: random.bytes(random.uint32() % 20) };
}

describe('client at a hostile server', () => {
  it(`stays calm, seeds 1 to ${SEEDS}`, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = new SeededRandom(seed);
      const scene = new Scene({ latency: 20, loss: random.unit() * 0.3, seed });
      await scene.listen();
      scene.answer = () => anyAnswer(random);
      const temperature = createTemperature({ 0: { sensorValue: 1 } });
      const client = scene.client({
        objects: [temperature],
        servers: [
          { uri: 'coap://192.0.2.1', lifetime: 120, server: { disableTimeout: 30, communicationRetryTimer: 5 } },
        ],
      });
      await client.start();
      for (let step = 0; step < 12; step++) {
        const dice = random.uint32() % 5;
        if (dice === 0) client.update();
        if (dice === 1) client.server.instance(0).lifetime = 60 + (random.uint32() % 200);
        if (dice === 2) temperature.add(step + 10, { sensorValue: step });
        if (dice === 3 && scene.connection !== undefined) {
          const path = random.unit() < 0.5 ? ['1', '0', '4'] : ['1', '0', '8'];
          scene.connection.request({ method: 'POST', path, confirmable: false }).catch(() => undefined);
        }
        await scene.time.advance(random.uint32() % (5 * MINUTE));
      }
      const asked = scene.seen.length;
      assert.ok(asked < 300, `seed ${seed}: ${asked} requests in at most an hour`);
      await scene.time.run(client.stop());
      assert.equal(scene.clientTimers, 0, `seed ${seed}: nothing is left to wake up`);
    }
  });
});
