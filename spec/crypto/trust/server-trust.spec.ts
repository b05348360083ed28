import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  type Certificate,
  type CertificateAssociation,
  CertificateRefusedError,
  type ServerTrustRequest,
  checkServerTrust,
  lwm2mAssociation,
  nodeProvider,
  parseCertificate,
  tlsaAssociation,
} from '../../../lib/crypto/index.ts';
import { FIXTURE_TIME, certificateDer } from '../fixtures/fixtures.ts';

const certificates = (...names: string[]): Certificate[] => names.map((name) => parseCertificate(certificateDer(name)));
const digest = (hash: string, bytes: Uint8Array): Uint8Array => new Uint8Array(createHash(hash).update(bytes).digest());

interface Setting {
  readonly chain?: readonly string[];
  readonly anchors?: readonly string[];
  readonly associations?: readonly (CertificateAssociation | undefined)[];
  readonly host?: string;
  readonly time?: number;
}

async function verdict(setting: Setting): Promise<string> {
  const request: ServerTrustRequest = {
    chain: certificates(...(setting.chain ?? ['server', 'inter'])),
    anchors: certificates(...(setting.anchors ?? [])),
    host: setting.host ?? 'server.example',
    time: setting.time ?? FIXTURE_TIME,
    provider: nodeProvider,
    associations: (setting.associations ?? []).filter((each) => each !== undefined),
  };
  try {
    await checkServerTrust(request);
    return 'OK';
  } catch (error) {
    assert.ok(error instanceof CertificateRefusedError, `${error}`);
    return error.reason;
  }
}

const MATCHING = [undefined, 'sha256', 'sha384', 'sha512'] as const;

/** /0/x/15, /0/x/13 and /0/x/4 for a certificate of the fixtures. */
function lwm2m(usage: number | undefined, name: string, matchingType = 0): CertificateAssociation | undefined {
  const hash = MATCHING[matchingType];
  const der = certificateDer(name);
  const serverPublicKey = hash === undefined ? der : digest(hash, der);
  return lwm2mAssociation({ serverPublicKey, matchingType, certificateUsage: usage });
}

