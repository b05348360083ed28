import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { SigningKeyAlgorithm } from '../../../lib/crypto/provider/provider.ts';
import { defaultProvider } from '../../../lib/crypto/provider/default.ts';
import { loadNobleProvider } from '../../../lib/crypto/provider/noble/index.ts';
import { TlsAlertError } from '../../../lib/net/index.ts';
import { SeededRandom } from '../../../lib/runtime/index.ts';
import { CIPHERSUITES, usesPsk } from '../../../security-backends/native/ciphersuites.ts';
import type { DtlsJob, DtlsJobAnswer } from '../../../security-backends/native/connection.ts';
import { schemeIds, supportedSchemes } from '../../../security-backends/native/registries.ts';
import { type CertificatePairOptions, answering, certificatePair, holder } from './certificate-pair.ts';
import type { Pair, Side } from './pair.ts';

const SUITES = CIPHERSUITES.filter((suite) => !usesPsk(suite));
const EC = holder('ec-p256');

function sentAlert(pair: Pair, side: Side): number | undefined {
  const cause = pair.endOf(side);
  return cause instanceof TlsAlertError && cause.direction === 'sent' ? cause.description : undefined;
}

describe('handshake with certificates', () => {
  for (const suite of SUITES) {
    const key = holder(suite.keyExchange === 'ecdheRsa' ? 'rsa' : 'ec-p256');
    for (const client of [undefined, holder('ec-p256', 'client')]) {
      it(`completes with ${suite.name}, ${client === undefined ? 'without' : 'with'} a client certificate`, () => {
        const pair = certificatePair({ suite: suite.id, serverKey: key, clientHolder: client }).handshake();
        assert.ok(pair.talks(), pair.client.closed?.cause?.message ?? pair.client.connection.state);
        const common = {
          version: 'DTLS1.2',
          ciphersuite: suite.id,
          extendedMasterSecret: true,
          group: 'x25519',
        };
        assert.deepEqual(pair.client.negotiated, {
          ...common,
          peerCertificates: key.chain,
          peerPublicKey: key.spki,
        });
        assert.deepEqual(
          pair.server?.negotiated,
          client === undefined ? common : { ...common, peerCertificates: client.chain, peerPublicKey: client.spki },
        );
      });
    }
  }

  for (const algorithm of ['ec-p256', 'ec-p384', 'ed25519', 'rsa'] as const satisfies readonly SigningKeyAlgorithm[]) {
    for (const credential of ['certificate', 'rawPublicKey'] as const) {
      it(`${credential}: both sides sign with ${algorithm}`, () => {
        const [serverKey, clientHolder] = [holder(algorithm), holder(algorithm, 'client')];
        const pair = certificatePair({ credential, serverKey, clientHolder }).handshake();
        assert.ok(pair.talks(), pair.endOf('client')?.message ?? pair.endOf('server')?.message);
        assert.deepEqual(pair.client.negotiated?.peerPublicKey, serverKey.spki);
        assert.deepEqual(pair.server?.negotiated?.peerPublicKey, clientHolder.spki);
      });
    }
  }

  for (const [algorithm, scheme] of [
    ['ec-p384', 'ecdsa_secp384r1_sha256'],
    ['ec-p256', 'ecdsa_secp256r1_sha384'],
  ] as const) {
    it(`both sides sign with ${scheme} where the other takes that hash alone`, () => {
      const [serverKey, clientHolder] = [holder(algorithm), holder(algorithm, 'client')];
      const signatureSchemes = [scheme];
      const taken = { client: { signatureSchemes }, server: { signatureSchemes } };
      const pair = certificatePair({ ...taken, serverKey, clientHolder }).handshake();
      assert.ok(pair.talks(), pair.endOf('client')?.message ?? pair.endOf('server')?.message);
      for (const { jobs } of [pair.client, pair.server!]) {
        assert.deepEqual(
          jobs.flatMap((job) => (job.type === 'sign' ? [job.scheme] : [])),
          [scheme],
        );
      }
    });

    it(`${algorithm} signs with the hash of its curve where the other takes both`, () => {
      const pair = certificatePair({ serverKey: holder(algorithm) }).handshake();
      const [sign] = pair.server!.jobs.filter((job) => job.type === 'sign');
      assert.notEqual(sign!.scheme, scheme);
    });
  }

  it('no number is offered twice, though two schemes may have it', () => {
    const [first, second, ...more] = schemeIds(supportedSchemes(defaultProvider()));
    assert.deepEqual([first, second], [0x0403, 0x0503]);
    assert.ok(!more.includes(0x0403) && !more.includes(0x0503));
  });

  for (const group of ['x25519', 'secp256r1', 'secp384r1'] as const) {
    it(`agrees on ${group} where it is the only one in common`, () => {
      const pair = certificatePair({ client: { groups: [group] } }).handshake();
      assert.ok(pair.talks());
      assert.equal(pair.server?.negotiated?.group, group);
    });
  }

  it('completes with a raw public key of the server alone', () => {
    assert.ok(certificatePair({ credential: 'rawPublicKey' }).handshake().talks());
  });

  it('completes with noble on one side and the default provider on the other', async () => {
    const client = { provider: await loadNobleProvider() };
    const pair = certificatePair({ client, server: { provider: defaultProvider() }, clientHolder: EC });
    assert.ok(pair.handshake().talks());
  });

  it('offers no RSA with a provider that has none', async () => {
    const provider = await loadNobleProvider();
    const options = { client: { provider }, serverKey: holder('rsa') };
    assert.equal(sentAlert(certificatePair(options).handshake(), 'server'), 40);
    assert.throws(() => certificatePair({ client: { provider, ciphersuites: [0xc02f] } }), {
      code: 'ENOTSUP',
    });
  });

  it('keeps every datagram within the smallest mtu', () => {
    const pair = certificatePair({ client: { mtu: 256 }, server: { mtu: 256 }, clientHolder: EC });
    assert.ok(pair.handshake().talks());
    assert.ok(pair.log.every(({ datagram }) => datagram.length <= 256));
  });

  it('fragments smaller after repeated loss: completes on a path that swallows large datagrams', () => {
    const pair = certificatePair({ clientHolder: EC });
    pair.wire = (datagram) => (datagram.length > 600 ? [] : [datagram]);
    pair.handshake();
    assert.ok(pair.talks(), pair.client.connection.state);
    assert.ok(pair.log.some(({ datagram }) => datagram.length > 600));
  });

  it('random loss, doubling and disorder: connected or ended in time, never wedged', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = new SeededRandom(seed);
        const pair = certificatePair({ seed, client: { mtu: 500 }, server: { mtu: 500 }, clientHolder: EC });
        let held: Uint8Array | undefined;
        pair.wire = (datagram) => {
          const fate = random.unit();
          if (fate < 0.1) return [];
          if (fate < 0.2) return [datagram, datagram];
          if (fate > 0.8 && held === undefined) {
            held = datagram;
            return [];
          }
          const arrivals = held === undefined ? [datagram] : [datagram, held];
          held = undefined;
          return arrivals;
        };
        pair.handshake();
        if (pair.client.negotiated !== undefined && pair.server?.negotiated !== undefined) assert.ok(pair.talks());
        else assert.ok(pair.client.closed !== undefined, `wedged: ${pair.client.connection.state}`);
      }),
      { numRuns: 200 },
    );
  });

  for (const [fault, change] of Object.entries({
    loses: () => [],
    duplicates: (datagram: Uint8Array) => [datagram, datagram],
    truncates: (datagram: Uint8Array) => [datagram.subarray(0, datagram.length - 1)],
  })) {
    it(`completes when the network ${fault} any one of its datagrams`, () => {
      const options: CertificatePairOptions = { client: { mtu: 400 }, server: { mtu: 400 }, clientHolder: EC };
      const total = certificatePair(options).handshake().log.length;
      for (let n = 0; n < total; n++) {
        const pair = certificatePair(options);
        let count = 0;
        pair.wire = (datagram) => (count++ === n ? change(datagram) : [datagram]);
        pair.handshake();
        assert.ok(pair.talks(), `datagram ${n} of ${total}: ${pair.client.connection.state}`);
      }
    });
  }

  it('completes when every datagram of a flight comes in the opposite order', () => {
    const pair = certificatePair({ client: { mtu: 300 }, server: { mtu: 300 }, clientHolder: EC }).start();
    for (let round = 0; round < 40 && pair.server?.negotiated === undefined; round++) {
      for (const datagram of pair.client.take().toReversed()) pair.deliver(datagram, 'server');
      for (const datagram of pair.server?.take().toReversed() ?? []) pair.deliver(datagram, 'client');
      if (round % 4 === 3) pair.tick();
    }
    assert.ok(pair.talks());
  });
});

