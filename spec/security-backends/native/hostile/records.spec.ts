// DTLS-PITFALLS rules 13 to 17, and what advisories add: records, nonces, windows, alerts, endings. Both roles.

import assert from 'node:assert/strict';
import { SocketError, TlsAlertError } from '../../../../lib/net/index.ts';
import { DtlsClient } from '../../../../security-backends/native/client.ts';
import { nodeProvider } from '../../../../lib/crypto/provider/node/index.ts';
import { SeededRandom } from '../../../../lib/runtime/index.ts';
import { Pair, Party } from '../pair.ts';
import { CCM_8, GCM, MESSAGE, TYPE, join } from '../scripted-peer.ts';
import {
  type Tested,
  clientAtFinish,
  connectedClient,
  connectedServer,
  serverAtFinish,
  testClient,
  testServer,
} from '../tested.ts';

const ROLES = [
  ['client', connectedClient, clientAtFinish],
  ['server', connectedServer, serverAtFinish],
] as const;

/** Application data of ours, as sealed by it. */
function speak(tested: Tested, ...bytes: number[]): Uint8Array {
  tested.party.take();
  tested.party.connection.send(Uint8Array.from(bytes));
  tested.party.pump(tested.now);
  return tested.sent();
}

describe('hostile: rule 13, record numbers and nonces', () => {
  for (const seed of [1, 2, 3]) {
    it(`rule 13: numbers start at 0 per epoch, only grow, and are the explicit nonce (seed ${seed})`, () => {
      const pair = new Pair({ seed });
      const random = new SeededRandom(seed);
      pair.wire = (datagram) => (random.unit() < 0.4 ? [] : [datagram]);
      pair.handshake();
      for (let i = 0; i < 5; i++) {
        pair.say('client', `c${i}`);
        pair.say('server', `s${i}`);
      }
      for (const to of ['client', 'server'] as const) {
        const next = [0, 0];
        for (const { datagram } of pair.log.filter((entry) => entry.to === to)) {
          for (let at = 0; at < datagram.length; at += 13 + ((datagram[at + 11]! << 8) | datagram[at + 12]!)) {
            const epoch = datagram[at + 4]!;
            const sequence = (datagram[at + 9]! << 8) | datagram[at + 10]!;
            const stateless = to === 'client' && epoch === 0; // goes on from the ClientHello's (rule 4)
            assert.ok(
              stateless ? sequence >= next[0]! - 1 : sequence === next[epoch],
              `${to} epoch ${epoch}: ${sequence} after ${next[epoch]!}`,
            );
            next[epoch] = sequence + 1;
            if (epoch === 1) assert.deepEqual(datagram.subarray(at + 13, at + 21), datagram.subarray(at + 3, at + 11));
          }
        }
        assert.ok(next[1]! >= 6, 'epoch 1 was not used');
      }
    });
  }

  it('rule 13: the numbers of an epoch are not used up beyond their limit', () => {
    for (const connected of [connectedClient, connectedServer]) {
      const tested = connected({ options: { limits: { sealedRecords: 4 } } });
      speak(tested, 1);
      speak(tested, 2);
      speak(tested, 3);
      assert.throws(() => tested.party.connection.send(Uint8Array.of(4)), { code: 'EPIPE' });
      tested.party.pump(tested.now);
      assert.equal(tested.party.closed?.cause?.code, 'EPIPE');
      assert.throws(() => tested.party.connection.send(Uint8Array.of(5)), { code: 'EBADF' });
    }
  });
});

describe('hostile: rule 14, the replay window', () => {
  for (const [role, connected] of ROLES) {
    it(`rule 14: ${role} takes each record once, within 64 of the newest`, () => {
      const tested = connected();
      const { script } = tested;
      const records = Array.from({ length: 100 }, (_, at) => script.data(Uint8Array.of(at)));
      tested.feed(records[99]!);
      for (const record of records.toReversed()) tested.feed(record, record);
      const heard = tested.party.data.map((bytes) => bytes[0]!);
      assert.deepEqual(
        heard,
        Array.from({ length: 64 }, (_, at) => 99 - at),
      );
      assert.equal(tested.dropped('replayed'), 201 - 64);
      tested.assertTalks();
    });

    it(`rule 14: ${role} does not let a forged record move the window`, () => {
      const tested = connected();
      const { script } = tested;
      const honest = script.data(Uint8Array.of(1));
      for (const sequence of [1_000, 2 ** 40, 2 ** 48 - 1]) {
        const forged = script.data(Uint8Array.of(9), { sequence });
        forged[forged.length - 1]! ^= 0x80;
        tested.feed(forged);
      }
      assert.equal(tested.dropped('badMac'), 3);
      tested.feed(honest);
      assert.equal(tested.party.data.length, 1);
      tested.assertTalks();
    });

    it(`rule 14: ${role} does not let a forged copy make the true record a replay`, () => {
      const tested = connected();
      const honest = tested.script.data(Uint8Array.of(1));
      const forged = honest.slice();
      forged[forged.length - 1]! ^= 1;
      tested.feed(forged, honest);
      assert.equal(tested.party.data.length, 1);
    });
  }
});

