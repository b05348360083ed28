// CoAP over DTLS on a bad network, seed by seed: a handshake, then 20 confirmable requests. Complete, or ended with
// ETIMEDOUT in the computed bound; none hangs, nothing reaches a handler twice. SEEDS chooses how many (default 1,000).

import assert from 'node:assert/strict';
import {
  DEFAULT_TRANSMISSION,
  RESPONSE_CODES,
  UdpCoapConnection,
  maxTransmitWait,
  serveCoap,
} from '../../lib/coap/index.ts';
import { milliseconds } from '../../lib/runtime/index.ts';
import { SERVER_ADDRESS, SERVER_PORT, Simulation } from '../security-backends/native/sockets.ts';

const SEEDS = Number(process.env['SEEDS'] ?? 1_000);
const REQUESTS = 20;
const LATENCY = milliseconds(50);
const SLACK = 500; // ms: a few latencies
const HANDSHAKE_BOUND = 3 * 127_000 + SLACK; // three flights of 1 + 2 + 4 + 8 + 16 + 32 + 60 s less the last wait, rounded up

interface Weather {
  readonly loss: number;
  readonly maxRetransmit: number;
  readonly handshakeTries: number;
}

interface Tally {
  handshakesFailed: number;
  requestsFailed: number;
  requests: number;
}

function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? String(error);
}

/** One device on a network of its own. */
async function life(seed: number, { loss, maxRetransmit, handshakeTries }: Weather, tally: Tally): Promise<void> {
  const simulation = new Simulation({ seed, loss, duplication: 0.1, reordering: 0.2, latency: LATENCY });
  const { time, environment } = simulation;
  const handled = new Map<string, number>();
  const listener = await simulation.listening({ handshakeTries });
  serveCoap(listener, environment, (connection) => {
    connection.handler = ({ payload }) => {
      const key = payload.join();
      handled.set(key, (handled.get(key) ?? 0) + 1);
      return { code: RESPONSE_CODES.changed, payload };
    };
  });
  const socket = simulation.client({ handshakeTries });
  const failure = await simulation.run(socket.connect(SERVER_ADDRESS, SERVER_PORT).then(() => undefined, codeOf));
  assert.ok(time.now() <= HANDSHAKE_BOUND || handshakeTries > 7, `seed ${seed}: the handshake took ${time.now()} ms`);
  if (failure === undefined) {
    const connection = new UdpCoapConnection(socket, environment, { transmission: { maxRetransmit } });
    for (let i = 0; i < REQUESTS; i++) await request(connection, i);
    connection.close();
  } else {
    assert.equal(failure, 'ETIMEDOUT', `seed ${seed}`);
    tally.handshakesFailed++;
  }
  socket.close();
  listener.close();
  await time.advance(10 * 60_000);
  assert.equal(time.pending, 0, `seed ${seed}: a timer outlived its socket`);
  for (const [key, count] of handled) assert.equal(count, 1, `seed ${seed}: request ${key} was handled ${count} times`);

  async function request(connection: UdpCoapConnection, i: number): Promise<void> {
    const before = time.now();
    const payload = Uint8Array.of(i, seed & 0xff);
    const asked = connection.request({ method: 'PUT', path: ['n'], payload });
    const outcome = await simulation.run(asked.then(({ payload: echo }) => echo.join(), codeOf));
    tally.requests++;
    const bound = maxTransmitWait({ ...DEFAULT_TRANSMISSION, maxRetransmit }) + SLACK;
    assert.ok(
      time.now() - before <= bound,
      `seed ${seed}: request ${i} took ${time.now() - before} ms, at most ${bound}`,
    );
    if (outcome === payload.join()) {
      assert.equal(handled.get(outcome), 1, `seed ${seed}: request ${i}`);
    } else {
      assert.equal(outcome, 'ETIMEDOUT', `seed ${seed}: request ${i}`);
      tally.requestsFailed++;
    }
  }
}

async function lives(weather: Weather): Promise<Tally> {
  const tally: Tally = { handshakesFailed: 0, requestsFailed: 0, requests: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) await life(seed, weather, tally);
  return tally;
}

describe('simulation: CoAP over DTLS', function () {
  this.timeout(600_000);

  it(`10 % loss, MAX_RETRANSMIT 8: seeds 1 to ${SEEDS} all complete`, async () => {
    const tally = await lives({ loss: 0.1, maxRetransmit: 8, handshakeTries: 12 });
    assert.deepEqual(tally, { handshakesFailed: 0, requestsFailed: 0, requests: SEEDS * REQUESTS });
  });

  it(`10 % loss, the RFC's defaults: at most 0.1 % of the requests of seeds 1 to ${SEEDS} end in ETIMEDOUT`, async () => {
    const tally = await lives({ loss: 0.1, maxRetransmit: DEFAULT_TRANSMISSION.maxRetransmit, handshakeTries: 7 });
    assert.ok(tally.requestsFailed <= 0.001 * tally.requests, JSON.stringify(tally));
    assert.ok(tally.handshakesFailed <= 0.005 * SEEDS, JSON.stringify(tally));
  });

  it(`30 % loss, the RFC's defaults: seeds 1 to ${SEEDS} complete or end in ETIMEDOUT in their bound`, async () => {
    const tally = await lives({ loss: 0.3, maxRetransmit: DEFAULT_TRANSMISSION.maxRetransmit, handshakeTries: 7 });
    assert.ok(tally.requests >= 0.9 * SEEDS * REQUESTS, JSON.stringify(tally));
  });
});
