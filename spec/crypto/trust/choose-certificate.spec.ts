import assert from 'node:assert/strict';
import {
  type CertificateRequest,
  type ClientCertificate,
  chooseCertificate,
  completeChain,
  parseCertificate,
} from '../../../lib/crypto/index.ts';
import { certificateDer } from '../fixtures/fixtures.ts';

const certificates = (...names: string[]) => names.map((name) => parseCertificate(certificateDer(name)));
const subject = (name: string): Uint8Array => parseCertificate(certificateDer(name)).subject.der;

const ecdsa: ClientCertificate = {
  chain: certificates('client', 'inter'),
  key: { algorithm: { name: 'ec-p256' }, schemes: ['ecdsa_secp256r1_sha256'] },
};
const rsa: ClientCertificate = {
  chain: certificates('rsa-server', 'rsa-inter'),
  key: { algorithm: { name: 'rsa', modulusBits: 2048 }, schemes: ['rsa_pss_rsae_sha256', 'rsa_pkcs1_sha256'] },
};
const ed25519: ClientCertificate = {
  chain: certificates('ed-server'),
  key: { algorithm: { name: 'ed25519' }, schemes: ['ed25519'] },
};

const ANY: CertificateRequest = {
  certificateTypes: [1, 64],
  signatureAlgorithms: [0x0403, 0x0807, 0x0804, 0x0401, 0x0501],
  authorities: [],
};
const choose = (all: readonly ClientCertificate[], request: Partial<CertificateRequest> = {}) =>
  chooseCertificate(all, { ...ANY, ...request });

describe('the client certificate for a CertificateRequest', () => {
  it('is the first that fits', () => {
    assert.equal(choose([ecdsa, rsa])?.certificate, ecdsa);
    assert.equal(choose([rsa, ecdsa])?.certificate, rsa);
    assert.equal(choose([]), undefined);
  });

  it('fits in type', () => {
    assert.equal(choose([ecdsa, rsa], { certificateTypes: [1] })?.certificate, rsa);
    assert.equal(choose([rsa, ed25519], { certificateTypes: [64] })?.certificate, ed25519);
    assert.equal(choose([ecdsa, rsa], { certificateTypes: [2, 3] }), undefined);
  });

  it('fits in signature, by the scheme the server prefers', () => {
    assert.equal(choose([ecdsa, ed25519], { signatureAlgorithms: [0x0807] })?.certificate, ed25519);
    assert.equal(choose([rsa])?.scheme, 'rsa_pss_rsae_sha256');
    assert.equal(choose([rsa], { signatureAlgorithms: [0x0401, 0x0804] })?.scheme, 'rsa_pkcs1_sha256');
    assert.equal(choose([ecdsa, rsa], { signatureAlgorithms: [0xffff, 0x0201] }), undefined);
  });

  it('fits by the hash alone where the number of TLS 1.2 says no curve, which is the last choice', () => {
    const p384: ClientCertificate = {
      chain: certificates('p384-server'),
      key: { algorithm: { name: 'ec-p384' }, schemes: ['ecdsa_secp384r1_sha384', 'ecdsa_secp384r1_sha256'] },
    };
    const chosen = (...signatureAlgorithms: number[]) => choose([p384], { signatureAlgorithms })?.scheme;
    assert.equal(chosen(0x0403), 'ecdsa_secp384r1_sha256');
    assert.equal(chosen(0x0403, 0x0503), 'ecdsa_secp384r1_sha384');
    assert.equal(chosen(0x0603), undefined);
  });

  it('is rather one whose chain is signed by what the request lists', () => {
    const signatureAlgorithms = [0x0804, 0x0403]; // rsa-server is signed by RSA with PKCS#1 and SHA-384
    assert.equal(choose([rsa, ecdsa], { signatureAlgorithms })?.certificate, ecdsa);
    assert.equal(choose([rsa], { signatureAlgorithms })?.certificate, rsa, 'but one of those if there is no other');
  });

  it('is issued below one of the authorities', () => {
    assert.equal(choose([ecdsa, rsa], { authorities: [subject('rsa-root')] })?.certificate, rsa);
    assert.equal(choose([rsa, ecdsa], { authorities: [subject('inter')] })?.certificate, ecdsa);
    assert.equal(choose([rsa, ecdsa], { authorities: [Uint8Array.of(1, 2, 3), subject('root')] })?.certificate, ecdsa);
    assert.equal(choose([ecdsa, rsa], { authorities: [subject('other-root')] }), undefined);
    assert.equal(choose([ecdsa, rsa], { authorities: [Uint8Array.of(0x30, 5)] }), undefined);
  });
});

describe('a chain completed from the trust store', () => {
  const names = (chain: readonly { subject: { commonNames: readonly string[] } }[]) =>
    chain.map((each) => each.subject.commonNames[0]);

  it('has the CAs up to the root, which the peer has', () => {
    const store = certificates('other-root', 'root', 'inter', 'rsa-inter');
    assert.deepEqual(names(completeChain(certificates('client'), store)), ['device-1', 'inter']);
    assert.deepEqual(names(completeChain(certificates('client', 'inter'), store)), ['device-1', 'inter']);
    assert.deepEqual(names(completeChain(certificates('by-too-deep', 'too-deep'), store)), [
      'by-too-deep',
      'too-deep',
      'inter',
    ]);
  });

  it('stays as it is without an issuer, and ends where certificates sign each other', () => {
    assert.deepEqual(names(completeChain(certificates('client'), [])), ['device-1']);
    assert.deepEqual(names(completeChain(certificates('self-signed'), certificates('root'))), ['self-signed']);
    assert.deepEqual(completeChain([], certificates('root')), []);
    const cycle = completeChain(certificates('by-cycle'), certificates('cycle-a-by-b', 'cycle-b'));
    assert.deepEqual(names(cycle), ['by-cycle', 'cycle-a', 'cycle-b']);
  });
});
