// Signature schemes by the names and numbers of RFC 8446 §4.2.3, with the ECDSA that TLS 1.2 has beside them, and what a
// provider offers for them.

import { fromHex } from '../../bytes/index.ts';
import type { HashName } from './hash.ts';

/** What a signing key is. */
export type SigningKeyAlgorithm = 'ec-p256' | 'ec-p384' | 'ed25519' | 'rsa';

export interface SignatureParameters {
  /** IANA's number: in TLS 1.2 it names the hash, not the curve, so that two schemes may have it. */
  readonly id: number;
  /** The only kind of key the scheme takes. */
  readonly key: SigningKeyAlgorithm;
  /** None for Ed25519, which hashes by itself. */
  readonly hash: HashName | undefined;
  readonly padding: 'pss' | 'pkcs1' | undefined;
}

/**
 * In order of preference: RFC 8446 §4.2.3. PSS has MGF1 with the same hash and a salt as long as its digest. The last
 * two are of TLS 1.2 alone (RFC 5246 §7.4.1.4.1, RFC 8422 §5.1.1) and of certificates; their names are ours.
 */
export const SIGNATURE_PARAMETERS = {
  ecdsa_secp256r1_sha256: { id: 0x0403, key: 'ec-p256', hash: 'sha256', padding: undefined },
  ecdsa_secp384r1_sha384: { id: 0x0503, key: 'ec-p384', hash: 'sha384', padding: undefined },
  ed25519: { id: 0x0807, key: 'ed25519', hash: undefined, padding: undefined },
  rsa_pss_rsae_sha256: { id: 0x0804, key: 'rsa', hash: 'sha256', padding: 'pss' },
  rsa_pss_rsae_sha384: { id: 0x0805, key: 'rsa', hash: 'sha384', padding: 'pss' },
  rsa_pss_rsae_sha512: { id: 0x0806, key: 'rsa', hash: 'sha512', padding: 'pss' },
  rsa_pkcs1_sha256: { id: 0x0401, key: 'rsa', hash: 'sha256', padding: 'pkcs1' },
  rsa_pkcs1_sha384: { id: 0x0501, key: 'rsa', hash: 'sha384', padding: 'pkcs1' },
  rsa_pkcs1_sha512: { id: 0x0601, key: 'rsa', hash: 'sha512', padding: 'pkcs1' },
  ecdsa_secp384r1_sha256: { id: 0x0403, key: 'ec-p384', hash: 'sha256', padding: undefined },
  ecdsa_secp256r1_sha384: { id: 0x0503, key: 'ec-p256', hash: 'sha384', padding: undefined },
} as const satisfies Readonly<Record<string, SignatureParameters>>;

export type SignatureScheme = keyof typeof SIGNATURE_PARAMETERS;

/** Every scheme's name. */
export const SIGNATURE_SCHEMES: readonly SignatureScheme[] = Object.keys(SIGNATURE_PARAMETERS) as SignatureScheme[];

/** Not for TLS 1.3, and less sure of being taken in TLS 1.2: some peers bind the hash to the curve there too. */
export const TLS12_ONLY_SCHEMES: ReadonlySet<SignatureScheme> = new Set<SignatureScheme>([
  'ecdsa_secp384r1_sha256',
  'ecdsa_secp256r1_sha384',
]);

/** Those of TLS 1.3 and its registry, in order of preference: names that OpenSSL knows, too. */
export const REGISTERED_SCHEMES: readonly SignatureScheme[] = SIGNATURE_SCHEMES.filter(
  (scheme) => !TLS12_ONLY_SCHEMES.has(scheme),
);

/** A private key set up once. */
export interface SigningKey {
  readonly algorithm: SigningKeyAlgorithm;
  /** The public key as SubjectPublicKeyInfo DER: what a raw public key is (RFC 7250 §3). */
  publicKey(): Uint8Array;
  /**
   * The signature of `message` (not of its hash): ECDSA's in DER, the others' bare.
   * @throws RangeError if the key does not fit the scheme
   */
  sign(scheme: SignatureScheme, message: Uint8Array): Uint8Array;
  /** Zeroes what key material this provider can reach; `sign` throws afterwards. */
  destroy(): void;
}

/** The parameters of `scheme`. @throws RangeError if its keys are of another algorithm than `found` */
export function checkSigningKey(scheme: SignatureScheme, found: SigningKeyAlgorithm): SignatureParameters {
  const parameters: SignatureParameters = SIGNATURE_PARAMETERS[scheme];
  if (parameters.key === found) return parameters;
  throw new RangeError(`${scheme} key: expected ${parameters.key}, found ${found}`);
}

/** What stands before the point or key in a SubjectPublicKeyInfo (RFC 5480 §2, RFC 8410 §4); an RSA key has no fixed one. */
export const SPKI_PREFIX: Readonly<Record<Exclude<SigningKeyAlgorithm, 'rsa'>, Uint8Array>> = {
  'ec-p256': fromHex('3059301306072a8648ce3d020106082a8648ce3d030107034200'),
  'ec-p384': fromHex('3076301006072a8648ce3d020106052b81040022036200'),
  ed25519: fromHex('302a300506032b6570032100'),
};
