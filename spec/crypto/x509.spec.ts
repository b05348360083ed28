import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { DecodeError, toHex } from '../../lib/bytes/index.ts';
import { parseRevocationList, serialKey } from '../../lib/crypto/crl.ts';
import { derElement, derSequence } from '../../lib/crypto/der-write.ts';
import { type Certificate, parseCertificate } from '../../lib/crypto/x509.ts';
import { nameText, sameName } from '../../lib/crypto/x509-name.ts';
import { CERTIFICATE_NAMES, certificateDer, revocationListDer } from './fixtures/fixtures.ts';

const RUNS = { numRuns: 2000 };
const parsed = (name: string): Certificate => parseCertificate(certificateDer(name));

/** The reader's error, or nothing: a parser may do nothing else. */
function outcome(parse: () => unknown): string {
  try {
    parse();
    return 'value';
  } catch (error) {
    assert.ok(error instanceof DecodeError, `${error}`);
    return error.message;
  }
}

describe('X.509 certificates', () => {
  it('say what node:crypto reads from them', () => {
    for (const name of CERTIFICATE_NAMES) {
      const der = certificateDer(name);
      const ours = parseCertificate(der);
      const oracle = new X509Certificate(der);
      assert.equal(toHex(ours.serial).replace(/^00/, ''), oracle.serialNumber.toLowerCase(), name);
      assert.equal(ours.notBefore, Date.parse(oracle.validFrom), name);
      assert.equal(ours.notAfter, Date.parse(oracle.validTo), name);
      assert.equal(
        toHex(ours.publicKey.spki),
        oracle.publicKey.export({ type: 'spki', format: 'der' }).toString('hex'),
      );
      const signs = ours.keyUsage?.has('keyCertSign') ?? true; // node looks at both
      assert.equal((ours.basicConstraints?.ca ?? false) && signs, oracle.ca, name);
      assert.deepEqual(ours.extKeyUsage, oracle.keyUsage, name); // node calls the extended one so
      assert.ok(oracle.subject.includes(`CN=${ours.subject.commonNames[0]}`), name);
      assert.ok(oracle.issuer.includes(`CN=${ours.issuer.commonNames[0]}`), name);
      assert.equal(ours.version, 3);
    }
  });

  it('have typed extensions', () => {
    const server = parsed('server');
    assert.deepEqual(
      server.subjectAltName?.map((each) => [
        each.kind,
        each.kind === 'ip' ? toHex(each.value) : 'value' in each && each.value,
      ]),
      [
        ['dns', 'server.example'],
        ['dns', '*.wild.example'],
        ['ip', 'c0000201'],
        ['ip', '20010db8000000000000000000000001'],
      ],
    );
    assert.deepEqual([...(server.keyUsage ?? [])], ['digitalSignature']);
    assert.deepEqual(server.basicConstraints, { ca: false, pathLength: undefined });
    assert.equal(server.signatureAlgorithm.name, 'ecdsa_sha256');
    assert.deepEqual(server.publicKey.algorithm, { name: 'ec-p256' });
    const inter = parsed('inter');
    assert.deepEqual(inter.basicConstraints, { ca: true, pathLength: 0 });
    assert.deepEqual([...(inter.keyUsage ?? [])], ['keyCertSign', 'cRLSign']);
    assert.deepEqual(server.authorityKeyIdentifier, inter.subjectKeyIdentifier);
    assert.ok(sameName(server.issuer, inter.subject));
    assert.equal(nameText(server.subject), 'server');
    const { nameConstraints } = parsed('constrained');
    assert.deepEqual(
      nameConstraints?.permitted.map(({ kind }) => kind),
      ['dns', 'ip'],
    );
    assert.deepEqual(nameConstraints?.excluded, [{ kind: 'dns', value: 'bad.allowed.example' }]);
    assert.equal(parsed('unknown-critical').extensions.get('1.2.3.4')?.critical, true);
  });

  it('name the algorithms they know, and leave the others without a name', () => {
    const names = ['rsa-server', 'pss-server', 'sha1-server', 'p384-server', 'p384-sha256', 'ed-server', 'p521-root'];
    assert.deepEqual(
      names.map((name) => parsed(name).signatureAlgorithm.name),
      ['rsa_pkcs1_sha384', 'rsa_pss_sha256', undefined, 'ecdsa_sha384', 'ecdsa_sha256', 'ed25519', 'ecdsa_sha256'],
    );
    assert.deepEqual(parsed('rsa-server').publicKey.algorithm, { name: 'rsa', modulusBits: 2048 });
    assert.deepEqual(parsed('p521-root').publicKey.algorithm, { name: 'unsupported', oid: '1.2.840.10045.2.1' });
  });

  it('are copied', () => {
    const der = certificateDer('server');
    const certificate = parseCertificate(der);
    der.fill(0);
    assert.deepEqual(certificate.der, certificateDer('server'));
  });

  it('are refused with bytes after them, cut short, too long, or with two algorithms', () => {
    const der = certificateDer('server');
    assert.match(
      outcome(() => parseCertificate(Uint8Array.of(...der, 0))),
      /after Certificate: expected no trailing/,
    );
    for (let length = 0; length < der.length; length++) {
      assert.notEqual(
        outcome(() => parseCertificate(der.subarray(0, length))),
        'value',
      );
    }
    assert.match(
      outcome(() => parseCertificate(new Uint8Array(70_000))),
      /at most 65536 bytes/,
    );
    const other = parsed('rsa-server');
    const { tbs, signature } = parsed('server');
    const mixed = derSequence(tbs, other.signatureAlgorithm.der, derElement(3, Uint8Array.of(0), signature));
    assert.match(
      outcome(() => parseCertificate(mixed)),
      /signatureAlgorithm: expected the algorithm that the signed/,
    );
  });

  it('give a value or a DecodeError when bytes are changed', () => {
    const names = fc.constantFrom('server', 'constrained', 'pss-server', 'ed-server');
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 3 });
    const seen = { value: 0, refused: 0 };
    fc.assert(
      fc.property(names, changes, (name, list) => {
        const der = certificateDer(name);
        for (const [at, byte] of list) der[at % der.length] = byte;
        seen[outcome(() => parseCertificate(der)) === 'value' ? 'value' : 'refused']++;
      }),
      { ...RUNS, numRuns: 3000 },
    );
    assert.ok(seen.value > 100 && seen.refused > 100, 'both happen');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => void outcome(() => parseCertificate(bytes))),
      RUNS,
    );
  });
});

describe('revocation lists', () => {
  it('say who is revoked, and until when they hold', () => {
    const list = parseRevocationList(revocationListDer('inter-crl'));
    assert.deepEqual([...list.revoked.keys()], [serialKey(parsed('revoked').serial)]);
    assert.equal(list.thisUpdate, Date.UTC(2025, 5, 1));
    assert.equal(list.nextUpdate, Date.UTC(2045, 0, 1));
    assert.ok(sameName(list.issuer, parsed('inter').subject));
    assert.ok(list.extensions.has('2.5.29.35'));
    assert.equal(list.criticalEntryExtensions.size, 0);
    assert.equal(parseRevocationList(revocationListDer('root-crl')).revoked.size, 0);
  });

  it('give a value or a DecodeError when bytes are changed', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat({ max: 255 }), (at, byte) => {
        const der = revocationListDer('inter-crl');
        der[at % der.length] = byte;
        outcome(() => parseRevocationList(der));
      }),
      RUNS,
    );
  });
});
