import assert from 'node:assert/strict';
import { SocketError, TlsAlertError } from '../../../lib/net/index.ts';
import type { Instant } from '../../../lib/runtime/index.ts';
import { milliseconds, seconds } from '../../../lib/runtime/index.ts';
import { CIPHERSUITES, suitsCredential } from '../../../security-backends/native/ciphersuites.ts';
import type { PairOptions, Side, Wire } from './pair.ts';
import { IDENTITY, KEY, Pair } from './pair.ts';

const SMALL: PairOptions = {
  client: { mtu: 256 - 28 },
  server: { mtu: 256 - 28, identityHint: new Uint8Array(128).fill(0x68) },
};

/** A wire that does `fault` to the n-th datagram (from 0) of all, and carries the rest. */
function faulty(n: number, fault: (datagram: Uint8Array, to: Side) => readonly Uint8Array[]): Wire {
  let count = 0;
  return (datagram, to) => (count++ === n ? fault(datagram, to) : [datagram]);
}

/** Holds the n-th datagram back until the next one to the same side. */
function swapping(n: number): Wire {
  let count = 0;
  let held: { readonly datagram: Uint8Array; readonly to: Side } | undefined;
  return (datagram, to) => {
    if (count++ === n) {
      held = { datagram, to };
      return [];
    }
    if (held?.to !== to) return [datagram];
    const late = held.datagram;
    held = undefined;
    return [datagram, late];
  };
}

function datagramsOf(options: PairOptions): number {
  return new Pair(options).handshake().log.length;
}

function completes(pair: Pair, what: string): void {
  pair.handshake();
  assert.ok(pair.talks(), `${what}: client ${pair.client.connection.state}, server ${pair.server?.connection.state}`);
}

