// Handshakes and data on a bad network, seed by seed: complete, or ended with ETIMEDOUT in the computed bound; none
// hangs, nothing comes twice. SEEDS chooses how many (default 1,000).

import assert from 'node:assert/strict';
import { milliseconds } from '../../../lib/runtime/index.ts';
import { SERVER_ADDRESS, SERVER_PORT, Simulation } from './sockets.ts';

const SEEDS = Number(process.env['SEEDS'] ?? 1_000);
const MESSAGES = 20;
const DEFAULT_TRIES = 7;
const FLIGHTS = 3; // ClientHello, ClientHello with cookie, ClientKeyExchange to Finished
const BOUND = FLIGHTS * 127_000 + 1_000; // 1 + 2 + 4 + 8 + 16 + 32 + 60 s and round trips for each flight, in ms
const LATENCY = milliseconds(50);

interface Outcome {
  readonly connected: boolean;
  /** Virtual milliseconds until connected or given up. */
  readonly took: number;
  readonly code: string | undefined;
}

/** One client on a network of its own: handshake, then messages both ways, then close. */
async function life(seed: number, loss: number, tries: number): Promise<Outcome> {
  const simulation = new Simulation({ seed, loss, duplication: 0.1, reordering: 0.2, latency: LATENCY });
  const server = await simulation.listening({ handshakeTries: tries });
  const accepted = server.accept();
  accepted.catch(() => undefined);
  const client = simulation.client({ handshakeTries: tries });
  const code = await simulation.run(
    client.connect(SERVER_ADDRESS, SERVER_PORT).then(
      () => undefined,
      (error: Error & { code?: string }) => error.code ?? error.message,
    ),
  );
  const took = simulation.time.now();
  if (code === undefined) {
    const session = await simulation.run(accepted);
    const heard = { client: [] as number[], session: [] as number[] };
    for (const [name, socket] of Object.entries({ client, session })) {
      socket.handler = {
        readable: () => {
          do {
            const bytes = socket.receive();
            if (bytes !== undefined) heard[name as keyof typeof heard].push(bytes[0]!);
          } while (socket.getOption('hasBufferedData'));
        },
        writable: () => undefined,
        closed: () => undefined,
      };
    }
    for (let i = 0; i < MESSAGES; i++) {
      client.send(Uint8Array.of(i));
      session.send(Uint8Array.of(i));
      await simulation.time.advance(10);
    }
    await simulation.time.advance(1_000);
    for (const side of [heard.client, heard.session]) {
      assert.equal(new Set(side).size, side.length, `seed ${seed}: delivered twice: ${side.join()}`);
      assert.ok(side.length >= 1, `seed ${seed}: nothing of ${MESSAGES} messages came through`);
    }
  }
  client.close();
  server.close();
  await simulation.time.advance(10 * 60_000);
  assert.equal(simulation.time.pending, 0, `seed ${seed}: a timer outlived its socket`);
  return { connected: code === undefined, took, code };
}

describe('native DTLS: simulated networks', function () {
  this.timeout(300_000);

  it(`seeds 1 to ${SEEDS} at 10 % loss, 10 % duplication, 20 % reordering: every handshake completes`, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { connected, code } = await life(seed, 0.1, 12);
      assert.ok(connected, `seed ${seed}: ${code}`);
    }
  });

  it(`seeds 1 to ${SEEDS} at 30 % loss: completes, or ends in ETIMEDOUT in its bound`, async () => {
    let completed = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { connected, took, code } = await life(seed, 0.3, DEFAULT_TRIES);
      assert.ok(connected || code === 'ETIMEDOUT', `seed ${seed}: ${code}`);
      assert.ok(took <= BOUND, `seed ${seed}: ${took} ms`);
      if (connected) completed++;
    }
    assert.ok(completed >= 0.9 * SEEDS, `only ${completed} of ${SEEDS} completed`);
  });
});