describe('jobs of certificate handshakes', () => {
  it('may be answered later, each of them, and without a retransmission in between', () => {
    const pair = certificatePair({ clientHolder: EC, openJobs: true }).start();
    pair.settle();
    for (let i = 0; i < 20 && pair.client.negotiated === undefined; i++) {
      answerOpen(pair, 'client', answering(EC, EC, false));
      answerOpen(pair, 'server', answering(EC, EC, false));
      pair.settle();
    }
    assert.ok(pair.talks());
    assert.equal(pair.client.connection.counters.retransmissions, 0);
    assert.equal(pair.server?.connection.counters.dropped.unexpectedChangeCipherSpec, 0);
    assert.deepEqual(
      pair.client.jobs.map(({ type }) => type),
      ['verifyChain', 'chooseCertificate', 'sign'],
    );
  });

  it('name what both sides have: schemes, kinds of keys, the name asked for', () => {
    const pair = certificatePair({
      clientHello: { serverName: 'device.example' },
      client: { signatureSchemes: ['ed25519', 'ecdsa_secp256r1_sha256'] },
      clientHolder: EC,
    }).handshake();
    const [choose] = pair.server!.jobs;
    assert.ok(choose?.type === 'chooseCertificate');
    assert.equal(choose.serverName, 'device.example');
    assert.deepEqual(choose.schemes, ['ed25519', 'ecdsa_secp256r1_sha256', 'ecdsa_secp384r1_sha256']);
    assert.deepEqual(choose.algorithms, ['ed25519', 'ec-p256', 'ec-p384'], 'a number of TLS 1.2 names no curve');
  });

  it('that nobody answers end the handshake in its bound, on either side', () => {
    const pair = certificatePair({ clientHolder: EC, client: { handshakeTries: 3 }, server: { handshakeTries: 9 } });
    pair.client.answer = undefined;
    pair.start();
    pair.run(() => pair.client.closed !== undefined);
    assert.match(pair.endOf('client')!.message, /ETIMEDOUT.*judgement.*not given in time/);
    const silent = certificatePair({ clientHolder: EC, serverAnswer: () => undefined, server: { handshakeTries: 3 } });
    silent.start();
    silent.settle();
    assert.equal(sentAlert(silent, 'server'), 40, 'no certificate is no handshake');
  });

  it('answered by something else are a misuse that says so', () => {
    const pair = certificatePair({ clientAnswer: () => ({ key: new Uint8Array(16) }) }).handshake();
    assert.match(pair.endOf('client')!.message, /EINVAL.*answer to another question/);
  });
});

/** Answers what `side` has asked last. */
function answerOpen(pair: Pair, side: Side, answer: (job: DtlsJob) => DtlsJobAnswer): void {
  const party = pair.party(side);
  const job = party.jobs.at(-1);
  if (job === undefined) return;
  party.connection.answer(job.id, answer(job), pair.now);
  party.pump(pair.now);
}
