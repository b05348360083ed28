// ECDSA and Ed25519 of @noble/curves. There is no RSA.

import { ed25519 } from '@noble/curves/ed25519.js';
import { ecdsa } from '@noble/curves/abstract/weierstrass.js';
import { p256, p384 } from '@noble/curves/nist.js';
import { sha256, sha384 } from '@noble/hashes/sha2.js';
import { concatBytes, copyBytes, DecodeError } from '../../../bytes/index.ts';
import { parsePublicKey } from '../../public-key.ts';
import { signingKeyBytes } from '../pkcs8.ts';
import {
  SIGNATURE_PARAMETERS,
  SPKI_PREFIX,
  type SignatureScheme,
  type SigningKey,
  type SigningKeyAlgorithm,
  checkSigningKey,
} from '../signatures.ts';

type CurveAlgorithm = Exclude<SigningKeyAlgorithm, 'rsa'>;

interface Signer {
  sign(message: Uint8Array, secret: Uint8Array): Uint8Array;
  /** False or an error for what is no signature or no key. */
  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
}

const COMPRESSED = false;

const PUBLIC_KEYS: Readonly<Record<CurveAlgorithm, (secret: Uint8Array) => Uint8Array>> = {
  'ec-p256': (secret) => p256.getPublicKey(secret, COMPRESSED),
  'ec-p384': (secret) => p384.getPublicKey(secret, COMPRESSED),
  ed25519: (secret) => ed25519.getPublicKey(secret),
};

const SIGNERS: Readonly<Partial<Record<SignatureScheme, Signer>>> = {
  ecdsa_secp256r1_sha256: ecdsaOn(p256),
  ecdsa_secp384r1_sha384: ecdsaOn(p384),
  ecdsa_secp384r1_sha256: ecdsaOn(ecdsa(p384.Point, sha256)),
  ecdsa_secp256r1_sha384: ecdsaOn(ecdsa(p256.Point, sha384)),
  ed25519: {
    sign: (message, secret) => ed25519.sign(message, secret),
    verify: (signature, message, key) => ed25519.verify(signature, message, key, { zip215: false }),
  },
};

/** Deterministic (RFC 6979); of r and s both halves, as everywhere but in cryptocurrencies. */
function ecdsaOn(curve: typeof p256): Signer {
  const options = { format: 'der', lowS: false, prehash: true } as const;
  return {
    sign: (message, secret) => curve.sign(message, secret, options),
    verify: (signature, message, key) => curve.verify(signature, message, key, options),
  };
}

export function nobleVerify(
  scheme: SignatureScheme,
  spki: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    const { algorithm, bytes } = parsePublicKey(spki);
    if (algorithm.name !== SIGNATURE_PARAMETERS[scheme].key) return false;
    return SIGNERS[scheme]?.verify(signature, message, bytes) ?? false;
  } catch {
    return false;
  }
}

/** On bigint, so not constant-time; see SECURITY. */
export class NobleSigningKey implements SigningKey {
  readonly algorithm: CurveAlgorithm;
  #secret: Uint8Array | undefined;

  constructor(pkcs8: Uint8Array) {
    const { algorithm, secret } = signingKeyBytes(pkcs8);
    if (algorithm === 'rsa') throw new DecodeError('PKCS#8 algorithm', 'an EC or Ed25519 key', algorithm);
    this.algorithm = algorithm;
    this.#secret = copyBytes(secret);
  }

  publicKey(): Uint8Array {
    return concatBytes(SPKI_PREFIX[this.algorithm], PUBLIC_KEYS[this.algorithm](this.#usable()));
  }

  sign(scheme: SignatureScheme, message: Uint8Array): Uint8Array {
    const secret = this.#usable();
    checkSigningKey(scheme, this.algorithm);
    return SIGNERS[scheme]!.sign(message, secret); // a key of RSA there is none
  }

  destroy(): void {
    this.#secret?.fill(0);
    this.#secret = undefined;
  }

  #usable(): Uint8Array {
    if (this.#secret === undefined) throw new Error('this signing key was destroyed');
    return this.#secret;
  }
}
