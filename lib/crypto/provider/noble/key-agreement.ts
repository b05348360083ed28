// Diffie-Hellman of @noble/curves.

import { x25519 } from '@noble/curves/ed25519.js';
import { p256, p384 } from '@noble/curves/nist.js';
import type { RandomSource } from '../../../runtime/index.ts';
import {
  type KeyAgreement,
  type KeyShare,
  type NamedGroup,
  drawPrivateKey,
  isPublicKeyForm,
} from '../key-agreement.ts';

interface Curve {
  publicKey(privateKey: Uint8Array): Uint8Array;
  /** @throws whatever noble throws for a key that is none */
  agree(privateKey: Uint8Array, peerPublicKey: Uint8Array): Uint8Array;
}

const CURVES: Readonly<Record<NamedGroup, Curve>> = {
  x25519: {
    publicKey: (privateKey) => x25519.getPublicKey(privateKey),
    agree: (privateKey, peer) => x25519.getSharedSecret(privateKey, peer), // throws for an all-zero secret
  },
  secp256r1: weierstrass(p256),
  secp384r1: weierstrass(p384),
};

function weierstrass(curve: typeof p256): Curve {
  const [uncompressed, compressed] = [false, true];
  return {
    publicKey: (privateKey) => curve.getPublicKey(privateKey, uncompressed),
    // A compressed point is a prefix and the x-coordinate.
    agree: (privateKey, peer) => curve.getSharedSecret(privateKey, peer, compressed).slice(1),
  };
}

export const nobleKeyAgreement = (group: NamedGroup): KeyAgreement => ({
  generate: (random) => new NobleShare(group, random),
});

/** On bigint, so not constant-time; see SECURITY. */
class NobleShare implements KeyShare {
  readonly publicKey: Uint8Array;
  readonly #group: NamedGroup;
  #privateKey: Uint8Array | undefined;

  constructor(group: NamedGroup, random: RandomSource) {
    this.#group = group;
    this.#privateKey = drawPrivateKey(group, random);
    this.publicKey = CURVES[group].publicKey(this.#privateKey);
  }

  agree(peerPublicKey: Uint8Array): Uint8Array | undefined {
    if (this.#privateKey === undefined) throw new Error('this key share was destroyed');
    if (!isPublicKeyForm(this.#group, peerPublicKey)) return undefined;
    try {
      return CURVES[this.#group].agree(this.#privateKey, peerPublicKey);
    } catch {
      return undefined; // not on the curve, or all-zero for x25519
    }
  }

  destroy(): void {
    this.#privateKey?.fill(0);
    this.#privateKey = undefined;
  }
}
