// A connected session that another process goes on with: no sequence number twice, no record delivered twice, wherever the
// first process dies; and what a state may not be used for.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError } from '../../../lib/bytes/index.ts';
import { nodeProvider } from '../../../lib/crypto/provider/node/index.ts';
import { SeededRandom } from '../../../lib/runtime/index.ts';
import type { LiveKeeper } from '../../../security-backends/native/connection.ts';
import { LiveConnection } from '../../../security-backends/native/live-connection.ts';
import { type LiveState, decodeLiveState, encodeLiveState } from '../../../security-backends/native/live-state.ts';
import { IDENTITY, Pair, type PairOptions, Party, type Side } from './pair.ts';

const BLOCK = 4;
const SERVER_ID = Uint8Array.of(1, 2, 3, 4, 5, 6);

class Dead extends Error {}

/** Keeps what is written, until the process dies: before its n-th write has become durable, or right after. */
class Store implements LiveKeeper {
  readonly block = BLOCK;
  writes = 0;
  durable: Uint8Array | undefined;
  readonly #dies: { readonly at: number; readonly after: boolean } | undefined;

  constructor(dies?: { readonly at: number; readonly after: boolean }) {
    this.#dies = dies;
  }

  write(state: LiveState): void {
    const dies = this.#dies?.at === ++this.writes;
    if (dies && !this.#dies!.after) throw new Dead();
    this.durable = encodeLiveState(state);
    if (dies) throw new Dead();
  }
}

const common = (live: LiveKeeper, seed = 5) => ({
  mtu: 1_232,
  provider: nodeProvider,
  random: new SeededRandom(seed),
  live,
});

function livePair(store: LiveKeeper, ids: boolean, side: Side = 'client'): Pair {
  const connectionId = ids ? { connectionId: { own: SERVER_ID } } : {};
  const options: PairOptions = {
    client: { ...connectionId, ...(side === 'client' && { live: store }) },
    server: { ...connectionId, ...(side === 'server' && { live: store }) },
  };
  return new Pair(options);
}

/** The sequence numbers of protected records in what `side` has sent. */
function numbersOf(datagrams: readonly Uint8Array[]): readonly number[] {
  return datagrams.flatMap((datagram) => {
    const numbers: number[] = [];
    for (let at = 0; at < datagram.length;) {
      const view = new DataView(datagram.buffer, datagram.byteOffset + at);
      const isId = view.getUint8(0) === 25;
      if (view.getUint16(3) === 1) numbers.push(view.getUint16(5) * 2 ** 32 + view.getUint32(7));
      const lengthAt = 11 + (isId ? SERVER_ID.length : 0);
      at += lengthAt + 2 + view.getUint16(lengthAt);
    }
    return numbers;
  });
}

/** Goes on from a state as another process would, with the same peer. */
function goOn(pair: Pair, side: Side, state: Uint8Array, store = new Store()): { party: Party; store: Store } {
  const connection = new LiveConnection(common(store, 99), decodeLiveState(state));
  const party = new Party(connection);
  connection.start(pair.now);
  party.pump(pair.now);
  void side;
  return { party, store };
}

describe('a live session', () => {
  for (const ids of [false, true]) {
    it(`goes on in another process without a word ${ids ? 'with' : 'without'} connection ids`, () => {
      const store = new Store();
      const pair = livePair(store, ids).handshake();
      assert.ok(pair.talks());
      pair.client.connection.suspend();
      pair.client.pump(pair.now);
      assert.deepEqual([pair.client.take(), pair.client.closed], [[], { cause: undefined }], 'no close_notify');
      const { party } = goOn(pair, 'client', store.durable!);
      assert.deepEqual(party.take(), []);
      assert.equal(party.negotiated?.resumed, true);
      assert.deepEqual(party.negotiated?.pskIdentity, IDENTITY);
      party.connection.send(Uint8Array.of(1, 2));
      party.pump(pair.now);
      for (const datagram of party.take()) pair.deliver(datagram, 'server');
      assert.deepEqual(pair.server!.data.at(-1), Uint8Array.of(1, 2));
      pair.server!.connection.send(Uint8Array.of(3));
      pair.server!.pump(pair.now);
      for (const datagram of pair.server!.take()) party.connection.handleDatagram(datagram, pair.now);
      party.pump(pair.now);
      assert.deepEqual(party.data, [Uint8Array.of(3)]);
      assert.equal(party.connection.innerMtu, ids ? 1_232 - 13 - 6 - 16 - 1 : 1_232 - 13 - 16);
    });
  }

  it('of a server goes on as well', () => {
    const store = new Store();
    const pair = livePair(store, true, 'server').handshake();
    assert.ok(pair.talks());
    pair.server!.connection.suspend();
    pair.server!.pump(pair.now);
    const { party } = goOn(pair, 'server', store.durable!);
    pair.client.connection.send(Uint8Array.of(7));
    pair.client.pump(pair.now);
    for (const datagram of pair.client.take()) party.connection.handleDatagram(datagram, pair.now);
    party.pump(pair.now);
    assert.deepEqual(party.data, [Uint8Array.of(7)]);
  });

  // The scenario: a handshake, ten records each way, and death at every write of it, durable or not.
  for (const after of [false, true]) {
    it(`that dies at any write, ${after ? 'just after' : 'before'} it is durable: no number and no record twice`, () => {
      const whole = new Store();
      scenario(whole);
      assert.ok(whole.writes > 12, `${whole.writes} writes`);
      for (let at = 1; at <= whole.writes; at++) {
        const store = new Store({ at, after });
        const { pair, sent, delivered, arrived } = scenario(store);
        if (store.durable === undefined) continue; // nothing to go on from: a full handshake
        const { party, store: next } = goOn(pair, 'client', store.durable);
        for (const datagram of arrived) party.connection.handleDatagram(datagram, pair.now);
        party.pump(pair.now);
        for (const bytes of party.data) {
          assert.ok(!delivered.some((each) => each[0] === bytes[0]), `death at ${at}: record ${bytes[0]} heard twice`);
        }
        for (let i = 0; i < 3 * BLOCK; i++) party.connection.send(Uint8Array.of(200 + i));
        party.pump(pair.now);
        const again = party.take();
        const numbers = [...numbersOf(sent), ...numbersOf(again)];
        assert.equal(new Set(numbers).size, numbers.length, `death at ${at}: a number twice in ${numbers.join()}`);
        assert.ok(next.writes >= 3);
        const before = pair.server!.data.length;
        for (const datagram of again) pair.deliver(datagram, 'server');
        assert.equal(pair.server!.data.length, before + 3 * BLOCK, `death at ${at}: the server takes them`);
      }
    });
  }

  it('is written before data is given out also where garbage follows it, or the end', () => {
    for (const follows of ['garbage', 'close_notify']) {
      const store = new Store();
      const pair = livePair(store, true).handshake();
      const { connection } = pair.server!;
      connection.send(new TextEncoder().encode('heard'));
      if (follows === 'close_notify') connection.close(pair.now);
      const datagram: number[] = [];
      for (let output = connection.poll(); output !== undefined; output = connection.poll()) {
        if (output.kind === 'transmit') datagram.push(...output.datagram);
      }
      if (follows === 'garbage') datagram.push(1, 2, 3);
      const { writes } = store;
      pair.client.connection.handleDatagram(Uint8Array.from(datagram), pair.now);
      assert.equal(store.writes, writes + 1, follows);
      pair.client.pump(pair.now);
      assert.equal(pair.client.data.length, 1);
      assert.ok(decodeLiveState(store.durable!).window.newest >= 1);
    }
  });

  it('that cannot be kept sends nothing and delivers nothing more', () => {
    const pair = livePair(new Store({ at: 2, after: false }), true).handshake();
    pair.server!.connection.send(Uint8Array.of(1));
    pair.server!.connection.send(Uint8Array.of(2));
    pair.server!.pump(pair.now);
    pair.settle();
    assert.deepEqual(pair.client.data, []);
    assert.match(String(pair.endOf('client')), /EIO.*kept/);
  });

  it('cannot be suspended without a keeper, nor before it is connected', () => {
    const pair = new Pair().handshake();
    assert.throws(() => pair.client.connection.suspend(), { code: 'EINVAL' });
    const waiting = livePair(new Store(), false).start();
    assert.throws(() => waiting.client.connection.suspend(), { code: 'EINVAL' });
  });

  it('is nothing for a configuration without its suite, of another credential, or without a keeper', () => {
    const store = new Store();
    livePair(store, false).handshake();
    const state = decodeLiveState(store.durable!);
    assert.throws(() => new LiveConnection({ ...common(store), ciphersuites: [0x00a8] }, state), { code: 'ENOTSUP' });
    assert.throws(() => new LiveConnection({ ...common(store), credential: 'certificate' }, state), {
      code: 'ENOTSUP',
    });
    const { live: _, ...without } = common(store);
    assert.throws(() => new LiveConnection(without, state), { code: 'EINVAL' });
  });

  it('states round-trip, and whatever is damaged is a DecodeError or another state, never more', () => {
    const store = new Store();
    const pair = livePair(store, true).handshake();
    pair.talks();
    const bytes = store.durable!;
    assert.deepEqual(encodeLiveState(decodeLiveState(bytes)), bytes);
    const orDecodeError = (input: Uint8Array): void => {
      try {
        encodeLiveState(decodeLiveState(input));
      } catch (error) {
        assert.ok(error instanceof DecodeError, String(error));
      }
    };
    for (let length = 0; length < bytes.length; length++) orDecodeError(bytes.subarray(0, length));
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        orDecodeError(bytes.map((byte, i) => (i === at ? byte ^ by : byte)));
      }),
      { numRuns: 1_000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (input) => orDecodeError(input)),
      { numRuns: 1_000 },
    );
  });
});

/** Until it is over, or the client's process dies. */
function scenario(store: Store) {
  const pair = livePair(store, true);
  const sent: Uint8Array[] = [];
  const arrived: Uint8Array[] = [];
  pair.wire = (datagram, to) => {
    (to === 'server' ? sent : arrived).push(datagram);
    return [datagram];
  };
  pair.start();
  pair.run(() => pair.client.closed !== undefined || (pair.client.negotiated ?? pair.server?.negotiated) !== undefined);
  for (let i = 0; i < 10 && pair.client.closed === undefined && pair.client.negotiated !== undefined; i++) {
    try {
      pair.say('client', String.fromCharCode(33 + i));
      pair.say('server', String.fromCharCode(65 + i));
    } catch {
      pair.client.pump(pair.now);
    }
  }
  return { pair, sent, arrived, delivered: pair.client.data };
}
