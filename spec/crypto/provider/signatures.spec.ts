// Signatures of every provider: each one's against each other's and node:crypto's own, and what no provider may accept.

import assert from 'node:assert/strict';
import { type KeyObject, constants, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { concatBytes, fromBase64, fromHex, toHex, utf8Encode } from '../../../lib/bytes/index.ts';
import {
  type CryptoProvider,
  SIGNATURE_PARAMETERS,
  SIGNATURE_SCHEMES,
  type SignatureScheme,
  type SigningKeyAlgorithm,
  createNodeProvider,
  defaultProvider,
  loadNobleProvider,
  nobleProvider,
  nodeProvider,
} from '../../../lib/crypto/index.ts';

import { SIGNATURE_ANSWERS } from '../../../lib/crypto/provider/known-answers-public-key.ts';

const noble = await loadNobleProvider();
const providers: readonly CryptoProvider[] = [noble, nodeProvider, defaultProvider()];

interface Pair {
  readonly spki: Uint8Array;
  readonly pkcs8: Uint8Array;
}

const ec = (namedCurve: string): Pair => pairOf(generateKeyPairSync('ec', { namedCurve }));
const rsa = (modulusLength: number): Pair => pairOf(generateKeyPairSync('rsa', { modulusLength }));

function pairOf({ publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }): Pair {
  return {
    spki: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
    pkcs8: new Uint8Array(privateKey.export({ type: 'pkcs8', format: 'der' })),
  };
}

const PAIRS: Readonly<Record<SigningKeyAlgorithm, Pair>> = {
  'ec-p256': ec('P-256'),
  'ec-p384': ec('P-384'),
  ed25519: pairOf(generateKeyPairSync('ed25519')),
  rsa: rsa(2048),
};

const pairFor = (scheme: SignatureScheme): Pair => PAIRS[SIGNATURE_PARAMETERS[scheme].key];
const having = (scheme: SignatureScheme) => providers.filter(({ primitives }) => primitives.has(scheme));
const bytes = (max: number) => fc.uint8Array({ maxLength: max });

/** What node:crypto is told for each scheme, apart from the code under test. */
function oracleOptions(scheme: SignatureScheme): {
  hash: string | null;
  options: { padding?: number; saltLength?: number };
} {
  const hash = /sha\d+$/.exec(scheme)?.[0] ?? null;
  if (scheme.startsWith('rsa_pkcs1')) return { hash, options: { padding: constants.RSA_PKCS1_PADDING } };
  if (!scheme.startsWith('rsa_pss')) return { hash, options: {} };
  return { hash, options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: Number(scheme.slice(-3)) / 8 } };
}

function oracleVerifies(scheme: SignatureScheme, message: Uint8Array, signature: Uint8Array): boolean {
  const { hash, options } = oracleOptions(scheme);
  const key = Buffer.from(pairFor(scheme).spki);
  return verify(hash, message, { key, format: 'der', type: 'spki', ...options }, signature);
}

function oracleSigns(scheme: SignatureScheme, message: Uint8Array): Uint8Array {
  const { hash, options } = oracleOptions(scheme);
  return sign(hash, message, { key: Buffer.from(pairFor(scheme).pkcs8), format: 'der', type: 'pkcs8', ...options });
}

