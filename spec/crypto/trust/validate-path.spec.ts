import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { DecodeError } from '../../../lib/bytes/index.ts';
import { type CryptoProvider, nodeProvider } from '../../../lib/crypto/index.ts';
import { parseRevocationList } from '../../../lib/crypto/crl.ts';
import { askLibrary } from '../../../lib/crypto/trust/second-opinion.ts';
import { CertificateRefusedError } from '../../../lib/crypto/trust/refusal.ts';
import { type PathRequest, validatePath } from '../../../lib/crypto/trust/validate-path.ts';
import { type Certificate, parseCertificate } from '../../../lib/crypto/x509.ts';
import {
  CERTIFICATE_NAMES,
  FIXTURE_TIME,
  OPENSSL_VERDICTS,
  certificateDer,
  revocationListDer,
} from '../fixtures/fixtures.ts';
import { PATH_CASES, type PathCase } from '../fixtures/path-cases.ts';

/** The sources, also from the compiled specs. */
const ROOT = path.extname(import.meta.filename) === '.ts' ? '../../..' : '../../../..';

const certificate = (name: string): Certificate => parseCertificate(certificateDer(name));
const certificates = (...names: string[]): Certificate[] => names.map(certificate);

function requestOf(each: Partial<PathCase>, more: Partial<PathRequest> = {}): PathRequest {
  return {
    chain: certificates(...(each.chain ?? ['server', 'inter'])),
    anchors: certificates(...(each.anchors ?? ['root'])),
    revocationLists: (each.revocationLists ?? []).map((name) => parseRevocationList(revocationListDer(name))),
    time: FIXTURE_TIME,
    purpose: each.purpose ?? 'serverAuth',
    provider: nodeProvider,
    ...more,
  };
}

/** `OK`, or the reason of the refusal. */
async function verdict(request: PathRequest): Promise<string> {
  try {
    await validatePath(request);
    return 'OK';
  } catch (error) {
    assert.ok(error instanceof CertificateRefusedError, `${error}`);
    return error.reason;
  }
}

