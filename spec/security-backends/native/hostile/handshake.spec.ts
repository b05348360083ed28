// DTLS-PITFALLS rules 1 to 9, 11 and 12: what stacks get wrong in the handshake, each in the roles it applies to.

import assert from 'node:assert/strict';
import { TlsAlertError } from '../../../../lib/net/index.ts';
import { Pair } from '../pair.ts';
import { MESSAGE, TYPE, join } from '../scripted-peer.ts';
import { clientAtFinish, connectedClient, connectedServer, serverAtFinish, testClient, testServer } from '../tested.ts';

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

describe('hostile: rule 7, fragments', () => {
  for (const [name, pieces] of [
    [
      'overlap',
      [
        [0, 20],
        [10, 30],
        [5, 40],
        [30, 200],
      ],
    ],
    [
      'repeat',
      [
        [0, 20],
        [0, 20],
        [20, 200],
        [0, 20],
      ],
    ],
    [
      'come in reverse',
      [
        [30, 200],
        [20, 30],
        [10, 20],
        [0, 10],
      ],
    ],
    [
      'can be empty',
      [
        [0, 0],
        [10, 10],
        [0, 20],
        [20, 20],
        [20, 200],
      ],
    ],
  ] as const) {
    it(`rule 7: client takes fragments that ${name}`, () => {
      const tested = testClient();
      const { script } = tested;
      script.serverHello();
      const body = script.transcript.at(-1)!.subarray(12);
      for (const [from, to] of pieces) {
        const start = Math.min(from, body.length);
        tested.feed(script.fragment(MESSAGE.serverHello, 0, body, start, Math.min(to, body.length) - start));
      }
      tested.feed(script.serverHelloDone());
      tested.takeClientFinish();
      tested.feed(script.changeCipherSpec(), script.finished()).assertTalks();
    });

    it(`rule 7: server takes fragments that ${name}`, () => {
      const tested = testServer();
      tested.takeServerHello();
      const identity = new TextEncoder().encode('device-1');
      tested.keyExchange(identity);
      const body = tested.script.transcript.at(-1)!.subarray(12);
      for (const [from, to] of pieces) {
        const start = Math.floor(Math.min(from / 5, body.length));
        const end = to >= 200 ? body.length : Math.floor(Math.min(to / 5, body.length));
        tested.feed(tested.script.fragment(MESSAGE.clientKeyExchange, 2, body, start, end - start));
      }
      tested.feed(tested.script.changeCipherSpec(), tested.script.finished());
      tested.takeServerFinish();
      tested.assertTalks();
    });
  }

  it('rule 7: a fragment with another type or length for its message_seq is an error, counted, and heals', () => {
    const tested = testClient();
    const { script } = tested;
    script.serverHello();
    const body = script.transcript.at(-1)!.subarray(12);
    tested.feed(script.fragment(MESSAGE.serverHello, 0, body, 0, 20));
    tested.feed(script.fragment(MESSAGE.certificate, 0, body, 20, 10));
    tested.feed(script.fragment(MESSAGE.serverHello, 0, body, 0, 10, body.length + 1));
    assert.equal(tested.dropped('badFragment'), 2);
    tested.feed(script.fragment(MESSAGE.serverHello, 0, body, 0, body.length), script.serverHelloDone());
    tested.takeClientFinish();
    tested.feed(script.changeCipherSpec(), script.finished()).assertTalks();
  });

  it('rule 7: oversize messages, far messages and fragments beyond their message are dropped, both roles', () => {
    for (const tested of [testClient(), testServer()]) {
      const { script } = tested;
      const big = new Uint8Array(1_000);
      const next = script.role === 'client' ? 2 : 0;
      for (let i = 0; i < 200; i++) tested.feed(script.fragment(MESSAGE.certificate, next, big, 0, 1_000, 0xff_ffff));
      for (let i = 0; i < 200; i++) tested.feed(script.fragment(MESSAGE.certificate, next + 100 + i, big, 0, 1_000));
      assert.equal(tested.dropped('reassemblyOverflow'), 400);
      const before = tested.dropped('malformedMessage');
      const beyond = script.fragment(MESSAGE.certificate, next, big, 0, 1_000, 10);
      tested.feed(beyond);
      assert.equal(tested.dropped('malformedMessage'), before + 1);
      assert.equal(tested.party.closed, undefined);
    }
  });

  it('rule 7: what is held is bounded in bytes, whatever comes', () => {
    const tested = testServer({
      options: { limits: { reassemblyBytes: 2_000, handshakeMessageBytes: 1_500, reassemblyMessages: 4 } },
    });
    tested.takeServerHello();
    const part = new Uint8Array(100);
    for (let seq = 3; seq < 6; seq++)
      tested.feed(tested.script.fragment(MESSAGE.certificate, seq, part, 0, 100, 1_400));
    assert.equal(tested.dropped('reassemblyOverflow'), 2, 'more was held than the limit');
    tested.feed(tested.keyExchange(), tested.script.changeCipherSpec(), tested.script.finished());
    tested.takeServerFinish();
    tested.assertTalks();
  });

  it('rule 7: a flood of zero-length fragments neither loops nor fills memory, both roles', () => {
    for (const tested of [testClient(), testServer()]) {
      const { script } = tested;
      const next = script.role === 'client' ? 2 : 0;
      const type = script.role === 'client' ? MESSAGE.clientKeyExchange : MESSAGE.serverHello;
      for (let i = 0; i < 5_000; i++) tested.feed(script.fragment(type, next, new Uint8Array(70), i % 70, 0));
      assert.equal(tested.party.closed, undefined);
    }
    const empties = testServer();
    empties.takeServerHello();
    const header = Uint8Array.of(16, 0, 0, 10, 0, 2, 0, 0, 0, 0, 0, 0);
    empties.feed(empties.script.record(TYPE.handshake, 0, join(...Array.from({ length: 90 }, () => header))));
    empties.feed(empties.keyExchange(), empties.script.changeCipherSpec(), empties.script.finished());
    empties.takeServerFinish();
    empties.assertTalks();
  });
});

