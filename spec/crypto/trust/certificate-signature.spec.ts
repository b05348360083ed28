// Who signed a certificate: node:crypto signs, our providers judge.

import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { utf8Encode } from '../../../lib/bytes/index.ts';
import { loadNobleProvider, nodeProvider, parseCertificate, parsePublicKey } from '../../../lib/crypto/index.ts';
import { DEFAULT_SIGNATURE_ALGORITHMS, verifySignature } from '../../../lib/crypto/trust/certificate-signature.ts';
import { certificateDer } from '../fixtures/fixtures.ts';

const noble = await loadNobleProvider();
const tbs = utf8Encode('to be signed');
const der = Uint8Array.of(0x30, 0);
const CURVES = ['P-256', 'P-384'] as const;

describe('the signature on a certificate', () => {
  for (const curve of CURVES) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: curve });
    const spki = Uint8Array.from(publicKey.export({ type: 'spki', format: 'der' }));
    const issuer = { ...parseCertificate(certificateDer('root')), publicKey: parsePublicKey(spki) };

    for (const hash of ['sha256', 'sha384'] as const) {
      const signature = Uint8Array.from(sign(hash, tbs, privateKey));
      const signed = { tbs, signature, signatureAlgorithm: { der, oid: '', name: `ecdsa_${hash}` } } as const;

      for (const provider of [noble, nodeProvider]) {
        it(`by ${curve} with ${hash} is good, by another hash or issuer it is not: ${provider.name}`, () => {
          const judge = (...[what, by]: [typeof signed, typeof issuer]): string =>
            verifySignature(what, by, provider, DEFAULT_SIGNATURE_ALGORITHMS);
          assert.equal(judge(signed, issuer), 'valid');
          const name = hash === 'sha256' ? ('ecdsa_sha384' as const) : ('ecdsa_sha256' as const);
          const other = { ...signed, signatureAlgorithm: { der, oid: '', name } };
          assert.equal(verifySignature(other, issuer, provider, DEFAULT_SIGNATURE_ALGORITHMS), 'invalid');
          assert.equal(judge(signed, parseCertificate(certificateDer('root'))), 'invalid');
          assert.equal(verifySignature(signed, issuer, provider, ['ed25519']), 'unsupported');
        });
      }
    }
  }
});
