// Hostile cases as data, with the alert expected: each message in each state in which it is not due, and what may come in
// place of Finished. What needs a script of its own stands in the other files.

import assert from 'node:assert/strict';
import { ALERT } from '../../../../security-backends/native/alerts.ts';
import { alertName } from '../../../../lib/net/index.ts';
import { KEY } from '../pair.ts';
import { ECDHE_PSK_CCM_8, ScriptedEcdhePeer, ecdheExtensions } from '../scripted-ecdhe-peer.ts';
import { MESSAGE, join, u16 } from '../scripted-peer.ts';
import { type Tested, clientAtFinish, serverAtFinish, testClient, testServer } from '../tested.ts';
import {
  CLIENT_KEY,
  certificateClient,
  certificateServer,
  clientAtCertificate,
  clientAtDone,
  clientAtKeyExchange,
  keyExchange,
} from '../tested-certificates.ts';

const NOTHING = new Uint8Array(0);
const ecdhePsk = { ciphersuites: [ECDHE_PSK_CCM_8] } as const;

const { helloRequest: _, ...messages } = MESSAGE;
/** Every message there is, and three that this backend has no use for. */
const TYPES: Readonly<Record<string, number>> = {
  ...messages,
  newSessionTicket: 4,
  certificateStatus: 22,
  keyUpdate: 24,
};

interface State {
  readonly name: string;
  readonly due: readonly number[];
  readonly reach: () => Tested;
}

/** Every state that waits for a message in the clear. */
const STATES: readonly State[] = [
  {
    name: 'client before ServerHello',
    due: [MESSAGE.serverHello, MESSAGE.helloVerifyRequest],
    reach: () => certificateClient().tested,
  },
  { name: 'client at Certificate', due: [MESSAGE.certificate], reach: () => clientAtCertificate().tested },
  {
    name: 'client at ServerKeyExchange',
    due: [MESSAGE.serverKeyExchange],
    reach: () => clientAtKeyExchange().tested,
  },
  {
    name: 'client at CertificateRequest or ServerHelloDone',
    due: [MESSAGE.certificateRequest, MESSAGE.serverHelloDone],
    reach: () => clientAtDone().tested,
  },
  {
    name: 'client at ServerHelloDone',
    due: [MESSAGE.serverHelloDone],
    reach: () => {
      const { tested, script } = clientAtDone({ own: CLIENT_KEY });
      return tested.feed(script.message(MESSAGE.certificateRequest, script.certificateRequestBody()));
    },
  },
  {
    name: 'client with PSK at ServerKeyExchange or ServerHelloDone',
    due: [MESSAGE.serverKeyExchange, MESSAGE.serverHelloDone],
    reach: () => {
      const tested = testClient();
      return tested.feed(tested.script.serverHello());
    },
  },
  {
    name: 'client with PSK at ServerHelloDone',
    due: [MESSAGE.serverHelloDone],
    reach: () => {
      const tested = testClient();
      return tested.feed(tested.script.serverHello(), tested.script.serverKeyExchange(NOTHING));
    },
  },
  {
    name: 'client with ECDHE_PSK at ServerKeyExchange',
    due: [MESSAGE.serverKeyExchange],
    reach: () => {
      const script = new ScriptedEcdhePeer('server', KEY);
      const tested = testClient({ script, options: ecdhePsk });
      script.suite = ECDHE_PSK_CCM_8;
      return tested.feed(script.serverHello());
    },
  },
  { name: 'client at ChangeCipherSpec', due: [], reach: () => clientAtFinish() },
  { name: 'server at Certificate', due: [MESSAGE.certificate], reach: () => certificateServer().tested },
  {
    name: 'server at ClientKeyExchange behind Certificate',
    due: [MESSAGE.clientKeyExchange],
    reach: () => {
      const { tested, script } = certificateServer();
      return tested.feed(script.sendCertificate(CLIENT_KEY.chain));
    },
  },
  {
    name: 'server at CertificateVerify',
    due: [MESSAGE.certificateVerify],
    reach: () => {
      const bench = certificateServer();
      return bench.tested.feed(bench.script.sendCertificate(CLIENT_KEY.chain), keyExchange(bench));
    },
  },
  {
    name: 'server at ClientKeyExchange, no certificate asked for',
    due: [MESSAGE.clientKeyExchange],
    reach: () => certificateServer({ server: { clientCertificate: 'none' } }).tested,
  },
  {
    name: 'server with PSK at ClientKeyExchange',
    due: [MESSAGE.clientKeyExchange],
    reach: () => {
      const tested = testServer();
      tested.takeServerHello();
      return tested;
    },
  },
  {
    name: 'server with ECDHE_PSK at ClientKeyExchange',
    due: [MESSAGE.clientKeyExchange],
    reach: () => {
      const script = new ScriptedEcdhePeer('client', KEY);
      script.suite = ECDHE_PSK_CCM_8;
      const suites = [ECDHE_PSK_CCM_8];
      return testServer({ script, suites, extensions: ecdheExtensions(), options: ecdhePsk });
    },
  },
  { name: 'server at ChangeCipherSpec', due: [], reach: () => serverAtFinish() },
];

