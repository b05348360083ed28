// What opens encrypted private keys: injected, because no suite of (D)TLS needs it and not every host has it.

export interface KeyDecryption {
  /** PBKDF2 (RFC 8018 §5.2). Blocks for as long as the iterations take. */
  pbkdf2(
    hash: 'sha1' | 'sha256' | 'sha384' | 'sha512',
    password: Uint8Array,
    salt: Uint8Array,
    iterations: number,
    keyLength: number,
  ): Uint8Array;
  /** AES-CBC with PKCS#7 padding taken off; undefined if the padding is wrong, as it mostly is for a wrong key. */
  decryptAesCbc(key: Uint8Array, iv: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined;
  /**
   * OpenSSL's traditional encryption of PEM blocks (`DEK-Info`): MD5 once, then a cipher such as `AES-128-CBC`.
   * Undefined for a cipher it does not know and for wrong padding.
   */
  readonly decryptTraditional?:
    | ((cipher: string, iv: Uint8Array, password: Uint8Array, ciphertext: Uint8Array) => Uint8Array | undefined)
    | undefined;
}

/** A password-protected key that does not open. Never says which of password and content was wrong: nobody can know. */
export class KeyDecryptionError extends Error {
  override readonly name = 'KeyDecryptionError';
  /** EINVAL wrong password or damaged; ENODATA no password given; ENOTSUP not something we decrypt; E2BIG too costly. */
  readonly code: 'EINVAL' | 'ENODATA' | 'ENOTSUP' | 'E2BIG';

  constructor(code: KeyDecryptionError['code'], message: string) {
    super(message);
    this.code = code;
  }
}
