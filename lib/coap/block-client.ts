// Block-wise transfer as a client (RFC 7959): a large request body goes out by Block1, a large response comes by Block2.

import { Writer, equalBytes } from '../bytes/index.ts';
import {
  type Block,
  type Cut,
  LARGEST_EXPONENT,
  type MessageRoom,
  blockBytes,
  blockOption,
  findBlock,
  fittingCut,
  hasBlockLength,
  splitOverhead,
} from './block-option.ts';
import { CoapError } from './coap-error.ts';
import type { Untokened } from './content.ts';
import { METHODS, RESPONSE_CODES } from './exchange.ts';
import { NO_BYTES } from './message.ts';
import { OPTION, findOption, findUint, uintOption } from './options.ts';

/** What a transfer needs: single exchanges, and its limits. */
export interface BlockClientContext {
  exchange(content: Untokened): Promise<Untokened>;
  readonly room: MessageRoom;
  /** Bytes to keep free for options, at least. */
  readonly optionReserve: number;
  /** Largest body that is accepted, in bytes. */
  readonly maxBodyBytes: number;
}

const MAX_RESTARTS = 3; // ours: how often a body that changes while it is fetched is fetched anew

/** Sends the request, in blocks if it must be, and gives the whole response. @throws CoapError EPROTO, EMSGSIZE */
export async function transfer(request: Untokened, context: BlockClientContext): Promise<Untokened> {
  for (let restarts = 0; ; restarts++) {
    const whole = await completeResponse(request, await sendBody(request, context), context);
    if (whole !== undefined) return whole;
    const safe = request.code === METHODS.GET || request.code === METHODS.FETCH;
    if (!safe || restarts === MAX_RESTARTS)
      throw new CoapError('EPROTO', 'the body changes while it is fetched (ETag)');
  }
}

/** Adds Block2 to a request whose answer could not come in one of our datagrams (early negotiation, RFC 7959 §2.4). */
export function negotiateEarly(request: Untokened, context: BlockClientContext): Untokened {
  const { sizeExponent } = ourCut(request, context);
  if (sizeExponent >= LARGEST_EXPONENT || request.code !== METHODS.GET) return request;
  return withOptions(request, [blockOption(OPTION.block2, { num: 0, more: false, sizeExponent })]);
}

/** How a message with these options may carry a part of its body, in blocks no larger than `limit`. */
export function ourCut(content: Untokened, context: BlockClientContext, limit?: number): Cut {
  return fittingCut(context.room, splitOverhead(content, context.optionReserve), limit);
}

async function sendBody(request: Untokened, context: BlockClientContext): Promise<Untokened> {
  const { payload } = request;
  let cut = ourCut(request, context);
  if (payload.length <= cut.partBytes) return context.exchange(negotiateEarly(request, context));
  let offset = 0;
  for (;;) {
    const { sizeExponent } = cut;
    const end = Math.min(offset + cut.partBytes, payload.length);
    const block: Block = { num: offset / blockBytes(sizeExponent), more: end < payload.length, sizeExponent };
    const options = [blockOption(OPTION.block1, block)];
    if (offset === 0) options.push(uintOption(OPTION.size1, payload.length));
    const response = await context.exchange({
      ...withOptions(request, options),
      payload: payload.subarray(offset, end),
    });
    const answered = findBlock(response.options, OPTION.block1, context.room.maxSizeExponent());
    const smaller = answered !== undefined && answered.sizeExponent < sizeExponent;
    if (response.code === RESPONSE_CODES.requestEntityTooLarge && offset === 0 && smaller) {
      cut = ourCut(request, context, answered.sizeExponent); // RFC 7959 §2.9.3: a 4.13 may hint at a smaller size
      continue;
    }
    if (response.code !== RESPONSE_CODES.continue) return response;
    if (!block.more || answered?.num !== block.num)
      throw new CoapError('EPROTO', 'a 2.31 that continues nothing (Block1)');
    offset = end;
    if (smaller) cut = ourCut(request, context, answered.sizeExponent); // RFC 7959 §2.3: from the next block on
  }
}

/**
 * Fetches what the first block of a response leaves open.
 * @returns undefined if the body changed meanwhile (another ETag)
 * @throws CoapError EPROTO, EMSGSIZE
 */
export async function completeResponse(
  request: Untokened,
  first: Untokened,
  context: BlockClientContext,
): Promise<Untokened | undefined> {
  const largest = context.room.maxSizeExponent();
  const start = findBlock(first.options, OPTION.block2, largest);
  if (start === undefined) return first;
  checkBlock(start, first, 0, context.maxBodyBytes);
  const body = new Writer(4 * blockBytes(start.sizeExponent)).bytes(first.payload);
  let block = start;
  while (block.more) {
    const { sizeExponent } = ourCut(request, context, block.sizeExponent);
    const ask = blockOption(OPTION.block2, { num: body.length / blockBytes(sizeExponent), more: false, sizeExponent });
    const next = await context.exchange({ code: request.code, options: followUp(request, ask), payload: NO_BYTES });
    if (next.code !== first.code) return next;
    const found = findBlock(next.options, OPTION.block2, largest);
    if (found === undefined) throw new CoapError('EPROTO', 'Block2: expected in the answer to a block, found none');
    if (!sameTag(first, next)) return undefined;
    checkBlock(found, next, body.length, context.maxBodyBytes);
    body.bytes(next.payload);
    block = found;
  }
  const options = first.options.filter(({ number }) => number !== OPTION.block2 && number !== OPTION.size2);
  return { code: first.code, options, payload: body.finish() };
}

function checkBlock(block: Block, content: Untokened, offset: number, maxBodyBytes: number): void {
  const size = blockBytes(block.sizeExponent);
  const { length } = content.payload;
  if (block.num * size !== offset) {
    throw new CoapError('EPROTO', `Block2: expected the block at byte ${offset}, found that at ${block.num * size}`);
  }
  if (!hasBlockLength(block, length)) {
    throw new CoapError('EPROTO', `Block2: a block of ${size} bytes carries ${length}`);
  }
  const announced = Math.max(findUint(content.options, OPTION.size2) ?? 0, offset + length);
  if (announced > maxBodyBytes) {
    throw new CoapError('EMSGSIZE', `a response body of ${announced} bytes, at most ${maxBodyBytes} are accepted`);
  }
}

const NOT_REPEATED: ReadonlySet<number> = new Set([OPTION.block1, OPTION.block2, OPTION.size1, OPTION.observe]);

function followUp(request: Untokened, block: ReturnType<typeof blockOption>): Untokened['options'] {
  return [...request.options.filter(({ number }) => !NOT_REPEATED.has(number)), block];
}

function withOptions(request: Untokened, further: Untokened['options']): Untokened {
  return { ...request, options: [...request.options, ...further] };
}

function sameTag(a: Untokened, b: Untokened): boolean {
  const [tagA, tagB] = [findOption(a.options, OPTION.etag), findOption(b.options, OPTION.etag)];
  return tagA === undefined || tagB === undefined ? tagA === tagB : equalBytes(tagA, tagB);
}
