// DANE TLSA records (RFC 6698 §2.1), given as a socket option before connect.

/** One TLSA record. The association data is copied by whoever takes the record. */
export interface TlsaRecord {
  /** 0 PKIX-TA, 1 PKIX-EE, 2 DANE-TA, 3 DANE-EE. */
  readonly usage: 0 | 1 | 2 | 3;
  /** 0 whole certificate, 1 SubjectPublicKeyInfo. */
  readonly selector: 0 | 1;
  /** 0 exact, 1 SHA-256, 2 SHA-512. */
  readonly matchingType: 0 | 1 | 2;
  readonly associationData: Uint8Array;
}
