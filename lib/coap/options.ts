// The registry of options (RFC 7252 §5.10, RFC 7641, RFC 7959 and later), and reading values out of an option list.

import { DecodeError, utf8Decode, utf8Encode } from '../bytes/index.ts';
import { type CoapOption, NO_BYTES } from './message.ts';

/** Option numbers by name (IANA CoAP Option Numbers). */
export const OPTION = {
  ifMatch: 1,
  uriHost: 3,
  etag: 4,
  ifNoneMatch: 5,
  observe: 6,
  uriPort: 7,
  locationPath: 8,
  oscore: 9,
  uriPath: 11,
  contentFormat: 12,
  maxAge: 14,
  uriQuery: 15,
  hopLimit: 16,
  accept: 17,
  qBlock1: 19,
  locationQuery: 20,
  block2: 23,
  block1: 27,
  size2: 28,
  qBlock2: 31,
  proxyUri: 35,
  proxyScheme: 39,
  size1: 60,
  echo: 252,
  noResponse: 258,
  requestTag: 292,
} as const;

/** What is known of an option. */
export interface OptionDefinition {
  readonly name: string;
  readonly format: 'empty' | 'opaque' | 'uint' | 'string';
  /** Shortest and longest value, in bytes. */
  readonly minLength: number;
  readonly maxLength: number;
  readonly repeatable: boolean;
}

const define = (
  name: string,
  format: OptionDefinition['format'],
  minLength: number,
  maxLength: number,
  repeatable = false,
): OptionDefinition => ({ name, format, minLength, maxLength, repeatable });

/** Definitions by number. */
export const OPTION_DEFINITIONS: ReadonlyMap<number, OptionDefinition> = new Map([
  [OPTION.ifMatch, define('If-Match', 'opaque', 0, 8, true)], // RFC 7252 §5.10, as all without a source
  [OPTION.uriHost, define('Uri-Host', 'string', 1, 255)],
  [OPTION.etag, define('ETag', 'opaque', 1, 8, true)],
  [OPTION.ifNoneMatch, define('If-None-Match', 'empty', 0, 0)],
  [OPTION.observe, define('Observe', 'uint', 0, 3)], // RFC 7641 §2
  [OPTION.uriPort, define('Uri-Port', 'uint', 0, 2)],
  [OPTION.locationPath, define('Location-Path', 'string', 0, 255, true)],
  [OPTION.oscore, define('OSCORE', 'opaque', 0, 255)], // RFC 8613 §2
  [OPTION.uriPath, define('Uri-Path', 'string', 0, 255, true)],
  [OPTION.contentFormat, define('Content-Format', 'uint', 0, 2)],
  [OPTION.maxAge, define('Max-Age', 'uint', 0, 4)],
  [OPTION.uriQuery, define('Uri-Query', 'string', 0, 255, true)],
  [OPTION.hopLimit, define('Hop-Limit', 'uint', 1, 1)], // RFC 8768 §3
  [OPTION.accept, define('Accept', 'uint', 0, 2)],
  [OPTION.qBlock1, define('Q-Block1', 'uint', 0, 3)], // RFC 9177 §4.1
  [OPTION.locationQuery, define('Location-Query', 'string', 0, 255, true)],
  [OPTION.block2, define('Block2', 'uint', 0, 3)], // RFC 7959 §2.1
  [OPTION.block1, define('Block1', 'uint', 0, 3)],
  [OPTION.size2, define('Size2', 'uint', 0, 4)], // RFC 7959 §4
  [OPTION.qBlock2, define('Q-Block2', 'uint', 0, 3, true)],
  [OPTION.proxyUri, define('Proxy-Uri', 'string', 1, 1034)],
  [OPTION.proxyScheme, define('Proxy-Scheme', 'string', 1, 255)],
  [OPTION.size1, define('Size1', 'uint', 0, 4)],
  [OPTION.echo, define('Echo', 'opaque', 1, 40)], // RFC 9175 §2.2
  [OPTION.noResponse, define('No-Response', 'uint', 0, 1)], // RFC 7967 §2
  [OPTION.requestTag, define('Request-Tag', 'opaque', 0, 8, true)], // RFC 9175 §3.2
]);

/** Whether a message must be refused by whoever does not understand the option (RFC 7252 §5.4.1). */
export function isCritical(number: number): boolean {
  return (number & 0x01) !== 0;
}

