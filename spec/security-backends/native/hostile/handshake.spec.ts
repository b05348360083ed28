// DTLS-PITFALLS rules 1 to 6: transcript, numbers and retransmission, each in the roles it applies to.

import assert from 'node:assert/strict';
import { Pair } from '../pair.ts';
import { MESSAGE, TYPE, join } from '../scripted-peer.ts';
import { clientAtFinish, connectedClient, connectedServer, testClient, testServer } from '../tested.ts';

const COOKIE = Uint8Array.of(9, 8, 7, 6);

describe('hostile: rule 1, what the transcript begins with', () => {
  it('rule 1: client goes on without a HelloVerifyRequest, and its first ClientHello counts', () => {
    connectedClient().assertTalks();
  });

  it('rule 1: client leaves the first ClientHello and the HelloVerifyRequest out', () => {
    const tested = testClient({ helloVerify: true });
    tested.sent();
    tested.feed(tested.script.helloVerifyRequest(COOKIE));
    tested.script.take(tested.script.messages(tested.sent()));
    tested.feed(join(tested.script.serverHello(), tested.script.serverHelloDone()));
    tested.takeClientFinish();
    tested.feed(tested.script.changeCipherSpec(), tested.script.finished()).assertTalks();
  });

  it('rule 1: server leaves the first ClientHello and the HelloVerifyRequest out', () => {
    connectedServer().assertTalks();
  });
});

describe('hostile: rule 2, the transcript of fragmented messages', () => {
  it('rule 2: client hashes a fragmented ServerHello as if it were whole', () => {
    const tested = testClient();
    const { script } = tested;
    script.serverHello();
    const raw = script.transcript.at(-1)!;
    const body = raw.subarray(12);
    for (let at = 0; at < body.length; at += 10) {
      tested.feed(script.fragment(MESSAGE.serverHello, 0, body, at, Math.min(10, body.length - at)));
    }
    tested.feed(script.serverHelloDone());
    tested.takeClientFinish();
    tested.feed(script.changeCipherSpec(), script.finished()).assertTalks();
  });

  it('rule 2: server hashes a fragmented ClientKeyExchange as if it were whole', () => {
    const tested = testServer();
    tested.takeServerHello();
    tested.keyExchange();
    const body = tested.script.transcript.at(-1)!.subarray(12);
    for (let at = body.length - 1; at >= 0; at--) {
      tested.feed(tested.script.fragment(MESSAGE.clientKeyExchange, 2, body, at, 1));
    }
    tested.feed(tested.script.changeCipherSpec(), tested.script.finished());
    tested.takeServerFinish();
    tested.assertTalks();
  });
});

describe('hostile: rule 3, message_seq', () => {
  it('rule 3: client counts 0, then 1 for the second ClientHello, then 2 and 3', () => {
    const tested = testClient({ helloVerify: true });
    assert.deepEqual(
      tested.script.messages(tested.sent()).map((m) => m.messageSeq),
      [0],
    );
    tested.feed(tested.script.helloVerifyRequest(COOKIE));
    const second = tested.script.messages(tested.sent());
    assert.deepEqual(
      second.map((m) => [m.type, m.messageSeq]),
      [[MESSAGE.clientHello, 1]],
    );
    tested.script.take(second);
    tested.feed(join(tested.script.serverHello(), tested.script.serverHelloDone()));
    const exchange = tested.script.messages(join(...tested.party.outbox))[0];
    assert.deepEqual([exchange?.type, exchange?.messageSeq], [MESSAGE.clientKeyExchange, 2]);
    assert.equal(tested.takeClientFinish().messageSeq, 3);
  });

  it('rule 3: client does not take a ServerHello that starts at 0 again', () => {
    const tested = testClient({ helloVerify: true });
    tested.sent();
    tested.feed(tested.script.helloVerifyRequest(COOKIE));
    tested.script.take(tested.script.messages(tested.sent()));
    tested.feed(
      tested.script.serverHello({ messageSeq: 0 }),
      tested.script.message(MESSAGE.serverHelloDone, new Uint8Array(0), { messageSeq: 1 }),
    );
    assert.equal(tested.sent().length, 0, 'the client answered');
    assert.equal(tested.connected, false);
  });

  it('rule 3: server goes on at 1 after the HelloVerifyRequest, without a reset', () => {
    const tested = testServer();
    const hello = tested.takeServerHello();
    assert.deepEqual(
      hello.map((m) => m.messageSeq),
      hello.map((_, at) => at + 1),
    );
    tested.feed(tested.keyExchange(), tested.script.changeCipherSpec(), tested.script.finished());
    assert.equal(tested.takeServerFinish().messageSeq, hello.length + 1);
  });
});

