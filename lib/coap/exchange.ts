// What CoAP's users see: requests, responses, observations, and a connection that is client and server at once.
// RFC 7252 for the exchange, RFC 7641 for observations; RFC 7959 is hidden below: bodies here are whole, or streams.

import type { CoapOption } from './message.ts';

/** Method codes (RFC 7252 §12.1.1, RFC 8132). */
export const METHODS = {
  GET: 0x01,
  POST: 0x02,
  PUT: 0x03,
  DELETE: 0x04,
  FETCH: 0x05,
  PATCH: 0x06,
  iPATCH: 0x07,
} as const;
export type Method = keyof typeof METHODS;

/** Response codes, class in the upper three bits (RFC 7252 §12.1.2, RFC 7959 §2.9, RFC 8132 §4). */
export const RESPONSE_CODES = {
  created: 0x41,
  deleted: 0x42,
  valid: 0x43,
  changed: 0x44,
  content: 0x45,
  continue: 0x5f,
  badRequest: 0x80,
  unauthorized: 0x81,
  badOption: 0x82,
  forbidden: 0x83,
  notFound: 0x84,
  methodNotAllowed: 0x85,
  notAcceptable: 0x86,
  requestEntityIncomplete: 0x88,
  conflict: 0x89,
  preconditionFailed: 0x8c,
  requestEntityTooLarge: 0x8d,
  unsupportedContentFormat: 0x8f,
  unprocessableEntity: 0x96,
  internalServerError: 0xa0,
  notImplemented: 0xa1,
  badGateway: 0xa2,
  serviceUnavailable: 0xa3,
  gatewayTimeout: 0xa4,
  proxyingNotSupported: 0xa5,
} as const;
export type ResponseCode = (typeof RESPONSE_CODES)[keyof typeof RESPONSE_CODES];

/** A body that can be read at any place, such as a file. It must not change while it is read, or its ETag must change too. */
export interface RandomAccessBody {
  readonly byteLength: number;
  /** Exactly `length` bytes from `offset`; both lie within the body. */
  read(offset: number, length: number): Uint8Array | Promise<Uint8Array>;
}

/** A body that is never whole in memory: read once in order (a ReadableStream is one too), or at any place. */
export type StreamingBody = AsyncIterable<Uint8Array> | RandomAccessBody;

/** What both directions carry. Block-wise transfer (RFC 7959) happens below. */
export interface Body {
  /** Content-Format (RFC 7252 §12.3), 0 to 65535. */
  readonly contentFormat?: number | undefined;
  /** The whole body. Default empty. */
  readonly payload?: Uint8Array | undefined;
  /** In place of `payload`: a body that is read as the peer takes it. Not for observations. */
  readonly stream?: StreamingBody | undefined;
  /** Length of `stream` in bytes, if known: announced by Size1 or Size2. A RandomAccessBody says it itself. */
  readonly streamBytes?: number | undefined;
  /** Further options, in any order; those named by a field of their own must not be here. */
  readonly options?: readonly CoapOption[] | undefined;
}

/** A request we send. */
export interface OutgoingRequest extends Body {
  readonly method: Method;
  /** Uri-Path segments, unescaped. Default none. */
  readonly path?: readonly string[] | undefined;
  /** Uri-Query arguments, unescaped. Default none. */
  readonly query?: readonly string[] | undefined;
  readonly accept?: number | undefined;
  /** Only if the resource has one of these entity tags; an empty one: only if it exists (RFC 7252 §5.10.8.1). */
  readonly ifMatch?: readonly Uint8Array[] | undefined;
  /** Only if the resource does not exist (RFC 7252 §5.10.8.2). Default false. */
  readonly ifNoneMatch?: boolean | undefined;
  /** Entity tags of what we have: the answer is 2.03 if it is one of them (RFC 7252 §5.10.6.2). */
  readonly etags?: readonly Uint8Array[] | undefined;
  /** Name of the host, where one address serves several (Uri-Host, RFC 7252 §5.10.1). */
  readonly uriHost?: string | undefined;
  /** Default true. */
  readonly confirmable?: boolean | undefined;
}

/** What a response looks like before its body. */
export type ResponseHead = Omit<IncomingResponse, 'payload'>;

/** A response whose body is fetched block by block, as it is read. */
export interface StreamedResponse extends ResponseHead {
  /** Length of the body in bytes, if the peer says it (Size2). */
  readonly bodyBytes: number | undefined;
  /**
   * The body, once. A block is asked for when the one before has been taken; to stop reading ends the transfer.
   * Reading throws CoapError: EPROTO if the body changes meanwhile (ETag), and what `request` throws.
   */
  readonly body: AsyncIterable<Uint8Array>;
}

/** A response as we received it. */
export interface IncomingResponse {
  readonly code: ResponseCode;
  readonly contentFormat: number | undefined;
  /** Location-Path segments (Register's answer names the registration here). */
  readonly locationPath: readonly string[];
  /** Location-Query arguments. */
  readonly locationQuery: readonly string[];
  readonly etag: Uint8Array | undefined;
  /** For how many seconds it is fresh (Max-Age, RFC 7252 §5.10.5). */
  readonly maxAge: number;
  readonly options: readonly CoapOption[];
  readonly payload: Uint8Array;
}

/** A response we give. */
export interface OutgoingResponse extends Body {
  readonly code: ResponseCode;
  readonly locationPath?: readonly string[] | undefined;
  readonly locationQuery?: readonly string[] | undefined;
  /** 1 to 8 bytes. A GET that names it is answered 2.03 without the body. Default: of a body in blocks, one that we compute. */
  readonly etag?: Uint8Array | undefined;
  /** Seconds, 0 to 4294967295. Not sent, it means 60 (RFC 7252 §5.10.5). */
  readonly maxAge?: number | undefined;
}

