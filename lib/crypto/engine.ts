// Keys that stay outside: PKCS#11, TPM, a key management service, a WebCrypto key that cannot be extracted.

import type { SignatureScheme } from './provider/provider.ts';

/** A private key of an engine. Only what it signs comes out. */
export interface EnginePrivateKey {
  /** Its SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** Which schemes it signs with. Default: all that fit its public key. */
  readonly schemes?: readonly SignatureScheme[] | undefined;
  /** The signature of `message` (not of its hash): ECDSA's in DER, the others' bare. At once or later. */
  sign(scheme: SignatureScheme, message: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/**
 * What answers the `engine` sources of security infos. Looking up is immediate, so that a socket's configuration is
 * judged when it is made; signing may take its time.
 */
export interface Engine {
  /** The key of this query, or undefined if there is none. */
  privateKey(query: string): EnginePrivateKey | undefined;
  /** Certificates in DER, leaf first, or undefined if there are none. */
  certificates?(query: string): readonly Uint8Array[] | undefined;
}
