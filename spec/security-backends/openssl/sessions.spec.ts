// Sessions of the OpenSSL backend in a store: the format, how long they are kept, and what a damaged entry costs.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError } from '../../../lib/bytes/index.ts';
import { nodeProvider } from '../../../lib/crypto/index.ts';
import { memoryStore } from '../../../lib/net/conformance/backend/life-cases.ts';
import { SERVER } from '../../../lib/net/conformance/backend/test-keys.ts';
import type { SessionStore } from '../../../lib/net/index.ts';
import { type Environment, SeededRandom, VirtualTime, days, silentLog } from '../../../lib/runtime/index.ts';
import { ClientSessions, decodeKept, encodeKept } from '../../../security-backends/openssl/sessions.ts';

const PLACE = {
  host: 'peer.example',
  port: 5684,
  serverName: 'peer.example',
  fingerprint: Uint8Array.of(1, 2, 3),
  tlsa: [],
};
const kept = fc.record(
  {
    validUntil: fc.integer({ min: 0, max: 2 ** 47 }),
    version: fc.constantFrom('DTLS1.2', 'TLS1.2', 'TLS1.3'),
    chain: fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 10 }),
    session: fc.uint8Array({ maxLength: 300 }),
  },
  { noNullPrototype: true },
);

describe('OpenSSL: sessions in a store', () => {
  const time = new VirtualTime();
  const environment: Environment = { clock: time, timers: time, random: new SeededRandom(1), log: silentLog };
  const sessionsIn = (store: SessionStore): ClientSessions =>
    new ClientSessions(store, 'datagram', PLACE, nodeProvider, environment);

  it('come back as they were', () => {
    fc.assert(
      fc.property(kept, (session) => assert.deepEqual(decodeKept(encodeKept(session)), session)),
      { numRuns: 1000 },
    );
  });

  it('arbitrary bytes give a session or a DecodeError', () => {
    const damaged = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.tuple(kept, fc.nat(), fc.nat(255)).map(([session, at, byte]) => {
        const bytes = encodeKept(session);
        bytes[at % bytes.length] = byte;
        return bytes;
      }),
    );
    fc.assert(
      fc.property(damaged, (bytes) => {
        try {
          decodeKept(bytes);
        } catch (error) {
          assert.ok(error instanceof DecodeError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('are offered for a day, and never beyond what they go on from', async () => {
    const store = memoryStore();
    sessionsIn(store).save(Uint8Array.of(9), { version: 'DTLS1.2', chain: [] });
    assert.deepEqual((await sessionsIn(store).load())?.session, Uint8Array.of(9));
    const limit = time.wallTime() + 1;
    sessionsIn(store).save(Uint8Array.of(8), { version: 'DTLS1.2', chain: [SERVER.certificate], limit });
    assert.equal((await sessionsIn(store).load())?.validUntil, limit);
    await time.advance(days(1));
    assert.equal(await sessionsIn(store).load(), undefined);
  });

  it('what is saved leaves no copy with the caller', () => {
    const session = Uint8Array.of(1, 2, 3);
    sessionsIn(memoryStore()).save(session, { version: 'TLS1.3', chain: [] });
    assert.deepEqual(session, new Uint8Array(3));
  });

  it('a damaged entry is removed', async () => {
    const entries = new Map<string, Uint8Array>();
    const store: SessionStore = {
      load: () => Uint8Array.of(255),
      save: (key, bytes) => void entries.set(key, bytes),
      remove: (key) => void entries.set(key, new Uint8Array(0)),
    };
    assert.equal(await sessionsIn(store).load(), undefined);
    assert.equal(entries.size, 1);
  });
});
