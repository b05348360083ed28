// ECDSA, Ed25519 and RSA on node:crypto.

import { type KeyObject, constants, createECDH, createPublicKey, sign, verify } from 'node:crypto';
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
import { privateKeyObject } from './private-key-object.ts';

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
  readonly #spki: Uint8Array | undefined;

  constructor(limits: RsaLimits, pkcs8: Uint8Array) {
    const bytes = signingKeyBytes(pkcs8);
    this.algorithm = bytes.algorithm;
    const { key, spki } = importKey(bytes, pkcs8);
    this.#key = key;
    this.#spki = spki;
    const bits = key.asymmetricKeyDetails?.modulusLength;
    if (bits === undefined || isWithin(limits, bits)) return;
    const { minRsaModulusBits, maxRsaModulusBits } = limits;
    throw new DecodeError('RSA modulus', `${minRsaModulusBits} to ${maxRsaModulusBits} bits`, `${bits}`);
  }

  publicKey(): Uint8Array {
    const key = this.#usable();
    return copyBytes(this.#spki ?? createPublicKey(key).export({ format: 'der', type: 'spki' }));
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

/** @returns the key and, where it was computed for that, its SubjectPublicKeyInfo */
function importKey(bytes: SigningKeyBytes, pkcs8: Uint8Array): { key: KeyObject; spki?: Uint8Array } {
  const { algorithm, secret } = bytes;
  try {
    if (algorithm === 'ec-p256' || algorithm === 'ec-p384') return importEcKey(EC_ENCODINGS[algorithm], secret);
    return { key: imported(algorithm === 'rsa' ? copyBytes(pkcs8) : concatBytes(ED25519_PKCS8, secret), 'pkcs8') };
  } catch {
    // OpenSSL's own words name nothing, and might quote.
    throw new DecodeError('PKCS#8 privateKey', `a usable ${algorithm} key`, 'one that node:crypto refuses');
  }
}

// RFC 8410 §7: what stands before the seed where nothing follows it. OpenSSL 3.0 takes no version 1 (with a public key).
const ED25519_PKCS8 = fromHex('302e020100300506032b657004220420');

/** ECPrivateKey (RFC 5915 §3) around scalar and point, and SubjectPublicKeyInfo (RFC 5480 §2) before the point. */
const EC_ENCODINGS = {
  'ec-p256': {
    curve: 'prime256v1',
    beforeScalar: fromHex('30770201010420'),
    beforePoint: fromHex('a00a06082a8648ce3d030107a144034200'),
    spki: fromHex('3059301306072a8648ce3d020106082a8648ce3d030107034200'),
  },
  'ec-p384': {
    curve: 'secp384r1',
    beforeScalar: fromHex('3081a40201010430'),
    beforePoint: fromHex('a00706052b81040022a164036200'),
    spki: fromHex('3076301006072a8648ce3d020106052b81040022036200'),
  },
} as const;

/** As SEC1 with the public key: of PKCS#8, and of asking for the public key afterwards, OpenSSL 3 makes four times the work. */
function importEcKey(
  { curve, beforeScalar, beforePoint, spki }: (typeof EC_ENCODINGS)['ec-p256' | 'ec-p384'],
  scalar: Uint8Array,
): { key: KeyObject; spki: Uint8Array } {
  const pair = createECDH(curve);
  pair.setPrivateKey(scalar);
  const point = pair.getPublicKey();
  return {
    key: imported(concatBytes(beforeScalar, scalar, beforePoint, point), 'sec1'),
    spki: concatBytes(spki, point),
  };
}

/** Zeroes `der`. */
function imported(der: Uint8Array, type: 'pkcs8' | 'sec1'): KeyObject {
  try {
    return privateKeyObject({ key: derOf(der), format: 'der', type });
  } finally {
    der.fill(0);
  }
}