describe('hostile: rule 8, records that overtake ChangeCipherSpec', () => {
  it('rule 8: client keeps a Finished that comes first', () => {
    const tested = clientAtFinish();
    tested.feed(tested.script.finished());
    assert.equal(tested.connected, false);
    tested.feed(tested.script.changeCipherSpec()).assertTalks();
  });

  it('rule 8: server keeps a Finished that comes before ChangeCipherSpec and ClientKeyExchange', () => {
    const tested = testServer();
    tested.takeServerHello();
    const exchange = tested.keyExchange();
    tested.feed(tested.script.finished());
    tested.feed(exchange);
    assert.equal(tested.connected, false);
    tested.feed(tested.script.changeCipherSpec());
    tested.takeServerFinish();
    tested.assertTalks();
  });

  it('rule 8: keeps no more than its bound, both roles, and a retransmission heals', () => {
    for (const tested of [clientAtFinish(), serverAtFinish()]) {
      const { script } = tested;
      const forged = script.record(TYPE.handshake, 1, new Uint8Array(24), { sequence: 77 });
      forged[forged.length - 1]! ^= 1;
      for (let i = 0; i < 100; i++) tested.feed(forged);
      assert.equal(tested.dropped('earlyRecordOverflow'), 92);
      tested.feed(script.changeCipherSpec(), script.finished());
      tested.assertTalks();
    }
  });
});

describe('hostile: rule 9, what may not come yet, or twice, or not at all', () => {
  for (const [role, atFinish] of [
    ['client', clientAtFinish],
    ['server', serverAtFinish],
  ] as const) {
    it(`rule 9: ${role} takes no Finished in the clear`, () => {
      const tested = atFinish();
      const raw = tested.script.verifyData(tested.script.role);
      tested.feed(tested.script.message(MESSAGE.finished, raw, { hash: false, messageSeq: tested.script.messageSeq }));
      assert.equal(tested.connected, false);
      tested.feed(tested.script.changeCipherSpec());
      assert.equal(tested.connected, false, 'a Finished of epoch 0 was kept');
      tested.feed(tested.script.finished()).assertTalks();
    });

    it(`rule 9: ${role} is not connected by ChangeCipherSpec alone, nor without it`, () => {
      const tested = atFinish();
      tested.feed(tested.script.changeCipherSpec());
      assert.equal(tested.connected, false);
      assert.throws(() => tested.party.connection.send(Uint8Array.of(1)), { code: 'ENOTCONN' });
      const without = atFinish();
      without.feed(without.script.finished(), without.script.finished({ messageSeq: without.script.messageSeq - 1 }));
      assert.equal(without.connected, false);
    });

    it(`rule 9: ${role} drops a second ChangeCipherSpec`, () => {
      const tested = atFinish();
      tested.feed(tested.script.changeCipherSpec(), tested.script.changeCipherSpec(), tested.script.finished());
      assert.equal(tested.dropped('unexpectedChangeCipherSpec'), 1);
      tested.assertTalks();
      const before = tested.dropped('unexpectedChangeCipherSpec') + tested.dropped('wrongEpoch');
      tested.feed(tested.script.changeCipherSpec());
      assert.equal(tested.dropped('unexpectedChangeCipherSpec') + tested.dropped('wrongEpoch'), before + 1);
      tested.assertTalks();
    });

    it(`rule 9: ${role} gives no application data before Finished, in whatever epoch`, () => {
      const tested = atFinish();
      const { script } = tested;
      tested.feed(
        script.record(TYPE.applicationData, 0, Uint8Array.of(1)),
        script.data(Uint8Array.of(2)),
        script.changeCipherSpec(),
      );
      tested.feed(script.data(Uint8Array.of(3)));
      assert.equal(tested.party.data.length, 0);
      tested.feed(script.finished());
      assert.equal(tested.party.data.length, 0, 'data from before Finished came through');
      tested.assertTalks();
    });

    it(`rule 9: ${role} refuses a Finished whose verify_data is wrong, though it authenticates`, () => {
      const tested = atFinish();
      tested.feed(tested.script.changeCipherSpec(), tested.script.finished({ verifyData: new Uint8Array(12) }));
      assert.equal(tested.connected, false);
      const cause = tested.party.closed?.cause;
      assert.ok(cause instanceof TlsAlertError && cause.direction === 'sent' && cause.description === 51);
    });
  }

  it('rule 9: client drops ChangeCipherSpec before ServerHelloDone, server before ClientKeyExchange', () => {
    const client = testClient();
    client.feed(client.script.changeCipherSpec(), client.script.serverHello(), client.script.changeCipherSpec());
    assert.equal(client.dropped('unexpectedChangeCipherSpec'), 2);
    client.feed(client.script.serverHelloDone());
    client.takeClientFinish();
    client.feed(client.script.changeCipherSpec(), client.script.finished()).assertTalks();
    const server = testServer();
    server.takeServerHello();
    server.feed(server.script.changeCipherSpec());
    assert.equal(server.dropped('unexpectedChangeCipherSpec'), 1);
    server.feed(server.keyExchange(), server.script.changeCipherSpec(), server.script.finished());
    server.takeServerFinish();
    server.assertTalks();
  });

  it('rule 9: client does not go on without ServerHello, server not without ClientKeyExchange', () => {
    const client = testClient();
    client.feed(client.script.message(MESSAGE.serverHelloDone, new Uint8Array(0), { messageSeq: 0 }));
    assert.equal(client.sent().length, 0);
    const server = testServer();
    server.takeServerHello();
    server.script.deriveKeys();
    server.feed(server.script.changeCipherSpec(), server.script.finished());
    assert.equal(server.connected, false);
  });
});

