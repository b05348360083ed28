// DTLS-PITFALLS rule 10 in the server's role: a client that is to show a certificate and leaves messages out, shows
// another's, signs with another key or over something else; and hellos nothing can be agreed on with.

import assert from 'node:assert/strict';
import { ALERT } from '../../../../security-backends/native/alerts.ts';
import { ECDSA_CCM_8, ScriptedEcdhePeer, X25519, ecdheExtensions } from '../scripted-ecdhe-peer.ts';
import { CCM_8, MESSAGE, extension, join, u16, vector16, vector8 } from '../scripted-peer.ts';
import { type Tested, testServer } from '../tested.ts';
import {
  CLIENT_KEY,
  type CertificateBench,
  SERVER,
  STRANGER,
  certificateServer,
  finish,
  keyExchange,
} from '../tested-certificates.ts';

const NOTHING = new Uint8Array(0);
const NO_CLIENT = { server: { clientCertificate: 'none' } } as const;

/** A client that has shown its certificate and exchanged keys. */
function atVerify(): CertificateBench {
  const bench = certificateServer();
  bench.tested.feed(bench.script.sendCertificate(CLIENT_KEY.chain), keyExchange(bench));
  return bench;
}

/** Nothing this client does gets it in. */
function assertNeverIn({ tested }: CertificateBench): void {
  assert.equal(tested.connected, false);
  tested.starve();
  assert.equal(tested.party.negotiated, undefined);
}

