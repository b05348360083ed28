// DTLS-PITFALLS rule 12 with ephemeral keys: what the premaster secret is made of, and messages that may not be left out.

import assert from 'node:assert/strict';
import { ALERT } from '../../../../security-backends/native/alerts.ts';
import { ECDHE_PSK_CCM_8, ScriptedEcdhePeer, X25519, ecdheExtensions } from '../scripted-ecdhe-peer.ts';
import { MESSAGE, join, u16, vector16, vector8 } from '../scripted-peer.ts';
import { IDENTITY, KEY } from '../pair.ts';
import { type Tested, testClient, testServer } from '../tested.ts';

const NOTHING = new Uint8Array(0);
const options = { ciphersuites: [ECDHE_PSK_CCM_8] };

interface Bench {
  readonly tested: Tested;
  readonly script: ScriptedEcdhePeer;
}

function client(): Bench {
  const script = new ScriptedEcdhePeer('server', KEY);
  const tested = testClient({ script, options });
  script.suite = ECDHE_PSK_CCM_8;
  tested.feed(script.serverHello());
  return { tested, script };
}

function server(): Bench {
  const script = new ScriptedEcdhePeer('client', KEY);
  script.suite = ECDHE_PSK_CCM_8;
  const tested = testServer({ script, suites: [ECDHE_PSK_CCM_8], extensions: ecdheExtensions(), options });
  for (const message of tested.takeServerHello()) {
    // An empty hint, then the params (RFC 5489 §2).
    if (message.type === MESSAGE.serverKeyExchange) script.agree(message.body.slice(6));
  }
  return { tested, script };
}

/** RFC 5489 §2: length, shared secret, length, key. */
function premaster({ premaster: shared }: ScriptedEcdhePeer, key = KEY): Uint8Array {
  return join(u16(shared.length), shared, u16(key.length), key);
}

describe('hostile: ECDHE with a pre-shared key (rules 10 and 12)', () => {
  it('rule 12: the shared secret stands in place of the zeros, at the client', () => {
    const { tested, script } = client();
    tested.feed(script.message(MESSAGE.serverKeyExchange, join(vector16(NOTHING), script.params())));
    tested.feed(script.serverHelloDone());
    const flight = tested.sent();
    const exchange = script.messages(flight)[0]!;
    assert.equal(exchange.type, MESSAGE.clientKeyExchange);
    assert.deepEqual(exchange.body.subarray(0, 2 + IDENTITY.length), vector16(IDENTITY));
    script.take([exchange]);
    script.agree(exchange.body.slice(2 + IDENTITY.length + 1));
    script.deriveKeys({ premaster: premaster(script) });
    const finished = script.messages(flight).find(({ type }) => type === MESSAGE.finished);
    assert.deepEqual(finished?.body, script.verifyData('client'));
    script.take([finished!]);
    tested.feed(join(script.changeCipherSpec(), script.finished())).assertTalks();
  });

  it('rule 12: the shared secret stands in place of the zeros, at the server', () => {
    const { tested, script } = server();
    tested.feed(script.message(MESSAGE.clientKeyExchange, join(vector16(IDENTITY), vector8(script.point))));
    script.deriveKeys({ premaster: premaster(script) });
    tested.feed(join(script.changeCipherSpec(), script.finished()));
    tested.takeServerFinish();
    tested.assertTalks();
  });

  it('rule 12: neither zeros, nor the shared secret alone, nor another key gets in', () => {
    const wrong: readonly ((script: ScriptedEcdhePeer) => Uint8Array)[] = [
      () => join(u16(16), new Uint8Array(16), u16(16), KEY),
      ({ premaster: shared }) => shared,
      (script) => premaster(script, new Uint8Array(16)),
    ];
    for (const each of wrong) {
      const { tested, script } = server();
      tested.feed(script.message(MESSAGE.clientKeyExchange, join(vector16(IDENTITY), vector8(script.point))));
      script.deriveKeys({ premaster: each(script) });
      tested.feed(join(script.changeCipherSpec(), script.finished()));
      tested.starve();
      assert.equal(tested.party.negotiated, undefined);
    }
  });

  it('rule 10: ServerKeyExchange may be left out with plain PSK alone', () => {
    client().tested.assertRefuses(MESSAGE.serverHelloDone, NOTHING, ALERT.unexpectedMessage);
  });

  it('a Certificate in a handshake with pre-shared keys, either way', () => {
    const fromServer = client();
    const body = fromServer.script.certificateBody([Uint8Array.of(1)]);
    fromServer.tested.assertRefuses(MESSAGE.certificate, body, ALERT.unexpectedMessage);
    server().tested.assertRefuses(MESSAGE.certificate, body, ALERT.unexpectedMessage);
  });

  it('points that are none, at the client', () => {
    const offPoint = (point: Uint8Array): Uint8Array =>
      Uint8Array.from(point, (byte, at) => (at === 40 ? byte ^ 1 : byte));
    const { point } = new ScriptedEcdhePeer('server');
    for (const params of [{ point: offPoint(point) }, { group: X25519, point: new Uint8Array(32) }, { group: 25 }]) {
      const { tested, script } = client();
      const body = join(vector16(NOTHING), script.params(params));
      tested.assertRefuses(MESSAGE.serverKeyExchange, body, ALERT.illegalParameter);
    }
  });

  it('points that are none, at the server', () => {
    for (const point of [join([4], new Uint8Array(64)), new Uint8Array(32), Uint8Array.of(0)]) {
      const body = join(vector16(IDENTITY), vector8(point));
      server().tested.assertRefuses(MESSAGE.clientKeyExchange, body, ALERT.illegalParameter);
    }
    server().tested.assertRefuses(MESSAGE.clientKeyExchange, vector16(IDENTITY), ALERT.decodeError);
  });
});
