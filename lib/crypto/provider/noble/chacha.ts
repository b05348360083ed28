// ChaCha20-Poly1305 (RFC 8439 §2.8) of @noble/ciphers.

import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { copyBytes } from '../../../bytes/index.ts';
import { type Aead, checkAeadNonce } from '../aead.ts';

/** Additions, rotations and xors alone: no look-ups or branches that depend on secrets. */
export class NobleChacha implements Aead {
  readonly tagLength = 16;
  #key: Uint8Array | undefined;

  /** @param key 32 bytes, copied */
  constructor(key: Uint8Array) {
    this.#key = copyBytes(key);
  }

  seal(nonce: Uint8Array, additionalData: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const key = this.#usable();
    checkAeadNonce(nonce);
    return chacha20poly1305(key, nonce, additionalData).encrypt(plaintext);
  }

  open(nonce: Uint8Array, additionalData: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const key = this.#usable();
    checkAeadNonce(nonce);
    if (sealed.length < this.tagLength) return undefined;
    try {
      return chacha20poly1305(key, nonce, additionalData).decrypt(sealed);
    } catch {
      return undefined;
    }
  }

  destroy(): void {
    this.#key?.fill(0);
    this.#key = undefined;
  }

  #usable(): Uint8Array {
    if (this.#key === undefined) throw new Error('this AEAD was destroyed');
    return this.#key;
  }
}
