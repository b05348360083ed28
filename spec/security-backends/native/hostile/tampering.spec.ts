// An attacker who changes, cuts, repeats, reorders and invents datagrams: sessions live, handshakes heal or give up in time.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { TlsAlertError } from '../../../../lib/net/index.ts';
import { SeededRandom } from '../../../../lib/runtime/index.ts';
import { Pair, type Side } from '../pair.ts';
import { connectedClient, connectedServer, testClient, testServer } from '../tested.ts';

const RUNS = 1_000;
const BODY = 13 + 12; // record and handshake header

/** By datagram, where damage that parses sits: bytes that only Finished authenticates. */
const UNHEALABLE: Readonly<Record<number, { readonly from: number; readonly to: number; readonly what: string }>> = {
  2: { from: 117 - 4, to: 117, what: 'extended_master_secret, which the server then lacks and refuses with an alert' },
  3: { from: BODY + 2, to: BODY + 34, what: "the server's random" },
  4: { from: BODY + 2, to: BODY + 10, what: 'the identity, which the server then does not know' },
};

/** A handshake in which the attacker makes other bytes of the n-th datagram, once. */
function withDamage(n: number, damage: (datagram: Uint8Array) => readonly Uint8Array[]): Pair {
  const pair = new Pair();
  let count = 0;
  pair.wire = (datagram) => (count++ === n ? damage(datagram) : [datagram]);
  pair.start();
  pair.run(() => pair.client.negotiated !== undefined && pair.server?.negotiated !== undefined);
  return pair;
}

/** What an honest handshake sends. */
function honestDatagrams(): readonly { readonly to: Side; readonly datagram: Uint8Array }[] {
  return new Pair().handshake().log;
}

function assertHealed(pair: Pair, what: string): void {
  assert.ok(
    pair.client.negotiated !== undefined,
    `${what}: ${pair.client.closed?.cause?.message ?? pair.client.connection.state}`,
  );
  assert.ok(pair.talks(), `${what}: connected, but they cannot talk`);
}

describe('hostile: tampering with the handshake', () => {
  const honest = honestDatagrams();

  for (const [n, { to, datagram }] of honest.entries()) {
    // What a hello or ClientKeyExchange says is authenticated by Finished alone: damage that parses makes two transcripts,
    // and no retransmission can heal that. Then both give up in their bound, and a new attempt succeeds.
    it(`a flipped bit at every byte of handshake datagram ${n} (to ${to}, ${datagram.length} bytes) heals or ends in its bound`, () => {
      const unhealed: number[] = [];
      for (let at = 0; at < datagram.length; at++) {
        const pair = withDamage(n, (bytes) => {
          const damaged = bytes.slice();
          damaged[at]! ^= 1 << (at % 8);
          return [damaged];
        });
        if (pair.client.negotiated !== undefined)
          assert.ok(pair.talks(), `byte ${at}: connected, but they cannot talk`);
        else unhealed.push(at);
        const cause = pair.endOf('client');
        const expected = cause === undefined || cause.code === 'ETIMEDOUT' || cause instanceof TlsAlertError;
        assert.ok(expected, `byte ${at}: ${cause?.message}`);
      }
      const known = UNHEALABLE[n] ?? { from: 0, to: 0, what: 'nothing' };
      const others = unhealed.filter((at) => at < known.from || at >= known.to);
      assert.deepEqual(others, [], `not healed, and not in ${known.what}`);
    });

    it(`truncation of handshake datagram ${n} (to ${to}) at every length heals`, () => {
      for (let length = 0; length < datagram.length; length++) {
        assertHealed(
          withDamage(n, (bytes) => [bytes.slice(0, length)]),
          `cut to ${length} bytes`,
        );
      }
    });

    it(`a second and third copy of handshake datagram ${n} (to ${to}) changes nothing`, () => {
      assertHealed(
        withDamage(n, (bytes) => [bytes, bytes, bytes]),
        'copies',
      );
    });
  }

  it('every datagram repeated after every other changes nothing', () => {
    const pair = new Pair();
    const seen: Record<Side, Uint8Array[]> = { client: [], server: [] };
    pair.wire = (datagram, to) => {
      const arrivals = [...seen[to], datagram];
      seen[to].push(datagram);
      return arrivals;
    };
    pair.start();
    pair.run(() => pair.client.negotiated !== undefined && pair.server?.negotiated !== undefined);
    assertHealed(pair, 'all repeated');
  });

  it('random damage, loss, doubling and disorder: connected or ended in time, never wedged', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = new SeededRandom(seed);
        const pair = new Pair({ seed });
        let held: Uint8Array | undefined;
        pair.wire = (datagram) => {
          const fate = random.unit();
          if (fate < 0.1) return [];
          if (fate < 0.2) return [datagram, datagram];
          if (fate < 0.25) {
            const damaged = datagram.slice();
            damaged[random.uint32() % damaged.length]! ^= 1 << (random.uint32() % 8);
            return [damaged];
          }
          if (fate < 0.35) {
            const arrivals = held === undefined ? [] : [held];
            held = datagram;
            return arrivals;
          }
          return [datagram];
        };
        pair.start();
        const connected = pair.run(() => pair.client.negotiated !== undefined && pair.server?.negotiated !== undefined);
        if (connected) assert.ok(pair.talks(), 'connected, but they cannot talk');
        else assert.ok(pair.client.closed?.cause !== undefined || pair.server?.closed?.cause !== undefined);
      }),
      { numRuns: 300 },
    );
  });
});