describe('handshake', () => {
  for (const suite of CIPHERSUITES.filter((each) => suitsCredential(each, 'psk'))) {
    const only = { ciphersuites: [suite.id] };
    it(`completes with ${suite.name}, and both sides agree on what was negotiated`, () => {
      const pair = new Pair({ client: only, server: only }).handshake();
      const expected = {
        version: 'DTLS1.2',
        ciphersuite: suite.id,
        extendedMasterSecret: true,
        pskIdentity: IDENTITY,
        pskIdentityHint: undefined,
        ...(suite.keyExchange === 'psk' ? {} : { group: 'x25519' }),
      };
      assert.deepEqual(pair.client.negotiated, expected);
      assert.deepEqual(pair.server?.negotiated, expected);
      assert.ok(pair.talks());
    });

    it(`sends exactly innerMtu bytes in one datagram of the mtu with ${suite.name}`, () => {
      const pair = new Pair({ client: { ...only, mtu: 300 }, server: only }).handshake();
      const { connection } = pair.client;
      if (suite.protection === 'cbc') {
        assert.equal(connection.innerMtu, 239 - 16); // 300 - 13 - IV - MAC is 239: 14 blocks, less padding_length
      } else {
        assert.equal(connection.innerMtu, 300 - 13 - (suite.fixedNonceBytes === 4 ? 8 : 0) - suite.tagBytes);
      }
      connection.send(new Uint8Array(connection.innerMtu));
      pair.client.pump(pair.now);
      assert.deepEqual(
        pair.client.take().map(({ length }) => length),
        [suite.protection === 'cbc' ? 285 : 300],
      );
      assert.throws(() => connection.send(new Uint8Array(connection.innerMtu + 1)), { code: 'EMSGSIZE' });
      assert.ok(pair.talks());
    });
  }

  it('takes identities of 128 bytes, hints of 128 bytes and keys of 64 bytes', () => {
    const key = new Uint8Array(64).fill(9);
    const identity = new Uint8Array(128).fill(0x69);
    const pair = new Pair(SMALL);
    pair.client.answer = () => ({ identity, key });
    pair.start();
    pair.settle();
    assert.deepEqual(pair.server?.negotiated, undefined, 'the server of the pair has another key');
    const honest = new Pair({ ...SMALL, serverAnswer: () => ({ key }) });
    honest.client.answer = () => ({ identity, key });
    completes(honest, 'long credentials');
    assert.deepEqual(honest.server?.negotiated?.pskIdentity, identity);
    assert.deepEqual(honest.client.negotiated?.pskIdentityHint, SMALL.server?.identityHint);
  });

  it('keeps every datagram within the smallest mtu, in fragments where it must', () => {
    const pair = new Pair({ client: { mtu: 128 }, server: { mtu: 128, identityHint: new Uint8Array(128) } });
    pair.client.answer = () => ({ identity: new Uint8Array(128), key: KEY });
    completes(pair, 'small mtu');
    assert.ok(pair.log.every(({ datagram }) => datagram.length <= 128));
  });

  it('sends a flight in as few datagrams as fit', () => {
    const pair = new Pair().handshake();
    const sizes = pair.log.map(({ to }) => to);
    assert.deepEqual(sizes, ['server', 'client', 'server', 'client', 'server', 'client']);
  });

  for (const [name, options] of [
    ['large', {}],
    ['small', SMALL],
  ] as const) {
    const total = datagramsOf(options);
    const faults: Record<string, (n: number) => Wire> = {
      loses: (n) => faulty(n, () => []),
      duplicates: (n) => faulty(n, (datagram) => [datagram, datagram]),
      truncates: (n) => faulty(n, (datagram) => [datagram.subarray(0, datagram.length - 1)]),
      'delays by one': swapping,
    };
    for (const [fault, wireOf] of Object.entries(faults)) {
      it(`completes at a ${name} mtu when the network ${fault} any one of its datagrams`, () => {
        for (let n = 0; n < total; n++) {
          const pair = new Pair(options);
          pair.wire = wireOf(n);
          completes(pair, `datagram ${n} of ${total}`);
        }
      });
    }

    it(`completes at a ${name} mtu when the network loses any two of its datagrams`, () => {
      for (let first = 0; first < total; first++) {
        for (let second = first + 1; second < total + 4; second++) {
          const pair = new Pair(options);
          let count = 0;
          pair.wire = (datagram) => (count === first || count === second ? (count++, []) : (count++, [datagram]));
          completes(pair, `datagrams ${first} and ${second}`);
        }
      }
    });
  }

  it('waits 1, 2, 4, … s between tries and ends after the configured number, naming the state', () => {
    const pair = new Pair({ client: { handshakeTries: 4, handshakeTimeouts: { min: seconds(1), max: seconds(3) } } });
    pair.wire = () => [];
    const waits: number[] = [];
    pair.start();
    pair.client.take();
    for (let before = pair.now; pair.tick(); before = pair.now) waits.push(pair.now - before);
    assert.deepEqual(waits, [1_000, 2_000, 3_000, 3_000]);
    assert.match(
      String(pair.client.closed?.cause),
      /ETIMEDOUT.*4 tries.*waiting for HelloVerifyRequest or ServerHello/,
    );
  });

  it('starts the back-off again when the handshake makes progress', () => {
    const pair = new Pair();
    let lost = 3;
    pair.wire = (datagram) => (lost-- > 0 ? [] : [datagram]);
    pair.start();
    while (pair.server === undefined) {
      pair.settle();
      if (pair.server === undefined) pair.tick();
    }
    assert.ok(pair.now >= 1_000 + 7_000, 'the first flight waited 1 + 2 + 4 s');
    const fresh = new Pair();
    fresh.start();
    fresh.wire = (datagram, to) => (fresh.log.length > 2 && to === 'client' ? [] : [datagram]);
    fresh.settle();
    assert.equal(fresh.client.connection.nextTimeout() - fresh.now, 1_000);
  });

  it('takes a changed time-out with the next flight', () => {
    const pair = new Pair();
    pair.client.connection.setHandshakeTimeouts({ min: milliseconds(200), max: seconds(1) });
    pair.wire = () => [];
    pair.start();
    assert.equal(pair.client.connection.nextTimeout() - pair.now, 200);
    assert.throws(() => pair.client.connection.setHandshakeTimeouts({ min: seconds(2), max: seconds(1) }), {
      code: 'EINVAL',
    });
  });

  it('ends both sides with ETIMEDOUT that names a wrong key when the keys differ', () => {
    const pair = new Pair({ clientKey: new Uint8Array(16) });
    pair.start();
    pair.run();
    for (const side of ['client', 'server'] as const) {
      const cause = pair.party(side).closed?.cause;
      assert.ok(cause instanceof SocketError && cause.code === 'ETIMEDOUT', `${side}: ${cause}`);
      assert.match(cause.message, /wrong key likely/);
      assert.match(cause.message, /is "device-1"|are "device-1"/);
      assert.doesNotMatch(cause.message, /00010203/);
    }
    assert.match(String(pair.client.closed?.cause), /peer ignores our Finished: wrong key likely/);
    assert.deepEqual(pair.party('server').data, []);
  });

  it('ends an unknown identity by an alert, which the client believes at its next time-out', () => {
    const pair = new Pair({ serverAnswer: () => undefined });
    pair.start();
    pair.settle();
    assert.ok(pair.server?.closed?.cause instanceof TlsAlertError);
    assert.equal(pair.party('client').closed, undefined, 'not at once');
    const before = pair.now;
    pair.run();
    const cause = pair.client.closed?.cause;
    assert.ok(cause instanceof TlsAlertError);
    assert.deepEqual([cause.description, cause.direction], [115, 'received']);
    assert.equal(pair.now - before, 1_000);
  });

  it('waits for answers that come later, on both sides', () => {
    const pair = new Pair();
    pair.client.answer = undefined;
    pair.start();
    pair.settle();
    const [question] = pair.client.jobs;
    assert.equal(question?.type, 'choosePsk');
    pair.client.connection.answer(question.id, { identity: IDENTITY, key: KEY }, pair.now);
    pair.client.pump(pair.now);
    pair.party('server').answer = undefined;
    pair.settle();
    const [lookup] = pair.party('server').jobs;
    assert.ok(lookup?.type === 'lookupPsk');
    assert.deepEqual(lookup.identity, IDENTITY);
    // ChangeCipherSpec and Finished have come meanwhile; nothing is asked for again.
    pair.party('server').connection.answer(lookup.id, { key: KEY }, pair.now);
    pair.party('server').pump(pair.now);
    pair.settle();
    assert.ok(pair.talks());
    assert.equal(pair.client.connection.counters.retransmissions, 0);
    assert.equal(pair.party('server').connection.counters.retransmissions, 0);
  });

  it('does not wait for an answer without end', () => {
    const pair = new Pair();
    pair.client.answer = undefined;
    pair.start();
    pair.run();
    assert.match(String(pair.client.closed?.cause), /ETIMEDOUT.*our own pre-shared key/);
  });

  it('ignores an answer to a job that is not open', () => {
    const pair = new Pair().handshake();
    pair.client.connection.answer(1, undefined, pair.now);
    pair.client.connection.answer(99, { key: KEY }, pair.now);
    assert.ok(pair.talks());
  });

  it('refuses a server that has no extended master secret, unless told to prefer it only', () => {
    const strip: Wire = (datagram, to) => [to === 'client' ? withoutExtendedMasterSecret(datagram) : datagram];
    const strict = new Pair();
    strict.wire = strip;
    strict.start();
    strict.run();
    const cause = strict.client.closed?.cause;
    assert.ok(cause instanceof TlsAlertError && cause.direction === 'sent', String(cause));
    assert.equal(cause.description, 40);
    assert.match(cause.message, /extended_master_secret/);
  });

  it('shuts down in order: close_notify both ways, no cause, nothing after', () => {
    const pair = new Pair().handshake();
    pair.client.connection.close(pair.now);
    pair.client.pump(pair.now);
    pair.settle();
    assert.deepEqual([pair.client.closed, pair.server?.closed], [{ cause: undefined }, { cause: undefined }]);
    assert.throws(() => pair.client.connection.send(KEY), { code: 'EBADF' });
    pair.client.connection.close(pair.now);
    pair.client.connection.handleTimeout((pair.now + 100_000) as Instant);
    assert.equal(pair.client.connection.poll(), undefined);
  });

  it('ends a session by an authenticated fatal alert, with that alert as cause', () => {
    const pair = new Pair().handshake();
    pair.party('server').connection.abort(80, pair.now, 'out of order');
    pair.party('server').pump(pair.now);
    pair.settle();
    const cause = pair.client.closed?.cause;
    assert.ok(cause instanceof TlsAlertError);
    assert.deepEqual([cause.level, cause.description, cause.direction], ['fatal', 80, 'received']);
  });

  it('does not send before it is connected', () => {
    const pair = new Pair();
    assert.throws(() => pair.client.connection.send(KEY), { code: 'ENOTCONN' });
    assert.equal(pair.client.connection.innerMtu, 0);
    pair.start();
    assert.throws(() => pair.client.connection.send(KEY), { code: 'ENOTCONN' });
  });

  it('ends the session before its record numbers wrap', () => {
    const pair = new Pair({ client: { limits: { sealedRecords: 3 } } }).handshake();
    pair.client.connection.send(KEY);
    pair.client.connection.send(KEY);
    assert.throws(() => pair.client.connection.send(KEY), { code: 'EPIPE' });
    pair.client.pump(pair.now);
    assert.ok(pair.client.closed?.cause instanceof SocketError);
  });

  it('ends the session when too many forged records have come', () => {
    const pair = new Pair({ client: { limits: { forgedRecords: 3 } } }).handshake();
    const forged = Uint8Array.of(23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 99, 0, 20, ...new Uint8Array(20));
    for (let i = 0; i < 3; i++) {
      assert.equal(pair.party('client').closed, undefined);
      pair.deliver(forged, 'client');
    }
    assert.match(String(pair.client.closed?.cause), /too many records failed authentication/);
  });

  it('refuses options that cannot be met, naming them', () => {
    const cases: readonly [RegExp, PairOptions['client']][] = [
      [/mtu: expected at least 128/, { mtu: 127 }],
      [/handshakeTries/, { handshakeTries: 0 }],
      [/handshakeTimeouts/, { handshakeTimeouts: { min: seconds(0), max: seconds(1) } }],
      [/none of 0x1301 is among those supported: 0xC0A8, 0x00A8/, { ciphersuites: [0x1301] }],
    ];
    for (const [message, client] of cases) assert.throws(() => new Pair({ client: { ...client } }), message);
  });
});

/** Renames the extension of a ServerHello in the clear to padding, as an old server would have left it out. */
function withoutExtendedMasterSecret(datagram: Uint8Array): Uint8Array {
  const isServerHello = datagram[0] === 22 && datagram[4] === 0 && datagram[13] === 2;
  if (!isServerHello) return datagram;
  // renegotiation_info (5 bytes) comes first, then extended_master_secret (4 bytes): cut the latter.
  const end = 25 + 2 + 32 + 1 + 2 + 1 + 2 + 5;
  const copy = Uint8Array.of(...datagram.subarray(0, end), ...datagram.subarray(end + 4));
  copy[12]! -= 4; // record length
  copy[16]! -= 4; // handshake length
  copy[24]! -= 4; // fragment length
  copy[25 + 2 + 32 + 1 + 2 + 1 + 1]! -= 4; // extensions length
  return copy;
}