describe('hostile: a client that should show a certificate', () => {
  it('an honest one is let in, and one where none is asked for', () => {
    const bench = atVerify();
    bench.tested.feed(bench.script.message(MESSAGE.certificateVerify, bench.script.certificateVerifyBody(CLIENT_KEY)));
    finish(bench);
    bench.tested.takeServerFinish();
    bench.tested.assertTalks();
    assert.deepEqual(bench.tested.party.negotiated?.peerPublicKey, CLIENT_KEY.spki);
    const plain = certificateServer(NO_CLIENT);
    plain.tested.feed(keyExchange(plain));
    finish(plain);
    plain.tested.takeServerFinish();
    plain.tested.assertTalks();
    assert.equal(plain.tested.party.negotiated?.peerPublicKey, undefined);
  });

  describe('rule 10: nothing goes on without Certificate and CertificateVerify', () => {
    it('no Certificate: ClientKeyExchange at once', () => {
      const { tested, script } = certificateServer();
      const body = join([script.point.length], script.point);
      tested.assertRefuses(MESSAGE.clientKeyExchange, body, ALERT.unexpectedMessage);
    });

    it('no Certificate, keys and Finished all the same', () => {
      const bench = certificateServer();
      bench.tested.feed(keyExchange(bench));
      finish(bench);
      assertNeverIn(bench);
    });

    it('an empty Certificate', () => {
      const { tested, script } = certificateServer();
      tested.assertRefuses(MESSAGE.certificate, script.certificateBody([]), ALERT.handshakeFailure);
    });

    it('an empty Certificate, keys and Finished all the same', () => {
      const bench = certificateServer();
      bench.tested.feed(bench.script.sendCertificate([]), keyExchange(bench));
      finish(bench);
      assertNeverIn(bench);
    });

    it('no CertificateVerify: ChangeCipherSpec and Finished at once', () => {
      const bench = atVerify();
      finish(bench);
      assert.equal(bench.tested.dropped('unexpectedChangeCipherSpec'), 1);
      assertNeverIn(bench);
    });

    it('no CertificateVerify: Finished in the clear in its place', () => {
      const { tested, script } = atVerify();
      tested.assertRefuses(MESSAGE.finished, script.verifyData('client'), ALERT.unexpectedMessage);
    });

    it('CertificateVerify before ClientKeyExchange', () => {
      const { tested, script } = certificateServer();
      tested.feed(script.sendCertificate(CLIENT_KEY.chain));
      const body = script.certificateVerifyBody(CLIENT_KEY);
      tested.assertRefuses(MESSAGE.certificateVerify, body, ALERT.unexpectedMessage);
    });

    it('a second Certificate, in place of ClientKeyExchange', () => {
      const { tested, script } = certificateServer();
      tested.feed(script.sendCertificate(CLIENT_KEY.chain));
      const body = script.certificateBody(STRANGER.chain);
      tested.assertRefuses(MESSAGE.certificate, body, ALERT.unexpectedMessage);
    });

    it('a Certificate where none was asked for', () => {
      const { tested, script } = certificateServer(NO_CLIENT);
      const body = script.certificateBody(CLIENT_KEY.chain);
      tested.assertRefuses(MESSAGE.certificate, body, ALERT.unexpectedMessage);
    });

    it('a CertificateVerify where no certificate was asked for', () => {
      const bench = certificateServer(NO_CLIENT);
      bench.tested.feed(keyExchange(bench));
      const body = bench.script.certificateVerifyBody(CLIENT_KEY);
      bench.tested.assertRefuses(MESSAGE.certificateVerify, body, ALERT.unexpectedMessage);
    });
  });

  it('the certificate of another, whose key it has not', () => {
    const { tested, script } = atVerify();
    tested.assertRefuses(MESSAGE.certificateVerify, script.certificateVerifyBody(STRANGER), ALERT.decryptError);
  });

  it('a certificate that is not trusted', () => {
    const { tested, script } = certificateServer();
    tested.feed(script.sendCertificate(STRANGER.chain));
    tested.assertSentAlert(ALERT.badCertificate);
  });

  describe('its CertificateVerify', () => {
    const cases: Readonly<Record<string, readonly [(script: ScriptedEcdhePeer) => Uint8Array, number]>> = {
      'over a transcript without the last message': [
        (script) => script.certificateVerifyBody(CLIENT_KEY, { signed: join(...script.transcript.slice(0, -1)) }),
        ALERT.decryptError,
      ],
      'over another hello': [
        (script) => {
          const [hello, ...rest] = script.transcript;
          const signed = join(
            Uint8Array.from(hello!, (byte, at) => (at === 20 ? byte ^ 1 : byte)),
            ...rest,
          );
          return script.certificateVerifyBody(CLIENT_KEY, { signed });
        },
        ALERT.decryptError,
      ],
      'over nothing': [(script) => script.certificateVerifyBody(CLIENT_KEY, { signed: NOTHING }), ALERT.decryptError],
      'by a scheme that was not offered': [
        (script) => script.certificateVerifyBody(CLIENT_KEY, { scheme: 0x0203 }),
        ALERT.illegalParameter,
      ],
      'by a scheme of another kind of key': [
        (script) => script.certificateVerifyBody(CLIENT_KEY, { scheme: 0x0804 }),
        ALERT.decryptError,
      ],
      'without a signature': [() => join(u16(0x0403), u16(0)), ALERT.decryptError],
      empty: [() => NOTHING, ALERT.decodeError],
      'with bytes behind it': [(script) => join(script.certificateVerifyBody(CLIENT_KEY), [1]), ALERT.decodeError],
    };
    for (const [name, [body, alert]] of Object.entries(cases)) {
      it(name, () => {
        const { tested, script } = atVerify();
        tested.assertRefuses(MESSAGE.certificateVerify, body(script), alert);
      });
    }
  });

  describe('its ClientKeyExchange', () => {
    const cases: Readonly<Record<string, readonly [(script: ScriptedEcdhePeer) => Uint8Array, number]>> = {
      'a point that is not on the curve': [
        ({ point }) => vector8(Uint8Array.from(point, (byte, at) => (at === 64 ? byte ^ 1 : byte))),
        ALERT.illegalParameter,
      ],
      'a compressed point': [
        ({ point }) => vector8(join([2 + (point[64]! & 1)], point.subarray(1, 33))),
        ALERT.illegalParameter,
      ],
      'the point at infinity': [() => vector8(Uint8Array.of(0)), ALERT.illegalParameter],
      'a point of another curve': [() => vector8(join([4], new Uint8Array(96).fill(1))), ALERT.illegalParameter],
      'an empty point': [() => Uint8Array.of(0), ALERT.decodeError],
      nothing: [() => NOTHING, ALERT.decodeError],
      'bytes behind the point': [({ point }) => join(vector8(point), [0]), ALERT.decodeError],
    };
    for (const [name, [body, alert]] of Object.entries(cases)) {
      it(name, () => {
        const { tested, script } = certificateServer(NO_CLIENT);
        tested.assertRefuses(MESSAGE.clientKeyExchange, body(script), alert);
      });
    }

    for (const point of [new Uint8Array(32), join([1], new Uint8Array(31))]) {
      it(`an x25519 key of small order (${point[0]})`, () => {
        const script = new ScriptedEcdhePeer('client');
        const tested = testServer({
          script,
          suites: [ECDSA_CCM_8],
          extensions: ecdheExtensions({ groups: [X25519] }),
          answer: (job) => answerOfServer(job.type),
          options: { credential: 'certificate' },
          server: { clientCertificate: 'none' },
        });
        script.messageSeq = 2;
        tested.assertRefuses(MESSAGE.clientKeyExchange, vector8(point), ALERT.illegalParameter);
      });
    }
  });

  describe('its ClientHello', () => {
    const cases: Readonly<Record<string, readonly [Uint8Array, number]>> = {
      'no group in common': [ecdheExtensions({ groups: [25, 30] }), ALERT.handshakeFailure],
      'no scheme in common': [ecdheExtensions({ schemes: [0x0201, 0x0203] }), ALERT.handshakeFailure],
      'no signature_algorithms at all, which means SHA-1': [extension(10, vector16(u16(23))), ALERT.handshakeFailure],
      'no scheme for the key there is': [ecdheExtensions({ schemes: [0x0804, 0x0807] }), ALERT.handshakeFailure],
      'no uncompressed points': [ecdheExtensions({ formats: [1, 2] }), ALERT.illegalParameter],
      'an empty list of groups': [join(extension(10, u16(0)), extension(13, vector16(u16(0x0403)))), ALERT.decodeError],
      'an odd list of schemes': [
        join(extension(10, vector16(u16(23))), extension(13, vector16(Uint8Array.of(4)))),
        ALERT.decodeError,
      ],
      'a server_name that is cut short': [
        join(ecdheExtensions(), extension(0, Uint8Array.of(0, 9, 0))),
        ALERT.decodeError,
      ],
      'raw public keys alone': [
        join(ecdheExtensions(), extension(20, vector8(Uint8Array.of(2)))),
        ALERT.unsupportedCertificate,
      ],
      'a max_fragment_length code that is none': [
        join(ecdheExtensions(), extension(1, Uint8Array.of(5))),
        ALERT.illegalParameter,
      ],
    };
    for (const [name, [extensions, alert]] of Object.entries(cases)) {
      it(name, () => certificateServer({ extensions }).tested.assertSentAlert(alert));
    }

    it('a server of raw public keys: a client without them, or without one of its own', () => {
      for (const types of [
        NOTHING,
        extension(20, vector8(Uint8Array.of(0))),
        extension(20, vector8(Uint8Array.of(2))),
      ]) {
        const tested = testServer({
          script: new ScriptedEcdhePeer('client'),
          suites: [ECDSA_CCM_8],
          extensions: join(ecdheExtensions(), types),
          options: { credential: 'rawPublicKey' },
        });
        tested.assertSentAlert(ALERT.unsupportedCertificate);
      }
    });

    it('pre-shared keys alone at a server with certificates, and the reverse', () => {
      const psk = testServer({ suites: [CCM_8], options: { credential: 'certificate' } });
      psk.assertSentAlert(ALERT.handshakeFailure);
      const certificates = testServer({ suites: [ECDSA_CCM_8], extensions: ecdheExtensions() });
      certificates.assertSentAlert(ALERT.handshakeFailure);
    });

    it('a CBC suite without encrypt_then_mac', () => {
      const options = { credential: 'certificate', ciphersuites: [0xc023] } as const;
      const refused: Tested = testServer({ suites: [0xc023], extensions: ecdheExtensions(), options });
      refused.assertSentAlert(ALERT.handshakeFailure);
    });
  });
});

function answerOfServer(
  type: string,
): { chain: readonly Uint8Array[]; algorithm: 'ec-p256' } | { signature: Uint8Array } {
  return type === 'sign' ? { signature: new Uint8Array(70) } : { chain: SERVER.chain, algorithm: 'ec-p256' };
}
