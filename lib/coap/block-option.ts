// The value of Block1 and Block2 (RFC 7959 §2.2), and the choice of a block size.

import { DecodeError } from '../bytes/index.ts';
import { type CoapOption, type MessageContent, NO_BYTES } from './message.ts';
import { encodedLength } from './codec.ts';
import { OPTION, decodeUint, findOption, optionName, uintOption } from './options.ts';

export interface Block {
  /** Position of the block in the body, in blocks of this size; 20 bits. */
  readonly num: number;
  /** Whether more blocks follow (in a request for a block: always false). */
  readonly more: boolean;
  /** SZX: the block has 2^(SZX+4) bytes, 0 to 6. */
  readonly sizeExponent: number;
}

export const MAX_BLOCK_NUMBER = 0xfffff;
const LARGEST_EXPONENT = 6; // 1024 bytes; 7 is reserved (over UDP)

/** Bytes in a block of that SZX: 16 to 1024. */
export function blockBytes(sizeExponent: number): number {
  return 16 << sizeExponent;
}

/** The block option of that number (Block1 or Block2), if present. @throws DecodeError naming it, for the reserved SZX 7 */
export function findBlock(options: readonly CoapOption[], number: number): Block | undefined {
  const value = findOption(options, number);
  if (value === undefined) return undefined;
  const bits = decodeUint(value, optionName(number));
  const sizeExponent = bits & 0x07;
  if (sizeExponent > LARGEST_EXPONENT) throw new DecodeError(`${optionName(number)} SZX`, '0 to 6', '7');
  return { num: bits >>> 4, more: (bits & 0x08) !== 0, sizeExponent };
}

/** @throws RangeError if the block's number has more than 20 bits */
export function blockOption(number: number, block: Block): CoapOption {
  if (block.num > MAX_BLOCK_NUMBER)
    throw new RangeError(`${optionName(number)} NUM: expected 20 bits, found ${block.num}`);
  return uintOption(number, block.num * 16 + (block.more ? 8 : 0) + block.sizeExponent);
}

/** Largest SZX whose block fits beside `overhead` bytes; 0 if none does. */
export function fittingExponent(maxMessageBytes: number, overhead: number): number {
  let exponent = LARGEST_EXPONENT;
  while (exponent > 0 && blockBytes(exponent) + overhead > maxMessageBytes) exponent--;
  return exponent;
}

const TOKEN_AND_BLOCK_BYTES = 8 + 1 + 6 + 8; // token, payload marker, a block option, a size option

/** Bytes a message needs around its payload once it is split, at least `reserve`. */
export function splitOverhead(content: Omit<MessageContent, 'token'>, reserve: number): number {
  const options = content.options.filter(({ number }) => number !== OPTION.block1 && number !== OPTION.block2);
  const bare = encodedLength({ code: content.code, options, token: NO_BYTES, payload: NO_BYTES });
  return Math.max(reserve, bare + TOKEN_AND_BLOCK_BYTES);
}
