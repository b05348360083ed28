// r and s side by side become DER: the same signature, as OpenSSL judges.

import assert from 'node:assert/strict';
import { createVerify, generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { ecdsaSignature } from '../../lib/crypto/ecdsa-signature.ts';

describe('ecdsaSignature', () => {
  for (const namedCurve of ['P-256', 'P-384', 'P-521']) {
    it(`is what OpenSSL takes: ${namedCurve}`, () => {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
      for (let i = 0; i < 300; i++) {
        const message = Uint8Array.of(i, i >> 8);
        const raw = sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
        const verify = createVerify('sha256').update(message);
        assert.ok(verify.verify({ key: publicKey, dsaEncoding: 'der' }, ecdsaSignature(raw)));
      }
    });
  }

  it('has the shortest integers, none of them negative', () => {
    const cases: readonly (readonly [raw: number[], der: number[]])[] = [
      [
        [0, 1, 0, 0x80],
        [0x30, 7, 2, 1, 1, 2, 2, 0, 0x80],
      ],
      [
        [0, 0, 0x7f, 0xff],
        [0x30, 7, 2, 1, 0, 2, 2, 0x7f, 0xff],
      ],
      [
        [5, 6],
        [0x30, 6, 2, 1, 5, 2, 1, 6],
      ],
    ];
    for (const [raw, der] of cases) assert.deepEqual([...ecdsaSignature(Uint8Array.from(raw))], der);
  });

  it('two halves, or a RangeError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 140 }), (raw) => {
        if (raw.length >= 2 && raw.length % 2 === 0) assert.equal(ecdsaSignature(raw)[0], 0x30);
        else assert.throws(() => ecdsaSignature(raw), RangeError);
      }),
      { numRuns: 1_000 },
    );
  });
});
