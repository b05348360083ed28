// How a secured socket is to be made: the counterpart of avs_net_ssl_configuration_t, as typed values.

import type {
  CertificateChainInfo,
  CertificateRevocationListInfo,
  PrivateKeyInfo,
  PskIdentityInfo,
  PskKeyInfo,
  RawPublicKeyInfo,
} from '../crypto/index.ts';
import type { CertificateAssociation, CertificateUsage } from '../crypto/trust/certificate-usage.ts';
import type { Duration } from '../runtime/index.ts';
import type { LiveSessionStore } from './live-session.ts';
import type { Endpoint, HandshakeTimeouts } from './socket.ts';
import type { SecurityVersion } from './negotiated.ts';
import type { SocketConfiguration } from './socket-configuration.ts';
import type { TlsaRecord } from './tlsa.ts';

/** Keys known to both sides (RFC 4279). Identity at most 128 bytes, key at most 64; a key under 16 bytes warns. */
export interface PskSecurity {
  readonly mode: 'psk';
  readonly identity: PskIdentityInfo;
  readonly key: PskKeyInfo;
}

/** A certificate to compare the server's with, whole, from any source. */
export interface ServerCertificate {
  /** The server's own by usages 1 and 3, a CA's by 0 and 2; the first one of what the source holds. */
  readonly certificate: CertificateChainInfo;
  /** Default 3: domain-issued certificate (LwM2M Core 1.2 Appendix E.1, /0/x/15). */
  readonly usage?: CertificateUsage | undefined;
}

/** One of our own certificates with its key. */
export interface ClientCertificateCredential {
  /** Leaf first, then CAs to send. */
  readonly chain: CertificateChainInfo;
  readonly key: PrivateKeyInfo;
}

/** X.509. Without anchors, DANE records or the system's trust store, every server is refused. */
export interface CertificateSecurity {
  readonly mode: 'certificate';
  readonly trustAnchors?: CertificateChainInfo | undefined;
  readonly revocationLists?: CertificateRevocationListInfo | undefined;
  /** Also trust what the operating system trusts, where the backend has been told where that is. Default false. */
  readonly systemTrustStore?: boolean | undefined;
  /** Use DANE records set on the socket. Default false. */
  readonly dane?: boolean | undefined;
  /** Our own chain: leaf first, then CAs to send. */
  readonly clientChain?: CertificateChainInfo | undefined;
  readonly clientKey?: PrivateKeyInfo | undefined;
  /**
   * More certificates of our own, after `clientChain`. Of all, the first is shown that the server's CertificateRequest
   * accepts by kind of key, signature algorithms and names of CAs; if there is none, none is. Default none.
   */
  readonly clientCredentials?: readonly ClientCertificateCredential[] | undefined;
  /** Complete our chains from the trust anchors before sending them. Default false. */
  readonly rebuildClientChain?: boolean | undefined;
  /** What the server's certificate is compared with (LwM2M's /0/x/15, /0/x/4 and /0/x/13). Default: path and name decide. */
  readonly serverCertificate?: CertificateAssociation | ServerCertificate | undefined;
  /**
   * For devices whose wall time cannot be trusted: decides about the time in which all certificates of the path are valid
   * (milliseconds since 1970). Default: the environment's wall time decides.
   */
  readonly withoutClock?: ((window: { readonly notBefore: number; readonly notAfter: number }) => boolean) | undefined;
  /** Take the subject's commonName for a host name where there is no subjectAltName (RFC 9525 §2 forbids it). Default false. */
  readonly dangerMatchCommonName?: boolean | undefined;
  /** Accept any peer certificate. Default false. */
  readonly dangerSkipPeerValidation?: boolean | undefined;
}

/** Raw public keys (RFC 7250). The server's key must be one of `serverKeys`, or have `serverKeyHash`. */
export interface RawPublicKeySecurity {
  readonly mode: 'rawPublicKey';
  readonly serverKeys: RawPublicKeyInfo;
  /** Of the server's SubjectPublicKeyInfo (LwM2M's /0/x/4 by the matching types 1 to 3 of /0/x/13). Default: none. */
  readonly serverKeyHash?: { readonly matching: 'sha256' | 'sha384' | 'sha512'; readonly data: Uint8Array } | undefined;
  readonly publicKey?: RawPublicKeyInfo | undefined;
  readonly privateKey?: PrivateKeyInfo | undefined;
}

export type Security = PskSecurity | CertificateSecurity | RawPublicKeySecurity;

/** Where sessions are kept for resumption. Entries hold secrets: a store keeps them as it keeps keys. */
export interface SessionStore {
  load(key: string): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  save(key: string, session: Uint8Array): void | Promise<void>;
  remove(key: string): void | Promise<void>;
}

/** Receives one NSS key log line per secret. Whoever asks for it can decrypt the traffic. */
export type KeyLog = (line: string) => void;

export interface ConnectionIdConfiguration {
  /**
   * Bytes of the random id that the peer puts into its records, 0 to 32. Default 0 for a client, whose server stays where it
   * is, and 6 for a server: room for every client it can have, and no two alike by chance alone.
   */
  readonly length?: number | undefined;
  /** Our records are filled with zeros up to a multiple of so many bytes, 1 to 256. Default 1: their length tells that of the content. */
  readonly padding?: number | undefined;
}