describe('hostile: tampering with a session', () => {
  for (const [role, connected] of [
    ['client', connectedClient],
    ['server', connectedServer],
  ] as const) {
    it(`${role}: a flipped bit anywhere in a record reaches nobody and ends nothing`, () => {
      const tested = connected();
      for (let bit = 0; bit < 8 * (13 + 16 + 5); bit++) {
        const damaged = tested.script.data(Uint8Array.of(1, 2, 3, 4, 5));
        damaged[bit >> 3]! ^= 1 << (bit & 7);
        tested.feed(damaged);
        assert.equal(tested.party.data.length, 0, `bit ${bit} came through`);
      }
      tested.assertTalks();
    });

    it(`${role}: truncation at every length reaches nobody and ends nothing`, () => {
      const tested = connected();
      const record = tested.script.data(new Uint8Array(40));
      for (let length = 0; length < record.length; length++) tested.feed(record.slice(0, length));
      assert.equal(tested.party.data.length, 0);
      tested.assertTalks();
    });

    it(`${role}: 64 KB of random datagrams are counted and dropped, before, during and after the handshake`, () => {
      const random = new SeededRandom(64);
      for (const tested of [connected(), role === 'client' ? testClient() : testServer()]) {
        const before = { ...tested.party.connection.counters.dropped };
        let bytes = 0;
        while (bytes < 65_536) {
          const datagram = random.bytes(5 + (random.uint32() % 1_400));
          if (random.unit() < 0.7) datagram.set([20 + (random.uint32() % 4), 0xfe, 0xfd, 0, random.uint32() % 3]);
          bytes += datagram.length;
          tested.feed(datagram);
        }
        const after = tested.party.connection.counters.dropped;
        const dropped = Object.entries(after).reduce(
          (sum, [reason, n]) => sum + n - (before as Record<string, number>)[reason]!,
          0,
        );
        assert.ok(dropped >= 64, `only ${dropped} counted`);
        assert.equal(tested.party.closed, undefined);
        assert.equal(tested.party.data.length, 0);
      }
    });

    it(`${role}: arbitrary bytes, also as plausible records, never throw and never end a session`, () => {
      const record = fc.record({
        type: fc.integer({ min: 19, max: 26 }),
        epoch: fc.nat(2),
        body: fc.uint8Array({ maxLength: 80 }),
      });
      const framed = fc
        .array(record, { maxLength: 4 })
        .map((records) =>
          Uint8Array.from(
            records.flatMap(({ type, epoch, body }) => [
              type,
              0xfe,
              0xfd,
              0,
              epoch,
              0,
              0,
              0,
              0,
              0,
              1,
              0,
              body.length,
              ...body,
            ]),
          ),
        );
      const session = connected();
      fc.assert(
        fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), framed), (bytes) => {
          session.feed(bytes);
          assert.equal(session.party.closed, undefined);
          assert.equal(session.party.data.length, 0);
        }),
        { numRuns: RUNS },
      );
      session.assertTalks();
    });

    it(`${role}: arbitrary handshake messages before keys never throw`, () => {
      const message = fc.record({
        type: fc.constantFrom(0, 1, 2, 3, 11, 12, 14, 16, 20, 99),
        seq: fc.nat(4),
        body: fc.uint8Array({ maxLength: 60 }),
      });
      fc.assert(
        fc.property(fc.array(message, { maxLength: 6 }), (messages) => {
          const tested = role === 'client' ? testClient() : testServer();
          for (const { type, seq, body } of messages) {
            tested.feed(tested.script.message(type, body, { messageSeq: seq, hash: false }));
          }
          assert.equal(tested.connected, false);
        }),
        { numRuns: RUNS },
      );
    });
  }
});
