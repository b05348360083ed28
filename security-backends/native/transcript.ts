// The handshake hash: each message as if never fragmented (RFC 6347 §4.2.6).

import type { CryptoProvider, Hash, HashName } from '../../lib/crypto/provider/provider.ts';

/** Begins once the suite, and with it the hash, is known; the caller decides which ClientHello it begins with. */
export class Transcript {
  readonly #hash: Hash;

  constructor(provider: CryptoProvider, hash: HashName, ...messages: readonly Uint8Array[]) {
    this.#hash = provider.createHash(hash);
    for (const message of messages) this.#hash.update(message);
  }

  add(message: Uint8Array): void {
    this.#hash.update(message);
  }

  /** The hash of everything so far. */
  digest(): Uint8Array {
    return this.#hash.digest();
  }
}
