// The sans-IO contract of a DTLS connection: bytes and `now` go in, outputs and the next deadline come out.

import type { Instant, RandomSource } from '../../lib/runtime/index.ts';
import { seconds } from '../../lib/runtime/index.ts';
import type {
  CryptoProvider,
  SigningKeyAlgorithm,
  NamedGroup,
  SignatureScheme,
} from '../../lib/crypto/provider/provider.ts';
import type { HandshakeTimeouts, KeyLog, Negotiated, SocketError } from '../../lib/net/index.ts';
import type { Credential } from './ciphersuites.ts';
import type { LiveState } from './live-state.ts';
import type { OfferedSession, ResumableSession } from './resumable-session.ts';

/** What a connection wants done or known. Poll after every input until there is none. */
export type DtlsOutput =
  /** Send this, at most `mtu` bytes, to the peer. */
  | { readonly kind: 'transmit'; readonly datagram: Uint8Array }
  | { readonly kind: 'connected'; readonly negotiated: Negotiated }
  /** Decrypted and authenticated; the receiver's to keep. */
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | {
      readonly kind: 'alert';
      readonly level: 'warning' | 'fatal';
      readonly description: number;
      readonly direction: 'received' | 'sent';
    }
  | { readonly kind: 'job'; readonly job: DtlsJob }
  /** Before `connected`: what a later handshake can go on from. Holds a secret, the receiver's to zero. */
  | { readonly kind: 'resumable'; readonly session: OfferedSession }
  /** The last output, exactly once; without a cause when either side ended in order. */
  | { readonly kind: 'closed'; readonly cause: SocketError | undefined };

/** What a Certificate message carries: a chain, or one raw public key (RFC 7250). */
export type CertificateType = 'x509' | 'rawPublicKey';

/** A job without its number, which the connection gives. */
export type JobRequest =
  /** Client: identity and key for this server's hint. Answer: PskAnswer, or RefusedChain for an alert of one's choice; undefined refuses. */
  | { readonly type: 'choosePsk'; readonly hint: Uint8Array | undefined }
  /** Server: the key of this identity. Answer: PskAnswer, or RefusedChain for an alert of one's choice; undefined refuses. */
  | { readonly type: 'lookupPsk'; readonly identity: Uint8Array }
  /**
   * Is this the peer that was meant? Leaf first, DER; one SubjectPublicKeyInfo if it is a raw public key. Answer:
   * VerifiedChain or RefusedChain; undefined refuses.
   */
  | { readonly type: 'verifyChain'; readonly certificateType: CertificateType; readonly chain: readonly Uint8Array[] }
  /** What to show the peer. Answer: OwnCertificate; undefined: none (client), or refuses (server). */
  | ({ readonly type: 'chooseCertificate' } & CertificateWish)
  /** Server: the session of this ticket or id, if it is to be resumed. Answer: ResumableSession, copied; undefined: none. */
  | { readonly type: 'resumeSession'; readonly sessionId: Uint8Array; readonly ticket: Uint8Array | undefined }
  /** A signature by the key of the certificate chosen, the very answer to `chooseCertificate`. Answer: SignatureAnswer; undefined refuses. */
  | {
      readonly type: 'sign';
      readonly certificate: OwnCertificate;
      readonly scheme: SignatureScheme;
      readonly message: Uint8Array;
    };

/** A question whose answer may take time; `answer(job.id, …)` gives it, at once or later. */
export type DtlsJob = JobRequest & { readonly id: number };

/** What the peer takes of us. */
export interface CertificateWish {
  readonly certificateType: CertificateType;
  /** Those that both sides have, the peer's order; then those of TLS12_ONLY_SCHEMES. */
  readonly schemes: readonly SignatureScheme[];
  /** Distinguished names (DER) the chain should lead to; none: any. */
  readonly authorities: readonly Uint8Array[];
  /** Kinds of key that a cipher suite both sides have can be used with. */
  readonly algorithms: readonly SigningKeyAlgorithm[];
  /** Server: the name the client asked for (RFC 6066 §3). */
  readonly serverName: string | undefined;
}

/** The answer to a job about keys; `identity` is needed for `choosePsk` alone. The connection copies what it needs. */
export interface PskAnswer {
  readonly identity?: Uint8Array | undefined;
  readonly key: Uint8Array;
  /** Server: the key was made up, so that an unknown identity looks like a wrong key. Told in our own error alone. */
  readonly unknownIdentity?: true | undefined;
}

/** The chain is trusted. */
export interface VerifiedChain {
  /** The leaf's SubjectPublicKeyInfo, DER: what its signatures are checked with. */
  readonly publicKey: Uint8Array;
}