/** A request as we received it, before its body. */
export interface RequestHead {
  readonly method: Method;
  readonly path: readonly string[];
  readonly query: readonly string[];
  readonly accept: number | undefined;
  readonly contentFormat: number | undefined;
  readonly options: readonly CoapOption[];
}

/** A request as we received it; the handler answers it. */
export interface IncomingRequest extends RequestHead {
  /** The whole body; empty if it comes as `body`. */
  readonly payload: Uint8Array;
  /**
   * The body as it comes, if the connection's `streamed` chose so for this request. The peer is told to go on only when a
   * block has been taken. Reading throws CoapError ETIMEDOUT if the peer pauses too long, ECONNABORTED at the connection's end.
   */
  readonly body?: AsyncIterable<Uint8Array> | undefined;
  readonly confirmable: boolean;
  readonly token: Uint8Array;
  /**
   * Present if the peer asked to observe (Observe: 0). Calling it accepts: the response then carries Observe.
   * @throws CoapError EINVAL once the request has been answered
   */
  readonly acceptObservation: ((watcher: ObservationWatcher) => Observation) | undefined;
  /** True if the peer cancels (Observe: 1). Its observation with this token and path has ended already. */
  readonly cancelsObservation: boolean;
}

/** Told when an observation ends without our doing. */
export interface ObservationWatcher {
  /** By Reset, by Observe: 1, by a new request on the same token, by a notification not acknowledged, or by close. */
  ended(reason: 'reset' | 'deregistered' | 'replaced' | 'timeout' | 'closed'): void;
}

/** The server's side of one accepted observation (RFC 7641 §4). */
export interface Observation {
  readonly active: boolean;
  /** Of the newest notification, or of the response that accepted it (RFC 7641 §4.4). */
  readonly sequence: number;
  /**
   * Sends a notification. Confirmable: resolves when acknowledged, rejects when given up. An error code ends the observation.
   * While a confirmable one is in flight, only the newest further one is kept (RFC 7641 §4.5.2);
   * those it replaced settle as it does. Default not confirmable, but at least one in 24 hours is (RFC 7641 §4.5).
   */
  notify(response: OutgoingResponse, options?: { readonly confirmable?: boolean }): Promise<void>;
  /** Ends it silently on our side. */
  end(): void;
}

/**
 * Answers requests, at once (piggy-backed) or later (empty ACK, then a separate response).
 * Undefined, if at once: no answer at all, as if the request had been lost; its retransmission is handed over anew.
 */
export type RequestHandler = (
  request: IncomingRequest,
) => OutgoingResponse | undefined | Promise<OutgoingResponse | undefined>;

/** The client's side of an observation: the first response, then notifications in order (RFC 7641 §3.4). */
export interface ObservedResource {
  readonly response: IncomingResponse;
  /** False once it has ended, and from the start if the peer answered without Observe (RFC 7641 §4.1). */
  readonly active: boolean;
  /**
   * Asks the peer anew, on the same token (RFC 7641 §3.3.1): what it answers comes as a notification. For when nothing has
   * been heard for longer than Max-Age. Gives `active` as it is then. @throws CoapError as `request` does
   */
  refresh(): Promise<boolean>;
  /** Asks the peer to end it: Observe: 1 on the same token, or (reset) a Reset to the next notification. */
  cancel(how?: 'deregister' | 'reset'): Promise<void>;
}

export interface ObserveOptions {
  /** Aborts the registration; afterwards it has no effect. */
  readonly signal?: AbortSignal | undefined;
  /** Called once when the observation ends but by `cancel`: with what broke it, or nothing if the peer's last notification did. */
  readonly ended?: ((cause: Error | undefined) => void) | undefined;
}

/** Client and server on one connected socket. */
export interface CoapConnection {
  /** Requests of the peer go here. Without one they are answered 4.04. */
  handler: RequestHandler | undefined;
  /**
   * Sends a request and gives the whole response, of whatever code.
   * @throws CoapError ETIMEDOUT if not answered, ECONNRESET if rejected by Reset, ECANCELED by the signal; SocketError of the socket
   */
  request(request: OutgoingRequest, options?: { readonly signal?: AbortSignal | undefined }): Promise<IncomingResponse>;
  /** The same, but gives the response as soon as its first block is there; the rest is fetched as it is read. */
  requestStream(
    request: OutgoingRequest,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<StreamedResponse>;
  /**
   * Sends a request that wants no response of any kind (No-Response, RFC 7967). Resolves when the peer has it, if
   * confirmable; else at once. Bodies must fit one message.
   * @throws CoapError as `request` does; EINVAL if the body is too large
   */
  send(request: OutgoingRequest, options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  /** Sends GET (or FETCH) with Observe: 0; `notified` is called for each fresh notification, also of an error code (the last). */
  observe(
    request: OutgoingRequest,
    notified: (response: IncomingResponse) => void,
    options?: ObserveOptions,
  ): Promise<ObservedResource>;
  /**
   * Goes on with an observation that was accepted on another connection with the same peer: notifications bear the token of
   * `request`, and numbers that follow `sequence`. For servers that keep observations when the client comes back.
   */
  adoptObservation(request: IncomingRequest, watcher: ObservationWatcher, sequence: number): Observation;
  /** CoAP ping: an empty confirmable message, answered by Reset (RFC 7252 §4.3). */
  ping(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  /** Ends every exchange and observation; the socket is left to its owner. */
  close(): void;
}
