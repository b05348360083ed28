// The provider on node:crypto: OpenSSL's primitives, with the processor's AES instructions where it has them.

import { createHash, createHmac } from 'node:crypto';
import { copyBytes } from '../../../bytes/index.ts';
import { type Aead, type AeadName, checkAeadKey } from '../aead.ts';
import type { Hash, HashName, HmacKey } from '../hash.ts';
import { type CryptoProvider, PRIMITIVES } from '../provider.ts';
import { NodeCcm, NodeChacha, NodeGcm } from './aead.ts';
import { NodeCbc } from './cbc.ts';
import { nodeKeyAgreement } from './key-agreement.ts';
import { plain } from './plain.ts';
import { DEFAULT_RSA_LIMITS, NodeSigningKey, type RsaLimits, nodeVerify } from './signatures.ts';

/** The node:crypto provider with limits of your own. @throws RangeError for limits that take no key */
export function createNodeProvider(options: Partial<RsaLimits> = {}): CryptoProvider {
  const limits = { ...DEFAULT_RSA_LIMITS, ...options };
  const { minRsaModulusBits, maxRsaModulusBits } = limits;
  if (!(minRsaModulusBits <= maxRsaModulusBits)) {
    throw new RangeError(`maxRsaModulusBits: expected at least ${minRsaModulusBits}, found ${maxRsaModulusBits}`);
  }
  return {
    name: 'node',
    primitives: new Set(PRIMITIVES),
    constantTime: new Set(PRIMITIVES),

    createHash(name): Hash {
      const running = createHash(name);
      return {
        update: (bytes) => void running.update(bytes),
        digest: () => plain(running.copy().digest()),
      };
    },

    hash: (name, bytes) => plain(createHash(name).update(bytes).digest()),

    hmac: (name, key, ...parts) => macOf(name, key, parts),

    hmacKey: (name, key) => new NodeHmacKey(name, key),

    aead,

    cbc: (name, key) => new NodeCbc(name, key),

    keyAgreement: nodeKeyAgreement,

    verify: (scheme, spki, message, signature) => nodeVerify(limits, scheme, spki, message, signature),

    sign(scheme, pkcs8, message) {
      const key = new NodeSigningKey(limits, pkcs8);
      try {
        return key.sign(scheme, message);
      } finally {
        key.destroy();
      }
    },

    signingKey: (pkcs8) => new NodeSigningKey(limits, pkcs8),
  };
}

/** Fast for long messages and for all that has curves or RSA; each call crosses into native code. */
export const nodeProvider: CryptoProvider = createNodeProvider();

function aead(name: AeadName, key: Uint8Array): Aead {
  const { mode } = checkAeadKey(name, key);
  if (mode === 'chacha20-poly1305') return new NodeChacha(name, key);
  return mode === 'ccm' ? new NodeCcm(name, key) : new NodeGcm(name, key);
}

/** node:crypto cannot copy a running HMAC, so only the copy of the key is kept. */
class NodeHmacKey implements HmacKey {
  readonly #name: HashName;
  #key: Uint8Array | undefined;

  constructor(name: HashName, key: Uint8Array) {
    this.#name = name;
    this.#key = copyBytes(key);
  }

  mac(...parts: readonly Uint8Array[]): Uint8Array {
    if (this.#key === undefined) throw new Error('this HMAC key was destroyed');
    return macOf(this.#name, this.#key, parts);
  }

  destroy(): void {
    this.#key?.fill(0);
    this.#key = undefined;
  }
}

function macOf(name: HashName, key: Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
  const running = createHmac(name, key);
  for (const part of parts) running.update(part);
  return plain(running.digest());
}
