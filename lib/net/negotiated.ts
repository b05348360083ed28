// What a secured connection agreed on.

/** Protocol versions this project knows by name. */
export type SecurityVersion = 'DTLS1.2' | 'DTLS1.3' | 'TLS1.2' | 'TLS1.3';

/** The outcome of a handshake; holds no secret. */
export interface Negotiated {
  readonly version: SecurityVersion;
  /** IANA cipher suite id, e.g. 0xC0A8. */
  readonly ciphersuite: number;
  readonly extendedMasterSecret: boolean;
  /** True where an earlier session was resumed, by id or ticket; else absent. */
  readonly resumed?: true | undefined;
  /** PSK identity the peer was known by (server side), or that we sent (client side). */
  readonly pskIdentity?: Uint8Array | undefined;
  /** PSK identity hint the server sent, if any. */
  readonly pskIdentityHint?: Uint8Array | undefined;
  readonly alpn?: string | undefined;
  /** Where connection ids were agreed on (RFC 9146): what the peer's records bear, and ours; empty: nothing. */
  readonly connectionId?: { readonly own: Uint8Array; readonly peer: Uint8Array } | undefined;
  /** IANA's name of the group of the ephemeral keys, e.g. `x25519`; none with plain PSK. */
  readonly group?: string | undefined;
  /** What the peer showed, leaf first, DER; a raw public key is its only element. */
  readonly peerCertificates?: readonly Uint8Array[] | undefined;
  /** The public key the peer has shown to own, SubjectPublicKeyInfo DER. */
  readonly peerPublicKey?: Uint8Array | undefined;
}