describe('signatures', () => {
  for (const scheme of SIGNATURE_SCHEMES) {
    const { spki, pkcs8 } = pairFor(scheme);

    it(`${scheme}: each provider verifies what each signs, and node:crypto itself does`, () => {
      fc.assert(
        fc.property(bytes(300), (message) => {
          const signatures = having(scheme).map((each) => each.sign(scheme, pkcs8, message));
          for (const signature of signatures) assert.ok(oracleVerifies(scheme, message, signature));
          for (const signature of [...signatures, oracleSigns(scheme, message)]) {
            for (const each of having(scheme)) assert.ok(each.verify(scheme, spki, message, signature), each.name);
            assert.ok(signature.length > 0);
          }
        }),
        { numRuns: 25 },
      );
    });

    for (const provider of having(scheme).slice(0, -1)) {
      const good = provider.sign(scheme, pkcs8, utf8Encode('message'));

      it(`${scheme} of provider ${provider.name} refuses any other message, signature or key, without an error`, () => {
        const message = utf8Encode('message');
        assert.ok(provider.verify(scheme, spki, message, good));
        const refused = (a: Uint8Array, b: Uint8Array, c: Uint8Array): void =>
          assert.equal(provider.verify(scheme, a, b, c), false);
        fc.assert(
          fc.property(fc.nat(), bytes(120), bytes(300), (at, noise, longer) => {
            refused(spki, message, good.subarray(0, at % good.length));
            refused(spki, message, concatBytes(good, noise, Uint8Array.of(0)));
            refused(spki, message, noise);
            refused(noise, message, good);
            refused(concatBytes(spki, noise, Uint8Array.of(0)), message, good);
            refused(spki, message, longer);
          }),
          { numRuns: 1000 },
        );
        fc.assert(
          fc.property(fc.nat(), (at) => {
            refused(spki, message, flipped(good, at));
            refused(spki, flipped(message, at), good);
            refused(flipped(spki, at), message, good);
          }),
          { numRuns: provider === noble ? 60 : 250 }, // each of them is a whole verification
        );
      });

      it(`${scheme} of provider ${provider.name} takes no key of another kind`, () => {
        const message = utf8Encode('message');
        for (const other of Object.keys(PAIRS) as SigningKeyAlgorithm[]) {
          if (other === SIGNATURE_PARAMETERS[scheme].key) continue;
          assert.equal(provider.verify(scheme, PAIRS[other].spki, message, good), false);
          if (provider === noble && other === 'rsa') continue;
          assert.throws(() => provider.sign(scheme, PAIRS[other].pkcs8, message), {
            name: 'RangeError',
            message: `${scheme} key: expected ${SIGNATURE_PARAMETERS[scheme].key}, found ${other}`,
          });
        }
      });

      it(`${scheme} of provider ${provider.name}: a prepared key signs often, knows its public key, shows nothing, ends`, () => {
        const ours = pkcs8.slice();
        const key = provider.signingKey(ours);
        ours.fill(0xff);
        assert.equal(key.algorithm, SIGNATURE_PARAMETERS[scheme].key);
        assert.equal(toHex(key.publicKey()), toHex(spki));
        for (const text of ['one', 'two']) {
          const signature = key.sign(scheme, utf8Encode(text));
          assert.equal(Object.getPrototypeOf(signature), Uint8Array.prototype);
          assert.ok(oracleVerifies(scheme, utf8Encode(text), signature));
        }
        assert.ok(!inspect(key, { depth: 9, showHidden: true }).includes(toHex(pkcs8.slice(-32)).slice(0, 16)));
        key.destroy();
        key.destroy();
        assert.throws(() => key.sign(scheme, utf8Encode('three')), /destroyed/);
        assert.throws(() => key.publicKey(), /destroyed/);
      });
    }
  }

  it('noble signs ECDSA deterministically (RFC 6979 appendix A.2.5, A.2.6)', () => {
    const p256 = fromHex(
      '3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420' +
        'c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721',
    );
    assert.equal(
      toHex(noble.sign('ecdsa_secp256r1_sha256', p256, utf8Encode('test'))),
      '3045' +
        '022100' +
        'f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367' +
        '0220' +
        '019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083',
    );
  });

  it('noble takes the hash of the scheme for its nonce too, where it is not the hash of the curve (RFC 6979)', () => {
    for (const scheme of ['ecdsa_secp256r1_sha384', 'ecdsa_secp384r1_sha256'] as const) {
      const { pkcs8, message, signature } = SIGNATURE_ANSWERS[scheme];
      assert.equal(toHex(noble.sign(scheme, fromHex(pkcs8!), message)), signature);
    }
  });

  it('one number of TLS 1.2 is one hash, whatever the curve', () => {
    const ecdsa = SIGNATURE_SCHEMES.filter((scheme) => scheme.startsWith('ecdsa'));
    const numbers = Object.fromEntries(ecdsa.map((scheme) => [scheme, SIGNATURE_PARAMETERS[scheme].id]));
    assert.deepEqual(numbers, {
      ecdsa_secp256r1_sha256: 0x0403,
      ecdsa_secp384r1_sha256: 0x0403,
      ecdsa_secp256r1_sha384: 0x0503,
      ecdsa_secp384r1_sha384: 0x0503,
    });
  });

  it('Ed25519 signs as RFC 8032 §7.1 does (test 2)', () => {
    const pkcs8 = fromHex(
      '302e020100300506032b657004220420' + '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    );
    for (const provider of providers) {
      assert.equal(
        toHex(provider.sign('ed25519', pkcs8, fromHex('72'))),
        '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
          '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
        provider.name,
      );
    }
  });

  it('PKCS#1 signatures are what RFC 8017 §9.2 makes, raised to d', () => {
    const { n, e } = createPublicKey({ key: Buffer.from(PAIRS.rsa.spki), format: 'der', type: 'spki' }).export({
      format: 'jwk',
    });
    const [modulus, exponent] = [n!, e!].map((part) => BigInt(`0x${Buffer.from(part, 'base64url').toString('hex')}`));
    const message = utf8Encode('a message');
    const signature = BigInt(`0x${toHex(nodeProvider.sign('rsa_pkcs1_sha256', PAIRS.rsa.pkcs8, message))}`);
    const digestInfo = `3031300d060960864801650304020105000420${toHex(nodeProvider.hash('sha256', message))}`;
    const encoded = `0001${'ff'.repeat(256 - 3 - digestInfo.length / 2)}00${digestInfo}`;
    assert.equal(power(signature, exponent!, modulus!).toString(16).padStart(512, '0'), encoded);
  });

  it('takes a version 1 key with attributes and public key (RFC 8410 §10.3)', () => {
    const pkcs8 = fromBase64(
      'MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhCoB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJz' +
        'gSEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=',
    );
    const spki = fromBase64('MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=');
    for (const provider of providers) assert.deepEqual(provider.signingKey(pkcs8).publicKey(), spki);
  });

  it('takes no compressed point, no explicit curve and no other curve', () => {
    const message = utf8Encode('m');
    const good = nodeProvider.sign('ecdsa_secp256r1_sha256', PAIRS['ec-p256'].pkcs8, message);
    const point = PAIRS['ec-p256'].spki.slice(-65);
    const compressed = concatBytes(
      fromHex('3039301306072a8648ce3d020106082a8648ce3d030107032200'),
      Uint8Array.of(2 + (point[64]! & 1)),
      point.subarray(1, 33),
    );
    assert.ok(createPublicKey({ key: Buffer.from(compressed), format: 'der', type: 'spki' }), 'OpenSSL would take it');
    const explicit = pairOf(generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' }));
    for (const provider of providers) {
      assert.equal(provider.verify('ecdsa_secp256r1_sha256', compressed, message, good), false);
      assert.equal(provider.verify('ecdsa_secp256r1_sha256', explicit.spki, message, good), false);
      assert.throws(() => provider.signingKey(explicit.pkcs8), { name: 'DecodeError' });
      for (const curve of ['secp256k1', 'P-521']) {
        assert.throws(() => provider.signingKey(ec(curve).pkcs8), {
          name: 'DecodeError',
          message: /secp256r1 or secp384r1/,
        });
      }
    }
  });

  // OpenSSL's own verify takes some of these (3.0 does, 3.5 does not), so the check is ours.
  it('takes no Ed25519 key of small order, nor one that is not reduced', () => {
    const [identity, message] = [`01${'00'.repeat(31)}`, utf8Encode('any')];
    const forged = concatBytes(fromHex(identity), new Uint8Array(32)); // R = 0 · B + k · 0, s = 0
    for (const key of [identity, `${identity.slice(0, 62)}80`, `ee${'ff'.repeat(30)}7f`, '00'.repeat(32)]) {
      const spki = concatBytes(fromHex('302a300506032b6570032100'), fromHex(key));
      for (const provider of providers) assert.equal(provider.verify('ed25519', spki, message, forged), false, key);
    }
  });

  it('takes RSA keys within limits that can be set', () => {
    const { spki, pkcs8 } = rsa(1024);
    const message = utf8Encode('m');
    const lax = createNodeProvider({ minRsaModulusBits: 1024 });
    const signature = lax.sign('rsa_pss_rsae_sha256', pkcs8, message);
    assert.ok(lax.verify('rsa_pss_rsae_sha256', spki, message, signature));
    assert.equal(nodeProvider.verify('rsa_pss_rsae_sha256', spki, message, signature), false);
    assert.throws(() => nodeProvider.signingKey(pkcs8), {
      name: 'DecodeError',
      message: /RSA modulus.*2048 to 8192 bits.*1024/,
    });
    const strict = createNodeProvider({ maxRsaModulusBits: 2048, minRsaModulusBits: 2048 });
    assert.ok(strict.signingKey(PAIRS.rsa.pkcs8));
    assert.throws(() => createNodeProvider({ maxRsaModulusBits: 1024 }), {
      name: 'RangeError',
      message: 'maxRsaModulusBits: expected at least 2048, found 1024',
    });
  });

  it('takes no PSS signature with another salt length', () => {
    const key = {
      key: Buffer.from(PAIRS.rsa.pkcs8),
      format: 'der',
      type: 'pkcs8',
      padding: constants.RSA_PKCS1_PSS_PADDING,
    } as const;
    const message = utf8Encode('m');
    for (const saltLength of [0, 20, 33, 222]) {
      const signature = sign('sha256', message, { ...key, saltLength });
      assert.equal(
        nodeProvider.verify('rsa_pss_rsae_sha256', PAIRS.rsa.spki, message, signature),
        false,
        `${saltLength}`,
      );
    }
  });

  it('says what a provider has not, instead of calling signatures bad', () => {
    const nothing = new Uint8Array(0);
    const unsupported = { name: 'CryptoUnsupportedError', code: 'ENOTSUP' };
    for (const scheme of SIGNATURE_SCHEMES.filter((each) => each.startsWith('rsa'))) {
      assert.ok(!noble.primitives.has(scheme) && nodeProvider.primitives.has(scheme));
      assert.throws(() => noble.verify(scheme, PAIRS.rsa.spki, nothing, nothing), {
        ...unsupported,
        primitive: scheme,
      });
      assert.throws(() => noble.sign(scheme, PAIRS.rsa.pkcs8, nothing), { ...unsupported, primitive: scheme });
    }
    assert.throws(() => noble.signingKey(PAIRS.rsa.pkcs8), { name: 'DecodeError', message: /EC or Ed25519/ });
    assert.throws(() => nobleProvider.verify('ed25519', nothing, nothing, nothing), unsupported);
    assert.throws(() => nobleProvider.sign('ed25519', nothing, nothing), unsupported);
    assert.throws(() => nobleProvider.signingKey(nothing), unsupported);
    assert.throws(() => nobleProvider.aead('chacha20-poly1305', new Uint8Array(32)), unsupported);
  });
});

function flipped(good: Uint8Array, at: number): Uint8Array {
  const copy = good.slice();
  const bit = at % (8 * copy.length);
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let square = base, left = exponent; left > 0n; left >>= 1n, square = (square * square) % modulus) {
    if ((left & 1n) === 1n) result = (result * square) % modulus;
  }
  return result;
}
