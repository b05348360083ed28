// Block-wise transfer as a client (RFC 7959): a large request body goes out by Block1, a large response comes by Block2.

import { Writer } from '../bytes/index.ts';
import {
  type Block,
  type Cut,
  LARGEST_EXPONENT,
  blockBytes,
  blockNumber,
  blockOption,
  findBlock,
} from './block-option.ts';
import { type BlockClientContext, type Opened, ourCut } from './block-context.ts';
import { BlockReader } from './block-reader.ts';
import type { BodySource, Part } from './body-source.ts';
import { CoapError, peerFault } from './coap-error.ts';
import { type Untokened, requestKey } from './content.ts';
import { METHODS, RESPONSE_CODES } from './exchange.ts';
import { type CoapOption, NO_BYTES } from './message.ts';
import { OPTION, uintOption } from './options.ts';

const MAX_RESTARTS = 1; // ours: how often a body is begun anew that changed while it was fetched, or was lost half way

/** Sends the request, in blocks if it must be, and gives the whole response. @throws CoapError EPROTO, EMSGSIZE */
export async function transfer(
  request: Untokened,
  source: BodySource,
  context: BlockClientContext,
): Promise<Untokened> {
  for (let restarts = 0; ; restarts++) {
    const opened = await open(request, source, context);
    const whole = await completeResponse(opened, context);
    if (whole !== undefined) return whole;
    const safe = request.code === METHODS.GET || request.code === METHODS.FETCH;
    if (!safe || restarts === MAX_RESTARTS)
      throw new CoapError('EPROTO', 'the body changes while it is fetched (ETag)');
  }
}

/** Adds Block2 to a request whose answer could not come in one of our datagrams (early negotiation, RFC 7959 §2.4). */
export function negotiateEarly(request: Untokened, context: BlockClientContext): Untokened {
  const { sizeExponent } = ourCut(request, context);
  const safe = request.code === METHODS.GET || request.code === METHODS.FETCH;
  if (sizeExponent >= LARGEST_EXPONENT || !safe) return request;
  return withOptions(request, [blockOption(OPTION.block2, { num: 0, more: false, sizeExponent })]);
}

/** Sends the request with its whole body. */
export async function open(request: Untokened, source: BodySource, context: BlockClientContext): Promise<Opened> {
  const cut = ourCut(request, context);
  const given = source.part(0, cut.partBytes);
  const part = given instanceof Promise ? await given : given;
  if (part.more) return sendTagged(request, source, context, cut);
  const whole = { ...request, payload: part.bytes };
  const first = await context.exchange(negotiateEarly(whole, context));
  const hint = tooLargeHint(first, context);
  if (hint === undefined || blockBytes(hint) >= part.bytes.length) return { request: whole, first };
  return sendTagged(request, source, context, ourCut(request, context, hint));
}

async function sendTagged(
  request: Untokened,
  source: BodySource,
  context: BlockClientContext,
  cut: Cut,
): Promise<Opened> {
  const key = requestKey(request);
  for (let restarts = 0; ; restarts++) {
    const tag = context.tags.take(key);
    let first: Untokened | undefined;
    try {
      const tagged = withOptions({ ...request, payload: NO_BYTES }, tag.options);
      first = await sendBlocks(tagged, source, context, cut);
      if (first.code !== RESPONSE_CODES.requestEntityIncomplete || restarts === MAX_RESTARTS || !source.rewinds)
        return { request: tagged, first };
    } finally {
      tag.release(first !== undefined && first.code < 0x80);
    }
  }
}

