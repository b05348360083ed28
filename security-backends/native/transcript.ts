// The handshake hash: each message as if never fragmented (RFC 6347 §4.2.6).

import { concatBytes } from '../../lib/bytes/index.ts';
import type { CryptoProvider, Hash, HashName } from '../../lib/crypto/provider/provider.ts';

/** Begins once the suite, and with it the hash, is known; the caller decides which ClientHello it begins with. */
export class Transcript {
  readonly #hash: Hash;
  #messages: Uint8Array[] | undefined;

  /** @param keep whether CertificateVerify may need the messages themselves: its hash is not the suite's */
  constructor(provider: CryptoProvider, hash: HashName, keep: boolean, ...messages: readonly Uint8Array[]) {
    this.#hash = provider.createHash(hash);
    this.#messages = keep ? [] : undefined;
    for (const message of messages) this.add(message);
  }

  add(message: Uint8Array): void {
    this.#hash.update(message);
    this.#messages?.push(message);
  }

  /** The hash of everything so far. */
  digest(): Uint8Array {
    return this.#hash.digest();
  }

  /** Everything so far, which is forgotten: nothing after CertificateVerify needs it. */
  takeMessages(): Uint8Array {
    const whole = concatBytes(...(this.#messages ?? []));
    this.#messages = undefined;
    return whole;
  }
}
