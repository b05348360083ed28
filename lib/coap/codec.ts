// Messages to bytes and back (RFC 7252 §3). Written flat: it runs once per datagram, each way.

import { DecodeError } from '../bytes/index.ts';
import {
  type CoapMessage,
  type CoapOption,
  type MessageContent,
  type MessageType,
  NO_BYTES,
  NO_OPTIONS,
} from './message.ts';

const VERSION = 1;
const HEADER_LENGTH = 4;
const MAX_TOKEN_LENGTH = 8; // RFC 7252 §3: 9 to 15 are a message format error
const PAYLOAD_MARKER = 0xff;
const ONE_BYTE_BASE = 13; // RFC 7252 §3.1: nibble 13 announces one byte, less 13
const TWO_BYTE_BASE = 269; // RFC 7252 §3.1: nibble 14 announces two bytes, less 269
const MAX_OPTION_NUMBER = 0xffff;
const MAX_OPTION_LENGTH = 0xffff + TWO_BYTE_BASE;

/** Reads one datagram; token, option values and payload are views of it. @throws DecodeError naming the field */
export function decodeMessage(bytes: Uint8Array): CoapMessage {
  const end = bytes.length;
  if (end < HEADER_LENGTH) throw new DecodeError('header', '4 bytes', `${end} bytes`, 0);
  const first = bytes[0]!;
  if (first >> 6 !== VERSION) throw new DecodeError('version', '1', `${first >> 6}`, 0);
  const tokenLength = first & 0x0f;
  if (tokenLength > MAX_TOKEN_LENGTH) throw new DecodeError('token length', '0 to 8', `${tokenLength}`, 0);
  const code = bytes[1]!;
  if (code === 0 && end > HEADER_LENGTH)
    throw new DecodeError('empty message', '4 bytes', `${end} bytes`, HEADER_LENGTH);
  const at = HEADER_LENGTH + tokenLength;
  if (at > end) throw new DecodeError('token', `${tokenLength} bytes`, `${end - HEADER_LENGTH} bytes`, HEADER_LENGTH);
  const message = {
    type: ((first >> 4) & 0x03) as MessageType,
    code,
    messageId: (bytes[2]! << 8) | bytes[3]!,
    token: tokenLength === 0 ? NO_BYTES : bytes.subarray(HEADER_LENGTH, at),
    options: NO_OPTIONS,
    payload: NO_BYTES,
  };
  if (at < end) decodeOptions(bytes, at, message);
  return message;
}

function decodeOptions(
  bytes: Uint8Array,
  start: number,
  into: { options: readonly CoapOption[]; payload: Uint8Array },
): void {
  const end = bytes.length;
  const options: CoapOption[] = [];
  let at = start;
  let number = 0;
  while (at < end) {
    const head = bytes[at]!;
    if (head === PAYLOAD_MARKER) {
      if (at + 1 === end) throw new DecodeError('payload', 'at least 1 byte after the marker', '0 bytes', at);
      into.payload = bytes.subarray(at + 1);
      break;
    }
    const optionAt = at++;
    let delta = head >> 4;
    let length = head & 0x0f;
    if (delta >= ONE_BYTE_BASE) {
      const size = extensionSize(delta, end - at, 'option delta', optionAt);
      delta = size === 1 ? bytes[at]! + ONE_BYTE_BASE : ((bytes[at]! << 8) | bytes[at + 1]!) + TWO_BYTE_BASE;
      at += size;
    }
    if (length >= ONE_BYTE_BASE) {
      const size = extensionSize(length, end - at, 'option length', optionAt);
      length = size === 1 ? bytes[at]! + ONE_BYTE_BASE : ((bytes[at]! << 8) | bytes[at + 1]!) + TWO_BYTE_BASE;
      at += size;
    }
    number += delta;
    if (number > MAX_OPTION_NUMBER) throw new DecodeError('option number', 'at most 65535', `${number}`, optionAt);
    if (length > end - at) throw new DecodeError(`option ${number} value`, `${length} bytes`, `${end - at} bytes`, at);
    options.push({ number, value: length === 0 ? NO_BYTES : bytes.subarray(at, at + length) });
    at += length;
  }
  into.options = options;
}

function extensionSize(nibble: number, left: number, field: string, offset: number): number {
  if (nibble === 0x0f) throw new DecodeError(field, '0 to 14', '15', offset);
  const size = nibble - ONE_BYTE_BASE + 1;
  if (left < size) throw new DecodeError(`${field} extended`, `${size} bytes`, `${left} bytes`, offset);
  return size;
}

