// Connection ids (RFC 9146) between two connections: what is agreed on, what records look like, what of them is dropped.

import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { Reader, concatBytes, fromHex, toHex } from '../../../lib/bytes/index.ts';
import { nodeProvider } from '../../../lib/crypto/provider/node/index.ts';
import { AEAD_SUITES } from '../../../security-backends/native/ciphersuites.ts';
import type { ConnectionIdOptions } from '../../../security-backends/native/connection.ts';
import {
  decodeInner,
  encodeInner,
  innerLength,
  largestContent,
} from '../../../security-backends/native/inner-plaintext.ts';
import { CONTENT_TYPE, decodeRecord } from '../../../security-backends/native/record.ts';
import { recordHeader } from '../../../security-backends/native/record-header.ts';
import { RecordProtection } from '../../../security-backends/native/record-protection.ts';
import { Pair, type Side } from './pair.ts';

const CLIENT_ID = fromHex('c1c2c3');
const SERVER_ID = fromHex('5e5e5e5e5e5e');
const NONE = new Uint8Array(0);
const ids = (own: Uint8Array, padding?: number): { readonly connectionId: ConnectionIdOptions } => ({
  connectionId: padding === undefined ? { own } : { own, padding },
});

function pairWith(client: Uint8Array, server: Uint8Array, padding?: number, suite?: number): Pair {
  const suites = suite === undefined ? {} : { ciphersuites: [suite] };
  const pair = new Pair({
    client: { ...ids(client, padding), ...suites },
    server: { ...ids(server, padding), ...suites },
  });
  return pair.handshake();
}

/** Types of the protected records sent to a side. */
function typesTo(pair: Pair, side: Side): readonly number[] {
  const datagrams = pair.log.filter(({ to }) => to === side).map(({ datagram }) => datagram);
  return datagrams.filter((datagram) => datagram[4] === 1 || datagram[0] === CONTENT_TYPE.tls12Cid).map((d) => d[0]!);
}

