// What a secured connection agreed on.

/** Protocol versions this project knows by name. */
export type SecurityVersion = 'DTLS1.2' | 'DTLS1.3' | 'TLS1.2' | 'TLS1.3';

/** The outcome of a handshake; holds no secret. */
export interface Negotiated {
  readonly version: SecurityVersion;
  /** IANA cipher suite id, e.g. 0xC0A8. */
  readonly ciphersuite: number;
  readonly extendedMasterSecret: boolean;
  /** PSK identity the peer was known by (server side), or that we sent (client side). */
  readonly pskIdentity?: Uint8Array | undefined;
  /** PSK identity hint the server sent, if any. */
  readonly pskIdentityHint?: Uint8Array | undefined;
  readonly alpn?: string | undefined;
}