describe('hostile: rule 4, the record number of a stateless answer', () => {
  it('rule 4: HelloVerifyRequest takes the record number of its ClientHello, ServerHello goes on from it', () => {
    const pair = new Pair();
    const sequence = (datagram: Uint8Array): number => datagram[10]!;
    pair.wire = (datagram, to) => {
      if (to === 'client' || datagram[13] !== MESSAGE.clientHello) return [datagram];
      const later = datagram.slice();
      later[10] = datagram[10]! + 40;
      return [later];
    };
    pair.handshake();
    const answers = pair.log.filter(({ to }) => to === 'client');
    assert.equal(sequence(answers[0]!.datagram), 40, 'HelloVerifyRequest');
    assert.ok(sequence(answers[1]!.datagram) >= 41, 'ServerHello');
    assert.ok(pair.talks());
  });
});

describe('hostile: rule 5, retransmission', () => {
  it('rule 5: client keeps message_seq and epoch, and takes new record numbers', () => {
    const tested = clientAtFinish();
    const before = tested.script.sequences;
    tested.timeOut();
    const again = tested.sent();
    const records = tested.script.records(again);
    assert.deepEqual(
      records.map((r) => [r.type, r.epoch]),
      [
        [TYPE.handshake, 0],
        [TYPE.changeCipherSpec, 0],
        [TYPE.handshake, 1],
      ],
    );
    assert.ok(
      records.every((r) => r.payload !== undefined),
      'a repeated record does not authenticate',
    );
    assert.deepEqual(
      tested.script.messages(again).map((m) => m.messageSeq),
      [1, 2],
    );
    assert.equal(records[2]!.sequence, 1, 'the second Finished is record 1 of its epoch');
    assert.ok(records[0]!.sequence >= 3, 'epoch 0 goes on');
    assert.ok(before);
  });

  it('rule 5: server keeps message_seq, and takes new record numbers', () => {
    const tested = testServer();
    const first = tested.sent();
    tested.timeOut();
    const second = tested.sent();
    const numbers = (bytes: Uint8Array): number[] => tested.script.records(bytes).map((r) => r.sequence);
    assert.deepEqual(tested.script.messages(second), tested.script.messages(first));
    assert.ok(Math.min(...numbers(second)) > Math.max(...numbers(first)), 'a record number came twice');
  });

  it('rule 5: a flight that was sent again completes the handshake, both roles', () => {
    const client = clientAtFinish();
    client.timeOut().sent();
    client.feed(client.script.changeCipherSpec(), client.script.finished()).assertTalks();
    const server = testServer();
    server.sent();
    server.timeOut();
    server.takeServerHello();
    server.feed(server.keyExchange(), server.script.changeCipherSpec(), server.script.finished());
    server.takeServerFinish();
    server.assertTalks();
  });
});

describe('hostile: rule 6, a repeated Finished after completion', () => {
  it('rule 6: server sends ChangeCipherSpec and Finished again', () => {
    const tested = connectedServer();
    const { script } = tested;
    tested
      .wait(1_000)
      .feed(join(script.changeCipherSpec(), script.finished({ messageSeq: 3, verifyData: new Uint8Array(12) })));
    const records = script.records(tested.sent());
    assert.deepEqual(
      records.map((r) => [r.type, r.epoch]),
      [
        [TYPE.changeCipherSpec, 0],
        [TYPE.handshake, 1],
      ],
    );
    tested.assertTalks();
  });

  it('rule 6: server answers neither a forged nor a replayed one, and not without a pause', () => {
    const tested = connectedServer();
    const { script } = tested;
    const repeat = script.finished({ messageSeq: 3 });
    const forged = repeat.slice();
    forged[forged.length - 1]! ^= 1;
    tested.wait(1_000).feed(forged);
    assert.equal(tested.sent().length, 0, 'answered a forged one');
    tested.feed(repeat);
    assert.ok(tested.sent().length > 0, 'did not answer the true one');
    tested.feed(repeat, script.finished({ messageSeq: 3 }), script.finished({ messageSeq: 3 }));
    assert.equal(tested.sent().length, 0, 'answered at once again');
    tested.assertTalks();
  });

  it('rule 6: client hears repeated messages of the handshake and stays as it was', () => {
    const tested = connectedClient();
    tested
      .wait(5_000)
      .feed(
        tested.script.serverHelloDone(),
        tested.script.changeCipherSpec(),
        tested.script.finished({ messageSeq: 2 }),
      );
    assert.equal(tested.sent().length, 0);
    tested.assertTalks();
  });
});
