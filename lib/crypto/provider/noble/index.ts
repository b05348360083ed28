// The portable provider: @noble/hashes, @noble/curves, and AES modes of our own over @noble/ciphers' block function.

import { hmac } from '@noble/hashes/hmac.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import { AEAD_NAMES, type Aead, type AeadName, checkAeadKey } from '../aead.ts';
import { CBC_NAMES, checkCbcKey } from '../cbc.ts';
import type { HashName, Hash, HmacKey } from '../hash.ts';
import { NAMED_GROUPS } from '../key-agreement.ts';
import { type CryptoProvider, CryptoUnsupportedError, type Primitive } from '../provider.ts';
import { SIGNATURE_PARAMETERS, SIGNATURE_SCHEMES } from '../signatures.ts';
import { NobleCbc } from './cbc.ts';
import { NobleCcm } from './ccm.ts';
import { NobleGcm } from './gcm.ts';

const HASHES = { sha256, sha384, sha512 } as const;

const name = 'noble';

/**
 * Runs wherever JavaScript does, and starts fast: what needs @noble/curves or ChaCha20 comes with `loadNobleProvider`.
 * Its AES looks up tables, so it is not constant-time; its hashes use no secret-dependent lookups or branches.
 */
export const nobleProvider: CryptoProvider = {
  name,
  primitives: new Set<Primitive>([
    'hash',
    'hmac',
    ...AEAD_NAMES.filter((each) => each !== 'chacha20-poly1305'),
    ...CBC_NAMES,
  ]),
  constantTime: new Set<Primitive>(['hash', 'hmac']),

  createHash(hash): Hash {
    const running = HASHES[hash].create();
    return {
      update: (bytes) => void running.update(bytes),
      digest: () => running.clone().digest(),
    };
  },

  hash: (hash, bytes) => HASHES[hash](bytes),

  hmac(hash, key, ...parts) {
    const running = hmac.create(HASHES[hash], key);
    for (const part of parts) running.update(part);
    return running.digest();
  },

  hmacKey: (hash, key) => new NobleHmacKey(hash, key),

  aead,

  cbc(cipher, key) {
    checkCbcKey(cipher, key);
    return new NobleCbc(key);
  },

  keyAgreement: unsupported,
  verify: unsupported,
  sign: unsupported,
  signingKey: () => unsupported('ecdsa_secp256r1_sha256'),
};

let loading: Promise<CryptoProvider> | undefined;

/**
 * All that noble has: `nobleProvider`, and ChaCha20-Poly1305, the three groups, ECDSA and Ed25519. RSA it has not.
 * Loaded when asked for, because the curves alone take tens of milliseconds to load and prepare.
 */
export function loadNobleProvider(): Promise<CryptoProvider> {
  loading ??= loadWhole();
  return loading;
}

async function loadWhole(): Promise<CryptoProvider> {
  const [{ NobleChacha }, { nobleKeyAgreement }, { NobleSigningKey, nobleVerify }] = await Promise.all([
    import('./chacha.ts'),
    import('./key-agreement.ts'),
    import('./signatures.ts'),
  ]);
  const schemes = SIGNATURE_SCHEMES.filter((scheme) => SIGNATURE_PARAMETERS[scheme].key !== 'rsa');
  const primitives = new Set<Primitive>([...nobleProvider.primitives, ...AEAD_NAMES, ...NAMED_GROUPS, ...schemes]);
  const checked = <P extends Primitive>(primitive: P): P =>
    primitives.has(primitive) ? primitive : unsupported(primitive);
  return {
    ...nobleProvider,
    primitives,
    constantTime: new Set<Primitive>([...nobleProvider.constantTime, 'chacha20-poly1305']),

    aead(each, key) {
      const { mode } = checkAeadKey(each, key);
      return mode === 'chacha20-poly1305' ? new NobleChacha(key) : aead(each, key);
    },

    keyAgreement: nobleKeyAgreement,

    verify: (scheme, spki, message, signature) => nobleVerify(checked(scheme), spki, message, signature),

    sign(scheme, pkcs8, message) {
      checked(scheme);
      const key = new NobleSigningKey(pkcs8);
      try {
        return key.sign(scheme, message);
      } finally {
        key.destroy();
      }
    },

    signingKey: (pkcs8) => new NobleSigningKey(pkcs8),
  };
}

function aead(each: AeadName, key: Uint8Array): Aead {
  const { mode, tagLength } = checkAeadKey(each, key);
  if (mode === 'chacha20-poly1305') return unsupported(each);
  return mode === 'ccm' ? new NobleCcm(key, tagLength) : new NobleGcm(key);
}

function unsupported(primitive: Primitive): never {
  throw new CryptoUnsupportedError(name, primitive);
}

/** Keeps the hash states after the key's blocks and goes on from copies. */
class NobleHmacKey implements HmacKey {
  readonly #keyed: ReturnType<typeof hmac.create>;

  constructor(name: HashName, key: Uint8Array) {
    this.#keyed = hmac.create(HASHES[name], key);
  }

  mac(...parts: readonly Uint8Array[]): Uint8Array {
    const running = this.#keyed.clone();
    for (const part of parts) running.update(part);
    return running.digest();
  }

  destroy(): void {
    this.#keyed.destroy();
  }
}
