// Private keys in DER: PKCS#8 (RFC 5958), SEC1 (RFC 5915) and PKCS#1 (RFC 8017 A.1.2), all normalised to plain PKCS#8.

import { DecodeError } from '../bytes/index.ts';
import { DER_TAG, DerReader, derContext, derContextConstructed, derWhole } from './der.ts';
import { derBitString, derElement, derNull, derOctetString, derOid, derSequence, derUnsigned } from './der-write.ts';
import { OID } from './oids.ts';
import { type PublicKeyAlgorithm, readNamedCurve, rsaModulusBits } from './public-key.ts';
import { Secret } from './secret.ts';

/** What can sign. */
export type PrivateKeyAlgorithm = Exclude<PublicKeyAlgorithm, { readonly name: 'x25519' | 'unsupported' }>;

export interface PrivateKey {
  readonly algorithm: PrivateKeyAlgorithm;
  /** PKCS#8 version 1, DER; to be closed by whoever parsed it. */
  readonly pkcs8: Secret;
  /** The SubjectPublicKeyInfo, where the file said it. It may lie: see `loadPrivateKey`. */
  readonly statedPublicKey: Uint8Array | undefined;
}

/** The three plain forms, and the encrypted one. */
export type PrivateKeyForm = 'pkcs8' | 'encryptedPkcs8' | 'sec1' | 'pkcs1';

const CURVES = {
  'ec-p256': { oid: OID.secp256r1, length: 32 },
  'ec-p384': { oid: OID.secp384r1, length: 48 },
} as const;
type Curve = keyof typeof CURVES;

const VERSION_0 = Uint8Array.of(DER_TAG.integer, 1, 0);
const VERSION_1 = Uint8Array.of(DER_TAG.integer, 1, 1);

/** Which form DER has, by its first elements. @throws DecodeError */
export function privateKeyForm(der: Uint8Array): PrivateKeyForm {
  const inside = derWhole(der, DER_TAG.sequence, 'private key');
  if (inside.peek() === DER_TAG.sequence) return 'encryptedPkcs8';
  inside.integer('private key version');
  const second = inside.peek();
  if (second === DER_TAG.sequence) return 'pkcs8';
  if (second === DER_TAG.octetString) return 'sec1';
  if (second === DER_TAG.integer) return 'pkcs1';
  throw new DecodeError('private key', 'PKCS#8, SEC1 or PKCS#1', 'another structure');
}

/**
 * A key in any of the plain forms.
 * @throws DecodeError for malformed ones, x25519 (which cannot sign) and algorithms this project does not have
 */
export function parsePrivateKey(der: Uint8Array): PrivateKey {
  const form = privateKeyForm(der);
  const inside = derWhole(der, DER_TAG.sequence, 'private key');
  if (form === 'pkcs8') return readPkcs8(inside);
  if (form === 'sec1') return readSec1(inside, undefined);
  if (form === 'pkcs1') return readPkcs1(inside, der);
  throw new DecodeError('private key', 'a plain private key', 'an encrypted one');
}

function readPkcs8(inside: DerReader): PrivateKey {
  const version = inside.number('PrivateKeyInfo version', 1);
  const algorithm = inside.sequence('privateKeyAlgorithm');
  const oid = algorithm.oid('privateKeyAlgorithm');
  const key = inside.octetString('privateKey');
  inside.optional(derContextConstructed(0), 'attributes');
  const stated = version === 1 ? inside.optional(derContext(1), 'publicKey') : undefined;
  inside.end('PrivateKeyInfo');
  if (oid === OID.ecPublicKey) {
    const curve = readNamedCurve(algorithm);
    algorithm.end('privateKeyAlgorithm');
    return readSec1(derWhole(key, DER_TAG.sequence, 'ECPrivateKey'), curve ?? unsupported(oid));
  }
  if (oid === OID.rsaEncryption) {
    algorithm.null('privateKeyAlgorithm parameters');
    algorithm.end('privateKeyAlgorithm');
    return readPkcs1(derWhole(key, DER_TAG.sequence, 'RSAPrivateKey'), key);
  }
  algorithm.end('privateKeyAlgorithm');
  if (oid === OID.ed25519) return readEd25519(key, stated?.content);
  return unsupported(oid);
}