describe('connection ids', () => {
  for (const [name, client, server] of [
    ['both ways', CLIENT_ID, SERVER_ID],
    ['to the server alone, as a client has it by default', NONE, SERVER_ID],
    ['to the client alone', CLIENT_ID, NONE],
    ['negotiated and not used either way', NONE, NONE],
  ] as const) {
    it(`go into every protected record: ${name}`, () => {
      const pair = pairWith(client, server);
      assert.ok(pair.talks());
      assert.deepEqual(pair.client.negotiated?.connectionId, { own: client, peer: server });
      assert.deepEqual(pair.server?.negotiated?.connectionId, { own: server, peer: client });
      const expected = (id: Uint8Array, types: readonly number[]): void =>
        assert.ok(types.length > 0 && types.every((type) => (type === 25) === id.length > 0), types.join());
      expected(server, typesTo(pair, 'server'));
      expected(client, typesTo(pair, 'client'));
    });
  }

  it('are left alone where one side has none of it', () => {
    for (const [client, server] of [
      [ids(CLIENT_ID), {}],
      [{}, ids(SERVER_ID)],
    ] as const) {
      const pair = new Pair({ client, server }).handshake();
      assert.ok(pair.talks());
      assert.equal(pair.client.negotiated?.connectionId, undefined);
      assert.ok(!typesTo(pair, 'server').includes(25));
    }
  });

  for (const suite of [0xc0a8, 0xc0a4, 0x00a8, 0x00a9, 0x00ae, 0xccac]) {
    for (const padding of [1, 16, 100]) {
      it(`innerMtu is exact to the byte with suite 0x${suite.toString(16)} and padding ${padding}`, () => {
        const pair = pairWith(CLIENT_ID, SERVER_ID, padding, suite);
        const { connection } = pair.client;
        const { innerMtu } = connection;
        connection.send(new Uint8Array(innerMtu));
        pair.client.pump(pair.now);
        const [datagram] = pair.client.take();
        assert.ok(datagram!.length <= 1_232, `${datagram!.length}`);
        assert.throws(() => connection.send(new Uint8Array(innerMtu + 1)), { code: 'EMSGSIZE' });
        // One byte more would not have fitted: the next larger record is longer than the MTU.
        const steps = suite === 0x00ae ? 16 : 1;
        assert.ok(datagram!.length + Math.max(padding, steps) > 1_232, `${datagram!.length} could be longer`);
        pair.deliver(datagram!, 'server');
        assert.equal(pair.server?.data.at(-1)?.length, innerMtu);
      });
    }
  }

  it('padding hides lengths, and is taken off', () => {
    const pair = pairWith(NONE, SERVER_ID, 64);
    const lengths = [1, 20, 63].map((length) => {
      pair.client.connection.send(new Uint8Array(length).fill(7));
      pair.client.pump(pair.now);
      const [datagram] = pair.client.take();
      pair.deliver(datagram!, 'server');
      assert.deepEqual(pair.server?.data.at(-1), new Uint8Array(length).fill(7));
      return datagram!.length;
    });
    assert.equal(new Set(lengths).size, 1);
  });

  it('padding of zeros at the end of content stays content', () => {
    const pair = pairWith(NONE, SERVER_ID, 8);
    pair.client.connection.send(fromHex('170000'));
    pair.client.pump(pair.now);
    pair.settle();
    assert.equal(toHex(pair.server!.data.at(-1)!), '170000');
  });

  it('records without the id, with another one or in the other form are dropped, and end nothing', () => {
    const pair = pairWith(CLIENT_ID, SERVER_ID);
    pair.client.connection.send(Uint8Array.of(1));
    pair.client.pump(pair.now);
    const [good] = pair.client.take();
    const otherId = good!.slice();
    otherId[11]! ^= 1;
    const plainForm = concatBytes(Uint8Array.of(23), good!.subarray(1, 11), good!.subarray(11 + SERVER_ID.length));
    const shorter = concatBytes(good!.subarray(0, 11), good!.subarray(12));
    for (const bad of [otherId, plainForm, shorter, good!.subarray(0, 14)]) pair.deliver(bad, 'server');
    assert.equal(pair.server!.data.length, 0);
    const { dropped } = pair.server!.connection.counters;
    assert.equal(dropped.badMac, 0, 'none of them reached the key');
    pair.deliver(good!, 'server');
    assert.deepEqual(pair.server!.data.at(-1), Uint8Array.of(1));
    assert.ok(pair.talks());
  });

  it('a record with the type 25 where nothing was agreed on is dropped', () => {
    const pair = new Pair().handshake();
    pair.client.connection.send(Uint8Array.of(1));
    pair.client.pump(pair.now);
    const [datagram] = pair.client.take();
    datagram![0] = 25;
    pair.deliver(datagram!, 'server');
    assert.equal(pair.server!.connection.counters.dropped.badType, 1);
    assert.ok(pair.talks());
  });

  it('a record that holds nothing but zeros has no type, and is dropped', () => {
    assert.equal(decodeInner(new Uint8Array(10)), undefined);
    assert.equal(decodeInner(NONE), undefined);
  });

  it('a server that answers with an id nobody asked for is refused', () => {
    const pair = new Pair({ server: ids(SERVER_ID) });
    pair.handshake();
    assert.equal(pair.client.negotiated?.connectionId, undefined, 'ours does not');
  });

  it('inner plaintexts round-trip, whatever content and padding', () => {
    const padding = fc.integer({ min: 1, max: 256 });
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 600 }),
        fc.integer({ min: 20, max: 23 }),
        padding,
        (content, type, pad) => {
          const inner = encodeInner(type, content, pad);
          assert.equal(inner.length % pad, 0);
          assert.equal(inner.length, innerLength(content.length, pad));
          assert.deepEqual(decodeInner(inner), { type, plaintext: content });
          const largest = largestContent(inner.length, pad);
          assert.ok(largest >= content.length && innerLength(largest, pad) <= inner.length);
          assert.ok(innerLength(largest + 1, pad) > inner.length);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  // RFC 9146 §5.3, with node:crypto alone and the fields written out by hand.
  it('additional data is that of the RFC', () => {
    const suite = AEAD_SUITES.find(({ id }) => id === 0xc0a8)!;
    const key = Uint8Array.from({ length: 16 }, (_, at) => at);
    const fixedNonce = fromHex('a0a1a2a3');
    const inner = fromHex('48656c6c6f17');
    const protection = new RecordProtection(nodeProvider, suite, { key, fixedNonce }, recordHeader(fromHex('beef')));
    const sealed = new Uint8Array(inner.length + protection.overhead);
    protection.sealInto(sealed, 0, 25, 1, 5, inner);
    const cipher = createCipheriv('aes-128-ccm', key, fromHex('a0a1a2a3' + '0001000000000005'), { authTagLength: 8 });
    const aad = 'ffffffffffffffff' + '19' + '02' + '19' + 'fefd' + '0001' + '000000000005' + 'beef' + '0006';
    cipher.setAAD(fromHex(aad), { plaintextLength: inner.length });
    const body = cipher.update(inner);
    cipher.final();
    assert.equal(toHex(sealed), '0001000000000005' + toHex(body) + toHex(cipher.getAuthTag()));
  });

  it('the header of the record is that of the RFC: the id between sequence number and length', () => {
    const pair = pairWith(NONE, SERVER_ID);
    pair.client.connection.send(Uint8Array.of(1));
    pair.client.pump(pair.now);
    const [datagram] = pair.client.take();
    assert.match(toHex(datagram!), /^19fefd0001[0-9a-f]{12}5e5e5e5e5e5e0012/); // nonce 8, content and type 2, tag 8
    const record = decodeRecord(new Reader(datagram!), SERVER_ID.length);
    assert.deepEqual([record.connectionId, record.fragment.length], [SERVER_ID, 18]);
  });
});