describe('hostile: rule 11, extended master secret', () => {
  it('rule 11: the session hash runs from ClientHello through ClientKeyExchange, both roles', () => {
    connectedClient().assertTalks();
    connectedServer().assertTalks();
  });

  it('rule 11: without it, `require` refuses and `prefer` derives as RFC 5246 says, both roles', () => {
    const legacy = { extendedMasterSecret: false } as const;
    const prefer = { ...legacy, options: { extendedMasterSecret: 'prefer' } } as const;
    connectedClient(prefer).assertTalks();
    connectedServer(prefer).assertTalks();
    const client = testClient(legacy);
    client.feed(join(client.script.serverHello(legacy), client.script.serverHelloDone()));
    assert.equal(
      client.script.messages(client.sent()).some((m) => m.type === MESSAGE.clientKeyExchange),
      false,
    );
    client.starve();
    assert.equal(client.connected, false);
    const server = testServer(legacy);
    assert.equal(
      server.script.messages(server.sent()).some((m) => m.type === MESSAGE.serverHello),
      false,
    );
    assert.ok(server.party.closed !== undefined || server.starve().party.closed !== undefined);
  });
});

describe('hostile: rule 12, the PSK premaster and the hint', () => {
  for (const length of [1, 5, 16, 33, 64]) {
    it(`rule 12: a key of ${length} bytes, both roles`, () => {
      const key = Uint8Array.from({ length }, (_, at) => 200 - at);
      connectedClient({ key }).assertTalks();
      connectedServer({ key }).assertTalks();
    });
  }

  it('rule 12: client takes a hint, an empty hint, and no ServerKeyExchange at all', () => {
    for (const hint of [undefined, new Uint8Array(0), Uint8Array.of(0x68, 0, 0xff)]) {
      const tested = testClient();
      const { script } = tested;
      tested.feed(script.serverHello());
      if (hint !== undefined) tested.feed(script.serverKeyExchange(hint));
      tested.feed(script.serverHelloDone());
      tested.takeClientFinish();
      tested.feed(script.changeCipherSpec(), script.finished()).assertTalks();
      const [job] = tested.party.jobs;
      assert.ok(job?.type === 'choosePsk');
      assert.deepEqual([...(job.hint ?? [])], [...(hint ?? [])]);
    }
  });

  it('rule 12: server sends ServerKeyExchange only if it has a hint', () => {
    const types = (server: Parameters<typeof testServer>[0]): number[] =>
      testServer(server)
        .takeServerHello()
        .map((m) => m.type);
    assert.deepEqual(types({}), [MESSAGE.serverHello, MESSAGE.serverHelloDone]);
    const hinted = types({ server: { identityHint: Uint8Array.of(1, 2) } });
    assert.deepEqual(hinted, [MESSAGE.serverHello, MESSAGE.serverKeyExchange, MESSAGE.serverHelloDone]);
  });
});
