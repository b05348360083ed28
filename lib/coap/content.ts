// Between the fields that users of CoAP see and the options of a message (RFC 7252 §5.10).

import type { OutgoingRequest, OutgoingResponse, IncomingResponse, ResponseCode } from './exchange.ts';
import { METHODS } from './exchange.ts';
import { CoapError } from './coap-error.ts';
import { type CoapOption, type MessageContent, NO_BYTES, isResponseCode } from './message.ts';
import { OPTION, OPTION_DEFINITIONS, findTexts, findUint, optionName, textOption, uintOption } from './options.ts';

/** A message that has no token yet. */
export type Untokened = Omit<MessageContent, 'token'>;

/** Options that have a field of their own, or belong to a layer below, and so may not be given in `options`. */
const RESERVED: ReadonlySet<number> = new Set([
  OPTION.contentFormat,
  OPTION.uriPath,
  OPTION.uriQuery,
  OPTION.accept,
  OPTION.locationPath,
  OPTION.observe,
  OPTION.block1,
  OPTION.block2,
  OPTION.size1,
  OPTION.size2,
]);

/** @throws CoapError EINVAL naming the field */
export function encodeRequest(request: OutgoingRequest): Untokened {
  const options: CoapOption[] = [];
  for (const segment of request.path ?? []) {
    if (segment === '.' || segment === '..') throw invalid('path', 'segments other than . and ..', segment); // §5.10.1
    options.push(checked(textOption(OPTION.uriPath, segment), 'path segment'));
  }
  if (request.contentFormat !== undefined) options.push(uint16(OPTION.contentFormat, request.contentFormat));
  for (const argument of request.query ?? [])
    options.push(checked(textOption(OPTION.uriQuery, argument), 'query argument'));
  if (request.accept !== undefined) options.push(uint16(OPTION.accept, request.accept));
  const code: number | undefined = METHODS[request.method];
  if (code === undefined) throw invalid('method', 'a method of CoAP', String(request.method));
  return { code, options: withFurther(options, request.options), payload: request.payload ?? NO_BYTES };
}

/** @throws CoapError EINVAL naming the field */
export function encodeResponse(response: OutgoingResponse): Untokened {
  const options: CoapOption[] = [];
  if (!isResponseCode(response.code)) throw invalid('code', 'a response code', String(response.code));
  for (const segment of response.locationPath ?? []) {
    options.push(checked(textOption(OPTION.locationPath, segment), 'locationPath segment'));
  }
  if (response.contentFormat !== undefined) options.push(uint16(OPTION.contentFormat, response.contentFormat));
  return {
    code: response.code,
    options: withFurther(options, response.options),
    payload: response.payload ?? NO_BYTES,
  };
}

/** @throws DecodeError if Location-Path is not text */
export function readResponse(content: Untokened): IncomingResponse {
  const { options } = content;
  return {
    code: content.code as ResponseCode,
    contentFormat: findUint(options, OPTION.contentFormat),
    locationPath: findTexts(options, OPTION.locationPath),
    options,
    payload: content.payload,
  };
}

/**
 * Method and cache key in one string: what makes two requests the same but for the block they ask for
 * (RFC 7252 §5.4.2, RFC 7959 §2.3); Observe is left out too, so that GET continues what a notification began.
 */
export function requestKey(content: Untokened): string {
  let key = String.fromCharCode(content.code);
  for (const { number, value } of content.options) {
    if ((number & 0x1e) === 0x1c || number === OPTION.block1 || number === OPTION.block2 || number === OPTION.observe)
      continue;
    key += `${number},${value.length}:`;
    for (let i = 0; i < value.length; i++) key += String.fromCharCode(value[i]!);
  }
  return key;
}

function withFurther(options: CoapOption[], further: readonly CoapOption[] | undefined): CoapOption[] {
  for (const option of further ?? []) {
    if (RESERVED.has(option.number))
      throw invalid('options', 'none that has a field of its own', optionName(option.number));
    options.push(checked(option, optionName(option.number)));
  }
  return options.length < 2 ? options : options.toSorted((a, b) => a.number - b.number);
}

function checked(option: CoapOption, field: string): CoapOption {
  const definition = OPTION_DEFINITIONS.get(option.number);
  const { length } = option.value;
  if (definition !== undefined && (length < definition.minLength || length > definition.maxLength)) {
    throw invalid(field, `${definition.minLength} to ${definition.maxLength} bytes`, `${length}`);
  }
  return option;
}

function uint16(number: number, value: number): CoapOption {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff)
    throw invalid(optionName(number), '0 to 65535', String(value));
  return uintOption(number, value);
}

function invalid(field: string, expected: string, found: string): CoapError {
  return new CoapError('EINVAL', `${field}: expected ${expected}, found ${found}`);
}
