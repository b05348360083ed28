// What can go wrong with an exchange, by a stable code; and the error by which a handler chooses its response code.

import { DecodeError } from '../bytes/index.ts';
import { formatCode } from './message.ts';
import type { ResponseCode } from './exchange.ts';

/**
 * - ETIMEDOUT: not acknowledged or not answered in time
 * - ECONNREFUSED: nothing listens at the peer's port, as the network says
 * - ECONNRESET: the peer rejected our message by Reset
 * - ECANCELED: aborted by its signal
 * - ECONNABORTED: the connection was closed
 * - EPROTO: the peer breaks a rule of CoAP
 * - EMSGSIZE: a body is larger than the limit
 * - ENOBUFS: too much is waiting already
 * - EINVAL: the request cannot be sent as it is
 */
export type CoapErrorCode =
  | 'ETIMEDOUT'
  | 'ECONNREFUSED'
  | 'ECONNRESET'
  | 'ECANCELED'
  | 'ECONNABORTED'
  | 'EPROTO'
  | 'EMSGSIZE'
  | 'ENOBUFS'
  | 'EINVAL';

/** The error of an exchange. The message carries no payload and no option value. */
export class CoapError extends Error {
  override readonly name = 'CoapError';
  readonly code: CoapErrorCode;

  constructor(code: CoapErrorCode, message: string, cause?: unknown) {
    super(`${code}: ${message}`, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** What could not be read in a message is its sender's fault: EPROTO in place of a DecodeError, any other error as it is. */
export function peerFault(error: unknown): unknown {
  return error instanceof DecodeError ? new CoapError('EPROTO', 'the response has a malformed option', error) : error;
}

/** Thrown by a handler, it becomes the response: any error with a numeric `responseCode` does. */
export class ResponseError extends Error {
  override readonly name = 'ResponseError';
  readonly responseCode: ResponseCode;

  constructor(responseCode: ResponseCode, message: string, cause?: unknown) {
    super(`${formatCode(responseCode)}: ${message}`, cause === undefined ? undefined : { cause });
    this.responseCode = responseCode;
  }
}