function unsupported(oid: string): never {
  const found = oid === OID.x25519 ? 'an x25519 key, which cannot sign' : `algorithm ${oid}`;
  throw new DecodeError('privateKeyAlgorithm', 'ECDSA on P-256 or P-384, Ed25519 or RSA', found);
}

/** ECPrivateKey; `curve` is what a PKCS#8 around it says. */
function readSec1(inside: DerReader, curve: Curve | undefined): PrivateKey {
  if (inside.number('ECPrivateKey version', 1) !== 1) throw new DecodeError('ECPrivateKey version', '1', '0');
  const scalar = inside.octetString('ECPrivateKey privateKey');
  const parameters = inside.enterOptional(derContextConstructed(0), 'ECPrivateKey parameters');
  const name = parameters === undefined ? curve : readNamedCurve(parameters);
  const stated = inside.enterOptional(derContextConstructed(1), 'ECPrivateKey publicKey')?.bitString('publicKey');
  inside.end('ECPrivateKey');
  if (name === undefined) throw new DecodeError('ECPrivateKey parameters', 'P-256 or P-384', 'another curve or none');
  if (curve !== undefined && name !== curve) throw new DecodeError('ECPrivateKey parameters', curve, name);
  return ecKey(name, scalar, stated);
}

function ecKey(name: Curve, scalar: Uint8Array, point: Uint8Array | undefined): PrivateKey {
  const { oid, length } = CURVES[name];
  if (scalar.length !== length || scalar.every((byte) => byte === 0)) {
    throw new DecodeError('ECPrivateKey privateKey', `${length} bytes, not all zero`, `${scalar.length} bytes`);
  }
  const identifier = derSequence(derOid(OID.ecPublicKey), derOid(oid));
  const inner = derSequence(VERSION_1, derOctetString(scalar));
  const uncompressed = point?.length === 2 * length + 1 && point[0] === 4 ? point : undefined;
  return {
    algorithm: { name },
    pkcs8: secretPkcs8(identifier, inner),
    statedPublicKey: uncompressed && derSequence(identifier, derBitString(uncompressed)),
  };
}

function readEd25519(key: Uint8Array, stated: Uint8Array | undefined): PrivateKey {
  const outer = new DerReader(key);
  const seed = outer.octetString('CurvePrivateKey');
  outer.end('after CurvePrivateKey');
  if (seed.length !== 32) throw new DecodeError('CurvePrivateKey', '32 bytes', `${seed.length}`);
  const identifier = derSequence(derOid(OID.ed25519));
  const publicKey = stated?.length === 33 && stated[0] === 0 ? stated.subarray(1) : undefined;
  return {
    algorithm: { name: 'ed25519' },
    pkcs8: secretPkcs8(identifier, derOctetString(seed)),
    statedPublicKey: publicKey && derSequence(identifier, derBitString(publicKey)),
  };
}

/** `der` is the whole RSAPrivateKey, which goes into the PKCS#8 as it is. */
function readPkcs1(inside: DerReader, der: Uint8Array): PrivateKey {
  if (inside.number('RSAPrivateKey version', 1) !== 0) {
    throw new DecodeError('RSAPrivateKey version', '0: two primes', '1: more primes');
  }
  const modulus = inside.unsigned('modulus');
  const exponent = inside.unsigned('publicExponent');
  for (const field of ['privateExponent', 'prime1', 'prime2', 'exponent1', 'exponent2', 'coefficient']) {
    inside.unsigned(field);
  }
  inside.end('RSAPrivateKey');
  const identifier = derSequence(derOid(OID.rsaEncryption), derNull());
  const publicKey = derSequence(derUnsigned(modulus), derUnsigned(exponent));
  return {
    algorithm: { name: 'rsa', modulusBits: rsaModulusBits(modulus) },
    pkcs8: secretPkcs8(identifier, der.slice()),
    statedPublicKey: derSequence(identifier, derBitString(publicKey)),
  };
}

/** Zeroes what it builds on the way, `key` included. */
function secretPkcs8(identifier: Uint8Array, key: Uint8Array): Secret {
  const wrapped = derOctetString(key);
  const whole = derElement(DER_TAG.sequence, VERSION_0, identifier, wrapped);
  const secret = new Secret(whole);
  for (const each of [key, wrapped, whole]) each.fill(0);
  return secret;
}
