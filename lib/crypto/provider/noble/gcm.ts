// AES-GCM (NIST SP 800-38D) on noble's AES block function. noble's own GCM sets up key and GHASH table per message;
// here both are kept, which is what makes small records affordable.

import { unsafe } from '@noble/ciphers/aes.js';
import { type Aead, checkAeadNonce } from '../aead.ts';
import { Ghash } from './ghash.ts';
import { load, loadPadded, store, swap, xorBlock } from './words.ts';

const { encrypt, expandKeyLE } = unsafe;

/** Bytes: SP 800-38D §5.2.1.1 says 2^36 - 32; a Uint8Array of this project never comes near, so 32-bit lengths do. */
export const GCM_MAX_LENGTH = 0x0fffffff;

/** Table-based, so its timing depends on key and data through the cache; see SECURITY. */
export class NobleGcm implements Aead {
  readonly tagLength = 16;
  readonly #ghash: Ghash;
  #roundKeys: Uint32Array | undefined;

  /** @param key 16 or 32 bytes, copied */
  constructor(key: Uint8Array) {
    this.#roundKeys = expandKeyLE(key);
    const { s0, s1, s2, s3 } = encrypt(this.#roundKeys, 0, 0, 0, 0);
    const h = new Uint8Array(16);
    [s0, s1, s2, s3].forEach((word, i) => store(h, 4 * i, word));
    this.#ghash = new Ghash(h);
    h.fill(0);
  }

  seal(nonce: Uint8Array, additionalData: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const keys = this.#keys();
    checkAeadNonce(nonce);
    const length = plaintext.length;
    if (length > GCM_MAX_LENGTH) {
      throw new RangeError(`GCM plaintext: expected at most ${GCM_MAX_LENGTH} bytes, found ${length}`);
    }
    const sealed = new Uint8Array(length + this.tagLength);
    counterMode(keys, nonce, plaintext, sealed, length);
    this.#tag(keys, nonce, additionalData, sealed, length);
    const { y0, y1, y2, y3 } = this.#ghash;
    store(sealed, length, y0);
    store(sealed, length + 4, y1);
    store(sealed, length + 8, y2);
    store(sealed, length + 12, y3);
    return sealed;
  }

  open(nonce: Uint8Array, additionalData: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const keys = this.#keys();
    checkAeadNonce(nonce);
    const length = sealed.length - this.tagLength;
    if (length < 0 || length > GCM_MAX_LENGTH) return undefined;
    this.#tag(keys, nonce, additionalData, sealed, length);
    const { y0, y1, y2, y3 } = this.#ghash;
    const difference =
      (y0 ^ load(sealed, length)) |
      (y1 ^ load(sealed, length + 4)) |
      (y2 ^ load(sealed, length + 8)) |
      (y3 ^ load(sealed, length + 12));
    if (difference !== 0) return undefined;
    const plaintext = new Uint8Array(length);
    counterMode(keys, nonce, sealed, plaintext, length);
    return plaintext;
  }

  destroy(): void {
    this.#roundKeys?.fill(0);
    this.#roundKeys = undefined;
    this.#ghash.destroy();
  }

  #keys(): Uint32Array {
    if (this.#roundKeys === undefined) throw new Error('this AEAD was destroyed');
    return this.#roundKeys;
  }

  /** Leaves the tag in GHASH's words (SP 800-38D §7.1, steps 5 and 6). */
  #tag(keys: Uint32Array, nonce: Uint8Array, additionalData: Uint8Array, ciphertext: Uint8Array, length: number): void {
    const ghash = this.#ghash;
    ghash.reset();
    absorb(ghash, additionalData, additionalData.length);
    absorb(ghash, ciphertext, length);
    ghash.block(swap(additionalData.length >>> 29), swap(additionalData.length << 3), 0, swap(length << 3));
    const { s0, s1, s2, s3 } = encrypt(keys, load(nonce, 0), load(nonce, 4), load(nonce, 8), swap(1));
    ghash.y0 ^= s0;
    ghash.y1 ^= s1;
    ghash.y2 ^= s2;
    ghash.y3 ^= s3;
  }
}

function absorb(ghash: Ghash, bytes: Uint8Array, end: number): void {
  let at = 0;
  for (; at + 16 <= end; at += 16) {
    ghash.block(load(bytes, at), load(bytes, at + 4), load(bytes, at + 8), load(bytes, at + 12));
  }
  if (at === end) return;
  const w0 = loadPadded(bytes, at, end);
  const w1 = loadPadded(bytes, at + 4, end);
  ghash.block(w0, w1, loadPadded(bytes, at + 8, end), loadPadded(bytes, at + 12, end));
}

/** GCTR from the counter after J_0 (SP 800-38D §6.5). */
function counterMode(keys: Uint32Array, nonce: Uint8Array, from: Uint8Array, to: Uint8Array, length: number): void {
  const n0 = load(nonce, 0);
  const n1 = load(nonce, 4);
  const n2 = load(nonce, 8);
  for (let at = 0, counter = 2; at < length; at += 16, counter++) {
    xorBlock(from, to, at, length, encrypt(keys, n0, n1, n2, swap(counter)));
  }
}
