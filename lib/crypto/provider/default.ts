// The default provider: per primitive, and for AES's AEADs per message size, what measures faster.

import { AEAD_NAMES, AEAD_PARAMETERS, type Aead, type AeadName } from './aead.ts';
import { CBC_KEY_LENGTH, type Cbc } from './cbc.ts';
import { verifyProvider } from './known-answers.ts';
import { nobleProvider } from './noble/index.ts';
import { nodeProvider } from './node/index.ts';
import { type CryptoProvider, PRIMITIVES, type Primitive } from './provider.ts';
import { verifiedOnUse } from './verified-on-use.ts';

export interface DefaultProviderOptions {
  /** Leave out implementations whose timing depends on secrets (AES by table look-up). Default false. */
  readonly constantTimeOnly?: boolean | undefined;
}

/**
 * Up to so many bytes of plaintext JavaScript wins, for each crossing into native code costs some microseconds.
 * Measured on Node 20 with `npm run bench -- aead` (seal and open, 13 bytes of additional data): at 64 bytes node:crypto
 * takes 1.5 to 2.5 times as long; they are level between 100 and 200 bytes, for GCM sooner than for CCM.
 */
const SHORT_MESSAGE = { ccm: 128, gcm: 96, 'chacha20-poly1305': 0 } as const;

/** Bytes of ciphertext up to which noble's CBC wins: level between 256 and 512 (`npm run bench -- primitives`). */
const SHORT_CBC = 256;

/** The AEADs that go by size: noble's ChaCha20-Poly1305 loses at every one. */
const BY_SIZE: ReadonlySet<Primitive> = new Set<Primitive>(
  AEAD_NAMES.filter((name) => SHORT_MESSAGE[AEAD_PARAMETERS[name].mode] > 0),
);

/**
 * The provider to use where none is named. Each of its parts has passed the known answers before it is used: what PSK
 * suites need does so here, the rest by its first use, so that no start waits for curves that nobody needs.
 * @throws CryptoProviderError for an OpenSSL or a JavaScript engine that computes wrongly
 */
export function defaultProvider(options: DefaultProviderOptions = {}): CryptoProvider {
  verifyProvider(nodeProvider, ['hash', 'hmac', ...BY_SIZE]);
  if (options.constantTimeOnly === true) return checkedNodeProvider;
  verifyProvider(nobleProvider, BY_SIZE); // not its hashes: nothing here uses them, and cold they take 20 ms
  return fastestProvider;
}

const checkedNodeProvider: CryptoProvider = verifiedOnUse(nodeProvider);
const checkedNobleProvider: CryptoProvider = verifiedOnUse(nobleProvider);

/** All but AES on short messages by node:crypto, which is faster (`npm run bench -- primitives`). */
const fastestProvider: CryptoProvider = {
  ...checkedNodeProvider,
  name: 'default',
  constantTime: new Set(PRIMITIVES.filter((primitive) => !BY_SIZE.has(primitive) && !(primitive in CBC_KEY_LENGTH))),
  aead: (name, key) => (BY_SIZE.has(name) ? new AeadBySize(name, key) : checkedNodeProvider.aead(name, key)),
  cbc: (name, key) => new CbcBySize(checkedNobleProvider.cbc(name, key), checkedNodeProvider.cbc(name, key)),
};

/** Short messages by noble, long ones by node:crypto. */
class AeadBySize implements Aead {
  readonly tagLength: 8 | 16;
  readonly #short: Aead;
  readonly #long: Aead;
  readonly #shortMessage: number;

  constructor(name: AeadName, key: Uint8Array) {
    const { mode, tagLength } = AEAD_PARAMETERS[name];
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

class CbcBySize implements Cbc {
  readonly #short: Cbc;
  readonly #long: Cbc;

  constructor(short: Cbc, long: Cbc) {
    this.#short = short;
    this.#long = long;
  }

  encrypt(iv: Uint8Array, plaintext: Uint8Array): Uint8Array {
    return this.#for(plaintext).encrypt(iv, plaintext);
  }

  decrypt(iv: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined {
    return this.#for(ciphertext).decrypt(iv, ciphertext);
  }

  destroy(): void {
    this.#short.destroy();
    this.#long.destroy();
  }

  #for({ length }: Uint8Array): Cbc {
    return length <= SHORT_CBC ? this.#short : this.#long;
  }
}