describe('hostile table: a message that is not due (rules 9 and 10)', () => {
  for (const { name, due, reach } of STATES) {
    for (const [message, type] of Object.entries(TYPES)) {
      if (due.includes(type)) continue;
      it(`${name}: ${message} → ${alertName(ALERT.unexpectedMessage)}`, () => {
        reach().assertRefuses(type, new Uint8Array(12), ALERT.unexpectedMessage);
      });
    }
  }
});

/** What authenticates and yet is not the Finished that is due: an end, with this alert. */
const LAST_MESSAGES: readonly (readonly [
  name: string,
  type: number,
  body: (right: Uint8Array) => Uint8Array,
  alert: number,
])[] = [
  ['a Finished of 11 bytes', MESSAGE.finished, (right) => right.subarray(1), ALERT.decryptError],
  ['a Finished of 13 bytes', MESSAGE.finished, (right) => join(right, [0]), ALERT.decryptError],
  ['an empty Finished', MESSAGE.finished, () => NOTHING, ALERT.decryptError],
  [
    'a Finished with one bit wrong',
    MESSAGE.finished,
    (right) => Uint8Array.from(right, (byte, at) => (at === 11 ? byte ^ 1 : byte)),
    ALERT.decryptError,
  ],
  ['a Certificate of epoch 1', MESSAGE.certificate, () => new Uint8Array(3), ALERT.unexpectedMessage],
  ['a CertificateVerify of epoch 1', MESSAGE.certificateVerify, () => new Uint8Array(8), ALERT.unexpectedMessage],
  ['a ServerHelloDone of epoch 1', MESSAGE.serverHelloDone, () => NOTHING, ALERT.unexpectedMessage],
  ['a ClientKeyExchange of epoch 1', MESSAGE.clientKeyExchange, () => u16(0), ALERT.unexpectedMessage],
  ['a message of unknown type', 99, () => NOTHING, ALERT.unexpectedMessage],
];

describe('hostile table: in place of Finished (rule 9)', () => {
  for (const [role, reach] of [
    ['client', clientAtFinish],
    ['server', serverAtFinish],
  ] as const) {
    const peer = role === 'client' ? 'server' : 'client';
    for (const [name, type, body, alert] of LAST_MESSAGES) {
      it(`${role}: ${name} → ${alertName(alert)}`, () => {
        const tested = reach();
        const { script } = tested;
        const right = script.verifyData(peer);
        tested.feed(script.changeCipherSpec(), script.message(type, body(right), { epoch: 1 }));
        tested.assertSentAlert(alert);
      });
    }

    it(`${role}: its own Finished sent back → decrypt_error`, () => {
      const tested = reach();
      const { script } = tested;
      tested.feed(script.changeCipherSpec(), script.finished({ verifyData: script.verifyData(role) }));
      tested.assertSentAlert(ALERT.decryptError);
    });

    it(`${role}: close_notify in place of Finished ends it, and nobody was let in`, () => {
      const tested = reach();
      tested.feed(tested.script.changeCipherSpec(), tested.script.alert(1, 0, 1));
      assert.equal(tested.over, true);
      assert.equal(tested.party.negotiated, undefined);
    });

    it(`${role}: a fatal alert of epoch 1 in place of Finished ends it by that alert`, () => {
      const tested = reach();
      tested.feed(tested.script.changeCipherSpec(), tested.script.alert(2, ALERT.decryptError, 1));
      assert.match(tested.party.closed?.cause?.message ?? '', /decrypt_error \(51\) received/);
    });

    it(`${role}: ChangeCipherSpec twice, and the second does not make a third epoch`, () => {
      const tested = reach();
      const { script } = tested;
      tested.feed(join(script.changeCipherSpec(), script.changeCipherSpec(), script.finished()));
      assert.equal(tested.dropped('unexpectedChangeCipherSpec'), 1);
      if (role === 'server') tested.takeServerFinish();
      tested.assertTalks();
    });
  }
});
