// What one connection of OpenSSL is made with.

import type { HandshakeTimeouts, SecurityVersion } from '../../lib/net/index.ts';
import type { Pointer } from './functions.ts';
import type { Transport } from './library.ts';

/** What OpenSSL is told in words of its own; `additionalConfiguration` may change it before it is used. */
export interface OpenSslOptions {
  /** Of TLS and DTLS 1.2, OpenSSL's names in order, separated by colons; empty: none. */
  cipherList: string;
  /** Of TLS 1.3, likewise. */
  ciphersuites: string;
  /** Groups in order, separated by colons. */
  groups: string;
  /** Signature algorithms in order, separated by colons. */
  signatureAlgorithms: string;
}

/** What shows who we are. */
export interface ConnectionCredential {
  readonly mode: 'psk' | 'certificate';
  preSharedKey(): { readonly identity: Uint8Array; readonly key: Uint8Array } | undefined;
  /** Gives `ssl` a certificate, if the server's request accepts one. */
  showCertificate(ssl: Pointer): void;
}

export interface ConnectionOptions {
  readonly transport: Transport;
  readonly versions: readonly SecurityVersion[];
  readonly native: OpenSslOptions;
  readonly credential: ConnectionCredential;
  /** For SNI: a name, never an address. */
  readonly serverName: string | undefined;
  readonly alpn: readonly string[];
  readonly maxFragmentLength: number | undefined;
  readonly timeouts: HandshakeTimeouts;
  /** Largest datagram that the layer below takes, in bytes. */
  readonly mtu: number;
  readonly keyLog: boolean;
  /** What to resume, as `sessions` gave it; undefined: sessions are neither asked for nor told of. */
  readonly resumption: { readonly session: Uint8Array | undefined } | undefined;
}
