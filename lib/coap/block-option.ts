// The value of Block1 and Block2 (RFC 7959 §2.2, BERT: RFC 8323 §6), and the choice of a block size.

import { DecodeError } from '../bytes/index.ts';
import { type CoapOption, type MessageContent, NO_BYTES } from './message.ts';
import { CoapError } from './coap-error.ts';
import { encodedLength } from './codec.ts';
import { OPTION, decodeUint, findOption, optionName, uintOption } from './options.ts';

export interface Block {
  /** Position of the block in the body, in blocks of this size; 20 bits. */
  readonly num: number;
  /** Whether more blocks follow (in a request for a block: always false). */
  readonly more: boolean;
  /** SZX: the block has 2^(SZX+4) bytes, 0 to 6; 7 is BERT: a message carries several blocks of 1,024 bytes. */
  readonly sizeExponent: number;
}

export const MAX_BLOCK_NUMBER = 0xfffff;
/** SZX of the largest block of its own, 1,024 bytes. */
export const LARGEST_EXPONENT = 6;
/** SZX of several such blocks in one message (RFC 8323 §6); reserved over UDP. */
export const BERT_EXPONENT = 7;

/** Bytes in a block of that SZX, which NUM counts: 16 to 1024. */
export function blockBytes(sizeExponent: number): number {
  return 16 << Math.min(sizeExponent, LARGEST_EXPONENT);
}

/** Whether a block's payload has a length that it may have. */
export function hasBlockLength({ more, sizeExponent }: Block, length: number): boolean {
  const size = blockBytes(sizeExponent);
  if (sizeExponent < BERT_EXPONENT) return more ? length === size : length <= size;
  return !more || (length > 0 && length % size === 0);
}

/**
 * The block option of that number (Block1 or Block2), if present.
 * @param largest the largest SZX that may be: 6, or 7 where BERT is understood
 * @throws DecodeError naming it, for an SZX beyond `largest`
 */
export function findBlock(
  options: readonly CoapOption[],
  number: number,
  largest: number = LARGEST_EXPONENT,
): Block | undefined {
  const value = findOption(options, number);
  if (value === undefined) return undefined;
  const bits = decodeUint(value, optionName(number));
  const sizeExponent = bits & 0x07;
  if (sizeExponent > largest) throw new DecodeError(`${optionName(number)} SZX`, `0 to ${largest}`, `${sizeExponent}`);
  return { num: bits >>> 4, more: (bits & 0x08) !== 0, sizeExponent };
}

/** @throws RangeError if the block's number has more than 20 bits */
export function blockOption(number: number, block: Block): CoapOption {
  if (block.num > MAX_BLOCK_NUMBER)
    throw new RangeError(`${optionName(number)} NUM: expected 20 bits, found ${block.num}`);
  return uintOption(number, block.num * 16 + (block.more ? 8 : 0) + block.sizeExponent);
}

/** The number of the block that begins at `offset`. @throws CoapError EMSGSIZE beyond 20 bits: the body is too long for its blocks */
export function blockNumber(offset: number, sizeExponent: number): number {
  const num = offset / blockBytes(sizeExponent);
  if (num > MAX_BLOCK_NUMBER)
    throw new CoapError(
      'EMSGSIZE',
      `a body beyond ${MAX_BLOCK_NUMBER + 1} blocks of ${blockBytes(sizeExponent)} bytes`,
    );
  return num;
}

/** Largest SZX, up to `largest`, whose block fits beside `overhead` bytes; 0 if none does. */
export function fittingExponent(maxMessageBytes: number, overhead: number, largest: number = LARGEST_EXPONENT): number {
  let exponent = largest;
  while (exponent > 0 && blockBytes(exponent) + overhead > maxMessageBytes) exponent--;
  return exponent;
}

/** What a carrier lets a message carry. */
export interface MessageRoom {
  maxMessageBytes(): number;
  maxSizeExponent(): number;
}

/** How a body is cut: the SZX, and the bytes that one message carries of it (with BERT several blocks). */
export interface Cut {
  readonly sizeExponent: number;
  readonly partBytes: number;
}

/** The largest cut that leaves whole, no larger than `limit` (SZX) says. */
export function fittingCut(room: MessageRoom, overhead: number, limit: number = BERT_EXPONENT): Cut {
  const maxMessageBytes = room.maxMessageBytes();
  const sizeExponent = fittingExponent(maxMessageBytes, overhead, Math.min(limit, room.maxSizeExponent()));
  const size = blockBytes(sizeExponent);
  if (sizeExponent < BERT_EXPONENT) return { sizeExponent, partBytes: size };
  return { sizeExponent, partBytes: Math.floor((maxMessageBytes - overhead) / size) * size };
}

const TOKEN_AND_BLOCK_BYTES = 8 + 1 + 6 + 8; // token, payload marker, a block option, a size option

/** Bytes a message needs around its payload once it is split, at least `reserve`. */
export function splitOverhead(content: Omit<MessageContent, 'token'>, reserve: number): number {
  const options = content.options.filter(({ number }) => number !== OPTION.block1 && number !== OPTION.block2);
  const bare = encodedLength({ code: content.code, options, token: NO_BYTES, payload: NO_BYTES });
  return Math.max(reserve, bare + TOKEN_AND_BLOCK_BYTES);
}
