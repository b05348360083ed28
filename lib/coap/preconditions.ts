// What a response does not need to say, and a request must not do (RFC 7252 §5.10.6, §5.10.8; RFC 7967 §2).

import { equalBytes } from '../bytes/index.ts';
import { ResponseError } from './coap-error.ts';
import type { Untokened } from './content.ts';
import { type RequestHead, METHODS, RESPONSE_CODES } from './exchange.ts';
import { type CoapOption, NO_BYTES } from './message.ts';
import { OPTION, findUint } from './options.ts';

/**
 * Holds a request to its If-Match and If-None-Match, before it changes anything. A connection whose handler does this
 * lists both in `understoodOptions`: otherwise such requests are refused by 4.02, for they must not be ignored.
 * @param etag of the resource as it is; empty if it has none; undefined if it does not exist
 * @throws ResponseError 4.12
 */
export function checkPreconditions({ options }: RequestHead, etag: Uint8Array | undefined): void {
  const wanted = options.filter(({ number }) => number === OPTION.ifMatch);
  const exists = etag !== undefined;
  const matches = exists && wanted.some(({ value }) => value.length === 0 || equalBytes(value, etag));
  if (wanted.length > 0 && !matches) throw new ResponseError(RESPONSE_CODES.preconditionFailed, 'If-Match');
  if (exists && options.some(({ number }) => number === OPTION.ifNoneMatch))
    throw new ResponseError(RESPONSE_CODES.preconditionFailed, 'If-None-Match');
}

/** 2.03 in place of 2.05 where the client says that it has what this ETag stands for; undefined where it does not. */
export function validated(request: Untokened, response: Untokened): Untokened | undefined {
  const safe = request.code === METHODS.GET || request.code === METHODS.FETCH;
  if (!safe || response.code !== RESPONSE_CODES.content) return undefined;
  const tag = response.options.find(({ number }) => number === OPTION.etag);
  if (tag === undefined || !request.options.some((option) => sameOption(option, tag))) return undefined;
  const kept = response.options.filter(({ number }) => number === OPTION.etag || number === OPTION.maxAge);
  return { code: RESPONSE_CODES.valid, options: kept, payload: NO_BYTES };
}

function sameOption(a: CoapOption, b: CoapOption): boolean {
  return a.number === b.number && equalBytes(a.value, b.value);
}

/** Whether the request wants no response of that class (No-Response, RFC 7967 §2.1: 2, 8 and 16 stand for 2.xx, 4.xx, 5.xx). */
export function isSilenced({ options }: Untokened, code: number): boolean {
  const silenced = findUint(options, OPTION.noResponse) ?? 0;
  return (silenced & (1 << ((code >> 5) - 1))) !== 0;
}