describe('hostile: rule 15, bad records are dropped one by one', () => {
  for (const [role, connected] of ROLES) {
    for (const [name, reason, damage] of [
      ['MAC', 'badMac', (record: Uint8Array) => void (record[record.length - 1]! ^= 1)],
      ['type', 'badType', (record: Uint8Array) => void (record[0] = 99)],
      ['version', 'badVersion', (record: Uint8Array) => void (record[1] = 3)],
      ['epoch', 'wrongEpoch', (record: Uint8Array) => void (record[4] = 2)],
      ['plaintext epoch', 'wrongEpoch', (record: Uint8Array) => void (record[4] = 0)],
    ] as const) {
      it(`rule 15: ${role} goes on with the next record of the datagram after a bad ${name}`, () => {
        const tested = connected();
        const bad = tested.script.data(Uint8Array.of(1));
        damage(bad);
        const before = tested.dropped(reason);
        tested.feed(join(tested.script.data(Uint8Array.of(7)), bad, tested.script.data(Uint8Array.of(8))));
        assert.deepEqual(
          tested.party.data.map((bytes) => bytes[0]),
          [7, 8],
        );
        assert.equal(tested.dropped(reason), before + 1);
        tested.assertTalks();
      });
    }

    it(`rule 15: ${role} drops records that are too short, too long, or empty`, () => {
      const tested = connected();
      const { script } = tested;
      for (let length = 0; length < 16; length++) {
        tested.feed(join([23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 1, length], [0, length], new Uint8Array(length)));
        tested.feed(join([23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 1, length], [0xff, 0xff], new Uint8Array(length)));
        tested.feed(new Uint8Array(length));
      }
      assert.equal(tested.party.data.length, 0);
      tested.feed(script.data(new Uint8Array(0)));
      assert.deepEqual(
        tested.party.data.map((bytes) => bytes.length),
        [0],
        'an empty message is a message',
      );
      tested.assertTalks();
    });
  }
});

describe('hostile: rule 16, additional data, tag and nonce lengths', () => {
  for (const [role, connected] of ROLES) {
    for (const [suite, overhead] of [
      [CCM_8, 16],
      [GCM, 24],
    ] as const) {
      it(`rule 16: ${role} with suite 0x${suite.toString(16)} adds ${overhead} bytes, and innerMtu knows it`, () => {
        const tested = connected({ suites: [suite], options: { ciphersuites: [suite] } });
        assert.equal(tested.party.negotiated?.ciphersuite, suite);
        tested.assertTalks();
        assert.equal(speak(tested, 1, 2, 3).length, 13 + overhead + 3);
        const { innerMtu } = tested.party.connection;
        assert.equal(innerMtu, 1_232 - 13 - overhead);
        tested.party.connection.send(new Uint8Array(innerMtu));
        tested.party.pump(tested.now);
        assert.equal(tested.sent().length, 1_232);
        assert.throws(() => tested.party.connection.send(new Uint8Array(innerMtu + 1)), { code: 'EMSGSIZE' });
      });
    }

    it(`rule 16: ${role} drops a record whose header was changed though its body is whole`, () => {
      for (const at of [0, 6, 10]) {
        const tested = connected();
        const record = tested.script.data(Uint8Array.of(1));
        record[at]! ^= at === 0 ? 1 : 0x10; // application data becomes handshake; another number
        tested.feed(record);
        assert.equal(tested.dropped('badMac'), 1);
        assert.equal(tested.party.data.length, 0);
      }
    });
  }
});