/** Writes one message. @throws RangeError if a field does not fit */
export function encodeMessage(message: CoapMessage): Uint8Array {
  const { token, payload } = message;
  if (token.length > MAX_TOKEN_LENGTH) throw new RangeError(`a token has at most 8 bytes, not ${token.length}`);
  if ((message.messageId & 0xffff) !== message.messageId)
    throw new RangeError(`message id ${message.messageId} is not 16 bits`);
  const options = sorted(message.options);
  const payloadLength = payload.length === 0 ? 0 : 1 + payload.length;
  const bytes = allocate(HEADER_LENGTH + token.length + optionsLength(options) + payloadLength);
  bytes[0] = (VERSION << 6) | (message.type << 4) | token.length;
  bytes[1] = message.code;
  bytes[2] = message.messageId >> 8;
  bytes[3] = message.messageId;
  copy(token, bytes, HEADER_LENGTH);
  const at = encodeOptions(options, bytes, HEADER_LENGTH + token.length);
  if (payload.length > 0) {
    bytes[at] = PAYLOAD_MARKER;
    copy(payload, bytes, at + 1);
  }
  return bytes;
}

// Beyond 64 bytes an array of its own costs more than all the encoding; views of one slab do not.
const SLAB_BYTES = 4_096;
let slab = new Uint8Array(SLAB_BYTES);
let slabUsed = 0;

function allocate(length: number): Uint8Array {
  if (length > SLAB_BYTES / 8) return new Uint8Array(length);
  if (slabUsed + length > SLAB_BYTES) {
    slab = new Uint8Array(SLAB_BYTES);
    slabUsed = 0;
  }
  slabUsed += length;
  return slab.subarray(slabUsed - length, slabUsed);
}

/** Bytes that `content` takes as a datagram. */
export function encodedLength(content: MessageContent): number {
  const body = content.payload.length === 0 ? 0 : 1 + content.payload.length;
  return HEADER_LENGTH + content.token.length + optionsLength(sorted(content.options)) + body;
}

function sorted(options: readonly CoapOption[]): readonly CoapOption[] {
  for (let i = 1; i < options.length; i++) {
    if (options[i]!.number < options[i - 1]!.number) return options.toSorted((a, b) => a.number - b.number);
  }
  return options;
}

function optionsLength(options: readonly CoapOption[]): number {
  let total = 0;
  let previous = 0;
  for (let i = 0; i < options.length; i++) {
    const { number, value } = options[i]!;
    if (!(number >= 0 && number <= MAX_OPTION_NUMBER)) throw new RangeError(`option number ${number} is not 16 bits`);
    if (value.length > MAX_OPTION_LENGTH)
      throw new RangeError(`option ${number} has ${value.length} bytes, at most 65804 fit`);
    total += 1 + extendedBytes(number - previous) + extendedBytes(value.length) + value.length;
    previous = number;
  }
  return total;
}

function extendedBytes(value: number): number {
  return value < ONE_BYTE_BASE ? 0 : value < TWO_BYTE_BASE ? 1 : 2;
}

function encodeOptions(options: readonly CoapOption[], bytes: Uint8Array, start: number): number {
  let at = start;
  let previous = 0;
  for (let i = 0; i < options.length; i++) {
    const { number, value } = options[i]!;
    const delta = number - previous;
    const { length } = value;
    previous = number;
    bytes[at++] = (nibble(delta) << 4) | nibble(length);
    if (delta >= ONE_BYTE_BASE) at = encodeExtension(delta, bytes, at);
    if (length >= ONE_BYTE_BASE) at = encodeExtension(length, bytes, at);
    copy(value, bytes, at);
    at += length;
  }
  return at;
}

function nibble(value: number): number {
  return value < ONE_BYTE_BASE ? value : value < TWO_BYTE_BASE ? 13 : 14;
}

function encodeExtension(value: number, bytes: Uint8Array, at: number): number {
  if (value < TWO_BYTE_BASE) {
    bytes[at] = value - ONE_BYTE_BASE;
    return at + 1;
  }
  bytes[at] = (value - TWO_BYTE_BASE) >> 8;
  bytes[at + 1] = value - TWO_BYTE_BASE;
  return at + 2;
}

// A loop beats the call into `set` for the few bytes that options and tokens have.
function copy(from: Uint8Array, to: Uint8Array, at: number): void {
  if (from.length > 24) to.set(from, at);
  else for (let i = 0; i < from.length; i++) to[at + i] = from[i]!;
}
