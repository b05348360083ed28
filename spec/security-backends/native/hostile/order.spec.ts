// DTLS-PITFALLS rules 9, 11 and 12: messages out of order or left out, and what keys are derived from, in both roles.

import assert from 'node:assert/strict';
import { TlsAlertError } from '../../../../lib/net/index.ts';
import { MESSAGE, TYPE, join } from '../scripted-peer.ts';
import { clientAtFinish, connectedClient, connectedServer, serverAtFinish, testClient, testServer } from '../tested.ts';

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