/** Whether a proxy that does not understand the option must not forward it (RFC 7252 §5.4.2). */
export function isUnsafe(number: number): boolean {
  return (number & 0x02) !== 0;
}

/** Whether the option is no part of the cache key (RFC 7252 §5.4.2). */
export function isNoCacheKey(number: number): boolean {
  return (number & 0x1e) === 0x1c;
}

/** The option's name, or `option N`. */
export function optionName(number: number): string {
  return OPTION_DEFINITIONS.get(number)?.name ?? `option ${number}`;
}

/** An option with an unsigned integer in as few bytes as hold it (RFC 7252 §3.2). @throws RangeError beyond 32 bits */
export function uintOption(number: number, value: number): CoapOption {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
    throw new RangeError(`${optionName(number)}: expected an integer of 32 bits, found ${value}`);
  }
  return { number, value: encodeUint(value) };
}

export function textOption(number: number, text: string): CoapOption {
  return { number, value: utf8Encode(text) };
}

function encodeUint(value: number): Uint8Array {
  if (value === 0) return NO_BYTES;
  const length = value < 0x100 ? 1 : value < 0x1_0000 ? 2 : value < 0x100_0000 ? 3 : 4;
  const bytes = new Uint8Array(length);
  for (let i = length - 1, rest = value; i >= 0; i--, rest >>>= 8) bytes[i] = rest;
  return bytes;
}

/** Reads an unsigned integer of 0 to 4 bytes; leading zeros are allowed. @throws DecodeError if longer */
export function decodeUint(value: Uint8Array, field: string): number {
  if (value.length > 4) throw new DecodeError(field, 'at most 4 bytes', `${value.length} bytes`);
  let result = 0;
  for (let i = 0; i < value.length; i++) result = result * 256 + value[i]!;
  return result;
}

/** The first option of that number whose length is allowed: others count as unrecognized (RFC 7252 §5.4.3). */
export function findOption(options: readonly CoapOption[], number: number): Uint8Array | undefined {
  for (let i = 0; i < options.length; i++) {
    const option = options[i]!;
    if (option.number === number && hasAllowedLength(option)) return option.value;
  }
  return undefined;
}

/** The first option of that number as an unsigned integer. */
export function findUint(options: readonly CoapOption[], number: number): number | undefined {
  const value = findOption(options, number);
  return value === undefined ? undefined : decodeUint(value, optionName(number));
}

/** All options of that number as text. @throws DecodeError if one is not UTF-8 */
export function findTexts(options: readonly CoapOption[], number: number): string[] {
  const texts: string[] = [];
  for (let i = 0; i < options.length; i++) {
    const option = options[i]!;
    if (option.number === number && hasAllowedLength(option)) texts.push(decodeText(option.value, number));
  }
  return texts;
}

// Paths and queries are ASCII nearly always, and the platform's decoder costs more than the few characters.
function decodeText(value: Uint8Array, number: number): string {
  if (value.length > 32) return utf8Decode(value, optionName(number));
  let text = '';
  for (let i = 0; i < value.length; i++) {
    const byte = value[i]!;
    if (byte >= 0x80) return utf8Decode(value, optionName(number));
    text += String.fromCharCode(byte);
  }
  return text;
}

function hasAllowedLength({ number, value }: CoapOption): boolean {
  const definition = OPTION_DEFINITIONS.get(number);
  return definition === undefined || (value.length >= definition.minLength && value.length <= definition.maxLength);
}

/**
 * The number of the first critical option that must be treated as unrecognized: not in `understood`, of a forbidden
 * length, or repeated though it must not be (RFC 7252 §5.4.1, §5.4.3, §5.4.5). `options` must be in order of number.
 */
export function unrecognizedCritical(
  options: readonly CoapOption[],
  understood: ReadonlySet<number>,
): number | undefined {
  for (let i = 0; i < options.length; i++) {
    const option = options[i]!;
    const { number } = option;
    if (!isCritical(number)) continue;
    if (!understood.has(number) || !hasAllowedLength(option)) return number;
    const again = i > 0 && options[i - 1]!.number === number;
    if (again && OPTION_DEFINITIONS.get(number)?.repeatable !== true) return number;
  }
  return undefined;
}
