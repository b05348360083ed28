// The abstract socket: one interface for UDP, TCP, DTLS, TLS and whatever a user brings (modem, SMS, serial, a double).
// Parity with avs_net: its operations, option keys, states, configuration and error categories.

import type { Duration } from '../runtime/index.ts';
import type { Negotiated } from './negotiated.ts';
import type { SocketError } from './errors.ts';
import type { TlsaRecord } from './tlsa.ts';

/** avs_net's five states, and `connecting` for what is asynchronous here. */
export type SocketState = 'closed' | 'connecting' | 'bound' | 'accepted' | 'connected' | 'shutdown';

/** An address literal, never a name, and a port (0 to 65535). */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export type Family = 'ipv4' | 'ipv6' | 'unspecified';

/** Options that can be read and set. */
export interface SettableOptions {
  /** Which family to try first when a name resolves to both. Default `unspecified`: as the resolver orders. */
  preferredAddressFamily: Family;
  /** Which family alone may be used. Default `unspecified`: any. */
  forcedAddressFamily: Family;
  /** How long `next()` waits: 0 (answer at once), finite, or UNBOUNDED. Default 30 s. */
  receiveTimeout: Duration;
}

/** What `getOption` answers. */
export interface ReadableOptions extends SettableOptions {
  state: SocketState;
  addressFamily: Family;
  /** Largest datagram of the lowest layer, IP and UDP headers included, in bytes. */
  mtu: number;
  /** Largest message `send` accepts now, in bytes: exact. Of that size leaves in one datagram, one more is EMSGSIZE. */
  innerMtu: number;
  /** True while something waits that `receive` gives without the lower layer hearing anything new. */
  hasBufferedData: boolean;
  sessionResumed: boolean;
  connectionIdResumed: boolean;
  /** Bytes handed to and taken from the layer below since the socket was made. */
  bytesSent: bigint;
  bytesReceived: bigint;
  /** Datagrams (and soft errors) dropped because the receive queue was full; streams hold their peer back instead: 0. */
  arrivalsDropped: number;
  negotiated: Negotiated | undefined;
}

/** What `setOption` takes. */
export interface WritableOptions extends SettableOptions {
  daneTlsaRecords: readonly TlsaRecord[];
  dtlsHandshakeTimeouts: HandshakeTimeouts;
}

/** First and largest wait before a handshake flight is sent again (RFC 6347 §4.2.4.1). */
export interface HandshakeTimeouts {
  readonly min: Duration;
  readonly max: Duration;
}

export interface SocketHandler {
  /** Once per lower-layer arrival; never from inside a call into this socket. Drain with `receive` and `hasBufferedData`. */
  readable(): void;
  /** `send` was refused with EAGAIN and now has room. */
  writable(): void;
  /** Exactly once per connect, bind or accept; without a cause when we closed it ourselves or the peer ended it in order. */
  closed(cause?: SocketError): void;
}

export interface Cancellable {
  /** Aborting rejects with ECANCELED and leaves nothing open. */
  readonly signal?: AbortSignal | undefined;
}

/** What datagram and stream sockets share. `S` is the kind itself, so that layers fit only on their own kind. */
export interface SocketBase<S> {
  readonly transport: 'datagram' | 'stream';
  readonly secure: boolean;
  handler: SocketHandler | undefined;
  /** Resolves the name, connects, and (secure sockets) shakes hands. @throws SocketError EBADF if not closed or bound */
  connect(host: string, port: number, options?: Cancellable): Promise<void>;
  /** Takes ownership of `lower` (closed or ready) and works over it. @throws SocketError ENOTSUP where there is no layer below */
  decorate(lower: S, options?: Cancellable & { readonly host?: string | undefined }): Promise<void>;
  /** Binds to a literal address (an interface is chosen by its address) and port (0: any). */
  bind(address: string, port: number): Promise<void>;
  /** The next session of a listening socket. @throws SocketError ENOTSUP where the kind has none */
  accept(options?: Cancellable): Promise<S>;
  /** All or nothing. The bytes belong to the socket from here on. @throws SocketError EMSGSIZE, EBADF, EAGAIN, ENOTCONN */
  send(bytes: Uint8Array): void;
  /** The waiting form of `receive`; honours `receiveTimeout` (0: EAGAIN at once; finite: ETIMEDOUT). Null is the end. */
  next(options?: Cancellable): Promise<Uint8Array | null>;
  /** Ends the conversation in order (close_notify, FIN) without closing. */
  shutdown(options?: Cancellable): Promise<void>;
  /** Closes at once; allowed in every state, and again. */
  close(): void;
  [Symbol.asyncDispose](): Promise<void>;
  getOption<K extends keyof ReadableOptions>(key: K): ReadableOptions[K];
  /** @throws SocketError ENOTSUP for a key this socket does not have, EINVAL for a value out of range */
  setOption<K extends keyof WritableOptions>(key: K, value: WritableOptions[K]): void;
  /** The host's own object (a `dgram.Socket`, a `net.Socket`), of the lowest layer; undefined where there is none. */
  readonly system: unknown;
  readonly interfaceName: string | undefined;
  /** The name given to `connect`, or the `host` given to `decorate`. */
  readonly remoteHostname: string | undefined;
  readonly local: Endpoint | undefined;
  readonly remote: Endpoint | undefined;
}

export interface DatagramSocket extends SocketBase<DatagramSocket> {
  readonly transport: 'datagram';
  /** Sends to an endpoint of the caller's choice. @throws SocketError ENOTSUP where the layer has one peer only */
  sendTo(bytes: Uint8Array, to: Endpoint): void;
  /** One whole datagram (may be empty), the caller's to keep; undefined if none waits. Throws a soft error once. */
  receive(): Uint8Array | undefined;
  receiveFrom(): { readonly bytes: Uint8Array; readonly from: Endpoint } | undefined;
  /**
   * Only where a session is kept (`liveSession`): closes without a word, so that whoever connects next goes on with it.
   * @throws SocketError EINVAL if it is not kept, ENOTCONN unless connected
   */
  suspend?(): void;
}

export interface StreamSocket extends SocketBase<StreamSocket> {
  readonly transport: 'stream';
  /** Up to `limit` bytes (default: all that waits); undefined if none waits, null at the end of the stream. */
  receive(limit?: number): Uint8Array | null | undefined;
}

export type AnySocket = DatagramSocket | StreamSocket;
