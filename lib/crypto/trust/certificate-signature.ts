// Signatures on certificates and revocation lists, by the provider's schemes.

import type { CryptoProvider, SignatureScheme } from '../provider/provider.ts';
import type { PublicKeyAlgorithm } from '../public-key.ts';
import type { CertificateSignatureName, SignatureAlgorithm } from '../signature-algorithm.ts';
import type { Certificate } from '../x509.ts';

export type SignatureVerifier = Pick<CryptoProvider, 'verify' | 'primitives'>;

/** What has a signature: a certificate or a revocation list. */
export interface Signed {
  readonly tbs: Uint8Array;
  readonly signatureAlgorithm: SignatureAlgorithm;
  readonly signature: Uint8Array;
}

/** Allowed by default: what RFC 9325 §4.2 leaves. */
export const DEFAULT_SIGNATURE_ALGORITHMS: readonly CertificateSignatureName[] = Object.freeze([
  'ecdsa_sha256',
  'ecdsa_sha384',
  'ed25519',
  'rsa_pss_sha256',
  'rsa_pss_sha384',
  'rsa_pss_sha512',
  'rsa_pkcs1_sha256',
  'rsa_pkcs1_sha384',
  'rsa_pkcs1_sha512',
]);

const SCHEMES: Readonly<Record<string, SignatureScheme>> = {
  'ecdsa_sha256 ec-p256': 'ecdsa_secp256r1_sha256',
  'ecdsa_sha256 ec-p384': 'ecdsa_secp384r1_sha256',
  'ecdsa_sha384 ec-p384': 'ecdsa_secp384r1_sha384',
  'ecdsa_sha384 ec-p256': 'ecdsa_secp256r1_sha384',
  'ed25519 ed25519': 'ed25519',
  'rsa_pss_sha256 rsa': 'rsa_pss_rsae_sha256',
  'rsa_pss_sha384 rsa': 'rsa_pss_rsae_sha384',
  'rsa_pss_sha512 rsa': 'rsa_pss_rsae_sha512',
  'rsa_pkcs1_sha256 rsa': 'rsa_pkcs1_sha256',
  'rsa_pkcs1_sha384 rsa': 'rsa_pkcs1_sha384',
  'rsa_pkcs1_sha512 rsa': 'rsa_pkcs1_sha512',
};

/** The provider's scheme for a signature algorithm and the issuer's key, or undefined where there is none. */
export function schemeOf(
  name: CertificateSignatureName | undefined,
  { name: key }: PublicKeyAlgorithm,
): SignatureScheme | undefined {
  return name === undefined ? undefined : SCHEMES[`${name} ${key}`];
}

/** `unsupported`: not allowed, or nothing the provider has. */
export type SignatureVerdict = 'valid' | 'invalid' | 'unsupported';

/** Whether `issuer`'s key signed `signed`. */
export function verifySignature(
  signed: Signed,
  issuer: Certificate,
  verifier: SignatureVerifier,
  allowed: readonly CertificateSignatureName[],
): SignatureVerdict {
  const { name } = signed.signatureAlgorithm;
  const scheme = schemeOf(name, issuer.publicKey.algorithm);
  if (name === undefined || scheme === undefined || !allowed.includes(name) || !verifier.primitives.has(scheme)) {
    return 'unsupported';
  }
  return verifier.verify(scheme, issuer.publicKey.spki, signed.tbs, signed.signature) ? 'valid' : 'invalid';
}
