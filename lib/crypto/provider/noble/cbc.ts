// AES-CBC (NIST SP 800-38A §6.2) on noble's AES block functions, both key schedules kept.

import { unsafe } from '@noble/ciphers/aes.js';
import { CBC_BLOCK_LENGTH, type Cbc, checkCbcIv, checkCbcPlaintext, isWholeBlocks } from '../cbc.ts';
import { load, store } from './words.ts';

const { decrypt, encrypt, expandKeyDecLE, expandKeyLE } = unsafe;

/** Table-based, so its timing depends on key and data through the cache; see SECURITY. */
export class NobleCbc implements Cbc {
  #encrypting: Uint32Array | undefined;
  #decrypting: Uint32Array | undefined;

  /** @param key 16 or 32 bytes, copied */
  constructor(key: Uint8Array) {
    this.#encrypting = expandKeyLE(key);
    this.#decrypting = expandKeyDecLE(key);
  }

  encrypt(iv: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const keys = usable(this.#encrypting);
    checkCbcIv(iv);
    checkCbcPlaintext(plaintext);
    const ciphertext = new Uint8Array(plaintext.length);
    let [c0, c1, c2, c3] = [load(iv, 0), load(iv, 4), load(iv, 8), load(iv, 12)];
    for (let at = 0; at < plaintext.length; at += CBC_BLOCK_LENGTH) {
      c0 ^= load(plaintext, at);
      c1 ^= load(plaintext, at + 4);
      c2 ^= load(plaintext, at + 8);
      c3 ^= load(plaintext, at + 12);
      const block = encrypt(keys, c0, c1, c2, c3);
      c0 = block.s0;
      c1 = block.s1;
      c2 = block.s2;
      c3 = block.s3;
      storeBlock(ciphertext, at, c0, c1, c2, c3);
    }
    return ciphertext;
  }

  decrypt(iv: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined {
    const keys = usable(this.#decrypting);
    checkCbcIv(iv);
    if (!isWholeBlocks(ciphertext)) return undefined;
    const plaintext = new Uint8Array(ciphertext.length);
    let [p0, p1, p2, p3] = [load(iv, 0), load(iv, 4), load(iv, 8), load(iv, 12)];
    for (let at = 0; at < ciphertext.length; at += CBC_BLOCK_LENGTH) {
      const c0 = load(ciphertext, at);
      const c1 = load(ciphertext, at + 4);
      const c2 = load(ciphertext, at + 8);
      const c3 = load(ciphertext, at + 12);
      const block = decrypt(keys, c0, c1, c2, c3);
      storeBlock(plaintext, at, block.s0 ^ p0, block.s1 ^ p1, block.s2 ^ p2, block.s3 ^ p3);
      p0 = c0;
      p1 = c1;
      p2 = c2;
      p3 = c3;
    }
    return plaintext;
  }

  destroy(): void {
    this.#encrypting?.fill(0);
    this.#decrypting?.fill(0);
    this.#encrypting = this.#decrypting = undefined;
  }
}

function usable(keys: Uint32Array | undefined): Uint32Array {
  if (keys === undefined) throw new Error('this cipher was destroyed');
  return keys;
}

function storeBlock(to: Uint8Array, at: number, w0: number, w1: number, w2: number, w3: number): void {
  store(to, at, w0);
  store(to, at + 4, w1);
  store(to, at + 8, w2);
  store(to, at + 12, w3);
}
