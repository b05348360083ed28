// SubjectPublicKeyInfo (RFC 5280 §4.1.2.7): what a certificate certifies, and what a raw public key (RFC 7250) is.

import { DecodeError } from '../bytes/index.ts';
import { DER_TAG, DerReader, derWhole } from './der.ts';
import { OID } from './oids.ts';

/** What a key is for. `unsupported` keys parse, so that a trust store may have them, and verify nothing. */
export type PublicKeyAlgorithm =
  | { readonly name: 'ec-p256' }
  | { readonly name: 'ec-p384' }
  | { readonly name: 'ed25519' }
  | { readonly name: 'x25519' }
  /** `modulusBits`: the modulus's length in bits. */
  | { readonly name: 'rsa'; readonly modulusBits: number }
  | { readonly name: 'unsupported'; readonly oid: string };

export interface PublicKey {
  /** The SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  readonly algorithm: PublicKeyAlgorithm;
  /** What its BIT STRING holds: a point, a u-coordinate, or an RSAPublicKey. */
  readonly bytes: Uint8Array;
}

/** RSA costs the cube of the modulus; OpenSSL's limit (OPENSSL_RSA_MAX_MODULUS_BITS). */
const MAX_RSA_BITS = 16_384;
/** Bytes: OpenSSL's limit for large moduli (OPENSSL_RSA_MAX_PUBEXP_BITS); verification time grows with it. */
const MAX_EXPONENT_LENGTH = 8;

const FIXED_LENGTH: Readonly<Record<string, { name: 'ed25519' | 'x25519'; bytes: number }>> = {
  [OID.ed25519]: { name: 'ed25519', bytes: 32 }, // RFC 8410 §4
  [OID.x25519]: { name: 'x25519', bytes: 32 },
};

const CURVES: Readonly<Record<string, { name: 'ec-p256' | 'ec-p384'; coordinate: number }>> = {
  [OID.secp256r1]: { name: 'ec-p256', coordinate: 32 },
  [OID.secp384r1]: { name: 'ec-p384', coordinate: 48 },
};

/** A whole SubjectPublicKeyInfo; a view. @throws DecodeError */
export function parsePublicKey(spki: Uint8Array): PublicKey {
  const outer = new DerReader(spki);
  const key = readPublicKey(outer);
  outer.end('after SubjectPublicKeyInfo');
  return key;
}

/** The next element as a SubjectPublicKeyInfo; a view. @throws DecodeError */
export function readPublicKey(reader: DerReader): PublicKey {
  const { der } = reader.expect(DER_TAG.sequence, 'SubjectPublicKeyInfo');
  const inside = new DerReader(der).sequence('SubjectPublicKeyInfo');
  const algorithm = inside.sequence('SubjectPublicKeyInfo algorithm');
  const bytes = inside.bitString('subjectPublicKey');
  inside.end('SubjectPublicKeyInfo');
  return { spki: der, algorithm: keyAlgorithm(algorithm, bytes), bytes };
}

/** The curve an EC key's parameters name, or undefined for one we do not have. @throws DecodeError */
export function readNamedCurve(parameters: DerReader): 'ec-p256' | 'ec-p384' | undefined {
  if (parameters.peek() !== DER_TAG.oid) {
    throw new DecodeError('EC parameters', 'a named curve', 'other parameters'); // RFC 5480 §2.1.1 forbids the others
  }
  return CURVES[parameters.oid('namedCurve')]?.name;
}

function keyAlgorithm(identifier: DerReader, bytes: Uint8Array): PublicKeyAlgorithm {
  const oid = identifier.oid('SubjectPublicKeyInfo algorithm');
  if (oid === OID.ecPublicKey) {
    const curve = readNamedCurve(identifier);
    identifier.end('SubjectPublicKeyInfo algorithm');
    return curve === undefined ? { name: 'unsupported', oid } : ecAlgorithm(curve, bytes);
  }
  if (oid === OID.rsaEncryption) {
    identifier.null('rsaEncryption parameters');
    identifier.end('SubjectPublicKeyInfo algorithm');
    return { name: 'rsa', modulusBits: readRsaPublicKey(bytes) };
  }
  const fixed = FIXED_LENGTH[oid];
  if (fixed === undefined) return { name: 'unsupported', oid };
  identifier.end('SubjectPublicKeyInfo algorithm'); // RFC 8410 §3: parameters absent
  if (bytes.length === fixed.bytes) return { name: fixed.name };
  throw new DecodeError('subjectPublicKey', `${fixed.bytes} bytes`, `${bytes.length}`);
}

/** Only the uncompressed form, the one TLS has (RFC 8422 §5.1.2). Whether the point is on the curve, the provider checks. */
function ecAlgorithm(name: 'ec-p256' | 'ec-p384', point: Uint8Array): PublicKeyAlgorithm {
  const length = name === 'ec-p256' ? 65 : 97;
  if (point.length === length && point[0] === 4) return { name };
  throw new DecodeError('subjectPublicKey', `an uncompressed point of ${length} bytes`, `${point.length} bytes`);
}

/** RSAPublicKey (RFC 8017 A.1.1): the modulus's length in bits. */
function readRsaPublicKey(bytes: Uint8Array): number {
  const inside = derWhole(bytes, DER_TAG.sequence, 'RSAPublicKey');
  const bits = rsaModulusBits(inside.unsigned('modulus'));
  const { length } = inside.unsigned('publicExponent');
  if (length > MAX_EXPONENT_LENGTH) {
    throw new DecodeError('publicExponent', `at most ${MAX_EXPONENT_LENGTH} bytes`, `${length}`);
  }
  inside.end('RSAPublicKey');
  return bits;
}

/** @throws DecodeError above 16,384 bits */
export function rsaModulusBits(modulus: Uint8Array): number {
  const bits = modulus.length * 8 - Math.clz32(modulus[0]!) + 24;
  if (bits <= MAX_RSA_BITS) return bits;
  throw new DecodeError('modulus', `at most ${MAX_RSA_BITS} bits`, `${bits}`);
}
