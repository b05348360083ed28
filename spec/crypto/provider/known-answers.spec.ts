// A provider that is wrong in one primitive is caught, by that primitive's name.

import assert from 'node:assert/strict';
import {
  AEAD_NAMES,
  type Aead,
  type CryptoProvider,
  CryptoProviderError,
  type HmacKey,
  type Primitive,
  nobleProvider,
  nodeProvider,
  verifyProvider,
} from '../../../lib/crypto/index.ts';

const flip = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 0x80 : byte));

function caught(primitive: Primitive, changes: Partial<CryptoProvider>, message?: RegExp): void {
  const provider: CryptoProvider = { ...nodeProvider, name: 'broken', ...changes };
  for (let again = 0; again < 2; again++) {
    assert.throws(
      () => verifyProvider(provider),
      (error) => {
        assert.ok(error instanceof CryptoProviderError);
        assert.equal(error.code, 'EPROVIDER');
        assert.equal(error.provider, 'broken');
        assert.equal(error.primitive, primitive);
        if (message !== undefined) assert.match(error.message, message);
        return true;
      },
    );
  }
}

/** node's provider, but with `change` to the one AEAD named. */
function withAead(name: string, change: (aead: Aead) => Partial<Aead>): Partial<CryptoProvider> {
  return {
    aead(each, key) {
      const good = nodeProvider.aead(each, key);
      const bound: Aead = {
        tagLength: good.tagLength,
        seal: (...args) => good.seal(...args),
        open: (...args) => good.open(...args),
        destroy: () => good.destroy(),
      };
      return each === name ? { ...bound, ...change(bound) } : bound;
    },
  };
}

function withHmacKey(change: (good: HmacKey) => HmacKey['mac']): Partial<CryptoProvider> {
  return {
    hmacKey(name, key) {
      const good = nodeProvider.hmacKey(name, key);
      return { mac: change(good), destroy: () => good.destroy() };
    },
  };
}

describe('verifyProvider', () => {
  it('accepts both providers, and looks only once', () => {
    let calls = 0;
    const counting: CryptoProvider = {
      ...nobleProvider,
      hash: (name, bytes) => {
        calls++;
        return nobleProvider.hash(name, bytes);
      },
    };
    verifyProvider(counting);
    const first = calls;
    assert.ok(first > 0);
    verifyProvider(counting);
    assert.equal(calls, first);
    verifyProvider(nodeProvider);
  });

  it('catches a wrong hash', () => {
    for (const name of ['sha256', 'sha384'] as const) {
      caught('hash', {
        hash: (each, bytes) => (each === name ? flip(nodeProvider.hash(each, bytes)) : nodeProvider.hash(each, bytes)),
      });
    }
  });

  it('catches a running hash that ends with its first digest', () => {
    caught('hash', {
      createHash(name) {
        const good = nodeProvider.createHash(name);
        let digest: Uint8Array | undefined;
        return { update: (bytes) => good.update(bytes), digest: () => (digest ??= good.digest()) };
      },
    });
  });

  it('catches a wrong HMAC', () => {
    for (const name of ['sha256', 'sha384'] as const) {
      caught('hmac', {
        hmac: (each, key, ...parts) => {
          const good = nodeProvider.hmac(each, key, ...parts);
          return each === name ? flip(good) : good;
        },
      });
    }
  });

  it('catches an HMAC that cuts long keys instead of hashing them', () => {
    caught('hmac', { hmac: (name, key, ...parts) => nodeProvider.hmac(name, key.subarray(0, 64), ...parts) });
  });

  it('catches a kept HMAC key that is wrong, or good only once', () => {
    caught(
      'hmac',
      withHmacKey(
        (good) =>
          (...parts) =>
            flip(good.mac(...parts)),
      ),
    );
    let used = 0;
    caught(
      'hmac',
      withHmacKey(
        (good) =>
          (...parts) =>
            used++ % 2 === 0 ? good.mac(...parts) : flip(good.mac(...parts)),
      ),
    );
  });

  for (const name of AEAD_NAMES) {
    it(`catches ${name} that seals wrongly, opens wrongly, accepts forgeries, chokes on nothing, or throws`, () => {
      caught(
        name,
        withAead(name, (good) => ({ seal: (...args) => flip(good.seal(...args)) })),
        /sealed bytes differ/,
      );
      caught(
        name,
        withAead(name, () => ({ open: () => undefined })),
        /opened bytes differ/,
      );
      caught(
        name,
        withAead(name, (good) => {
          let last: Uint8Array | undefined;
          return { open: (...args) => (last = good.open(...args) ?? last) };
        }),
        /forgery was accepted/,
      );
      caught(
        name,
        withAead(name, (good) => ({
          open: (nonce, aad, sealed) => (sealed.length === good.tagLength ? undefined : good.open(nonce, aad, sealed)),
        })),
        /empty plaintext/,
      );
      caught(
        name,
        withAead(name, () => ({
          seal: () => {
            throw new Error('no such cipher');
          },
        })),
        /threw/,
      );
    });
  }
});
