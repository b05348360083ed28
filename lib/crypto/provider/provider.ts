// The only door to cryptography: what a provider offers. Every provider passes the known answers before it is trusted.

import { AEAD_NAMES, type Aead, type AeadName } from './aead.ts';
import { CBC_NAMES, type Cbc, type CbcName } from './cbc.ts';
import type { Hash, HashName, HmacKey } from './hash.ts';
import { type KeyAgreement, NAMED_GROUPS, type NamedGroup } from './key-agreement.ts';
import { SIGNATURE_SCHEMES, type SignatureScheme, type SigningKey } from './signatures.ts';

export * from './aead.ts';
export * from './cbc.ts';
export * from './hash.ts';
export * from './key-agreement.ts';
export * from './signatures.ts';

/** What a primitive is called where primitives are chosen or judged one by one. */
export type Primitive = 'hash' | 'hmac' | AeadName | CbcName | NamedGroup | SignatureScheme;

/** Every primitive there is. */
export const PRIMITIVES: readonly Primitive[] = [
  'hash',
  'hmac',
  ...AEAD_NAMES,
  ...CBC_NAMES,
  ...NAMED_GROUPS,
  ...SIGNATURE_SCHEMES,
];

/** A provider was asked for what is not among its `primitives`. */
export class CryptoUnsupportedError extends Error {
  override readonly name = 'CryptoUnsupportedError';
  readonly code = 'ENOTSUP';
  /** The provider's own name. */
  readonly provider: string;
  readonly primitive: Primitive;

  constructor(provider: string, primitive: Primitive) {
    super(`crypto provider '${provider}' has no ${primitive}: ask its primitives first`);
    this.provider = provider;
    this.primitive = primitive;
  }
}

export interface CryptoProvider {
  /** `noble`, `node`, or what a user calls theirs. */
  readonly name: string;
  createHash(name: HashName): Hash;
  hash(name: HashName, bytes: Uint8Array): Uint8Array;
  hmac(name: HashName, key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;
  /** The same HMAC with the key's part of the work done once. The key is copied. */
  hmacKey(name: HashName, key: Uint8Array): HmacKey;
  /** The key is copied. @throws RangeError if the key has not the AEAD's length */
  aead(name: AeadName, key: Uint8Array): Aead;
  /** The key is copied. @throws RangeError if the key has not the cipher's length */
  cbc(name: CbcName, key: Uint8Array): Cbc;
  keyAgreement(group: NamedGroup): KeyAgreement;
  /**
   * Whether `signature` over `message` is by the key `spki`, a SubjectPublicKeyInfo in DER. False, never an error,
   * for whatever a peer sent: bytes that are no key, a key or curve that does not fit the scheme, a malformed signature.
   */
  verify(scheme: SignatureScheme, spki: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** `signingKey` for one signature. @throws as `signingKey` and its `sign` do */
  sign(scheme: SignatureScheme, pkcs8: Uint8Array, message: Uint8Array): Uint8Array;
  /**
   * A private key prepared for signing.
   * @param pkcs8 PKCS#8 DER, unencrypted; copied
   * @throws DecodeError if it is malformed or of an algorithm this provider cannot sign with
   */
  signingKey(pkcs8: Uint8Array): SigningKey;
  /** What this provider has; anything else throws `CryptoUnsupportedError`. */
  readonly primitives: ReadonlySet<Primitive>;
  /** Primitives that run in time independent of secrets; see SECURITY. */
  readonly constantTime: ReadonlySet<Primitive>;
}
