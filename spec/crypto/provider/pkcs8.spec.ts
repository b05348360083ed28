// PKCS#8 keys as signing keys: a key or a DecodeError, whatever the bytes, and no byte of a key in an error.

import assert from 'node:assert/strict';
import { type KeyObject, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { DecodeError, fromHex, toHex } from '../../../lib/bytes/index.ts';
import { loadNobleProvider, nodeProvider } from '../../../lib/crypto/index.ts';

const der = ({ privateKey }: { privateKey: KeyObject }) => privateKey.export({ type: 'pkcs8', format: 'der' });
const KEYS: Readonly<Record<string, Uint8Array>> = {
  'ec-p256': der(generateKeyPairSync('ec', { namedCurve: 'P-256' })),
  'ec-p384': der(generateKeyPairSync('ec', { namedCurve: 'P-384' })),
  ed25519: der(generateKeyPairSync('ed25519')),
  rsa: der(generateKeyPairSync('rsa', { modulusLength: 2048 })),
};
const P256_PREFIX = '3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420';

function isKeyOrDecodeError(make: () => { destroy(): void }): void {
  try {
    make().destroy();
  } catch (error) {
    assert.ok(error instanceof DecodeError, String(error));
  }
}

for (const provider of [await loadNobleProvider(), nodeProvider]) {
  describe(`PKCS#8 with provider ${provider.name}`, () => {
    it('arbitrary bytes are a DecodeError', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
          assert.throws(() => provider.signingKey(bytes), DecodeError);
        }),
        { numRuns: 1000 },
      );
    });

    for (const [algorithm, pkcs8] of Object.entries(KEYS)) {
      it(`a changed ${algorithm} key is a key or a DecodeError; a cut one never a key`, () => {
        fc.assert(
          fc.property(fc.nat(), fc.nat(255), (at, value) => {
            const changed = new Uint8Array(pkcs8);
            changed[at % changed.length] = value;
            isKeyOrDecodeError(() => provider.signingKey(changed));
            const cut = pkcs8.subarray(0, at % pkcs8.length);
            assert.throws(() => provider.signingKey(cut), DecodeError);
          }),
          { numRuns: 1000 },
        );
      });
    }

    it('takes the scalars 1 to n - 1, and names the field for others without showing them', () => {
      const order = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';
      const keyOf = (scalar: string) => provider.signingKey(fromHex(P256_PREFIX + scalar));
      keyOf('1'.padStart(64, '0')).destroy();
      keyOf(order.replace(/1$/, '0')).destroy();
      for (const scalar of ['0'.repeat(64), order, 'f'.repeat(64)]) {
        assert.throws(
          () => keyOf(scalar),
          (error: Error) => {
            assert.ok(error instanceof DecodeError);
            assert.match(error.message, /ECPrivateKey privateKey/);
            assert.ok(!error.message.includes(scalar.slice(0, 8)));
            return true;
          },
        );
      }
    });

    it('refuses keys that cannot sign, by their algorithm', () => {
      const x25519 = der(generateKeyPairSync('x25519'));
      assert.throws(() => provider.signingKey(x25519), { name: 'DecodeError', message: /1\.3\.101\.110/ });
    });

    it('reads no bytes beyond the view it is given', () => {
      const { ['ec-p256']: key } = KEYS;
      const shifted = new Uint8Array(key!.length + 20).fill(0xee);
      shifted.set(key!, 10);
      const view = shifted.subarray(10, 10 + key!.length);
      assert.equal(toHex(provider.signingKey(view).publicKey()), toHex(provider.signingKey(key!).publicKey()));
    });
  });
}
