// A provider that is wrong in one primitive is caught, by that primitive's name.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import {
  AEAD_NAMES,
  AEAD_PARAMETERS,
  type Aead,
  CBC_KEY_LENGTH,
  CBC_NAMES,
  type Cbc,
  type CryptoProvider,
  CryptoProviderError,
  type HmacKey,
  type KeyShare,
  NAMED_GROUPS,
  PRIMITIVES,
  type Primitive,
  SIGNATURE_SCHEMES,
  loadNobleProvider,
  nobleProvider,
  nodeProvider,
  verifiedOnUse,
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

/** node's provider, but with `change` to the one cipher named. */
function withCbc(name: string, change: (cbc: Cbc) => Partial<Cbc>): Partial<CryptoProvider> {
  return {
    cbc(each, key) {
      const good = nodeProvider.cbc(each, key);
      const bound: Cbc = {
        encrypt: (...args) => good.encrypt(...args),
        decrypt: (...args) => good.decrypt(...args),
        destroy: () => good.destroy(),
      };
      return each === name ? { ...bound, ...change(bound) } : bound;
    },
  };
}

/** node's provider, but with `change` to key shares of the one group named. */
function withShare(name: string, change: (share: KeyShare) => Partial<KeyShare>): Partial<CryptoProvider> {
  return {
    keyAgreement: (group) => ({
      generate(random) {
        const good = nodeProvider.keyAgreement(group).generate(random);
        const bound: KeyShare = {
          publicKey: good.publicKey,
          agree: (peer) => good.agree(peer),
          destroy: () => good.destroy(),
        };
        return group === name ? { ...bound, ...change(bound) } : bound;
      },
    }),
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
    for (const name of ['sha256', 'sha384', 'sha512'] as const) {
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
    for (const name of ['sha256', 'sha384', 'sha512'] as const) {
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

  for (const name of CBC_NAMES) {
    it(`catches ${name} that encrypts wrongly, decrypts wrongly, or takes half a block`, () => {
      caught(
        name,
        withCbc(name, (good) => ({ encrypt: (...args) => flip(good.encrypt(...args)) })),
        /encrypted bytes differ/,
      );
      caught(
        name,
        withCbc(name, (good) => ({ decrypt: (...args) => flip(good.decrypt(...args)!) })),
        /decrypted bytes differ/,
      );
      caught(
        name,
        withCbc(name, (good) => ({ decrypt: (iv, text) => good.decrypt(iv, text) ?? text })),
        /part of a block/,
      );
    });
  }

  for (const group of NAMED_GROUPS) {
    it(`catches ${group} with a wrong public key, a wrong secret, or secrets from bad or short keys`, () => {
      caught(
        group,
        withShare(group, (good) => ({ publicKey: flip(good.publicKey) })),
        /public key differs/,
      );
      caught(
        group,
        withShare(group, (good) => ({ agree: (peer) => flip(good.agree(peer)!) })),
        /secret differs/,
      );
      const lax = (length: (good: KeyShare, peer: Uint8Array) => boolean) =>
        withShare(group, (good) => ({
          agree: (peer) => good.agree(peer) ?? (length(good, peer) ? peer : undefined),
        }));
      caught(
        group,
        lax((good, peer) => peer.length === good.publicKey.length),
        /bad public key/,
      );
      caught(
        group,
        lax((good, peer) => peer.length < good.publicKey.length),
        /short key/,
      );
    });
  }

  for (const scheme of SIGNATURE_SCHEMES) {
    it(`catches ${scheme} that refuses good signatures, or takes forged ones or another message`, () => {
      const verify = (...args: Parameters<CryptoProvider['verify']>) => nodeProvider.verify(...args);
      const broken = (judge: (...args: Parameters<typeof verify>) => boolean): Partial<CryptoProvider> => ({
        verify: (...args) => (args[0] === scheme ? judge(...args) : verify(...args)),
      });
      caught(
        scheme,
        broken(() => false),
        /good signature was refused/,
      );
      caught(
        scheme,
        broken(() => true),
        /forged signature was accepted/,
      );
      caught(
        scheme,
        broken((each, spki, message, ...rest) =>
          [message, message.subarray(0, message.length / 2)].some((part) => verify(each, spki, part, ...rest)),
        ),
        /another message was accepted/,
      );
    });

    if (scheme.startsWith('rsa')) continue;
    it(`catches ${scheme} that signs wrongly`, () => {
      caught(
        scheme,
        {
          sign(each, pkcs8, message) {
            const good = nodeProvider.sign(each, pkcs8, message);
            return each === scheme ? flip(good) : good;
          },
        },
        /its own signature is bad/,
      );
    });
  }
});

describe('verifyProvider of some primitives', () => {
  it('looks at those alone, and at each once', () => {
    const seen: string[] = [];
    const counting: CryptoProvider = {
      ...nodeProvider,
      keyAgreement(group) {
        seen.push(group);
        return nodeProvider.keyAgreement(group);
      },
    };
    verifyProvider(counting, ['x25519']);
    verifyProvider(counting, ['x25519', 'secp256r1', 'hash']);
    assert.deepEqual(seen, ['x25519', 'secp256r1']);
    verifyProvider(counting);
    assert.deepEqual(seen, [...NAMED_GROUPS]);
  });

  it('says what the provider has not', () => {
    const expected = { name: 'CryptoUnsupportedError', provider: 'noble', primitive: 'rsa_pkcs1_sha256' };
    assert.throws(() => verifyProvider(nobleProvider, ['hash', 'rsa_pkcs1_sha256']), expected);
  });

  it('has answers for every primitive, and the whole noble provider gives them too', async () => {
    verifyProvider(nodeProvider, PRIMITIVES);
    const noble = await loadNobleProvider();
    verifyProvider(noble);
    assert.equal(noble, await loadNobleProvider());
    const missing = PRIMITIVES.filter((each) => !noble.primitives.has(each));
    assert.deepEqual(
      missing,
      SIGNATURE_SCHEMES.filter((each) => each.startsWith('rsa')),
    );
  });
});

describe('verifiedOnUse', () => {
  const calls = (provider: CryptoProvider): Readonly<Record<string, () => unknown>> => {
    const nothing = new Uint8Array(0);
    const each = <N extends string>(names: readonly N[], call: (name: N) => unknown): [string, () => unknown][] =>
      names.map((name) => [name, () => call(name)]);
    return Object.fromEntries([
      ['hash', () => [provider.hash('sha256', nothing), provider.createHash('sha256')]],
      ['hmac', () => [provider.hmac('sha256', nothing), provider.hmacKey('sha256', nothing)]],
      ...each(AEAD_NAMES, (name) => provider.aead(name, new Uint8Array(AEAD_PARAMETERS[name].keyLength))),
      ...each(CBC_NAMES, (name) => provider.cbc(name, new Uint8Array(CBC_KEY_LENGTH[name]))),
      ...each(NAMED_GROUPS, (group) => provider.keyAgreement(group)),
      ...each(SIGNATURE_SCHEMES, (scheme) => provider.verify(scheme, nothing, nothing, nothing)),
    ]);
  };

  it('gives every primitive of a good provider, and says the same of it', () => {
    const provider = verifiedOnUse(nodeProvider);
    const all = calls(provider);
    assert.deepEqual(Object.keys(all), [...PRIMITIVES]);
    for (const call of Object.values(all)) call();
    assert.equal(provider.name, nodeProvider.name);
    assert.equal(provider.primitives, nodeProvider.primitives);
    assert.equal(provider.constantTime, nodeProvider.constantTime);
  });

  it('runs the known answers before a primitive is used, and keeps a broken one from being', () => {
    const broken: CryptoProvider = {
      name: 'broken',
      primitives: nodeProvider.primitives,
      constantTime: new Set(),
      createHash: () => assert.fail(),
      hash: () => new Uint8Array(32),
      hmac: () => new Uint8Array(32),
      hmacKey: () => assert.fail(),
      aead: () => assert.fail(),
      cbc: () => assert.fail(),
      keyAgreement: () => assert.fail(),
      verify: () => true,
      sign: () => new Uint8Array(64),
      signingKey: (pkcs8) => nodeProvider.signingKey(pkcs8),
    };
    const provider = verifiedOnUse(broken);
    for (const [primitive, call] of Object.entries(calls(provider))) {
      for (let again = 0; again < 2; again++) assert.throws(call, { name: 'CryptoProviderError', primitive });
    }
    const pkcs8 = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'der' });
    const message = new Uint8Array(1);
    const failure = { name: 'CryptoProviderError', primitive: 'ed25519' };
    assert.throws(() => provider.sign('ed25519', pkcs8, message), failure);
    const key = provider.signingKey(pkcs8);
    assert.equal(key.algorithm, 'ed25519');
    assert.equal(key.publicKey().length, 44);
    assert.throws(() => key.sign('ed25519', message), failure);
    assert.throws(() => key.sign('rsa_pkcs1_sha256', message), { name: 'RangeError' });
    key.destroy();
    assert.throws(() => key.publicKey(), /destroyed/);
  });
});