// One block after the other, each as large as both sides allow; the answer to the last one is the response.
async function sendBlocks(
  request: Untokened,
  source: BodySource,
  context: BlockClientContext,
  first: Cut,
): Promise<Untokened> {
  let cut = first;
  let offset = 0;
  for (;;) {
    const given = source.part(offset, cut.partBytes);
    const part = given instanceof Promise ? await given : given; // bytes at hand leave in the order of the calls
    const block: Block = {
      num: blockNumber(offset, cut.sizeExponent),
      more: part.more,
      sizeExponent: cut.sizeExponent,
    };
    const response = await context.exchange(blockRequest(request, block, part, source.byteLength));
    const hint = tooLargeHint(response, context);
    if (hint !== undefined && hint < cut.sizeExponent && (offset === 0 || source.rewinds)) {
      cut = ourCut(request, context, hint); // RFC 7959 §2.9.3: a 4.13 may hint at a smaller size
      offset = 0;
      continue;
    }
    const answered = findBlock(response.options, OPTION.block1, context.room.maxSizeExponent());
    if (!goesOn(response, block, answered)) return response;
    offset += part.bytes.length;
    if (answered.sizeExponent < cut.sizeExponent) cut = ourCut(request, context, answered.sizeExponent); // §2.3
  }
}

function blockRequest(request: Untokened, block: Block, part: Part, bodyBytes: number | undefined): Untokened {
  const options = [blockOption(OPTION.block1, block)];
  if (block.num === 0 && bodyBytes !== undefined && bodyBytes <= 0xffffffff)
    options.push(uintOption(OPTION.size1, bodyBytes));
  return { ...withOptions(request, options), payload: part.bytes };
}

// 2.31, or a success for this block alone from a server that takes each by itself (RFC 7959 §2.3, Figure 9).
function goesOn(response: Untokened, block: Block, answered: Block | undefined): answered is Block {
  if (response.code === RESPONSE_CODES.continue) {
    if (!block.more || answered?.num !== block.num)
      throw new CoapError('EPROTO', 'a 2.31 that continues nothing (Block1)');
    return true;
  }
  return response.code < 0x80 && block.more && answered?.num === block.num && !answered.more;
}

function tooLargeHint(response: Untokened, context: BlockClientContext): number | undefined {
  if (response.code !== RESPONSE_CODES.requestEntityTooLarge) return undefined;
  return findBlock(response.options, OPTION.block1, context.room.maxSizeExponent())?.sizeExponent;
}

/**
 * Fetches what the first block of a response leaves open.
 * @returns undefined if the body changed meanwhile (another ETag)
 * @throws CoapError EPROTO, EMSGSIZE
 */
export async function completeResponse(opened: Opened, context: BlockClientContext): Promise<Untokened | undefined> {
  const reader = BlockReader.of(opened, context);
  if (reader === undefined) return opened.first;
  const body = new Writer(4 * opened.first.payload.length);
  for (;;) {
    body.bytes(reader.part);
    if (Math.max(reader.announcedBytes ?? 0, body.length) > context.maxBodyBytes) {
      const found = Math.max(reader.announcedBytes ?? 0, body.length);
      throw new CoapError(
        'EMSGSIZE',
        `a response body of ${found} bytes, at most ${context.maxBodyBytes} are accepted`,
      );
    }
    if (!reader.more) return { ...reader.head, payload: body.finish() };
    const step = await reader.next();
    if (step === 'changed') return undefined;
    if (step !== 'part') return step;
  }
}

/** Gives the body of a response as it is fetched. @throws CoapError EPROTO if it changes meanwhile, or ends in another response */
export async function* streamBody(opened: Opened, context: BlockClientContext): AsyncGenerator<Uint8Array, void, void> {
  try {
    const reader = BlockReader.of(opened, context);
    let part = reader?.part ?? opened.first.payload;
    for (;;) {
      if (part.length > 0) yield part;
      if (reader?.more !== true) return;
      const step = await reader.next();
      if (step === 'changed') throw new CoapError('EPROTO', 'the body changes while it is fetched (ETag)');
      if (step !== 'part') throw new CoapError('EPROTO', 'the response breaks off in another one (Block2)');
      part = reader.part;
    }
  } catch (error) {
    throw peerFault(error);
  }
}

function withOptions(request: Untokened, further: readonly CoapOption[]): Untokened {
  return further.length === 0 ? request : { ...request, options: [...request.options, ...further] };
}
