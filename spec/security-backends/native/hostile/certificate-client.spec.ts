// DTLS-PITFALLS rule 10 and what a hostile server can do with certificates: messages left out or out of order, signatures
// by others, points that are none, answers to what was not asked. Each with the alert expected.

import assert from 'node:assert/strict';
import { ALERT } from '../../../../security-backends/native/alerts.ts';
import type { DtlsClientOptions } from '../../../../security-backends/native/client.ts';
import { holder } from '../certificate-pair.ts';
import { ECDSA_CCM_8, ScriptedEcdhePeer, X25519 } from '../scripted-ecdhe-peer.ts';
import { CCM_8, MESSAGE, TYPE, extension, join, rawMessage, u16, vector16, vector8 } from '../scripted-peer.ts';
import { testClient } from '../tested.ts';
import {
  CLIENT_KEY,
  SERVER,
  STRANGER,
  certificateClient,
  clientAtCertificate,
  clientAtDone,
  clientAtKeyExchange,
  finishWithClient,
} from '../tested-certificates.ts';

const NOTHING = new Uint8Array(0);

describe('hostile: a server with certificates', () => {
  it('HelloRequest in the middle is ignored, however often, and is no part of the transcript (RFC 5246 §7.4.1.1)', () => {
    const bench = clientAtKeyExchange();
    const { tested, script } = bench;
    for (let i = 0; i < 3; i++) {
      tested.feed(script.record(TYPE.handshake, 0, rawMessage(MESSAGE.helloRequest, script.messageSeq, NOTHING)));
      tested.timeOut();
    }
    assert.equal(tested.dropped('unexpectedMessage'), 3);
    tested.party.take();
    tested.feed(script.message(MESSAGE.serverKeyExchange, script.signedKeyExchange(SERVER)), script.serverHelloDone());
    assert.deepEqual(finishWithClient(bench), [MESSAGE.clientKeyExchange, MESSAGE.finished]);
    tested.assertTalks();
  });

  it('an honest one is taken, with and without a request for our certificate', () => {
    const plain = clientAtDone();
    plain.tested.feed(plain.script.serverHelloDone());
    assert.deepEqual(finishWithClient(plain), [MESSAGE.clientKeyExchange, MESSAGE.finished]);
    plain.tested.assertTalks();
    const asking = clientAtDone({ own: CLIENT_KEY });
    asking.tested.feed(
      asking.script.message(MESSAGE.certificateRequest, asking.script.certificateRequestBody()),
      asking.script.serverHelloDone(),
    );
    assert.deepEqual(finishWithClient(asking), [
      MESSAGE.certificate,
      MESSAGE.clientKeyExchange,
      MESSAGE.certificateVerify,
      MESSAGE.finished,
    ]);
    asking.tested.assertTalks();
  });

  describe('rule 10: every message the suite needs must come', () => {
    it('no Certificate: ServerKeyExchange at once', () => {
      const { tested, script } = clientAtCertificate();
      tested.assertRefuses(MESSAGE.serverKeyExchange, script.signedKeyExchange(SERVER), ALERT.unexpectedMessage);
    });

    it('no Certificate and no ServerKeyExchange: ServerHelloDone at once', () => {
      clientAtCertificate().tested.assertRefuses(MESSAGE.serverHelloDone, NOTHING, ALERT.unexpectedMessage);
    });

    it('no ServerKeyExchange: ServerHelloDone behind Certificate', () => {
      clientAtKeyExchange().tested.assertRefuses(MESSAGE.serverHelloDone, NOTHING, ALERT.unexpectedMessage);
    });

    it('no ServerKeyExchange: CertificateRequest behind Certificate', () => {
      const { tested, script } = clientAtKeyExchange();
      tested.assertRefuses(MESSAGE.certificateRequest, script.certificateRequestBody(), ALERT.unexpectedMessage);
    });

    it('no ServerHelloDone: ChangeCipherSpec and Finished at once', () => {
      const { tested, script } = clientAtDone();
      script.premaster = new Uint8Array(32);
      script.deriveKeys({ premaster: script.premaster });
      tested.feed(script.changeCipherSpec(), script.finished());
      assert.equal(tested.dropped('unexpectedChangeCipherSpec'), 1);
      tested.starve();
      assert.equal(tested.connected, false);
    });

    it('a second Certificate, a second ServerKeyExchange, a second CertificateRequest', () => {
      const again = clientAtKeyExchange();
      const body = again.script.certificateBody(SERVER.chain);
      again.tested.assertRefuses(MESSAGE.certificate, body, ALERT.unexpectedMessage);
      const exchange = clientAtDone();
      exchange.tested.assertRefuses(
        MESSAGE.serverKeyExchange,
        exchange.script.signedKeyExchange(SERVER),
        ALERT.unexpectedMessage,
      );
      const request = clientAtDone();
      const requestBody = request.script.certificateRequestBody();
      request.tested.feed(request.script.message(MESSAGE.certificateRequest, requestBody));
      request.tested.assertRefuses(MESSAGE.certificateRequest, requestBody, ALERT.unexpectedMessage);
    });

    it('a CertificateRequest of a server with a pre-shared key', () => {
      const tested = testClient();
      tested.feed(tested.script.serverHello());
      const body = new ScriptedEcdhePeer('server').certificateRequestBody();
      tested.assertRefuses(MESSAGE.certificateRequest, body, ALERT.unexpectedMessage);
    });
  });

  describe('its certificate', () => {
    it('an empty certificate_list', () => {
      const { tested, script } = clientAtCertificate();
      tested.assertRefuses(MESSAGE.certificate, script.certificateBody([]), ALERT.decodeError);
    });

    it('an empty certificate in the list', () => {
      const { tested, script } = clientAtCertificate();
      tested.assertRefuses(MESSAGE.certificate, script.certificateBody([SERVER.chain[0]!, NOTHING]), ALERT.decodeError);
    });

    it('a chain of 100', () => {
      const { tested, script } = clientAtCertificate();
      const chain = Array.from({ length: 100 }, () => Uint8Array.of(1, 2, 3));
      tested.assertRefuses(MESSAGE.certificate, script.certificateBody(chain), ALERT.decodeError);
    });

    it('a list that is longer than its message, and one with bytes behind it', () => {
      const body = new ScriptedEcdhePeer('server').certificateBody(SERVER.chain);
      for (const wrong of [body.subarray(0, body.length - 1), join(body, [0])]) {
        clientAtCertificate().tested.assertRefuses(MESSAGE.certificate, wrong, ALERT.decodeError);
      }
    });

    it('larger than the limit: dropped, and no memory held', () => {
      const { tested, script } = clientAtCertificate();
      tested.feed(script.fragment(MESSAGE.certificate, script.messageSeq, new Uint8Array(200), 0, 200, 2 ** 24 - 1));
      assert.equal(tested.dropped('reassemblyOverflow'), 1);
    });

    it('one that is not trusted: the alert of the verdict, and its reason in the error', () => {
      const { tested, script } = clientAtCertificate();
      tested.feed(script.sendCertificate(STRANGER.chain));
      tested.assertSentAlert(ALERT.badCertificate);
      assert.match(tested.party.closed!.cause!.message, /another certificate than the one trusted/);
    });
  });

  describe('its ServerKeyExchange', () => {
    const cases: Readonly<Record<string, readonly [body: (script: ScriptedEcdhePeer) => Uint8Array, alert: number]>> = {
      'signed by another key': [(script) => script.signedKeyExchange(STRANGER), ALERT.decryptError],
      'signed over other randoms (a replay)': [
        (script) => script.signedKeyExchange(SERVER, { signed: join(new Uint8Array(64), script.params()) }),
        ALERT.decryptError,
      ],
      'signed over another point': [
        (script) => {
          const other = new ScriptedEcdhePeer('server');
          const signed = join(script.clientRandom, script.serverRandom, other.params());
          return script.signedKeyExchange(SERVER, { signed });
        },
        ALERT.decryptError,
      ],
      'with an empty signature': [
        (script) => join(script.params(), u16(0x0403), vector16(NOTHING)),
        ALERT.decryptError,
      ],
      'with a scheme of RSA': [
        (script) => script.signedKeyExchange(SERVER, { scheme: 0x0401 }),
        ALERT.illegalParameter,
      ],
      'with SHA-1, which was not offered': [
        (script) => script.signedKeyExchange(SERVER, { scheme: 0x0203 }),
        ALERT.illegalParameter,
      ],
      'with an unknown scheme': [
        (script) => script.signedKeyExchange(SERVER, { scheme: 0xfefe }),
        ALERT.illegalParameter,
      ],
      'with the scheme of another curve': [
        (script) => script.signedKeyExchange(SERVER, { scheme: 0x0503 }),
        ALERT.decryptError,
      ],
      'a group that was not offered': [
        (script) => script.signedKeyExchange(SERVER, { group: 25 }),
        ALERT.illegalParameter,
      ],
      'a curve given explicitly': [(script) => script.signedKeyExchange(SERVER, { curveType: 1 }), ALERT.decodeError],
      'a point that is not on the curve': [
        (script) => script.signedKeyExchange(SERVER, { point: damaged(script.point, 64) }),
        ALERT.illegalParameter,
      ],
      'a compressed point': [
        (script) =>
          script.signedKeyExchange(SERVER, {
            point: join([2 + (script.point[64]! & 1)], script.point.subarray(1, 33)),
          }),
        ALERT.illegalParameter,
      ],
      'the point at infinity': [
        (script) => script.signedKeyExchange(SERVER, { point: Uint8Array.of(0) }),
        ALERT.illegalParameter,
      ],
      'a point of (0, 0)': [
        (script) => script.signedKeyExchange(SERVER, { point: join([4], new Uint8Array(64)) }),
        ALERT.illegalParameter,
      ],
      'an empty point': [(script) => script.signedKeyExchange(SERVER, { point: NOTHING }), ALERT.decodeError],
      'an x25519 key of zeros': [
        (script) => script.signedKeyExchange(SERVER, { group: X25519, point: new Uint8Array(32) }),
        ALERT.illegalParameter,
      ],
      'an x25519 key of small order': [
        (script) => script.signedKeyExchange(SERVER, { group: X25519, point: join([1], new Uint8Array(31)) }),
        ALERT.illegalParameter,
      ],
      'bytes behind the signature': [(script) => join(script.signedKeyExchange(SERVER), [0]), ALERT.decodeError],
      'cut short': [(script) => script.signedKeyExchange(SERVER).subarray(0, 40), ALERT.decodeError],
    };
    for (const [name, [body, alert]] of Object.entries(cases)) {
      it(name, () => {
        const { tested, script } = clientAtKeyExchange();
        tested.assertRefuses(MESSAGE.serverKeyExchange, body(script), alert);
      });
    }

    it('a damaged copy heals: the good one that comes next is taken', () => {
      const bench = clientAtKeyExchange();
      const { tested, script } = bench;
      const good = script.signedKeyExchange(SERVER);
      const seq = script.messageSeq;
      tested.feed(script.message(MESSAGE.serverKeyExchange, damaged(good, good.length - 1), { hash: false }));
      tested.feed(script.message(MESSAGE.serverKeyExchange, good, { messageSeq: seq }), script.serverHelloDone());
      finishWithClient(bench);
      tested.assertTalks();
    });
  });

  describe('its CertificateRequest', () => {
    it('that nothing of ours goes with: an empty Certificate, and no CertificateVerify', () => {
      for (const options of [{ types: [1] }, { schemes: [0x0804] }, { schemes: [0x0203] }, { types: [] }]) {
        const bench = clientAtDone({ own: CLIENT_KEY });
        const body = bench.script.certificateRequestBody(options);
        bench.tested.feed(bench.script.message(MESSAGE.certificateRequest, body), bench.script.serverHelloDone());
        const expected = [MESSAGE.certificate, MESSAGE.clientKeyExchange, MESSAGE.finished];
        assert.deepEqual(finishWithClient(bench), expected);
        bench.tested.assertTalks();
      }
    });

    it('without schemes, or cut short', () => {
      for (const body of [join([1, 64], u16(0), u16(0)), Uint8Array.of(1)]) {
        clientAtDone({ own: CLIENT_KEY }).tested.assertRefuses(MESSAGE.certificateRequest, body, ALERT.decodeError);
      }
    });
  });

  describe('its ServerHello', () => {
    const answers: Readonly<
      Record<string, readonly [extensions: Uint8Array, alert: number, client?: Partial<DtlsClientOptions>]>
    > = {
      'an extension we did not send (status_request)': [extension(5, NOTHING), ALERT.unsupportedExtension],
      'ec_point_formats without uncompressed': [extension(11, vector8(Uint8Array.of(1))), ALERT.illegalParameter],
      'encrypt_then_mac, which we did not offer': [extension(22), ALERT.unsupportedExtension],
      'encrypt_then_mac for an AEAD suite': [
        extension(22),
        ALERT.illegalParameter,
        { ciphersuites: [ECDSA_CCM_8, 0xc023] },
      ],
      'a protocol we did not offer': [
        extension(16, vector16(vector8(new TextEncoder().encode('h2')))),
        ALERT.illegalParameter,
        { alpn: ['coap'] },
      ],
      'two protocols': [
        extension(16, vector16(join(...['coap', 'x'].map((name) => vector8(new TextEncoder().encode(name)))))),
        ALERT.illegalParameter,
        { alpn: ['coap', 'x'] },
      ],
      'max_fragment_length other than asked for': [
        extension(1, Uint8Array.of(2)),
        ALERT.illegalParameter,
        { maxFragmentLength: 512 },
      ],
      'record_size_limit below 64': [extension(28, u16(63)), ALERT.illegalParameter, { recordSizeLimit: 512 }],
      'record_size_limit and max_fragment_length together': [
        join(extension(28, u16(512)), extension(1, Uint8Array.of(1))),
        ALERT.illegalParameter,
        { recordSizeLimit: 512, maxFragmentLength: 512 },
      ],
      'an extension nobody knows': [extension(0x1234), ALERT.unsupportedExtension],
      'a raw public key in place of X.509': [extension(20, Uint8Array.of(2)), ALERT.unsupportedExtension],
    };
    for (const [name, [extensions, alert, client = {}]] of Object.entries(answers)) {
      it(name, () => {
        const { tested, script } = certificateClient({ client: { ciphersuites: [ECDSA_CCM_8], ...client } });
        const body = helloBody(script, ECDSA_CCM_8, extensions);
        tested.assertRefuses(MESSAGE.serverHello, body, alert);
      });
    }

    it('a CBC suite without encrypt_then_mac', () => {
      const { tested, script } = certificateClient({ options: { ciphersuites: [0xc023] } });
      tested.assertRefuses(MESSAGE.serverHello, helloBody(script, 0xc023, NOTHING), ALERT.handshakeFailure);
    });

    it('X.509 where a raw public key was asked for, said or by saying nothing', () => {
      for (const extensions of [NOTHING, extension(20, Uint8Array.of(0))]) {
        const { tested, script } = certificateClient({ options: { credential: 'rawPublicKey' } });
        const body = helloBody(script, ECDSA_CCM_8, extensions);
        tested.assertRefuses(MESSAGE.serverHello, body, ALERT.unsupportedCertificate);
      }
    });

    it('a pre-shared key where certificates were asked for, and the reverse', () => {
      const { tested, script } = certificateClient();
      tested.assertRefuses(MESSAGE.serverHello, helloBody(script, CCM_8, NOTHING), ALERT.illegalParameter);
      const psk = testClient();
      const body = helloBody(psk.script, ECDSA_CCM_8, NOTHING);
      psk.assertRefuses(MESSAGE.serverHello, body, ALERT.illegalParameter);
    });
  });

  it('a Finished over another transcript is refused, and the session never comes to be', () => {
    const bench = clientAtDone();
    bench.tested.feed(bench.script.serverHelloDone());
    bench.script.transcript[1] = Uint8Array.from(bench.script.transcript[1]!, (byte, at) =>
      at === 20 ? byte ^ 1 : byte,
    );
    const flight = bench.tested.sent();
    const [exchange] = bench.script.messages(flight);
    bench.script.take([exchange!]);
    bench.script.agree(exchange!.body.slice(1));
    bench.script.deriveKeys({ premaster: bench.script.premaster });
    bench.tested.feed(join(bench.script.changeCipherSpec(), bench.script.finished()));
    bench.tested.starve();
    assert.equal(bench.tested.party.negotiated, undefined);
  });

  it('a renegotiation is refused by an alert, not by the end', () => {
    const bench = clientAtDone();
    bench.tested.feed(bench.script.serverHelloDone());
    finishWithClient(bench);
    bench.tested.feed(bench.script.message(MESSAGE.helloRequest, NOTHING, { epoch: 1, messageSeq: 40, hash: false }));
    assert.deepEqual(
      bench.tested.party.alerts.map(({ description }) => description),
      [ALERT.noRenegotiation],
    );
    bench.tested.assertTalks();
  });

  it('data before Finished reaches nobody', () => {
    const bench = clientAtDone();
    bench.tested.feed(bench.script.record(TYPE.applicationData, 0, Uint8Array.of(1)), bench.script.serverHelloDone());
    assert.equal(bench.tested.party.data.length, 0);
    assert.equal(bench.tested.dropped('unexpectedApplicationData'), 1);
  });

  it('keys of every kind that are none of the suite are not asked to sign', () => {
    const bench = clientAtDone({ own: holder('rsa') });
    const body = bench.script.certificateRequestBody({ types: [1, 64], schemes: [0x0403] });
    bench.tested.feed(bench.script.message(MESSAGE.certificateRequest, body), bench.script.serverHelloDone());
    finishWithClient(bench);
    assert.deepEqual(
      bench.tested.party.jobs.map(({ type }) => type),
      ['verifyChain', 'chooseCertificate'],
    );
  });
});

function damaged(bytes: Uint8Array, at: number): Uint8Array {
  return Uint8Array.from(bytes, (byte, index) => (index === at ? byte ^ 1 : byte));
}

/** The body of a ServerHello with the extended master secret. */
function helloBody(script: { readonly serverRandom: Uint8Array }, suite: number, extensions: Uint8Array): Uint8Array {
  const all = join(extension(23), extension(0xff01, Uint8Array.of(0)), extensions);
  return join(u16(0xfefd), script.serverRandom, [0], u16(suite), [0], vector16(all));
}
