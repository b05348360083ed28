// One place that turns errors into CoAP responses (LwM2M Transport 1.2 §6.4.9: response codes).

import { DecodeError, utf8Encode } from '../bytes/index.ts';
import { type OutgoingResponse, RESPONSE_CODES, type ResponseCode } from '../coap/index.ts';
import { FormatError } from '../formats/index.ts';
import type { Log } from '../runtime/index.ts';
import { ModelError, type ModelErrorReason } from '../model/index.ts';

const BY_REASON: Readonly<Record<ModelErrorReason, ResponseCode>> = {
  badRequest: RESPONSE_CODES.badRequest,
  unauthorized: RESPONSE_CODES.unauthorized,
  notFound: RESPONSE_CODES.notFound,
  methodNotAllowed: RESPONSE_CODES.methodNotAllowed,
  conflict: RESPONSE_CODES.conflict,
  notAcceptable: RESPONSE_CODES.notAcceptable,
  unsupportedContentFormat: RESPONSE_CODES.unsupportedContentFormat,
  internal: RESPONSE_CODES.internalServerError,
};
const LONGEST_DIAGNOSTIC = 120; // characters: fits the smallest block beside the options

/** Only a malformed request is told what is wrong with it; everything else stays with us, in the log. */
export function refusal(error: unknown, log: Log): OutgoingResponse {
  const code = codeOf(error);
  if (code === RESPONSE_CODES.internalServerError) log.error({ error: nameOf(error) }, 'a request failed inside');
  else log.debug({ code, error: nameOf(error) }, 'request refused');
  if (code !== RESPONSE_CODES.badRequest || !(error instanceof Error)) return { code };
  return { code, payload: utf8Encode(error.message.slice(0, LONGEST_DIAGNOSTIC)) };
}

function codeOf(error: unknown): ResponseCode {
  if (error instanceof ModelError) return BY_REASON[error.reason];
  if (error instanceof DecodeError) return RESPONSE_CODES.badRequest;
  if (error instanceof FormatError) return RESPONSE_CODES[error.reason];
  return RESPONSE_CODES.internalServerError;
}

/** Errors of the application may say anything, so the log gets their kind alone; ours carry no secret. */
function nameOf(error: unknown): string {
  if (error instanceof ModelError || error instanceof DecodeError || error instanceof FormatError) return error.message;
  return error instanceof Error ? error.name : typeof error;
}
