// AES-CCM (RFC 3610 with L = 3, as RFC 6655 §3 uses it) on noble's AES block function, the key expanded once.

import { unsafe } from '@noble/ciphers/aes.js';
import { type Aead, checkAeadNonce } from '../aead.ts';
import { load, loadPadded, store, swap, xorBlock } from './words.ts';

const { encrypt, expandKeyLE } = unsafe;

/** Bytes: RFC 3610 §2, the length field has L = 3 bytes. */
export const CCM_MAX_LENGTH = 0xffffff;

const HAS_ADDITIONAL_DATA = 0x40; // RFC 3610 §2.2
const LENGTH_SIZE = 0x02; // RFC 3610 §2.2 and §2.3: L - 1
const LONG_ADDITIONAL_DATA = 0xff00; // RFC 3610 §2.2: from here on the length takes six bytes

/** Table-based, so its timing depends on key and data through the cache; see SECURITY. */
export class NobleCcm implements Aead {
  readonly tagLength: 8 | 16;
  #roundKeys: Uint32Array | undefined;
  // The running CBC-MAC, in little-endian words.
  #x0 = 0;
  #x1 = 0;
  #x2 = 0;
  #x3 = 0;

  /** @param key 16 or 32 bytes, copied */
  constructor(key: Uint8Array, tagLength: 8 | 16) {
    this.tagLength = tagLength;
    this.#roundKeys = expandKeyLE(key);
  }

  seal(nonce: Uint8Array, additionalData: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const keys = this.#keys();
    checkAeadNonce(nonce);
    const length = plaintext.length;
    if (length > CCM_MAX_LENGTH) {
      throw new RangeError(`CCM plaintext: expected at most ${CCM_MAX_LENGTH} bytes, found ${length}`);
    }
    const sealed = new Uint8Array(length + this.tagLength);
    this.#start(keys, nonce, additionalData, length);
    this.#crypt(keys, nonce, plaintext, sealed, length, true);
    store(sealed, length, this.#x0);
    store(sealed, length + 4, this.#x1);
    if (this.tagLength === 16) {
      store(sealed, length + 8, this.#x2);
      store(sealed, length + 12, this.#x3);
    }
    return sealed;
  }

  open(nonce: Uint8Array, additionalData: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const keys = this.#keys();
    checkAeadNonce(nonce);
    const length = sealed.length - this.tagLength;
    if (length < 0 || length > CCM_MAX_LENGTH) return undefined;
    const plaintext = new Uint8Array(length);
    this.#start(keys, nonce, additionalData, length);
    this.#crypt(keys, nonce, sealed, plaintext, length, false);
    let difference = (this.#x0 ^ load(sealed, length)) | (this.#x1 ^ load(sealed, length + 4));
    if (this.tagLength === 16) {
      difference |= (this.#x2 ^ load(sealed, length + 8)) | (this.#x3 ^ load(sealed, length + 12));
    }
    if (difference === 0) return plaintext;
    plaintext.fill(0);
    return undefined;
  }

  destroy(): void {
    this.#roundKeys?.fill(0);
    this.#roundKeys = undefined;
    this.#x0 = this.#x1 = this.#x2 = this.#x3 = 0;
  }

  #keys(): Uint32Array {
    if (this.#roundKeys === undefined) throw new Error('this AEAD was destroyed');
    return this.#roundKeys;
  }

  /** The MAC over B_0 and the additional data (RFC 3610 §2.2). */
  #start(keys: Uint32Array, nonce: Uint8Array, data: Uint8Array, length: number): void {
    const size = data.length;
    const flags = (size > 0 ? HAS_ADDITIONAL_DATA : 0) | (((this.tagLength - 2) / 2) << 3) | LENGTH_SIZE;
    this.#x0 = this.#x1 = this.#x2 = this.#x3 = 0;
    this.#mac(keys, flags | (load(nonce, 0) << 8), load(nonce, 3), load(nonce, 7), nonce[11]! | swap(length));
    if (size === 0) return;
    let at: number;
    if (size < LONG_ADDITIONAL_DATA) {
      const head = (swap(size) >>> 16) | (loadPadded(data, 0, size) << 16);
      this.#mac(keys, head, loadPadded(data, 2, size), loadPadded(data, 6, size), loadPadded(data, 10, size));
      at = 14;
    } else {
      const head = 0xfeff | (swap(size) << 16);
      this.#mac(keys, head, (swap(size) >>> 16) | (load(data, 0) << 16), load(data, 2), load(data, 6));
      at = 10;
    }
    for (; at < size; at += 16) this.#macBlock(keys, data, at, size);
  }

  /** The block at `at`, zeros beyond `end`. */
  #macBlock(keys: Uint32Array, bytes: Uint8Array, at: number, end: number): void {
    if (at + 16 <= end) {
      this.#mac(keys, load(bytes, at), load(bytes, at + 4), load(bytes, at + 8), load(bytes, at + 12));
    } else {
      const w0 = loadPadded(bytes, at, end);
      const w1 = loadPadded(bytes, at + 4, end);
      this.#mac(keys, w0, w1, loadPadded(bytes, at + 8, end), loadPadded(bytes, at + 12, end));
    }
  }

  #mac(keys: Uint32Array, w0: number, w1: number, w2: number, w3: number): void {
    const x = encrypt(keys, this.#x0 ^ w0, this.#x1 ^ w1, this.#x2 ^ w2, this.#x3 ^ w3);
    this.#x0 = x.s0;
    this.#x1 = x.s1;
    this.#x2 = x.s2;
    this.#x3 = x.s3;
  }

  /** Counter mode and MAC in one pass; leaves the encrypted tag in the MAC's words (RFC 3610 §2.3). */
  #crypt(keys: Uint32Array, nonce: Uint8Array, from: Uint8Array, to: Uint8Array, length: number, seal: boolean): void {
    const a0 = LENGTH_SIZE | (load(nonce, 0) << 8);
    const a1 = load(nonce, 3);
    const a2 = load(nonce, 7);
    const a3 = nonce[11]!;
    for (let at = 0, counter = 1; at < length; at += 16, counter++) {
      const s = encrypt(keys, a0, a1, a2, a3 | swap(counter));
      if (seal) this.#macBlock(keys, from, at, length);
      xorBlock(from, to, at, length, s);
      if (!seal) this.#macBlock(keys, to, at, length);
    }
    const s = encrypt(keys, a0, a1, a2, a3);
    this.#x0 ^= s.s0;
    this.#x1 ^= s.s1;
    this.#x2 ^= s.s2;
    this.#x3 ^= s.s3;
  }
}