describe('path validation', () => {
  for (const each of PATH_CASES) {
    it(`${each.refused === undefined ? 'accepts' : `refuses (${each.refused})`}: ${each.name}`, async () => {
      assert.equal(await verdict(requestOf(each)), each.refused ?? 'OK');
      const openssl = OPENSSL_VERDICTS[each.name];
      assert.ok(openssl !== undefined, 'run make.ts');
      const agree = (openssl === 'OK') === (each.refused === undefined);
      assert.equal(agree, each.differs === undefined, `OpenSSL says: ${openssl}`);
    });
  }

  it('gives the path, leaf first, anchor last, and nothing that was sent beside it', async () => {
    const found = await validatePath(requestOf({ chain: ['server', 'expired', 'root', 'rsa-inter', 'inter'] }));
    assert.deepEqual(
      found.map(({ subject }) => subject.commonNames[0]),
      ['server', 'inter', 'root'],
    );
  });

  it('says of whom, what was expected and what was found', async () => {
    await assert.rejects(validatePath(requestOf({ chain: ['expired', 'inter'] })), {
      message:
        /^certificate of 'expired' refused \(expired\): valid until 2021-01-01T00:00:00.000Z, now it is 2026-01-01/,
      code: 'ECERTREFUSED',
      alert: 'certificate_expired',
    });
  });

  it('refuses a changed signature, and a changed name under a good one', async () => {
    const bent = certificateDer('server');
    bent[bent.length - 1]! ^= 1;
    const chain = [parseCertificate(bent), certificate('inter')];
    assert.equal(await verdict(requestOf({}, { chain })), 'bad-signature');
    const renamed = certificateDer('server');
    const at = Buffer.from(renamed).lastIndexOf('server.example');
    renamed.set(Buffer.from('victim.example'), at);
    assert.equal(
      await verdict(requestOf({}, { chain: [parseCertificate(renamed), certificate('inter')] })),
      'bad-signature',
    );
  });

  it('refuses whatever byte of a chain is changed', async () => {
    const seen = { malformed: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 1 }), fc.nat(), fc.integer({ min: 1, max: 255 }), async (which, at, bits) => {
        const ders = [certificateDer('server'), certificateDer('inter')];
        const der = ders[which]!;
        der[at % der.length]! ^= bits;
        try {
          const outcome = await verdict(requestOf({}, { chain: ders.map((each) => parseCertificate(each)) }));
          assert.notEqual(outcome, 'OK');
          seen.refused++;
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error;
          seen.malformed++;
        }
      }),
      { numRuns: 2000 },
    );
    assert.ok(seen.malformed > 100 && seen.refused > 100, 'both happen');
  });

  it('needs a clock, or a policy for its absence', async () => {
    assert.equal(await verdict(requestOf({}, { time: undefined })), 'unknown-time');
    const asked: unknown[] = [];
    const withoutClock = (window: { notBefore: number; notAfter: number }): boolean => {
      asked.push(window);
      return window.notAfter > Date.UTC(2024, 0, 1);
    };
    assert.equal(await verdict(requestOf({}, { time: undefined, withoutClock })), 'OK');
    assert.deepEqual(asked, [{ notBefore: Date.UTC(2020, 0, 1), notAfter: Date.UTC(2050, 0, 1) }]);
    const expired = { chain: ['expired', 'inter'] };
    assert.equal(await verdict(requestOf(expired, { time: undefined, withoutClock })), 'unknown-time');
    assert.equal(
      await verdict(requestOf({ chain: ['wrong-eku', 'inter'] }, { time: undefined, withoutClock: () => true })),
      'wrong-purpose',
    );
  });

  it('judges dates to the millisecond, both ends included', async () => {
    const [first, last] = [Date.UTC(2020, 0, 1), Date.UTC(2050, 0, 1)];
    assert.equal(await verdict(requestOf({}, { time: first })), 'OK');
    assert.equal(await verdict(requestOf({}, { time: first - 1 })), 'not-yet-valid');
    assert.equal(await verdict(requestOf({}, { time: last })), 'OK');
    assert.equal(await verdict(requestOf({}, { time: last + 1 })), 'expired');
  });

  it('can require revocation lists', async () => {
    const lists = (names: string[], requireRevocationLists: 'leaf' | 'all') =>
      verdict(requestOf({ revocationLists: names }, { requireRevocationLists }));
    assert.equal(await lists([], 'leaf'), 'revocation-list');
    assert.equal(await lists(['inter-crl'], 'leaf'), 'OK');
    assert.equal(await lists(['inter-crl'], 'all'), 'revocation-list');
    assert.equal(await lists(['inter-crl', 'root-crl'], 'all'), 'OK');
    assert.equal(await lists(['inter-crl-outdated', 'inter-crl', 'root-crl'], 'all'), 'OK');
  });

  it('refuses lists that the issuer did not sign', async () => {
    const der = revocationListDer('inter-crl');
    der[der.length - 1]! ^= 1;
    const revocationLists = [parseRevocationList(der)];
    assert.equal(await verdict(requestOf({ chain: ['revoked', 'inter'] }, { revocationLists })), 'revocation-list');
  });

  it('is bounded in certificates, signatures and path length', async () => {
    const chain = Array.from({ length: 100 }, () => certificate('server'));
    assert.equal(await verdict(requestOf({}, { chain })), 'chain-too-long');
    assert.equal(await verdict(requestOf({}, { chain: [] })), 'empty-chain');
    assert.equal(await verdict(requestOf({}, { maxPathLength: 2 })), 'unknown-issuer');
    let verified = 0;
    const provider: Pick<CryptoProvider, 'verify' | 'primitives'> = {
      primitives: nodeProvider.primitives,
      verify(...args) {
        verified++;
        return nodeProvider.verify(...args);
      },
    };
    const copies = certificates('by-cycle', ...Array.from({ length: 60 }, () => ['cycle-a-by-b', 'cycle-b']).flat());
    assert.equal(await verdict(requestOf({}, { chain: copies, maxChainLength: 200, provider })), 'unknown-issuer');
    assert.ok(verified <= 40, `${verified} signatures`);
  });

  it('takes only signatures that are allowed', async () => {
    assert.equal(await verdict(requestOf({}, { signatureAlgorithms: ['ed25519'] })), 'signature-algorithm');
    assert.equal(
      await verdict(requestOf({}, { provider: { ...nodeProvider, primitives: new Set() } })),
      'signature-algorithm',
    );
  });

  it('asks the library, which alone would accept some of what we refuse', async () => {
    const say = async (...names: string[]): Promise<string> => {
      try {
        await askLibrary(certificates(...names), FIXTURE_TIME, () => 'valid');
        return 'OK';
      } catch (error) {
        assert.ok(error instanceof CertificateRefusedError, `${error}`);
        return error.reason;
      }
    };
    // Why there is a policy layer: pkijs 4.0 accepts these.
    for (const leaf of ['wrong-eku', 'unknown-critical', 'wrong-ku'])
      assert.equal(await say(leaf, 'inter', 'root'), 'OK', leaf);
    assert.equal(await say('nc-mixed', 'constrained', 'root'), 'OK');
    // And why it is asked: it does look.
    assert.equal(await say('expired', 'inter', 'root'), 'library');
    assert.equal(await say('nc-outside', 'constrained', 'root'), 'library');
    assert.equal(await say('by-not-ca', 'not-ca', 'root'), 'library');
    await assert.rejects(
      askLibrary(certificates('server', 'inter', 'root'), FIXTURE_TIME, () => 'invalid'),
      /refused \(library\)/,
    );
  });

  it('never accepts a leaf of the fixtures under an anchor that is not its own', async () => {
    for (const name of CERTIFICATE_NAMES) {
      if (name === 'other-root') continue;
      const chain = certificates(name, 'inter', 'root', 'rsa-inter', 'rsa-root');
      assert.equal(
        (await verdict(requestOf({}, { chain, anchors: certificates('other-root') }))) === 'OK',
        false,
        name,
      );
    }
  });
});

describe('pkijs', () => {
  it('is imported by one file alone, and that file only when it is needed', () => {
    const room = path.resolve(import.meta.dirname, `${ROOT}/lib/crypto`);
    const files = readdirSync(room, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
    const having = (pattern: RegExp): string[] =>
      files.filter((name) => pattern.test(readFileSync(path.join(room, name), 'utf8'))).sort();
    assert.deepEqual(having(/from 'pkijs'/), [path.join('trust', 'second-opinion.ts')]);
    assert.deepEqual(having(/^(im|ex)port [^;]*second-opinion\.ts/m), []);
    assert.deepEqual(having(/await import\('\.\/second-opinion\.ts'\)/), [path.join('trust', 'validate-path.ts')]);
  });
});
