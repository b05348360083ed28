// Between the fields that users of CoAP see and the options of a message (RFC 7252 §5.10).

import type { Body, OutgoingRequest, OutgoingResponse, IncomingResponse, ResponseCode } from './exchange.ts';
import { METHODS } from './exchange.ts';
import { type BodySource, bytesSource, streamingSource } from './body-source.ts';
import { CoapError } from './coap-error.ts';
import { type CoapOption, type MessageContent, NO_BYTES, isResponseCode } from './message.ts';
import {
  OPTION,
  OPTION_DEFINITIONS,
  findOption,
  findTexts,
  findUint,
  optionName,
  textOption,
  uintOption,
} from './options.ts';

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
  OPTION.requestTag,
]);

const DEFAULT_MAX_AGE = 60; // RFC 7252 §5.10.5: seconds

/** @throws CoapError EINVAL naming the field */
export function encodeRequest(request: OutgoingRequest): Untokened {
  const options: CoapOption[] = [];
  for (const tag of request.ifMatch ?? []) options.push(checked({ number: OPTION.ifMatch, value: tag }, 'ifMatch'));
  if (request.uriHost !== undefined) options.push(checked(textOption(OPTION.uriHost, request.uriHost), 'uriHost'));
  for (const tag of request.etags ?? []) options.push(checked({ number: OPTION.etag, value: tag }, 'etags'));
  if (request.ifNoneMatch === true) options.push({ number: OPTION.ifNoneMatch, value: NO_BYTES });
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
  return { code, options: withFurther(options, request.options), payload: payloadOf(request) };
}

/** @throws CoapError EINVAL naming the field */
export function encodeResponse(response: OutgoingResponse): Untokened {
  const options: CoapOption[] = [];
  if (!isResponseCode(response.code)) throw invalid('code', 'a response code', String(response.code));
  if (response.etag !== undefined) options.push(checked({ number: OPTION.etag, value: response.etag }, 'etag'));
  for (const segment of response.locationPath ?? []) {
    options.push(checked(textOption(OPTION.locationPath, segment), 'locationPath segment'));
  }
  if (response.contentFormat !== undefined) options.push(uint16(OPTION.contentFormat, response.contentFormat));
  if (response.maxAge !== undefined) options.push(uint(OPTION.maxAge, response.maxAge, 0xffffffff));
  for (const argument of response.locationQuery ?? []) {
    options.push(checked(textOption(OPTION.locationQuery, argument), 'locationQuery argument'));
  }
  return { code: response.code, options: withFurther(options, response.options), payload: payloadOf(response) };
}

/** Where the body comes from. @throws CoapError EINVAL if its announced length cannot be */
export function bodyOf(body: Body): BodySource {
  const { stream, streamBytes } = body;
  if (stream === undefined) return bytesSource(body.payload ?? NO_BYTES);
  const length = 'read' in stream ? stream.byteLength : streamBytes;
  if (length !== undefined && !(Number.isSafeInteger(length) && length >= 0))
    throw invalid('streamBytes', 'an integer from 0', String(length));
  return streamingSource(stream, length);
}

function payloadOf(body: Body): Uint8Array {
  if (body.stream === undefined) return body.payload ?? NO_BYTES;
  if (body.payload !== undefined) throw invalid('stream', 'none beside a payload', 'both');
  return NO_BYTES;
}

/** @throws DecodeError if Location-Path is not text */
export function readResponse(content: Untokened): IncomingResponse {
  const { options } = content;
  return {
    code: content.code as ResponseCode,
    contentFormat: findUint(options, OPTION.contentFormat),
    locationPath: findTexts(options, OPTION.locationPath),
    locationQuery: findTexts(options, OPTION.locationQuery),
    etag: findOption(options, OPTION.etag),
    maxAge: findUint(options, OPTION.maxAge) ?? DEFAULT_MAX_AGE,
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
  return uint(number, value, 0xffff);
}

function uint(number: number, value: number, most: number): CoapOption {
  if (!Number.isInteger(value) || value < 0 || value > most)
    throw invalid(optionName(number), `0 to ${most}`, String(value));
  return uintOption(number, value);
}

function invalid(field: string, expected: string, found: string): CoapError {
  return new CoapError('EINVAL', `${field}: expected ${expected}, found ${found}`);
}
