// The provider on node:crypto: OpenSSL's primitives, with the processor's AES instructions where it has them.

import { createHash, createHmac } from 'node:crypto';
import { AEAD_NAMES, type Aead, type AeadName, checkAeadKey } from '../provider.ts';
import type { CryptoProvider, Hash, HashName, HmacKey, Primitive } from '../provider.ts';
import { NodeCcm, NodeGcm } from './aead.ts';

/** Fast for long messages; each call crosses into native code, which short messages feel. */
export const nodeProvider: CryptoProvider = {
  name: 'node',
  constantTime: new Set<Primitive>(['hash', 'hmac', ...AEAD_NAMES]),

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

  aead(name: AeadName, key: Uint8Array): Aead {
    return checkAeadKey(name, key).mode === 'ccm' ? new NodeCcm(name, key) : new NodeGcm(name, key);
  },
};

/** node:crypto cannot copy a running HMAC, so only the copy of the key is kept. */
class NodeHmacKey implements HmacKey {
  readonly #name: HashName;
  #key: Uint8Array | undefined;

  constructor(name: HashName, key: Uint8Array) {
    this.#name = name;
    this.#key = key.slice();
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

/** The same memory without Buffer's own methods, whose `slice` is not Uint8Array's. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