describe('hostile: rule 17, alerts in the clear', () => {
  const ALERTS = [
    [2, 40],
    [2, 20],
    [1, 0],
    [2, 0],
    [1, 90],
    [2, 115],
  ] as const;

  for (const [role, connected, atFinish] of ROLES) {
    it(`rule 17: ${role} keeps its session whatever alert comes in the clear`, () => {
      const tested = connected();
      for (const [level, description] of ALERTS) tested.feed(tested.script.alert(level, description));
      tested.assertTalks();
      assert.deepEqual(tested.party.alerts, []);
    });

    it(`rule 17: ${role} completes a handshake in spite of a forged alert`, () => {
      const tested = atFinish();
      tested.feed(tested.script.alert(2, 40));
      tested.feed(tested.script.changeCipherSpec(), tested.script.finished()).assertTalks();
    });

    it(`rule 17: ${role} ends its session on a fatal alert that is authenticated`, () => {
      const tested = connected();
      tested.feed(tested.script.alert(2, 20, 1));
      const cause = tested.party.closed?.cause;
      assert.ok(cause instanceof TlsAlertError);
      assert.deepEqual([cause.level, cause.description, cause.direction], ['fatal', 20, 'received']);
    });

    it(`rule 17: ${role} lives on after an authenticated warning, and drops malformed alerts`, () => {
      const tested = connected();
      tested.feed(
        tested.script.alert(1, 90, 1),
        tested.script.record(TYPE.alert, 1, Uint8Array.of(2)),
        tested.script.alert(7, 40, 1),
      );
      tested.assertTalks();
    });
  }

  it('rule 17: an alert in the clear ends a handshake at the next time-out, not at once, both roles', () => {
    for (const tested of [testClient(), testServer()]) {
      tested.feed(tested.script.alert(2, 40));
      assert.ok(!tested.over, 'ended at once');
      tested.timeOut();
      const cause = tested.party.closed?.cause;
      assert.ok(cause instanceof TlsAlertError);
      assert.deepEqual([cause.description, cause.direction], [40, 'received']);
    }
  });

  it('rule 17: a wrong key is silence, then ETIMEDOUT that says so', () => {
    const pair = new Pair({ clientKey: new Uint8Array(16).fill(1) });
    pair.start().run();
    const cause = pair.endOf('client');
    assert.ok(cause?.code === 'ETIMEDOUT');
    assert.match(cause.message, /Finished/);
    assert.match(cause.message, /wrong key/);
    assert.doesNotMatch(cause.message, /01010101/);
    assert.equal(pair.endOf('server')?.code, 'ETIMEDOUT');
  });

  it('rule 17: an unknown identity ends the attempt with the alert as cause', () => {
    const tested = testServer();
    tested.takeServerHello();
    tested.feed(tested.keyExchange(new TextEncoder().encode('nobody')));
    for (let i = 0; i < 10 && tested.party.closed === undefined; i++) {
      tested.timeOut();
      tested.script.messageSeq--;
      tested.feed(tested.script.clientKeyExchange(new TextEncoder().encode('nobody')));
    }
    assert.ok(tested.party.closed?.cause instanceof SocketError);
    assert.equal(tested.connected, false);
  });
});

describe('hostile: advisories', () => {
  it('the client random is random, and the same in both ClientHellos', () => {
    const tested = testClient({ helloVerify: true });
    const [first] = tested.script.messages(tested.sent());
    tested.feed(tested.script.helloVerifyRequest(Uint8Array.of(1, 2, 3)));
    const [second] = tested.script.messages(tested.sent());
    const random = first!.body.slice(2, 34);
    assert.deepEqual(second!.body.slice(2, 34), random);
    assert.ok(new Set(random).size > 8, 'a client random of few different bytes');
  });

  for (const [role, connected] of ROLES) {
    it(`${role} hears nothing after close_notify, and answers it`, () => {
      const tested = connected();
      tested.party.take();
      tested.feed(
        join(tested.script.data(Uint8Array.of(1)), tested.script.alert(1, 0, 1), tested.script.data(Uint8Array.of(2))),
      );
      assert.deepEqual(
        tested.party.data.map((bytes) => bytes[0]),
        [1],
      );
      assert.deepEqual(tested.party.closed, { cause: undefined });
      assert.throws(() => tested.party.connection.send(Uint8Array.of(1)), { code: 'EBADF' });
      tested.feed(tested.script.data(Uint8Array.of(3)));
      assert.equal(tested.party.data.length, 1);
      const [answer] = tested.script.records(tested.sent());
      assert.deepEqual([answer?.type, ...(answer?.payload ?? [])], [TYPE.alert, 1, 0]);
    });

    it(`${role} ends after its bound of forged records, and not before`, () => {
      const tested = connected({ options: { limits: { forgedRecords: 50 } } });
      for (let i = 0; i < 50; i++) {
        assert.equal(tested.party.closed, undefined, `ended at forgery ${i}`);
        const forged = tested.script.data(Uint8Array.of(i));
        forged[forged.length - 1]! ^= 1;
        tested.feed(forged);
      }
      assert.ok(tested.party.closed?.cause, 'never ends');
    });

    it(`${role} refuses to renegotiate with a warning, and lives on`, () => {
      const tested = connected();
      tested.party.take();
      const type = role === 'client' ? MESSAGE.helloRequest : MESSAGE.clientHello;
      tested.feed(tested.script.message(type, new Uint8Array(0), { epoch: 1, messageSeq: 0, hash: false }));
      const [answer] = tested.script.records(tested.sent());
      assert.deepEqual([answer?.type, ...(answer?.payload ?? [])], [TYPE.alert, 1, 100]);
      tested.assertTalks();
    });
  }

  it('a client drops ClientHellos, before and after its handshake', () => {
    const tested = connectedClient();
    const stranger = testClient({ helloVerify: true }).sent();
    tested.feed(stranger);
    assert.equal(tested.sent().length, 0);
    tested.assertTalks();
    const early = new Party(new DtlsClient({ mtu: 1_232, provider: nodeProvider, random: new SeededRandom(5) }));
    early.connection.start(tested.now);
    early.pump(tested.now);
    early.take();
    early.connection.handleDatagram(stranger, tested.now);
    early.pump(tested.now);
    assert.deepEqual([early.take(), early.closed], [[], undefined]);
  });
});
