// What an endpoint is made from, and what it tells: options with their defaults, handlers, results.

import {
  type DatagramSocket,
  type Endpoint,
  type SecurityVersion,
  type ServerConfiguration,
  SocketError,
  type SocketError as SocketErrorType,
  type TlsCommonConfiguration,
} from '../../lib/net/index.ts';
import type { CryptoProvider, PskIdentityInfo, PskKeyInfo } from '../../lib/crypto/index.ts';
import type { Duration } from '../../lib/runtime/index.ts';
import type { CredentialPool } from './credential-pool.ts';
import { SUPPORTED_VERSIONS, checkCount } from './configuration.ts';
import type { EndpointSession } from './endpoint-session.ts';

export type DtlsRole = 'client' | 'server';

/** Of a message that came, or one that was sent. */
export interface Auxiliary {
  /** Our own address; undefined where the socket below does not tell. */
  readonly local: Endpoint | undefined;
  readonly remote: Endpoint;
  /** When, in milliseconds since 1970 by the environment's clock. */
  readonly time: number;
}

/** What `receive` gives. */
export type Received =
  /** A handshake is complete: the session can be sent to. */
  | { readonly kind: 'connected'; readonly session: EndpointSession; readonly auxiliary: Auxiliary }
  /** One message (DTLS record) of a session. */
  | {
      readonly kind: 'data';
      readonly session: EndpointSession;
      /**
       * The message in its pieces, in order; no piece for an empty message. They are views of what was decrypted, not
       * copies: the receiver owns them for as long as it likes, nothing is written there again.
       */
      readonly segments: readonly Uint8Array[];
      /** Bytes of all segments. */
      readonly length: number;
      readonly auxiliary: Auxiliary;
    };

export type ReceivedData = Extract<Received, { readonly kind: 'data' }>;

/** What happens to a session beside data. */
export type EndpointEvent =
  /** A handshake was begun: by us, or by a peer that has shown its address. */
  | { readonly kind: 'connecting' }
  | { readonly kind: 'connected' }
  /** Fatal and warning alerts, close_notify among them. */
  | {
      readonly kind: 'alert';
      readonly level: 'warning' | 'fatal';
      /** AlertDescription, 0 to 255. */
      readonly description: number;
      readonly direction: 'sent' | 'received';
    }
  /** Its client is at another address now, the session's `remote`; it was found by its connection id (RFC 9146 §6). */
  | { readonly kind: 'moved'; readonly before: Endpoint }
  /** The session, or an attempt at it, is over; without a cause if either side ended it in order. */
  | { readonly kind: 'closed'; readonly cause: SocketErrorType | undefined };

/** Refuses a key, with the alert of one's choice (AlertDescription, 1 to 255). The reason ends up in our own error alone. */
export interface KeyRefusal {
  readonly alert: number;
  readonly reason?: string | undefined;
}

/** Our identity and key for a server. */
export interface ChosenPsk {
  readonly identity: PskIdentityInfo;
  readonly key: PskKeyInfo;
}

type Answered<T> = T | KeyRefusal | undefined | Promise<T | KeyRefusal | undefined>;

/** Keys from elsewhere than the pool, which is asked where a handler is absent or gives undefined. */
export interface KeyHandlers {
  /** Server: the hint for this client. */
  readonly hint?: (session: EndpointSession) => Uint8Array | undefined;
  /** Client: identity and key for this server and its hint. */
  readonly identity?: (session: EndpointSession, hint: Uint8Array | undefined) => Answered<ChosenPsk>;
  /** Server: the key of this identity. */
  readonly key?: (session: EndpointSession, identity: Uint8Array) => Answered<PskKeyInfo>;
}

/** Called from within what the endpoint does. What a handler throws is logged and otherwise without effect. */
export interface EndpointHandlers {
  /** Takes every message, and `receive` gives none. */
  readonly read?: ((message: ReceivedData) => void) | undefined;
  /**
   * Sends a datagram in place of the socket. `wouldBlock` puts it into a queue of `maxQueuedBytes`, which is tried again
   * when the socket is writable and when `DtlsEndpoint.writable` is called.
   */
  readonly write?: ((datagram: Uint8Array, to: Endpoint) => 'wouldBlock' | void) | undefined;
  readonly event?: ((session: EndpointSession, event: EndpointEvent) => void) | undefined;
  readonly keys?: KeyHandlers | undefined;
}

/** Which pre-shared key a client uses: a tag of `tags`, or 0 for none. */
export type PskChoice = (choice: {
  readonly session: EndpointSession;
  readonly hint: Uint8Array | undefined;
  /** Tags of the endpoint that have a pre-shared key, in the order they were added. */
  readonly tags: readonly number[];
}) => number;

/** Which raw key pair is shown: a tag of `tags`, or 0 for none. */
export type RawKeyChoice = (choice: { readonly session: EndpointSession; readonly tags: readonly number[] }) => number;

type Common = Omit<TlsCommonConfiguration, 'socket' | 'sessionStore'>;

