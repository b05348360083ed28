// The default provider: per primitive, and for AEADs per message size, what measures faster.

import { type Aead, type AeadName, type CryptoProvider, checkAeadKey } from './provider.ts';
import { verifyProvider } from './known-answers.ts';
import { nobleProvider } from './noble/index.ts';
import { nodeProvider } from './node/index.ts';

export interface DefaultProviderOptions {
  /** Leave out implementations whose timing depends on secrets (AES by table look-up). Default false. */
  readonly constantTimeOnly?: boolean | undefined;
}

/**
 * Up to so many bytes of plaintext JavaScript wins, for each crossing into native code costs some microseconds.
 * Measured on Node 20 with `npm run bench -- aead` (seal and open, 13 bytes of additional data): at 64 bytes node:crypto
 * takes 1.5 to 2.5 times as long; they are level between 100 and 200 bytes, for GCM sooner than for CCM.
 */
const SHORT_MESSAGE = { ccm: 128, gcm: 96 } as const;

/** The provider to use where none is named. Each of its parts has passed the known answers. */
export function defaultProvider(options: DefaultProviderOptions = {}): CryptoProvider {
  verifyProvider(nodeProvider);
  if (options.constantTimeOnly === true) return nodeProvider;
  verifyProvider(nobleProvider);
  return fastestProvider;
}

const fastestProvider: CryptoProvider = {
  ...nodeProvider, // hashes and HMAC: node:crypto is faster at every size
  name: 'default',
  constantTime: new Set(['hash', 'hmac'] as const),
  aead: (name, key) => new AeadBySize(name, key),
};

/** Short messages by noble, long ones by node:crypto. */
class AeadBySize implements Aead {
  readonly tagLength: 8 | 16;
  readonly #short: Aead;
  readonly #long: Aead;
  readonly #shortMessage: number;

  constructor(name: AeadName, key: Uint8Array) {
    const { mode, tagLength } = checkAeadKey(name, key);
    this.tagLength = tagLength;
    this.#shortMessage = SHORT_MESSAGE[mode];
    this.#short = nobleProvider.aead(name, key);
    this.#long = nodeProvider.aead(name, key);
  }

  seal(nonce: Uint8Array, additionalData: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const aead = plaintext.length <= this.#shortMessage ? this.#short : this.#long;
    return aead.seal(nonce, additionalData, plaintext);
  }

  open(nonce: Uint8Array, additionalData: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const aead = sealed.length - this.tagLength <= this.#shortMessage ? this.#short : this.#long;
    return aead.open(nonce, additionalData, sealed);
  }

  destroy(): void {
    this.#short.destroy();
    this.#long.destroy();
  }
}
