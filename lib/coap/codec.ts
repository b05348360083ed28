// Messages to bytes and back (RFC 7252 §3). Written flat: it runs once per datagram, each way.

import { DecodeError } from '../bytes/index.ts';
import { allocate, bodyLength, copyInto, decodeBody, encodeBody, sortedOptions } from './body-codec.ts';
import { type CoapMessage, type MessageContent, type MessageType, NO_BYTES, NO_OPTIONS } from './message.ts';

const VERSION = 1;
const HEADER_LENGTH = 4;
export const MAX_TOKEN_LENGTH = 8; // RFC 7252 §3: 9 to 15 are a message format error

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
  if (at < end) decodeBody(bytes, at, message);
  return message;
}

/** Writes one message. @throws RangeError if a field does not fit */
export function encodeMessage(message: CoapMessage): Uint8Array {
  const { token, payload } = message;
  if (token.length > MAX_TOKEN_LENGTH) throw new RangeError(`a token has at most 8 bytes, not ${token.length}`);
  if ((message.messageId & 0xffff) !== message.messageId)
    throw new RangeError(`message id ${message.messageId} is not 16 bits`);
  const options = sortedOptions(message.options);
  const bytes = allocate(HEADER_LENGTH + token.length + bodyLength(options, payload));
  bytes[0] = (VERSION << 6) | (message.type << 4) | token.length;
  bytes[1] = message.code;
  bytes[2] = message.messageId >> 8;
  bytes[3] = message.messageId;
  copyInto(token, bytes, HEADER_LENGTH);
  encodeBody(options, payload, bytes, HEADER_LENGTH + token.length);
  return bytes;
}

/** Bytes that `content` takes as a datagram. */
export function encodedLength({ token, options, payload }: MessageContent): number {
  return HEADER_LENGTH + token.length + bodyLength(sortedOptions(options), payload);
}
