// The blocks of one response, asked for one after the other (RFC 7959 §2.4).

import { equalBytes } from '../bytes/index.ts';
import { type BlockClientContext, type Opened, ourCut } from './block-context.ts';
import { type Block, blockBytes, blockNumber, blockOption, findBlock, hasBlockLength } from './block-option.ts';
import { CoapError } from './coap-error.ts';
import type { Untokened } from './content.ts';
import { METHODS } from './exchange.ts';
import { NO_BYTES } from './message.ts';
import { OPTION, findOption, findUint } from './options.ts';

export class BlockReader {
  readonly #context: BlockClientContext;
  readonly #opened: Opened;
  #block: Block;
  #part: Uint8Array;
  #offset = 0;

  /** Undefined if the response is no block of a larger one. @throws CoapError EPROTO if it begins in the middle, or lies */
  static of(opened: Opened, context: BlockClientContext): BlockReader | undefined {
    const block = findBlock(opened.first.options, OPTION.block2, context.room.maxSizeExponent());
    return block === undefined ? undefined : new BlockReader(opened, block, context);
  }

  private constructor(opened: Opened, block: Block, context: BlockClientContext) {
    check(block, opened.first, 0);
    this.#opened = opened;
    this.#block = block;
    this.#part = opened.first.payload;
    this.#context = context;
  }

  /** The newest block's bytes: a view of its datagram. */
  get part(): Uint8Array {
    return this.#part;
  }

  get more(): boolean {
    return this.#block.more;
  }

  /** Length of the whole body, as the peer says. */
  get announcedBytes(): number | undefined {
    return findUint(this.#opened.first.options, OPTION.size2);
  }

  /** The response as if it were whole, but for its payload. */
  get head(): Untokened {
    const { code, options } = this.#opened.first;
    const shown = options.filter(({ number }) => number !== OPTION.block2 && number !== OPTION.size2);
    return { code, options: shown, payload: NO_BYTES };
  }

  /**
   * Goes on to the next block. `changed`: it is one of another body. A response: it came in place of the block.
   * @throws CoapError EPROTO
   */
  async next(): Promise<'part' | 'changed' | Untokened> {
    const { first } = this.#opened;
    const offset = this.#offset + this.#part.length;
    const asked = this.#ask(offset);
    const next = await this.#context.exchange(followUp(this.#opened.request, asked));
    if (next.code !== first.code) return next;
    const found = findBlock(next.options, OPTION.block2, this.#context.room.maxSizeExponent());
    if (found === undefined) throw new CoapError('EPROTO', 'Block2: expected in the answer to a block, found none');
    if (!sameTag(first, next)) return 'changed';
    if (found.sizeExponent > asked.sizeExponent)
      throw new CoapError('EPROTO', `Block2: expected SZX ${asked.sizeExponent} at most, found ${found.sizeExponent}`);
    check(found, next, offset);
    this.#offset = offset;
    this.#block = found;
    this.#part = next.payload;
    return 'part';
  }

  #ask(offset: number): Block {
    const { sizeExponent } = ourCut(this.#opened.request, this.#context, this.#block.sizeExponent);
    return { num: blockNumber(offset, sizeExponent), more: false, sizeExponent };
  }
}

function check(block: Block, content: Untokened, offset: number): void {
  const at = block.num * blockBytes(block.sizeExponent);
  if (at !== offset) throw new CoapError('EPROTO', `Block2: expected the block at byte ${offset}, found that at ${at}`);
  const { length } = content.payload;
  if (!hasBlockLength(block, length))
    throw new CoapError('EPROTO', `Block2: a block of ${blockBytes(block.sizeExponent)} bytes carries ${length}`);
}

const NOT_REPEATED: ReadonlySet<number> = new Set([OPTION.block1, OPTION.block2, OPTION.size1, OPTION.observe]);

// FETCH keeps its payload, without which it would be another request (RFC 8132 §2.1); a long one is known to the peer.
function followUp(request: Untokened, asked: Block): Untokened {
  const options = request.options.filter(({ number }) => !NOT_REPEATED.has(number));
  const payload = request.code === METHODS.FETCH ? request.payload : NO_BYTES;
  return { code: request.code, options: [...options, blockOption(OPTION.block2, asked)], payload };
}

function sameTag(a: Untokened, b: Untokened): boolean {
  const [tagA, tagB] = [findOption(a.options, OPTION.etag), findOption(b.options, OPTION.etag)];
  return tagA === undefined || tagB === undefined ? tagA === tagB : equalBytes(tagA, tagB);
}
