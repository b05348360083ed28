// An engine whose one key is a WebCrypto key: it signs when asked and cannot be taken out, not even by this program.

import { webcrypto } from 'node:crypto';
import { type Engine, ecdsaSignature } from '../../lib/index.ts';

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256' } as const;

/** `query` is what security infos call the key. */
export function webCryptoEngine(query: string, key: webcrypto.CryptoKey, publicKey: Uint8Array): Engine {
  return {
    privateKey(asked) {
      if (asked !== query) return undefined;
      return {
        publicKey,
        schemes: ['ecdsa_secp256r1_sha256'],
        async sign(_scheme, message) {
          const raw = await webcrypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key, message);
          return ecdsaSignature(new Uint8Array(raw));
        },
      };
    },
  };
}

/** A new key that nobody has ever seen, and its SubjectPublicKeyInfo. */
export async function generateKey(): Promise<{ readonly key: webcrypto.CryptoKey; readonly publicKey: Uint8Array }> {
  const pair = await webcrypto.subtle.generateKey(ECDSA, false, ['sign', 'verify']);
  return { key: pair.privateKey, publicKey: new Uint8Array(await webcrypto.subtle.exportKey('spki', pair.publicKey)) };
}

/** A PKCS#8 key, as one that cannot be exported again. */
export function importKey(pkcs8: Uint8Array): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey('pkcs8', pkcs8, ECDSA, false, ['sign']);
}