export interface DtlsEndpointOptions extends Common {
  readonly credentials: CredentialPool;
  /** Tags of the pool that this endpoint uses, the most preferred first; more can be added later. Default none. */
  readonly tags?: readonly number[] | undefined;
  /** Default both. An endpoint that is no server drops ClientHellos. */
  readonly roles?: readonly DtlsRole[] | undefined;
  /** A socket handed over, bound or to be bound by its owner: it is used and shown, and never closed. */
  readonly socket?: DatagramSocket | undefined;
  /** Makes the endpoint's own socket, which it closes. One of both is needed. */
  readonly datagramSocket?: (() => DatagramSocket) | undefined;
  /** Default: the pool's kind of default, `defaultProvider()`. */
  readonly provider?: CryptoProvider | undefined;
  /** Whether a peer must have renegotiation_info (RFC 5746). Default `prefer`: nothing is renegotiated here. */
  readonly renegotiationInfo?: 'require' | 'prefer' | undefined;
  /**
   * Let clients resume sessions, by ticket or id. A change of tags or pool ends what could be resumed. Default: they cannot;
   * our own renewals are resumed wherever the server allows it.
   */
  readonly resumption?: ServerConfiguration['resumption'];
  readonly handlers?: EndpointHandlers | undefined;
  /** Default: the first tag whose hint is the server's, else the first tag with a pre-shared key. */
  readonly choosePsk?: PskChoice | undefined;
  /** Default: the first tag with a raw key pair. */
  readonly chooseRawKey?: RawKeyChoice | undefined;
  /** What a client with an unknown identity sees (RFC 4279 §2). Default `hide`: the silence of a wrong key. */
  readonly unknownIdentity?: 'hide' | 'alert' | undefined;
  /** Take any raw public key of a peer, not only those of the pool: then it only shows that it has the private key. Default false. */
  readonly dangerAcceptAnyPeerKey?: boolean | undefined;
  /**
   * Longest certificate chain, raw public key, identity or hint taken from a peer, in bytes. Default 8,192: three
   * certificates of RSA-4096 with room to spare. Identities are bounded by 128 beside it.
   */
  readonly maxCredentialBytes?: number | undefined;
  /** Default 16. */
  readonly maxTags?: number | undefined;
  /** Established sessions at once, of clients of ours and, apart from them, of those we made. Default 10,000. */
  readonly maxSessions?: number | undefined;
  /** Handshakes of clients at once, after the cookie. Default 1,000. */
  readonly maxHandshakes?: number | undefined;
  /** Bytes that wait for `receive`; what comes beyond is dropped and counted. Default 1 MiB. */
  readonly maxBufferedBytes?: number | undefined;
  /** Bytes of datagrams that wait for the socket. Default 65,536. */
  readonly maxQueuedBytes?: number | undefined;
}

/** The limits of an endpoint, each checked. */
export interface EndpointLimits {
  readonly maxCredentialBytes: number;
  readonly maxTags: number;
  readonly maxSessions: number;
  readonly maxHandshakes: number;
  readonly maxBufferedBytes: number;
  readonly maxQueuedBytes: number;
}

export const DEFAULT_ENDPOINT_LIMITS: EndpointLimits = Object.freeze({
  maxCredentialBytes: 8_192, // three certificates of RSA-4096 are about 5,500
  maxTags: 16, // every handshake may walk through them
  maxSessions: 10_000, // about 5 KB each: 50 MB
  maxHandshakes: 1_000,
  maxBufferedBytes: 1_048_576,
  maxQueuedBytes: 65_536,
});

const LARGEST = 2 ** 31 - 1;
const LARGEST_CREDENTIAL = 15_360; // with its message it stays below a record's 16,384 bytes

/** @throws SocketError EINVAL naming the option */
export function endpointLimits(options: DtlsEndpointOptions): EndpointLimits {
  const checked = (name: keyof EndpointLimits, largest = LARGEST): number =>
    checkCount(name, options[name] ?? DEFAULT_ENDPOINT_LIMITS[name], largest);
  return {
    maxCredentialBytes: checked('maxCredentialBytes', LARGEST_CREDENTIAL),
    maxTags: checked('maxTags'),
    maxSessions: checked('maxSessions'),
    maxHandshakes: checked('maxHandshakes'),
    maxBufferedBytes: checked('maxBufferedBytes'),
    maxQueuedBytes: checked('maxQueuedBytes'),
  };
}

const ROLES: readonly DtlsRole[] = ['client', 'server'];

/** @throws SocketError ENOTSUP for versions and roles that there are not, EINVAL where none is asked for */
export function checkAbilities({
  versions,
  roles,
}: Pick<DtlsEndpointOptions, 'versions' | 'roles'>): readonly DtlsRole[] {
  checkAll<SecurityVersion>('versions', versions, SUPPORTED_VERSIONS);
  checkAll<DtlsRole>('roles', roles, ROLES);
  return [...(roles ?? ROLES)];
}

function checkAll<T extends string>(name: string, asked: readonly T[] | undefined, supported: readonly T[]): void {
  if (asked === undefined) return;
  if (asked.length === 0) throw new SocketError('EINVAL', `${name}: expected at least one, found none`);
  const lacking = asked.filter((each) => !supported.includes(each));
  if (lacking.length === 0) return;
  throw new SocketError('ENOTSUP', `${name}: expected of ${supported.join(', ')}, found ${lacking.join(', ')}`);
}

/** How long something may take, and how it is given up. */
export interface Waiting {
  /** 0: not at all. UNBOUNDED: until it is done or aborted. */
  readonly timeout?: Duration | undefined;
  /** Ends the wait with ECANCELED. */
  readonly signal?: AbortSignal | undefined;
}
