// Private keys in PKCS#8 (RFC 5958): what is needed to sign with them.

import { DecodeError, equalBytes } from '../../bytes/index.ts';
import { DER_TAG, DerReader, derContext, derContextConstructed, derWhole } from '../der.ts';
import { OID } from '../oids.ts';
import { readNamedCurve } from '../public-key.ts';
import { isScalar } from './key-agreement.ts';
import type { SigningKeyAlgorithm } from './signatures.ts';

/** Views of the key. */
export interface SigningKeyBytes {
  readonly algorithm: SigningKeyAlgorithm;
  /** ECDSA's scalar and Ed25519's seed, as long as the curve has it; for RSA the RSAPrivateKey (RFC 8017 A.1.2). */
  readonly secret: Uint8Array;
}

/** @throws DecodeError if it is malformed or of an algorithm we do not sign with; no byte of the key is in it */
export function signingKeyBytes(pkcs8: Uint8Array): SigningKeyBytes {
  const inside = derWhole(pkcs8, DER_TAG.sequence, 'PKCS#8 private key');
  inside.number('PKCS#8 version', 1);
  const identifier = inside.sequence('PKCS#8 algorithm');
  const secret = inside.octetString('PKCS#8 privateKey');
  inside.optional(derContextConstructed(0), 'PKCS#8 attributes');
  inside.optional(derContext(1), 'PKCS#8 publicKey');
  inside.end('PKCS#8 private key');
  const oid = identifier.oid('PKCS#8 algorithm');
  const key = keyOf(oid, identifier, secret);
  identifier.end('PKCS#8 algorithm');
  return key;
}

function keyOf(oid: string, identifier: DerReader, secret: Uint8Array): SigningKeyBytes {
  if (oid === OID.ecPublicKey) {
    const algorithm = readNamedCurve(identifier);
    if (algorithm !== undefined) return { algorithm, secret: ecScalar(secret, algorithm) };
    throw new DecodeError('PKCS#8 curve', 'secp256r1 or secp384r1', 'another');
  }
  if (oid === OID.ed25519) return { algorithm: 'ed25519', secret: ed25519Seed(secret) };
  if (oid === OID.rsaEncryption) {
    identifier.null('rsaEncryption parameters');
    return { algorithm: 'rsa', secret };
  }
  throw new DecodeError('PKCS#8 algorithm', 'an EC, Ed25519 or RSA key', oid);
}

/** ECPrivateKey (RFC 5915 §3); its public key, if there, is not used: ours is computed. */
function ecScalar(bytes: Uint8Array, algorithm: 'ec-p256' | 'ec-p384'): Uint8Array {
  const [group, length] = algorithm === 'ec-p256' ? (['secp256r1', 32] as const) : (['secp384r1', 48] as const);
  const inside = derWhole(bytes, DER_TAG.sequence, 'ECPrivateKey');
  const version = inside.integer('ECPrivateKey version');
  if (!equalBytes(version, Uint8Array.of(1))) throw new DecodeError('ECPrivateKey version', '1', 'another');
  const scalar = inside.octetString('ECPrivateKey privateKey');
  inside.optional(derContextConstructed(0), 'ECPrivateKey parameters');
  inside.optional(derContextConstructed(1), 'ECPrivateKey publicKey');
  inside.end('ECPrivateKey');
  if (scalar.length !== length) {
    throw new DecodeError('ECPrivateKey privateKey', `${length} bytes`, `${scalar.length}`);
  }
  if (isScalar(group, scalar)) return scalar;
  throw new DecodeError('ECPrivateKey privateKey', '1 to n - 1', 'a number outside of it');
}

/** CurvePrivateKey (RFC 8410 §7): an OCTET STRING in the OCTET STRING. */
function ed25519Seed(bytes: Uint8Array): Uint8Array {
  const inside = new DerReader(bytes);
  const seed = inside.octetString('CurvePrivateKey');
  inside.end('CurvePrivateKey');
  if (seed.length === 32) return seed;
  throw new DecodeError('CurvePrivateKey', '32 bytes', `${seed.length}`);
}