export interface TlsCommonConfiguration {
  /** Versions allowed. Default: all that the backend has. */
  readonly versions?: readonly SecurityVersion[] | undefined;
  /** IANA ids in order of preference; unknown ids are ignored. Default: the backend's own order. */
  readonly ciphersuites?: readonly number[] | undefined;
  /** Application protocols in order of preference (RFC 7301). Default none. */
  readonly alpn?: readonly string[] | undefined;
  /** Largest plaintext of a protected record the peer may send, 64 to 16,384 bytes (RFC 8449). Default: not said. */
  readonly recordSizeLimit?: number | undefined;
  /** Extended master secret (RFC 7627). Default `require`. */
  readonly extendedMasterSecret?: 'require' | 'prefer' | undefined;
  /** Default 1 s and 60 s (RFC 6347 §4.2.4.1); RFC 7925 §11 suggests 9 s for constrained networks. */
  readonly handshakeTimeouts?: HandshakeTimeouts | undefined;
  /** How often a flight is sent before the attempt ends with ETIMEDOUT. Default 7. */
  readonly handshakeTries?: number | undefined;
  /** Use connection ids (RFC 9146), so that a session survives a change of the client's address. Default false. */
  readonly connectionId?: boolean | ConnectionIdConfiguration | undefined;
  /** Default none: no resumption. */
  readonly sessionStore?: SessionStore | undefined;
  /** Options of the raw socket below. */
  readonly socket?: SocketConfiguration | undefined;
  /** Default none: secrets are never written. */
  readonly dangerKeyLog?: KeyLog | undefined;
  /** Called by the backend with its own native configuration object before it is used; what that is, the backend says. */
  readonly additionalConfiguration?: ((native: unknown) => void) | undefined;
}

/** What a client socket of a security backend is made from. Copied when the socket is made, never kept by reference. */
export interface SslConfiguration extends TlsCommonConfiguration {
  readonly security: Security;
  /** Name to ask for (SNI) and to check, if not the one given to connect. */
  readonly serverName?: string | undefined;
  /**
   * Keeps the connected session there, so that another process goes on with it after `suspend`, or after this one died:
   * without a handshake, and without anything being sent. Default: the session ends with the socket.
   */
  readonly liveSession?: LiveSessionStore | undefined;
  readonly daneTlsaRecords?: readonly TlsaRecord[] | undefined;
  /** Asks the server for short records: 512, 1,024, 2,048 or 4,096 bytes of plaintext (RFC 6066 §4). Default: does not. */
  readonly maxFragmentLength?: number | undefined;
  /** Told of each certificate of our own (the leaf, DER) when the socket is made, so before anything is sent. Default: nobody. */
  readonly onOwnCertificate?: ((certificate: Uint8Array) => void) | undefined;
}

/** The server's side of pre-shared keys. */
export interface PskServerSecurity {
  readonly mode: 'psk';
  /** Sent to clients if given (RFC 4279 §5.2). */
  readonly identityHint?: Uint8Array | undefined;
  /** The key of an identity, at once or later; undefined refuses it. The bytes are copied. */
  readonly lookup: (identity: Uint8Array, from: Endpoint) => PskKeyInfo | undefined | Promise<PskKeyInfo | undefined>;
  /**
   * What a client with an unknown identity sees (RFC 4279 §2). `hide` (default): the silence of a wrong key, so that nobody
   * learns which identities exist. `alert`: unknown_psk_identity.
   */
  readonly unknownIdentity?: 'hide' | 'alert' | undefined;
}

export interface CertificateServerSecurity {
  readonly mode: 'certificate';
  readonly chain: CertificateChainInfo;
  readonly key: PrivateKeyInfo;
  /** Ask for and require a client certificate that chains to `trustAnchors`. Default `require`. */
  readonly clientCertificate?: 'require' | 'none' | undefined;
  readonly trustAnchors?: CertificateChainInfo | undefined;
  readonly revocationLists?: CertificateRevocationListInfo | undefined;
  /** As for a client, about the certificates of its peers. */
  readonly withoutClock?: CertificateSecurity['withoutClock'];
}

export interface RawPublicKeyServerSecurity {
  readonly mode: 'rawPublicKey';
  readonly publicKey: RawPublicKeyInfo;
  readonly privateKey: PrivateKeyInfo;
  /** Whether a client's key (SubjectPublicKeyInfo, DER) is known. */
  readonly accept: (spki: Uint8Array, from: Endpoint) => boolean | Promise<boolean>;
}

export type ServerSecurity = PskServerSecurity | CertificateServerSecurity | RawPublicKeyServerSecurity;

/** How a server lets its clients resume sessions (RFC 5246 §7.3, RFC 5077). */
export interface ResumptionConfiguration {
  /** Give out and take tickets, which clients keep. Default true. */
  readonly tickets?: boolean | undefined;
  /** Keep sessions for clients that take no tickets. Default true. */
  readonly sessionIds?: boolean | undefined;
  /** How long after its full handshake a session can be resumed. Default 24 h (RFC 5246 §F.1.4: the most). */
  readonly lifetime?: Duration | undefined;
  /** Sessions kept by id; the oldest gives way. Default 1,000. */
  readonly maxSessions?: number | undefined;
}

/** What a listening socket of a security backend is made from. */
export interface ServerConfiguration extends TlsCommonConfiguration {
  readonly security: ServerSecurity;
  /**
   * Let clients resume sessions. Whoever learns a ticket key can read the sessions it sealed, so it is off unless asked for.
   * Default: they cannot.
   */
  readonly resumption?: boolean | ResumptionConfiguration | undefined;
  /** How many established sessions at once; the longest idle one gives way. Default 10,000. */
  readonly maxSessions?: number | undefined;
  /** How many handshakes at once, after the cookie. Default 1,000. */
  readonly maxHandshakes?: number | undefined;
}
