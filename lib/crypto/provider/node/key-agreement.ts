// Diffie-Hellman on node:crypto with private keys from our own random source.

import { type ECDH, type KeyObject, createECDH, createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto';
import { concatBytes, fromHex } from '../../../bytes/index.ts';
import type { RandomSource } from '../../../runtime/index.ts';
import {
  type KeyAgreement,
  type KeyShare,
  type NamedGroup,
  drawPrivateKey,
  isPublicKeyForm,
} from '../key-agreement.ts';
import { plain } from './plain.ts';
import { base64Url, derOf } from './public-key-object.ts';
import { privateKeyObject } from './private-key-object.ts';

const OPENSSL_CURVES = { secp256r1: 'prime256v1', secp384r1: 'secp384r1' } as const;

export const nodeKeyAgreement = (group: NamedGroup): KeyAgreement => ({
  generate: (random) => (group === 'x25519' ? new NodeX25519Share(random) : new NodeEcShare(group, random)),
});

class NodeEcShare implements KeyShare {
  readonly publicKey: Uint8Array;
  readonly #group: NamedGroup;
  #pair: ECDH | undefined;

  constructor(group: 'secp256r1' | 'secp384r1', random: RandomSource) {
    this.#group = group;
    this.#pair = createECDH(OPENSSL_CURVES[group]);
    const privateKey = drawPrivateKey(group, random);
    this.#pair.setPrivateKey(privateKey);
    privateKey.fill(0);
    this.publicKey = plain(this.#pair.getPublicKey());
  }

  agree(peerPublicKey: Uint8Array): Uint8Array | undefined {
    if (this.#pair === undefined) throw new Error('this key share was destroyed');
    if (!isPublicKeyForm(this.#group, peerPublicKey)) return undefined;
    try {
      return plain(this.#pair.computeSecret(peerPublicKey));
    } catch {
      return undefined; // not on the curve
    }
  }

  destroy(): void {
    this.#pair = undefined;
  }
}

// RFC 8410 §7: everything before the 32 bytes of the key.
const X25519_PKCS8 = fromHex('302e020100300506032b656e04220420');

class NodeX25519Share implements KeyShare {
  readonly publicKey: Uint8Array;
  #privateKey: KeyObject | undefined;

  constructor(random: RandomSource) {
    const privateKey = drawPrivateKey('x25519', random);
    this.#privateKey = importX25519(privateKey);
    privateKey.fill(0);
    this.publicKey = new Uint8Array(
      Buffer.from(createPublicKey(this.#privateKey).export({ format: 'jwk' }).x!, 'base64url'),
    );
  }

  agree(peerPublicKey: Uint8Array): Uint8Array | undefined {
    if (this.#privateKey === undefined) throw new Error('this key share was destroyed');
    if (!isPublicKeyForm('x25519', peerPublicKey)) return undefined;
    try {
      const publicKey = createPublicKey({
        key: { kty: 'OKP', crv: 'X25519', x: base64Url(peerPublicKey) },
        format: 'jwk',
      });
      return plain(diffieHellman({ privateKey: this.#privateKey, publicKey }));
    } catch {
      return undefined; // OpenSSL throws for an all-zero secret
    }
  }

  destroy(): void {
    this.#privateKey = undefined;
  }
}

/**
 * As JWK, which takes 40 µs where OpenSSL's DER decoders take 500; the price is a string with the key of this one
 * handshake that lives until it is collected. Node 20 to 24 do not look at `x`; one that does gets DER.
 */
function importX25519(privateKey: Uint8Array): KeyObject {
  try {
    const key = { kty: 'OKP', crv: 'X25519', x: '', d: base64Url(privateKey) };
    return createPrivateKey({ key, format: 'jwk' });
  } catch {
    const pkcs8 = concatBytes(X25519_PKCS8, privateKey);
    const key = privateKeyObject({ key: derOf(pkcs8), format: 'der', type: 'pkcs8' });
    pkcs8.fill(0);
    return key;
  }
}