describe('trust in a server', () => {
  it('is refused where nothing is configured', async () => {
    assert.equal(await verdict({}), 'nothing-configured');
    const nothing = new Uint8Array(0);
    for (const certificateUsage of [2, 3, undefined]) {
      const associations = [lwm2mAssociation({ serverPublicKey: nothing, certificateUsage })];
      assert.equal(
        await verdict({ associations, anchors: ['root'] }),
        'nothing-configured',
        `usage ${certificateUsage}`,
      );
    }
    for (const certificateUsage of [0, 1]) {
      const associations = [lwm2mAssociation({ serverPublicKey: nothing, certificateUsage })];
      assert.equal(await verdict({ associations }), 'nothing-configured', `usage ${certificateUsage}`);
      assert.equal(await verdict({ associations, anchors: ['root'] }), 'OK', 'path and name decide');
    }
  });

  it('needs a path and the name where there are anchors only', async () => {
    const anchors = ['root'];
    assert.equal(await verdict({ anchors }), 'OK');
    assert.equal(await verdict({ anchors, host: '192.0.2.1' }), 'OK');
    assert.equal(await verdict({ anchors, host: 'other.example' }), 'wrong-host');
    assert.equal(await verdict({ anchors: ['other-root'] }), 'unknown-issuer');
    assert.equal(await verdict({ anchors, chain: ['client', 'inter'] }), 'wrong-purpose');
    assert.equal(await verdict({ anchors, chain: [] }), 'empty-chain');
  });

  for (const matchingType of [0, 1, 2, 3]) {
    const by = MATCHING[matchingType] ?? 'exact';

    it(`by usage 3, and by none, is the certificate itself and nothing else (${by})`, async () => {
      for (const usage of [3, undefined]) {
        const associations = [lwm2m(usage, 'server', matchingType)];
        assert.equal(await verdict({ associations }), 'OK');
        const elsewhere = { associations, host: 'other.example', time: 0, chain: ['server'] };
        assert.equal(await verdict(elsewhere), 'OK', 'neither name, path nor date');
        assert.equal(await verdict({ associations, chain: ['client', 'server', 'inter'] }), 'no-match');
        assert.equal(await verdict({ associations, chain: ['revoked', 'inter'], anchors: ['root'] }), 'no-match');
      }
    });

    it(`by usage 2 is a path to the certificate, and the name (${by})`, async () => {
      const associations = [lwm2m(2, 'inter', matchingType)];
      assert.equal(await verdict({ associations }), 'OK');
      assert.equal(await verdict({ associations, chain: ['server'] }), by === 'exact' ? 'OK' : 'no-match');
      assert.equal(await verdict({ associations, host: 'other.example' }), 'wrong-host');
      assert.equal(await verdict({ associations, chain: ['expired', 'inter'] }), 'expired');
      const other = { associations: [lwm2m(2, 'other-root', matchingType)], anchors: ['root'] };
      assert.equal(await verdict(other), by === 'exact' ? 'unknown-issuer' : 'no-match', 'anchors do not count');
      const itself = { associations: [lwm2m(2, 'server', matchingType)] };
      assert.equal(await verdict(itself), 'OK', 'the leaf may be the anchor');
      assert.equal(await verdict({ ...itself, host: 'other.example' }), 'wrong-host');
    });

    it(`by usage 1 is a path to an anchor, the name, and the certificate (${by})`, async () => {
      const associations = [lwm2m(1, 'server', matchingType)];
      assert.equal(await verdict({ associations, anchors: ['root'] }), 'OK');
      assert.equal(await verdict({ associations, anchors: [] }), 'unknown-issuer');
      assert.equal(await verdict({ associations, anchors: ['root'], host: 'x.example' }), 'wrong-host');
      assert.equal(await verdict({ associations: [lwm2m(1, 'inter', matchingType)], anchors: ['root'] }), 'no-match');
    });

    it(`by usage 0 is a path to an anchor, the name, and a CA in it (${by})`, async () => {
      for (const authority of ['inter', 'root']) {
        const associations = [lwm2m(0, authority, matchingType)];
        assert.equal(await verdict({ associations, anchors: ['root'] }), 'OK');
        assert.equal(await verdict({ associations, anchors: ['other-root'] }), 'unknown-issuer');
        assert.equal(await verdict({ associations, anchors: ['root'], host: 'x.example' }), 'wrong-host');
      }
      const beside = { associations: [lwm2m(0, 'rsa-inter', matchingType)], chain: ['server', 'inter', 'rsa-inter'] };
      assert.equal(await verdict({ ...beside, anchors: ['root'] }), 'no-match', 'sent, but not in the path');
      assert.equal(await verdict({ associations: [lwm2m(0, 'server', matchingType)], anchors: ['root'] }), 'no-match');
    });
  }

  it('by DANE takes any record, of the certificate or its key', async () => {
    const [server] = certificates('server');
    const spki = server!.publicKey.spki;
    const record = (usage: number, selector: number, matchingType: number, associationData: Uint8Array) =>
      tlsaAssociation({ usage, selector, matchingType, associationData });
    assert.equal(await verdict({ associations: [record(3, 1, 1, digest('sha256', spki))] }), 'OK');
    assert.equal(await verdict({ associations: [record(3, 1, 2, digest('sha512', spki))] }), 'OK');
    assert.equal(await verdict({ associations: [record(3, 1, 0, spki)] }), 'OK');
    assert.equal(await verdict({ associations: [record(3, 0, 1, digest('sha256', spki))] }), 'no-match');
    const wrong = record(3, 1, 1, new Uint8Array(32));
    assert.equal(await verdict({ associations: [wrong] }), 'no-match');
    assert.equal(await verdict({ associations: [wrong, record(3, 0, 2, digest('sha512', server!.der))] }), 'OK');
  });

  it('is not configured by what cannot be', () => {
    const bytes = new Uint8Array(5);
    const usage3 = { serverPublicKey: bytes, certificateUsage: 3 };
    assert.throws(() => lwm2mAssociation({ ...usage3, certificateUsage: 4 }), /\/0\/x\/15 .*expected 0 to 3, found 4/);
    assert.throws(() => lwm2mAssociation({ ...usage3, matchingType: 4 }), /\/0\/x\/13 .*expected 0 to 3, found 4/);
    assert.throws(() => lwm2mAssociation({ ...usage3, matchingType: 1 }), /\/0\/x\/4 .*32 bytes for sha256, found 5/);
    const record = { usage: 3, selector: 0, matchingType: 1, associationData: new Uint8Array(32) };
    assert.throws(() => tlsaAssociation({ ...record, selector: 2 }), /selector: expected 0 or 1/);
    assert.throws(() => tlsaAssociation({ ...record, matchingType: 3 }), /matching type: expected 0 to 2/);
    assert.throws(() => tlsaAssociation({ ...record, matchingType: 2 }), /64 bytes for sha512, found 32/);
    assert.throws(() => tlsaAssociation({ ...record, usage: 255 }), /usage: expected 0 to 3/);
    assert.throws(
      () => tlsaAssociation({ ...record, matchingType: 0, associationData: new Uint8Array(0) }),
      /found none/,
    );
  });
});
