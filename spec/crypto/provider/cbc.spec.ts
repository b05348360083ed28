// AES-CBC of every provider, with node:crypto itself as the oracle.

import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { toHex } from '../../../lib/bytes/index.ts';
import { CBC_KEY_LENGTH, CBC_NAMES, defaultProvider, nobleProvider, nodeProvider } from '../../../lib/crypto/index.ts';

const bytes = (min: number, max = min) => fc.uint8Array({ minLength: min, maxLength: max });

for (const provider of [nobleProvider, nodeProvider, defaultProvider()]) {
  describe(`CBC of provider ${provider.name}`, () => {
    for (const name of CBC_NAMES) {
      const keyLength = CBC_KEY_LENGTH[name];

      it(`${name} encrypts as node:crypto does, from unaligned views too, and decrypts what it encrypted`, () => {
        const inputs = fc.tuple(bytes(keyLength), bytes(16), bytes(0, 600), fc.nat(3));
        fc.assert(
          fc.property(inputs, ([key, iv, some, shift]) => {
            const shifted = new Uint8Array(some.length + shift);
            shifted.set(some, shift);
            const plaintext = shifted.subarray(shift, shift + some.length - (some.length % 16));
            const oracle = createCipheriv(name, key, iv).setAutoPadding(false);
            const expected = Buffer.concat([oracle.update(plaintext), oracle.final()]);
            const cbc = provider.cbc(name, key);
            const ciphertext = cbc.encrypt(iv, plaintext);
            assert.equal(toHex(ciphertext), expected.toString('hex'));
            assert.equal(toHex(cbc.decrypt(iv, ciphertext)!), toHex(plaintext));
            assert.equal(Object.getPrototypeOf(ciphertext), Uint8Array.prototype);
            cbc.destroy();
          }),
          { numRuns: 1000 },
        );
      });

      it(`${name} decrypts any whole blocks, and nothing else, without an error`, () => {
        const cbc = provider.cbc(name, new Uint8Array(keyLength).fill(5));
        fc.assert(
          fc.property(bytes(16), bytes(0, 100), (iv, ciphertext) => {
            const plaintext = cbc.decrypt(iv, ciphertext);
            assert.equal(plaintext?.length, ciphertext.length % 16 === 0 ? ciphertext.length : undefined);
          }),
          { numRuns: 1000 },
        );
      });

      it(`${name} keeps a copy of the key and is of no use once destroyed`, () => {
        const key = new Uint8Array(keyLength).fill(3);
        const cbc = provider.cbc(name, key);
        const [iv, plaintext] = [new Uint8Array(16), new Uint8Array(32)];
        const first = cbc.encrypt(iv, plaintext);
        key.fill(0xff);
        assert.deepEqual(cbc.encrypt(iv, plaintext), first);
        cbc.destroy();
        cbc.destroy();
        assert.throws(() => cbc.encrypt(iv, plaintext), /destroyed/);
        assert.throws(() => cbc.decrypt(iv, first), /destroyed/);
      });

      it(`${name} names what has the wrong length`, () => {
        const wrong = { name: 'RangeError', message: `${name} key: expected ${keyLength} bytes, found 15` };
        assert.throws(() => provider.cbc(name, new Uint8Array(15)), wrong);
        const cbc = provider.cbc(name, new Uint8Array(keyLength));
        const iv = { name: 'RangeError', message: 'CBC initialization vector: expected 16 bytes, found 12' };
        assert.throws(() => cbc.encrypt(new Uint8Array(12), new Uint8Array(16)), iv);
        assert.throws(() => cbc.decrypt(new Uint8Array(12), new Uint8Array(16)), iv);
        const plaintext = { name: 'RangeError', message: 'CBC plaintext: expected a multiple of 16 bytes, found 17' };
        assert.throws(() => cbc.encrypt(new Uint8Array(16), new Uint8Array(17)), plaintext);
      });
    }
  });
}
