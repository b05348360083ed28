import assert from 'node:assert/strict';
import { fromHex, toHex } from '../../lib/bytes/index.ts';
import { type HashName, defaultProvider, nobleProvider, nodeProvider, prf } from '../../lib/crypto/index.ts';
import prfVectors from './prf.json' with { type: 'json' };

describe('prf', () => {
  for (const provider of [nobleProvider, nodeProvider, defaultProvider()]) {
    for (const { hash, secret, seed, label, output } of prfVectors.vectors) {
      it(`${provider.name}: the mailing list's ${hash} vector, seed whole, in parts, and output cut`, () => {
        const [secretBytes, seedBytes] = [fromHex(secret), fromHex(seed)];
        const length = output.length / 2;
        const whole = prf(provider, hash as HashName, secretBytes, label, length, seedBytes);
        assert.equal(toHex(whole), output);
        const [head, tail] = [seedBytes.subarray(0, 5), seedBytes.subarray(5)];
        for (const cut of [0, 1, 12, 31, 32, 33, 48, 49, length]) {
          const parts = prf(provider, hash as HashName, secretBytes, label, cut, head, tail);
          assert.equal(toHex(parts), output.slice(0, 2 * cut));
        }
        assert.equal(toHex(secretBytes), secret, 'the secret is the caller’s and stays');
      });
    }
  }

  it('refuses a length that is none', () => {
    for (const length of [-1, 0.5, Number.NaN]) {
      assert.throws(() => prf(nodeProvider, 'sha256', new Uint8Array(4), 'x', length), RangeError);
    }
  });
});
