// What CoAP's users see: requests, responses, observations, and a connection that is client and server at once.
// RFC 7252 for the exchange, RFC 7641 for observations, RFC 7959 hidden below (bodies here are whole).

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

/** What both directions carry. Bodies are whole: block-wise transfer happens below. */
export interface Body {
  /** Content-Format (RFC 7252 §12.3), 0 to 65535. */
  readonly contentFormat?: number | undefined;
  readonly payload?: Uint8Array | undefined;
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
  /** Default true. */
  readonly confirmable?: boolean | undefined;
}

/** A response as we received it. */
export interface IncomingResponse {
  readonly code: ResponseCode;
  readonly contentFormat: number | undefined;
  /** Location-Path segments (Register's answer names the registration here). */
  readonly locationPath: readonly string[];
  readonly options: readonly CoapOption[];
  readonly payload: Uint8Array;
}

/** A response we give. */
export interface OutgoingResponse extends Body {
  readonly code: ResponseCode;
  readonly locationPath?: readonly string[] | undefined;
}

/** A request as we received it; the handler answers it. */
export interface IncomingRequest {
  readonly method: Method;
  readonly path: readonly string[];
  readonly query: readonly string[];
  readonly accept: number | undefined;
  readonly contentFormat: number | undefined;
  readonly options: readonly CoapOption[];
  readonly payload: Uint8Array;
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
  /** Asks the peer to end it: Observe: 1 on the same token, or (reset) a Reset to the next notification. */
  cancel(how?: 'deregister' | 'reset'): Promise<void>;
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
  /** Sends GET (or FETCH) with Observe: 0; `notified` is called for each fresh notification, also of an error code (the last). */
  observe(
    request: OutgoingRequest,
    notified: (response: IncomingResponse) => void,
    options?: { readonly signal?: AbortSignal | undefined },
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