/** The chain is not trusted, or there is no key for this peer. */
export interface RefusedChain {
  /** AlertDescription that tells the peer. */
  readonly alert: number;
  /** For people; ends up in the error. */
  readonly reason: string;
}

export interface OwnCertificate {
  /** Leaf first, DER; or one SubjectPublicKeyInfo. */
  readonly chain: readonly Uint8Array[];
  /** Of the leaf's key, with which `sign` will be asked for. */
  readonly algorithm: SigningKeyAlgorithm;
  /** What the key can sign with. Default: all that are for keys of this kind. */
  readonly schemes?: readonly SignatureScheme[] | undefined;
}

export interface SignatureAnswer {
  readonly signature: Uint8Array;
}

/** What `answer` takes. */
export type DtlsJobAnswer =
  | PskAnswer
  | VerifiedChain
  | RefusedChain
  | OwnCertificate
  | SignatureAnswer
  | ResumableSession
  | undefined;

/** Why records or messages were dropped; one counter each. */
export type DropReason =
  | 'malformedRecord'
  | 'badVersion'
  | 'badType'
  | 'badMac'
  | 'oversizeRecord'
  | 'replayed'
  | 'wrongEpoch'
  | 'earlyRecordOverflow'
  | 'unexpectedChangeCipherSpec'
  | 'unexpectedApplicationData'
  | 'unexpectedMessage'
  | 'malformedMessage'
  | 'badFragment'
  | 'reassemblyOverflow'
  | 'unauthenticatedAlert';

/** Counts since the connection was made. */
export interface DtlsCounters {
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Records of ours sealed or sent in the clear. */
  readonly recordsSent: number;
  /** Records accepted. */
  readonly recordsReceived: number;
  /** Flights sent again, by time-out or because the peer repeated its own. */
  readonly retransmissions: number;
}

/** Bounds on what a peer or an attacker can make a connection hold or do. */
export interface DtlsLimits {
  /** Largest handshake message taken, in bytes. */
  readonly handshakeMessageBytes: number;
  /** Bytes of incomplete or early handshake messages held at once. */
  readonly reassemblyBytes: number;
  /** How many messages ahead of the next one are held. */
  readonly reassemblyMessages: number;
  /** Separate pieces of one message held at once: what one more fragment costs grows with them. */
  readonly reassemblyPieces: number;
  /** Records of the next epoch held until ChangeCipherSpec. */
  readonly earlyRecords: number;
  /** Records that fail authentication before the connection ends, per epoch. */
  readonly forgedRecords: number;
  /** Records sealed under one key before the connection ends. */
  readonly sealedRecords: number;
  /** How often a new cookie is taken within one handshake (client). */
  readonly cookieChanges: number;
}

export const DEFAULT_LIMITS: DtlsLimits = Object.freeze({
  handshakeMessageBytes: 16_384, // no PSK message comes near; room for certificate chains
  reassemblyBytes: 32_768,
  reassemblyMessages: 8,
  reassemblyPieces: 128, // every other fragment of the largest message at MIN_MTU is fewer
  earlyRecords: 8, // a last flight at the smallest MTU is fewer records
  forgedRecords: 2 ** 23, // RFC 9147 §4.5.3 for CCM, 2^23.5; with an 8-byte tag a forgery then has odds of 2^-41
  sealedRecords: 2 ** 48 - 1, // RFC 6347 §4.1: sequence numbers must not wrap
  cookieChanges: 3,
});

/** Keeps a connected session so that another process can go on with it. */
export interface LiveKeeper {
  /**
   * Writes the state, durably; called before the first record that depends on it goes out, and before what the records said
   * that it knows of is given out. Zeroes nothing. What it throws ends the connection, and nothing goes out or is given out.
   */
  write(state: LiveState): void;
  /** Sequence numbers reserved at a time. Default 256. */
  readonly block?: number | undefined;
}

export interface ConnectionIdOptions {
  /** What the peer puts into its records, 0 to 32 bytes; empty: nothing, yet the peer's own id is used. */
  readonly own: Uint8Array;
  /** Our records are filled with zeros up to a multiple of so many bytes, 1 to 256. Default 1: not at all. */
  readonly padding?: number | undefined;
}

/** Longest id of our own. RFC 9146 allows 255; none in use is longer than 20. */
export const MAX_CONNECTION_ID_BYTES = 32;

/** Coarsest padding: beyond it little more is hidden. */
export const MAX_PADDING = 256;

