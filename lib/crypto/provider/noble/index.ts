// The portable provider: @noble/hashes, and AES modes of our own over @noble/ciphers' block function.

import { hmac } from '@noble/hashes/hmac.js';
import { sha256, sha384 } from '@noble/hashes/sha2.js';
import { type Aead, type AeadName, checkAeadKey } from '../provider.ts';
import type { CryptoProvider, Hash, HashName, HmacKey, Primitive } from '../provider.ts';
import { NobleCcm } from './ccm.ts';
import { NobleGcm } from './gcm.ts';

const HASHES = { sha256, sha384 } as const;

/**
 * Runs wherever JavaScript does. Its AES looks up tables, so it is not constant-time; its hashes use no
 * secret-dependent lookups or branches.
 */
export const nobleProvider: CryptoProvider = {
  name: 'noble',
  constantTime: new Set<Primitive>(['hash', 'hmac']),

  createHash(name): Hash {
    const running = HASHES[name].create();
    return {
      update: (bytes) => void running.update(bytes),
      digest: () => running.clone().digest(),
    };
  },

  hash: (name, bytes) => HASHES[name](bytes),

  hmac(name, key, ...parts) {
    const running = hmac.create(HASHES[name], key);
    for (const part of parts) running.update(part);
    return running.digest();
  },

  hmacKey: (name, key) => new NobleHmacKey(name, key),

  aead(name: AeadName, key: Uint8Array): Aead {
    const { mode, tagLength } = checkAeadKey(name, key);
    return mode === 'ccm' ? new NobleCcm(key, tagLength) : new NobleGcm(key);
  },
};

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
