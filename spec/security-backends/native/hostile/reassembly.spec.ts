// DTLS-PITFALLS rules 7 and 8: fragments, and records that overtake ChangeCipherSpec, in both roles.

import assert from 'node:assert/strict';
import { MESSAGE, TYPE, join } from '../scripted-peer.ts';
import { clientAtFinish, serverAtFinish, testClient, testServer } from '../tested.ts';

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