/** What client and server connections are made from. */
export interface DtlsOptions {
  /** UDP payload bytes that fit one datagram; at least MIN_MTU. */
  readonly mtu: number;
  readonly provider: CryptoProvider;
  readonly random: RandomSource;
  /** What both sides show who they are with; no handshake of another kind is completed. Default `psk`. */
  readonly credential?: Credential | undefined;
  /**
   * IANA ids in order of preference; unknown ids, and those of other credentials, are ignored. Default: the AEAD suites
   * of the credential, without ECDHE_PSK, in the order of CIPHERSUITES.
   */
  readonly ciphersuites?: readonly number[] | undefined;
  /** For ephemeral keys, in order of preference. Default: all that the provider has, x25519 first. */
  readonly groups?: readonly NamedGroup[] | undefined;
  /** Taken from the peer, in order of preference. Default: all that the provider has, ECDSA first. */
  readonly signatureSchemes?: readonly SignatureScheme[] | undefined;
  /** Application protocols in order of preference (RFC 7301). Default none: the extension is neither sent nor answered. */
  readonly alpn?: readonly string[] | undefined;
  /** Largest plaintext of a protected record the peer may send, 64 to 16,384 bytes (RFC 8449). Default: not said. */
  readonly recordSizeLimit?: number | undefined;
  /** Connection ids (RFC 9146): offered by a client, taken up by a server. Default: neither. */
  readonly connectionId?: ConnectionIdOptions | undefined;
  /** Makes the session one that can be gone on with elsewhere. Default: it ends with this connection. */
  readonly live?: LiveKeeper | undefined;
  /** RFC 7627. Default `require`. */
  readonly extendedMasterSecret?: 'require' | 'prefer' | undefined;
  /** RFC 5746. Default `prefer`: there is no renegotiation here that a peer without it could be attacked by. */
  readonly renegotiationInfo?: 'require' | 'prefer' | undefined;
  /** Default 1 s and 60 s (RFC 6347 §4.2.4.1). */
  readonly handshakeTimeouts?: HandshakeTimeouts | undefined;
  /** How often a flight is sent before the attempt ends. Default 7. */
  readonly handshakeTries?: number | undefined;
  readonly keyLog?: KeyLog | undefined;
  readonly limits?: Partial<DtlsLimits> | undefined;
}

/** Smallest `mtu` a connection works with, in bytes of UDP payload: a ClientHello for pre-shared keys with a cookie of 32 bytes fits whole (with certificates it takes about 180). */
export const MIN_MTU = 128;

export const DEFAULT_TIMEOUTS: HandshakeTimeouts = Object.freeze({ min: seconds(1), max: seconds(60) }); // RFC 6347 §4.2.4.1

export const DEFAULT_TRIES = 7; // 1 + 2 + 4 + … + 60 s: about two minutes a flight

/** One DTLS association. Never reads a clock, never throws for what a peer sent. */
export interface DtlsConnection {
  /** Client: the first ClientHello. Server: the answer to the verified ClientHello it was made from. */
  start(now: Instant): void;
  handleDatagram(datagram: Uint8Array, now: Instant): void;
  /** To be called at `nextTimeout()`; earlier calls do nothing. */
  handleTimeout(now: Instant): void;
  /** Answers a job; ignored if the job is no longer open. */
  answer(id: number, value: DtlsJobAnswer, now: Instant): void;
  /** One record of application data. @throws SocketError ENOTCONN before connected, EMSGSIZE over innerMtu, EBADF once closed */
  send(bytes: Uint8Array): void;
  /** close_notify where there is someone to tell, then closed; keys are zeroed. Allowed again. */
  close(now: Instant): void;
  /** Ends with a fatal alert of ours. */
  abort(description: number, now: Instant, message?: string): void;
  poll(): DtlsOutput | undefined;
  nextTimeout(): Instant;
  /** Largest `send` that fits one datagram, in bytes: exact for what was negotiated; 0 before. */
  readonly innerMtu: number;
  /** The state reached, in words. */
  readonly state: string;
  readonly counters: DtlsCounters;
  /** Defined from connected on. */
  readonly negotiated: Negotiated | undefined;
  /** Ends here without a word, so that the session can go on from what the `live` keeper was given last; keys are zeroed. @throws SocketError EINVAL without a keeper, ENOTCONN unless connected */
  suspend(): void;
  /** Highest record sequence number that has authenticated; -1 before the first. */
  readonly newestRecord: number;
  /** Takes effect with the next flight. */
  setHandshakeTimeouts(timeouts: HandshakeTimeouts): void;
}
