// What every provider must do, with node:crypto itself as the oracle.

import assert from 'node:assert/strict';
import { createCipheriv, createHash, createHmac, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { concatBytes, equalBytes, toHex } from '../../../lib/bytes/index.ts';
import {
  AEAD_NAMES,
  AEAD_PARAMETERS,
  type Aead,
  type AeadName,
  CBC_KEY_LENGTH,
  CBC_NAMES,
  type Cbc,
  type CryptoProvider,
  type HmacKey,
  PRIMITIVES,
  defaultProvider,
  loadNobleProvider,
  nobleProvider,
  nodeProvider,
} from '../../../lib/crypto/index.ts';
import { SeededRandom } from '../../../lib/runtime/index.ts';

const providers: readonly CryptoProvider[] = [await loadNobleProvider(), nodeProvider, defaultProvider()];
const bytes = (min: number, max = min) => fc.uint8Array({ minLength: min, maxLength: max });

/** node:crypto used directly, apart from the code under test. */
function oracle(
  name: AeadName,
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  const { mode, tagLength: authTagLength } = AEAD_PARAMETERS[name];
  const bits = key.length === 16 ? '128' : '256';
  const cipher =
    mode === 'ccm'
      ? createCipheriv(`aes-${bits}-ccm`, key, nonce, { authTagLength })
      : mode === 'gcm'
        ? createCipheriv(`aes-${bits}-gcm`, key, nonce, { authTagLength })
        : createCipheriv(mode, key, nonce, { authTagLength });
  cipher.setAAD(aad, { plaintextLength: plaintext.length });
  const ciphertext = cipher.update(plaintext);
  cipher.final();
  return concatBytes(ciphertext, cipher.getAuthTag());
}

for (const provider of providers) {
  describe(`provider ${provider.name}`, () => {
    for (const name of AEAD_NAMES) {
      const { keyLength, tagLength } = AEAD_PARAMETERS[name];

      it(`${name} seals as node:crypto does and opens what it sealed`, () => {
        const inputs = fc.tuple(bytes(keyLength), bytes(12), bytes(0, 64), bytes(0, 1500));
        fc.assert(
          fc.property(inputs, ([key, nonce, aad, plaintext]) => {
            const aead = provider.aead(name, key);
            const sealed = aead.seal(nonce, aad, plaintext);
            assert.ok(equalBytes(sealed, oracle(name, key, nonce, aad, plaintext)));
            const opened = aead.open(nonce, aad, sealed);
            assert.ok(opened !== undefined && equalBytes(opened, plaintext));
            aead.destroy();
          }),
          { numRuns: 1000 },
        );
      });

      it(`${name} refuses every flipped bit, truncation and arbitrary bytes, and does not throw`, () => {
        const inputs = fc.tuple(bytes(0, 40), bytes(0, 40), fc.nat(), bytes(0, 64));
        const aead = provider.aead(name, new Uint8Array(keyLength).fill(7));
        const nonce = new Uint8Array(12).fill(9);
        fc.assert(
          fc.property(inputs, ([aad, plaintext, at, noise]) => {
            const sealed = aead.seal(nonce, aad, plaintext);
            const flipped = sealed.slice();
            const bit = at % (8 * sealed.length);
            flipped[bit >> 3]! ^= 1 << (bit & 7);
            assert.equal(aead.open(nonce, aad, flipped), undefined);
            assert.equal(aead.open(nonce, aad, sealed.subarray(0, at % sealed.length)), undefined);
            assert.equal(aead.open(nonce, concatBytes(aad, Uint8Array.of(0)), sealed), undefined);
            assert.equal(aead.open(nonce, aad, noise), undefined);
          }),
          { numRuns: 1000 },
        );
      });

      it(`${name} works at every size about its block and switch-over boundaries, and from unaligned views`, () => {
        const random = new SeededRandom(1);
        const key = random.bytes(keyLength);
        const aead = provider.aead(name, key);
        const around = [...Array(66).keys(), 95, 96, 97, 127, 128, 129, 143, 144, 145, 255, 256, 257, 16_384];
        for (const length of around) {
          for (const aadLength of [0, 1, 13, 14, 15, 16, 17, 30, 31]) {
            const nonce = random.bytes(13).subarray(1);
            const aad = random.bytes(aadLength + 3).subarray(3);
            const plaintext = random.bytes(length + 1).subarray(1);
            const sealed = aead.seal(nonce, aad, plaintext);
            assert.equal(toHex(sealed), toHex(oracle(name, key, nonce, aad, plaintext)), `${length}/${aadLength}`);
            const shifted = concatBytes(random.bytes(3), sealed).subarray(3);
            assert.equal(toHex(aead.open(nonce, aad, shifted)!), toHex(plaintext), `${length}/${aadLength}`);
          }
        }
      });

      it(`${name} seals and opens nothing at all, even from a buffer without memory (OpenSSL sees a null pointer)`, () => {
        const key = new Uint8Array(keyLength);
        const aead = provider.aead(name, key);
        const [nonce, nothing] = [new Uint8Array(12), new Uint8Array(new ArrayBuffer(0))];
        for (const aad of [nothing, new Uint8Array(0), new Uint8Array(13)]) {
          const sealed = aead.seal(nonce, aad, nothing);
          assert.deepEqual(sealed, oracle(name, key, nonce, aad, new Uint8Array(8).subarray(8)));
          assert.deepEqual(aead.open(nonce, aad, sealed), new Uint8Array(0));
        }
      });

      it(`${name} takes additional data whose length needs six bytes (RFC 3610 §2.2)`, () => {
        const aead = provider.aead(name, new Uint8Array(keyLength));
        const nonce = new Uint8Array(12);
        for (const size of [0xfeff, 0xff00, 0xff01, 70_000]) {
          const aad = new Uint8Array(size).fill(0x5a);
          const plaintext = new Uint8Array(20).fill(1);
          const sealed = aead.seal(nonce, aad, plaintext);
          assert.ok(equalBytes(sealed, oracle(name, new Uint8Array(keyLength), nonce, aad, plaintext)), `${size}`);
          assert.ok(aead.open(nonce, aad, sealed) !== undefined);
        }
      });

      it(`${name} keeps a copy of the key, gives new arrays, and is of no use once destroyed`, () => {
        const key = new Uint8Array(keyLength).fill(3);
        const aead = provider.aead(name, key);
        assert.equal(aead.tagLength, tagLength);
        const [nonce, aad] = [new Uint8Array(12), new Uint8Array(13)];
        const plaintext = new Uint8Array(32);
        const first = aead.seal(nonce, aad, plaintext);
        key.fill(0xff);
        const second = aead.seal(nonce, aad, plaintext);
        assert.deepEqual(second, first);
        assert.notEqual(second.buffer, first.buffer);
        assert.equal(Object.getPrototypeOf(aead.open(nonce, aad, first)), Uint8Array.prototype);
        aead.destroy();
        aead.destroy();
        assert.throws(() => aead.seal(nonce, aad, plaintext), /destroyed/);
        assert.throws(() => aead.open(nonce, aad, first), /destroyed/);
      });

      it(`${name} names a key or nonce of the wrong length, not its value`, () => {
        for (const length of [0, 15, 17, 24, 31, 33, 48 - keyLength]) {
          const expected = { name: 'RangeError', message: `${name} key: expected ${keyLength} bytes, found ${length}` };
          assert.throws(() => provider.aead(name, new Uint8Array(length)), expected);
        }
        const aead = provider.aead(name, new Uint8Array(keyLength));
        for (const length of [0, 8, 11, 13, 16]) {
          const expected = { name: 'RangeError', message: `AEAD nonce: expected 12 bytes, found ${length}` };
          assert.throws(() => aead.seal(new Uint8Array(length), new Uint8Array(0), new Uint8Array(1)), expected);
          assert.throws(() => aead.open(new Uint8Array(length), new Uint8Array(0), new Uint8Array(32)), expected);
        }
      });
    }

    for (const name of ['sha256', 'sha384', 'sha512'] as const) {
      it(`${name} hashes as node:crypto does, whole and in pieces, and goes on after a digest`, () => {
        fc.assert(
          fc.property(fc.array(bytes(0, 200), { maxLength: 5 }), (parts) => {
            const running = provider.createHash(name);
            const seen: Uint8Array[] = [];
            for (const part of parts) {
              running.update(part);
              seen.push(part);
              const expected = createHash(name)
                .update(concatBytes(...seen))
                .digest('hex');
              assert.equal(toHex(running.digest()), expected);
              assert.equal(toHex(provider.hash(name, concatBytes(...seen))), expected);
            }
          }),
          { numRuns: 1000 },
        );
      });

      it(`HMAC ${name} is node:crypto's, with keys of every length`, () => {
        fc.assert(
          fc.property(bytes(0, 200), fc.array(bytes(0, 100), { maxLength: 4 }), (key, parts) => {
            const expected = createHmac(name, key)
              .update(concatBytes(...parts))
              .digest('hex');
            assert.equal(toHex(provider.hmac(name, key, ...parts)), expected);
            const keyed = provider.hmacKey(name, key);
            key.fill(0);
            assert.equal(toHex(keyed.mac(...parts)), expected);
            assert.equal(toHex(keyed.mac(concatBytes(...parts))), expected);
            keyed.destroy();
            assert.throws(() => keyed.mac(...parts));
          }),
          { numRuns: 1000 },
        );
      });
    }
  });
}

describe('keys in a Buffer', () => {
  const pkcs8s = [
    generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    generateKeyPairSync('ed25519'),
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ].map(({ privateKey }) => privateKey.export({ type: 'pkcs8', format: 'der' }));

  for (const provider of providers) {
    it(`stay their owner's, who may overwrite them, with provider ${provider.name}`, () => {
      const changed = (
        length: number,
        make: (key: Uint8Array) => () => Uint8Array | undefined,
        destroy: () => void,
      ) => {
        const key = Buffer.alloc(length, 5);
        const use = make(key);
        const before = use();
        key.fill(6);
        assert.deepEqual(use(), before);
        destroy();
        assert.ok(key.every((byte) => byte === 6));
      };
      const [iv, text] = [new Uint8Array(16), new Uint8Array(16)];
      for (const name of AEAD_NAMES) {
        let aead: Aead | undefined;
        const make = (key: Uint8Array) => {
          const made = (aead = provider.aead(name, key));
          return () => made.seal(iv.subarray(4), iv, text);
        };
        changed(AEAD_PARAMETERS[name].keyLength, make, () => aead?.destroy());
      }
      for (const name of CBC_NAMES) {
        let cbc: Cbc | undefined;
        const make = (key: Uint8Array) => {
          const made = (cbc = provider.cbc(name, key));
          return () => made.encrypt(iv, text);
        };
        changed(CBC_KEY_LENGTH[name], make, () => cbc?.destroy());
      }
      let hmac: HmacKey | undefined;
      const make = (key: Uint8Array) => {
        const made = (hmac = provider.hmacKey('sha256', key));
        return () => made.mac(text);
      };
      changed(32, make, () => hmac?.destroy());
      const drawn = Buffer.alloc(32, 5);
      provider
        .keyAgreement('secp256r1')
        .generate({ bytes: () => drawn })
        .destroy();
      assert.ok(drawn.every((byte) => byte === 5));
      for (const pkcs8 of provider.primitives.has('rsa_pkcs1_sha256') ? pkcs8s : pkcs8s.slice(0, 2)) {
        const own = Buffer.from(pkcs8);
        provider.signingKey(own).destroy();
        assert.ok(own.equals(pkcs8));
      }
    });
  }
});

describe('defaultProvider', () => {
  it('gives only constant-time implementations when asked to', () => {
    const strict = defaultProvider({ constantTimeOnly: true });
    for (const primitive of ['hash', 'hmac', ...AEAD_NAMES] as const) assert.ok(strict.constantTime.has(primitive));
    assert.equal(strict.name, 'node');
  });

  it('does not call table-based AES constant-time', () => {
    for (const provider of [nobleProvider, defaultProvider()]) {
      for (const name of AEAD_NAMES.filter((each) => each.startsWith('aes')))
        assert.ok(!provider.constantTime.has(name), `${provider.name} ${name}`);
    }
  });

  it('has every primitive, constant-time but for table-based AES', () => {
    for (const provider of [defaultProvider(), defaultProvider({ constantTimeOnly: true })]) {
      assert.deepEqual([...provider.primitives], [...PRIMITIVES]);
    }
    const others = PRIMITIVES.filter((each) => !each.startsWith('aes-'));
    assert.deepEqual([...defaultProvider().constantTime], others);
  });
});
