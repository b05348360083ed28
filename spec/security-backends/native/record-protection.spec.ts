import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { concatBytes, fromHex } from '../../../lib/bytes/index.ts';
import { nodeProvider } from '../../../lib/crypto/provider/node/index.ts';
import type { AeadSuite } from '../../../security-backends/native/ciphersuites.ts';
import { AEAD_SUITES } from '../../../security-backends/native/ciphersuites.ts';
import { RecordProtection } from '../../../security-backends/native/record-protection.ts';

const keysOf = ({ keyBytes, fixedNonceBytes }: AeadSuite): { key: Uint8Array; fixedNonce: Uint8Array } => ({
  key: Uint8Array.from({ length: keyBytes }, (_, at) => at),
  fixedNonce: Uint8Array.from({ length: fixedNonceBytes }, (_, at) => 0xa0 + at),
});

function seal(suite: AeadSuite, type: number, epoch: number, sequence: number, plaintext: Uint8Array): Uint8Array {
  const protection = new RecordProtection(nodeProvider, suite, keysOf(suite));
  const target = new Uint8Array(plaintext.length + protection.overhead);
  protection.sealInto(target, 0, type, epoch, sequence, plaintext);
  return target;
}

// RFC 6655 §3 and RFC 5288 §3 with node:crypto alone, the header fields written out by hand.
function reference(suite: AeadSuite, plaintext: Uint8Array): Uint8Array {
  const sequence = fromHex('0001' + '00a0b0c0d0e0');
  const aad = concatBytes(sequence, fromHex('17' + 'fefd'), Uint8Array.of(plaintext.length >> 8, plaintext.length));
  const { key, fixedNonce } = keysOf(suite);
  if (suite.name.includes('CHACHA20')) {
    const padded = concatBytes(new Uint8Array(4), sequence);
    const nonce = fixedNonce.map((byte, at) => byte ^ padded[at]!);
    const chacha = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
    chacha.setAAD(aad, { plaintextLength: plaintext.length });
    const sealed = chacha.update(plaintext);
    chacha.final();
    return concatBytes(sealed, chacha.getAuthTag());
  }
  const nonce = concatBytes(fixedNonce, sequence);
  const bits = 8 * key.length;
  const cipher = suite.name.includes('GCM')
    ? createCipheriv(bits === 128 ? 'aes-128-gcm' : 'aes-256-gcm', key, nonce)
    : createCipheriv(bits === 128 ? 'aes-128-ccm' : 'aes-256-ccm', key, nonce, {
        authTagLength: /CCM_8(_SHA256)?$/.test(suite.name) ? 8 : 16,
      });
  cipher.setAAD(aad, { plaintextLength: plaintext.length });
  const body = cipher.update(plaintext);
  cipher.final();
  return concatBytes(sequence, body, cipher.getAuthTag());
}

describe('RecordProtection', () => {
  for (const suite of AEAD_SUITES) {
    describe(suite.name, () => {
      it('seals as the RFC says: nonce from epoch and sequence, plaintext length in the AAD', () => {
        for (const length of [0, 1, 64, 300]) {
          const plaintext = new Uint8Array(length).fill(0x5a);
          assert.deepEqual(seal(suite, 23, 1, 0x00a0b0c0d0e0, plaintext), reference(suite, plaintext));
        }
      });

      it('opens what it sealed, and nothing that differs in one bit of anything', () => {
        const inputs = fc.tuple(fc.uint8Array({ maxLength: 80 }), fc.nat(), fc.nat(7));
        fc.assert(
          fc.property(inputs, ([plaintext, position, bit]) => {
            const protection = new RecordProtection(nodeProvider, suite, keysOf(suite));
            const sealed = seal(suite, 23, 1, 5, plaintext);
            assert.deepEqual(protection.open(23, 1, 5, sealed), plaintext);
            assert.equal(protection.open(22, 1, 5, sealed), undefined);
            assert.equal(protection.open(23, 2, 5, sealed), undefined);
            assert.equal(protection.open(23, 1, 6, sealed), undefined);
            sealed[position % sealed.length]! ^= 1 << bit;
            assert.equal(protection.open(23, 1, 5, sealed), undefined);
          }),
          { numRuns: 1_000 },
        );
      });

      it('drops every fragment too short for nonce and tag', () => {
        const protection = new RecordProtection(nodeProvider, suite, keysOf(suite));
        for (let length = 0; length < protection.overhead; length++) {
          assert.equal(protection.open(23, 1, 0, new Uint8Array(length)), undefined);
        }
      });

      it('takes the explicit nonce as the peer chose it', () => {
        if (suite.fixedNonceBytes === 12) return; // there is none (RFC 7905 §2)
        const sealed = seal(suite, 23, 1, 5, fromHex('aa'));
        // The same record with another explicit nonce, sealed by hand.
        const nonce = concatBytes(keysOf(suite).fixedNonce, fromHex('1122334455667788'));
        const aad = fromHex('0001000000000005' + '17' + 'fefd' + '0001');
        const aead = nodeProvider.aead(suite.aead, keysOf(suite).key);
        const foreign = concatBytes(fromHex('1122334455667788'), aead.seal(nonce, aad, fromHex('aa')));
        assert.equal(foreign.length, sealed.length);
        assert.deepEqual(
          new RecordProtection(nodeProvider, suite, keysOf(suite)).open(23, 1, 5, foreign),
          fromHex('aa'),
        );
      });

      it('does nothing more once destroyed', () => {
        const protection = new RecordProtection(nodeProvider, suite, keysOf(suite));
        protection.destroy();
        assert.throws(() => protection.sealInto(new Uint8Array(64), 0, 23, 1, 0, fromHex('aa')));
      });
    });
  }
});
