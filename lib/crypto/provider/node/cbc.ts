// AES-CBC on node:crypto, without its padding. Node has no way to reset a cipher, so each message makes its own.

import { createCipheriv, createDecipheriv } from 'node:crypto';
import { copyBytes } from '../../../bytes/index.ts';
import { type Cbc, type CbcName, checkCbcIv, checkCbcKey, checkCbcPlaintext, isWholeBlocks } from '../cbc.ts';
import { plain } from './plain.ts';

export class NodeCbc implements Cbc {
  readonly #name: CbcName;
  #key: Uint8Array | undefined;

  constructor(name: CbcName, key: Uint8Array) {
    checkCbcKey(name, key);
    this.#name = name;
    this.#key = copyBytes(key);
  }

  encrypt(iv: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const key = this.#usable();
    checkCbcIv(iv);
    checkCbcPlaintext(plaintext);
    const cipher = createCipheriv(this.#name, key, iv).setAutoPadding(false);
    const ciphertext = cipher.update(plaintext);
    cipher.final();
    return plain(ciphertext);
  }

  decrypt(iv: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined {
    const key = this.#usable();
    checkCbcIv(iv);
    if (!isWholeBlocks(ciphertext)) return undefined;
    const decipher = createDecipheriv(this.#name, key, iv).setAutoPadding(false);
    const plaintext = decipher.update(ciphertext);
    decipher.final();
    return plain(plaintext);
  }

  destroy(): void {
    this.#key?.fill(0);
    this.#key = undefined;
  }

  #usable(): Uint8Array {
    if (this.#key === undefined) throw new Error('this cipher was destroyed');
    return this.#key;
  }
}
