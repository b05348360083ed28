// Public keys into node:crypto. OpenSSL 3's DER decoders try every format there is and take 100 to 200 µs for a key,
// several times what verifying an RSA signature takes; JWK goes straight to the key.

import { type KeyObject, createPublicKey } from 'node:crypto';
import { DER_TAG, derWhole } from '../../der.ts';
import type { PublicKey } from '../../public-key.ts';

/** @throws Error for a point that is not on the curve */
export function publicKeyObject({ algorithm, bytes, spki }: PublicKey): KeyObject {
  switch (algorithm.name) {
    case 'ec-p256':
      return ofJwk({ kty: 'EC', crv: 'P-256', x: base64Url(bytes.subarray(1, 33)), y: base64Url(bytes.subarray(33)) });
    case 'ed25519':
      return ofJwk({ kty: 'OKP', crv: 'Ed25519', x: base64Url(bytes) });
    case 'rsa': {
      const inside = derWhole(bytes, DER_TAG.sequence, 'RSAPublicKey');
      const [n, e] = [inside.unsigned('modulus'), inside.unsigned('publicExponent')];
      return ofJwk({ kty: 'RSA', n: base64Url(n), e: base64Url(e) });
    }
    default: // of secp384r1's coordinates OpenSSL makes more work than of its DER
      return createPublicKey({ key: derOf(spki), format: 'der', type: 'spki' });
  }
}

/** node:crypto takes DER as Buffer. */
export function derOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

export function base64Url(bytes: Uint8Array): string {
  return derOf(bytes).toString('base64url');
}

function ofJwk(key: Readonly<Record<string, string>>): KeyObject {
  return createPublicKey({ key, format: 'jwk' });
}
