// Response bodies given in blocks (RFC 7959 §2.4): kept as they were rendered, so that every block is of the same one.

import { type Duration, type Instant, NEVER, later } from '../runtime/index.ts';
import { type Block, type Cut, MAX_BLOCK_NUMBER, blockBytes, blockOption } from './block-option.ts';
import { type Untokened, requestKey } from './content.ts';
import { RESPONSE_CODES } from './exchange.ts';
import { NO_BYTES, NO_OPTIONS } from './message.ts';
import { OPTION, uintOption } from './options.ts';

export interface ResponseBodiesOptions {
  /** Bodies kept to be fetched. */
  readonly maxTransfers: number;
  /** Bytes of all bodies kept to be fetched. */
  readonly maxKeptBytes: number;
  /** How long nobody may ask for a block before a body is dropped. */
  readonly lifetime: Duration;
}

interface Kept {
  readonly content: Untokened;
  expires: Instant;
}

export class ResponseBodies {
  readonly #kept = new Map<string, Kept>();
  readonly #options: ResponseBodiesOptions;
  #bytes = 0;

  constructor(options: ResponseBodiesOptions) {
    this.#options = options;
  }

  /**
   * The whole response if it fits one block of ours; otherwise the block asked for, the body being kept for the others.
   * @param cut how it can be cut, no larger than asked for
   * @throws RangeError if the body has too many blocks
   */
  fit(content: Untokened, request: Untokened, asked: Block | undefined, cut: Cut, now: Instant): Untokened {
    const split = content.payload.length > cut.partBytes;
    if (!split) return asked === undefined ? content : slice(content, asked, cut);
    if (content.payload.length / blockBytes(cut.sizeExponent) > MAX_BLOCK_NUMBER)
      throw new RangeError('too many blocks');
    const tagged = withTag(content);
    this.#keep(requestKey(request), tagged, now);
    return slice(tagged, asked ?? { num: 0, more: false, sizeExponent: cut.sizeExponent }, cut);
  }

  /** A block of the body kept for this request, or undefined if none is. */
  next(request: Untokened, asked: Block, cutOf: (kept: Untokened) => Cut, now: Instant): Untokened | undefined {
    const kept = this.#kept.get(requestKey(request));
    if (kept === undefined || kept.expires <= now) return undefined;
    kept.expires = later(now, this.#options.lifetime);
    return slice(kept.content, asked, cutOf(kept.content));
  }

  nextTimeout(): Instant {
    let next = NEVER;
    for (const { expires } of this.#kept.values()) if (expires < next) next = expires;
    return next;
  }

  expire(now: Instant): void {
    for (const [key, { expires }] of this.#kept) if (expires <= now) this.#drop(key);
  }

  clear(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }

  #keep(key: string, content: Untokened, now: Instant): void {
    this.#drop(key);
    this.#kept.set(key, { content, expires: later(now, this.#options.lifetime) });
    this.#bytes += content.payload.length;
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#options.maxTransfers && this.#bytes <= this.#options.maxKeptBytes) return;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    this.#bytes -= this.#kept.get(key)?.content.payload.length ?? 0;
    this.#kept.delete(key);
  }
}

function slice(content: Untokened, asked: Block, { sizeExponent, partBytes }: Cut): Untokened {
  const start = asked.num * blockBytes(asked.sizeExponent);
  const { payload } = content;
  if (start > 0 && start >= payload.length) {
    return { code: RESPONSE_CODES.badRequest, options: NO_OPTIONS, payload: NO_BYTES }; // out of range
  }
  const end = Math.min(start + partBytes, payload.length);
  const block = { num: start / blockBytes(sizeExponent), more: end < payload.length, sizeExponent };
  const first = start === 0;
  const options = content.options.filter(({ number }) => first || !FIRST_ONLY.has(number));
  options.push(blockOption(OPTION.block2, block));
  if (first && block.more) options.push(uintOption(OPTION.size2, payload.length));
  return { code: content.code, options, payload: payload.subarray(start, end) };
}

const FIRST_ONLY: ReadonlySet<number> = new Set([OPTION.observe, OPTION.block1]);

// RFC 7959 §2.4: an ETag lets the client notice blocks of another body. FNV-1a of the body, unless the handler gave one.
function withTag(content: Untokened): Untokened {
  if (content.options.some(({ number }) => number === OPTION.etag)) return content;
  let hash = 0x811c9dc5;
  for (const byte of content.payload) hash = Math.imul(hash ^ byte, 0x01000193);
  const value = new Uint8Array([hash >>> 24, hash >>> 16, hash >>> 8, hash]);
  return { ...content, options: [...content.options, { number: OPTION.etag, value }] };
}
