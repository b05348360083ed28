// ECDSA, Ed25519 and RSA on node:crypto.

import { type KeyObject, constants, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { concatBytes, copyBytes, DecodeError, fromHex } from '../../../bytes/index.ts';
import { type PublicKey, parsePublicKey } from '../../public-key.ts';
import { type SigningKeyBytes, signingKeyBytes } from '../pkcs8.ts';
import {
  SIGNATURE_PARAMETERS,
  type SignatureParameters,
  type SignatureScheme,
  type SigningKey,
  type SigningKeyAlgorithm,
  checkSigningKey,
} from '../signatures.ts';
import { isEd25519Key } from './ed25519-key.ts';
import { derOf, publicKeyObject } from './public-key-object.ts';
import { plain } from './plain.ts';

/** Which RSA keys are taken, by the length of their modulus in bits. */
export interface RsaLimits {
  /** Default 2048 (RFC 9325 §4.5). */
  readonly minRsaModulusBits: number;
  /** Default 8192: verification time grows with its square, signing time with its cube. */
  readonly maxRsaModulusBits: number;
}

export const DEFAULT_RSA_LIMITS: RsaLimits = Object.freeze({ minRsaModulusBits: 2048, maxRsaModulusBits: 8192 });

export function nodeVerify(
  limits: RsaLimits,
  scheme: SignatureScheme,
  spki: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const parameters: SignatureParameters = SIGNATURE_PARAMETERS[scheme];
  try {
    const publicKey = parsePublicKey(spki);
    if (!fits(publicKey, parameters.key, limits)) return false;
    const key = publicKeyObject(publicKey);
    return verify(parameters.hash, message, { key, ...encodingOf(parameters) }, signature);
  } catch {
    return false; // no key, a point that is not on the curve
  }
}

function fits({ algorithm, bytes }: PublicKey, expected: SigningKeyAlgorithm, limits: RsaLimits): boolean {
  if (algorithm.name !== expected) return false;
  if (algorithm.name === 'ed25519') return isEd25519Key(bytes);
  return algorithm.name !== 'rsa' || isWithin(limits, algorithm.modulusBits);
}

function isWithin({ minRsaModulusBits, maxRsaModulusBits }: RsaLimits, bits: number): boolean {
  return bits >= minRsaModulusBits && bits <= maxRsaModulusBits;
}

interface Encoding {
  readonly dsaEncoding?: 'der';
  readonly padding?: number;
  readonly saltLength?: number;
}

function encodingOf({ key, padding }: SignatureParameters): Encoding {
  if (padding === 'pss') {
    return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  }
  if (padding === 'pkcs1') return { padding: constants.RSA_PKCS1_PADDING };
  return key === 'ed25519' ? {} : { dsaEncoding: 'der' };
}

export class NodeSigningKey implements SigningKey {
  readonly algorithm: SigningKeyAlgorithm;
  #key: KeyObject | undefined;

  constructor(limits: RsaLimits, pkcs8: Uint8Array) {
    const bytes = signingKeyBytes(pkcs8);
    this.algorithm = bytes.algorithm;
    this.#key = importKey(bytes, pkcs8);
    const bits = this.#key.asymmetricKeyDetails?.modulusLength;
    if (bits === undefined || isWithin(limits, bits)) return;
    const { minRsaModulusBits, maxRsaModulusBits } = limits;
    throw new DecodeError('RSA modulus', `${minRsaModulusBits} to ${maxRsaModulusBits} bits`, `${bits}`);
  }

  publicKey(): Uint8Array {
    return copyBytes(createPublicKey(this.#usable()).export({ format: 'der', type: 'spki' }));
  }

  sign(scheme: SignatureScheme, message: Uint8Array): Uint8Array {
    const key = this.#usable();
    const parameters = checkSigningKey(scheme, this.algorithm);
    return plain(sign(parameters.hash, message, { key, ...encodingOf(parameters) }));
  }

  destroy(): void {
    this.#key = undefined;
  }

  #usable(): KeyObject {
    if (this.#key === undefined) throw new Error('this signing key was destroyed');
    return this.#key;
  }
}

// RFC 5958 §2 with RFC 5915 §3 and RFC 8410 §7: what stands before the secret where nothing follows it. OpenSSL 3.0
// takes no version 1 (with a public key), and computes the public key itself where there is none.
const PKCS8_PREFIX = {
  'ec-p256': fromHex('3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420'),
  'ec-p384': fromHex('304e020100301006072a8648ce3d020106052b81040022043730350201010430'),
  ed25519: fromHex('302e020100300506032b657004220420'),
} as const;

function importKey({ algorithm, secret }: SigningKeyBytes, pkcs8: Uint8Array): KeyObject {
  const der = algorithm === 'rsa' ? copyBytes(pkcs8) : concatBytes(PKCS8_PREFIX[algorithm], secret);
  try {
    return createPrivateKey({ key: derOf(der), format: 'der', type: 'pkcs8' });
  } catch {
    // OpenSSL's own words name nothing, and might quote.
    throw new DecodeError('PKCS#8 privateKey', `a usable ${algorithm} key`, 'one that node:crypto refuses');
  } finally {
    der.fill(0);
  }
}
