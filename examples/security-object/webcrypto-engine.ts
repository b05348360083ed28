// An engine whose one key is a WebCrypto key: it signs when asked and cannot be taken out, not even by this program.

import { webcrypto } from 'node:crypto';
import type { Engine } from '../../lib/index.ts';

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256' } as const;

/** Imports the PKCS#8 key as not extractable. `query` is what security infos call it. */
export async function webCryptoEngine(query: string, pkcs8: Uint8Array, spki: Uint8Array): Promise<Engine> {
  const key = await webcrypto.subtle.importKey('pkcs8', pkcs8, ECDSA, false, ['sign']);
  return {
    privateKey(asked) {
      if (asked !== query) return undefined;
      return {
        publicKey: spki,
        schemes: ['ecdsa_secp256r1_sha256'],
        async sign(_scheme, message) {
          const raw = await webcrypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key, message);
          return ecdsaDer(new Uint8Array(raw));
        },
      };
    },
  };
}

/** WebCrypto gives r and s side by side; TLS wants them as a DER sequence of integers (RFC 5480). */
function ecdsaDer(raw: Uint8Array): Uint8Array {
  const integers = [raw.subarray(0, 32), raw.subarray(32)].flatMap((number) => {
    const first = number.findIndex((byte) => byte !== 0);
    const digits = [...number.subarray(first === -1 ? 31 : first)];
    if (digits[0]! >= 0x80) digits.unshift(0);
    return [0x02, digits.length, ...digits];
  });
  return Uint8Array.of(0x30, integers.length, ...integers);
}
