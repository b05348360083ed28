// Password-protected private keys, opened by node:crypto.

import { createDecipheriv, createHash, pbkdf2Sync } from 'node:crypto';
import type { KeyDecryption } from '../key-decryption.ts';

/** Ciphers OpenSSL's traditional PEM encryption is found with, and the lengths of their keys in bytes. */
const TRADITIONAL: Readonly<Record<string, number>> = {
  'AES-128-CBC': 16,
  'AES-192-CBC': 24,
  'AES-256-CBC': 32,
  'DES-EDE3-CBC': 24,
};

/** PBKDF2 and CBC of node:crypto. Blocks the thread while a key is derived. */
export const nodeKeyDecryption: KeyDecryption = {
  pbkdf2: (hash, password, salt, iterations, keyLength) =>
    new Uint8Array(pbkdf2Sync(password, salt, iterations, keyLength, hash)),

  decryptAesCbc: (key, iv, ciphertext) =>
    decrypt(key.length === 16 ? 'aes-128-cbc' : 'aes-256-cbc', key, iv, ciphertext),

  decryptTraditional(cipher, iv, password, ciphertext) {
    const keyLength = TRADITIONAL[cipher];
    if (keyLength === undefined) return undefined;
    const key = bytesToKey(password, iv.subarray(0, 8), keyLength);
    try {
      return decrypt(cipher.toLowerCase(), key, iv, ciphertext);
    } finally {
      key.fill(0);
    }
  },
};

function decrypt(cipher: string, key: Uint8Array, iv: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined {
  try {
    const running = createDecipheriv(cipher, key, iv);
    const parts = [running.update(ciphertext), running.final()] as const;
    const plain = new Uint8Array(parts[0].length + parts[1].length);
    plain.set(parts[0]);
    plain.set(parts[1], parts[0].length);
    for (const each of parts) each.fill(0);
    return plain;
  } catch {
    return undefined; // wrong padding, or an iv of another length
  }
}

/** EVP_BytesToKey with MD5 and one iteration, as OpenSSL's `PEM_do_header` has it. */
function bytesToKey(password: Uint8Array, salt: Uint8Array, length: number): Uint8Array {
  const key = new Uint8Array(Math.ceil(length / 16) * 16);
  let block = new Uint8Array(0);
  for (let at = 0; at < length; at += 16) {
    block = new Uint8Array(createHash('md5').update(block).update(password).update(salt).digest());
    key.set(block, at);
  }
  block.fill(0);
  return key.slice(0, length);
}
