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

// RFC 8410 §4 and §7: everything before the 32 bytes of the key.
const X25519_SPKI = fromHex('302a300506032b656e032100');
const X25519_PKCS8 = fromHex('302e020100300506032b656e04220420');

class NodeX25519Share implements KeyShare {
  readonly publicKey: Uint8Array;
  #privateKey: KeyObject | undefined;

  constructor(random: RandomSource) {
    const privateKey = drawPrivateKey('x25519', random);
    const pkcs8 = concatBytes(X25519_PKCS8, privateKey);
    this.#privateKey = createPrivateKey({ key: Buffer.from(pkcs8.buffer), format: 'der', type: 'pkcs8' });
    privateKey.fill(0);
    pkcs8.fill(0);
    const spki = createPublicKey(this.#privateKey).export({ format: 'der', type: 'spki' });
    this.publicKey = plain(spki).slice(X25519_SPKI.length);
  }

  agree(peerPublicKey: Uint8Array): Uint8Array | undefined {
    if (this.#privateKey === undefined) throw new Error('this key share was destroyed');
    if (!isPublicKeyForm('x25519', peerPublicKey)) return undefined;
    const spki = Buffer.from(concatBytes(X25519_SPKI, peerPublicKey).buffer);
    try {
      const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' });
      return plain(diffieHellman({ privateKey: this.#privateKey, publicKey }));
    } catch {
      return undefined; // OpenSSL throws for an all-zero secret
    }
  }

  destroy(): void {
    this.#privateKey = undefined;
  }
}
