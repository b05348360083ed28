// Response bodies given in blocks (RFC 7959 §2.4): kept as they were rendered, so that every block is of the same one.
// A body at hand is kept whole; of a stream no more than the block given last.

import { type Duration, type Instant, NEVER, later } from '../runtime/index.ts';
import { type Block, type Cut, MAX_BLOCK_NUMBER, blockBytes, blockOption } from './block-option.ts';
import type { BodySource, Part } from './body-source.ts';
import { CoapError } from './coap-error.ts';
import { type Untokened, requestKey } from './content.ts';
import { METHODS, RESPONSE_CODES } from './exchange.ts';
import { type CoapOption, NO_BYTES, NO_OPTIONS } from './message.ts';
import { OPTION, findOption, uintOption } from './options.ts';
import { tokenKey } from './token-layer.ts';

export interface ResponseBodiesOptions {
  /** Bodies kept to be fetched. */
  readonly maxTransfers: number;
  /** Bytes of all bodies kept to be fetched. */
  readonly maxKeptBytes: number;
  /** How long nobody may ask for a block before a body is dropped. */
  readonly lifetime: Duration;
}

/** A response without its payload, and where that comes from. */
export interface Rendered {
  readonly head: Untokened;
  readonly source: BodySource;
}

interface Kept extends Rendered {
  /** What the request is but for its payload. */
  readonly key: string;
  expires: Instant;
}

const OUT_OF_RANGE: Untokened = { code: RESPONSE_CODES.badRequest, options: NO_OPTIONS, payload: NO_BYTES };
const FAILED: Untokened = { code: RESPONSE_CODES.internalServerError, options: NO_OPTIONS, payload: NO_BYTES };

export class ResponseBodies {
  readonly #kept = new Map<string, Kept>();
  readonly #options: ResponseBodiesOptions;
  #bytes = 0;
  #streams = 0;

  constructor(options: ResponseBodiesOptions) {
    this.#options = options;
  }

  /**
   * The whole response if it fits one message of ours; otherwise the block asked for, the body being kept for the others.
   * @param cut how it can be cut, no larger than asked for
   * @throws RangeError if the body has too many blocks; a promise rejects with what a stream's reading throws
   */
  fit(
    rendered: Rendered,
    request: Untokened,
    asked: Block | undefined,
    cut: Cut,
    now: Instant,
  ): Untokened | Promise<Untokened> {
    const { source } = rendered;
    if ((source.byteLength ?? 0) / blockBytes(cut.sizeExponent) > MAX_BLOCK_NUMBER)
      throw new RangeError('too many blocks');
    const place = (part: Part): Untokened => this.#place(rendered, request, asked, cut, part, now);
    const given = source.part(asked === undefined ? 0 : startOf(asked), cut.partBytes);
    return given instanceof Promise ? given.then(place) : place(given);
  }

  /** A block of the body kept for this request, or undefined if none is. */
  next(
    request: Untokened,
    asked: Block,
    cutOf: (kept: Untokened) => Cut,
    now: Instant,
  ): Untokened | Promise<Untokened> | undefined {
    const kept = this.#find(request);
    if (kept === undefined || kept.expires <= now) return undefined;
    kept.expires = later(now, this.#options.lifetime);
    const cut = cutOf(kept.head);
    const given = kept.source.part(startOf(asked), cut.partBytes);
    if (!(given instanceof Promise)) return block(kept, asked, cut, given);
    return given.then(
      (part) => block(kept, asked, cut, part),
      (error: unknown) => this.#broken(kept, error),
    );
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
    for (const key of this.#kept.keys()) this.#drop(key);
  }

  #place(
    rendered: Rendered,
    request: Untokened,
    asked: Block | undefined,
    cut: Cut,
    part: Part,
    now: Instant,
  ): Untokened {
    const start = asked === undefined ? 0 : startOf(asked);
    if (start === 0 && !part.more) {
      rendered.source.release();
      const wantsSize = findOption(request.options, OPTION.size2) !== undefined;
      const size = wantsSize ? [uintOption(OPTION.size2, part.bytes.length)] : [];
      if (asked === undefined)
        return { ...rendered.head, options: [...rendered.head.options, ...size], payload: part.bytes };
      return block(rendered, asked, cut, part, size);
    }
    const tagged = { source: rendered.source, head: this.#withTag(rendered, part) };
    this.#keep(tagged, request, now);
    return block(tagged, asked ?? { num: 0, more: false, sizeExponent: cut.sizeExponent }, cut, part);
  }

  // What a stream's reader threw says nothing to the peer; a place that was passed is out of range (RFC 7959 §2.4).
  #broken(kept: Kept, error: unknown): Untokened {
    if (error instanceof CoapError && error.code === 'ENOBUFS') return OUT_OF_RANGE;
    for (const [key, other] of this.#kept) if (other === kept) this.#drop(key);
    return FAILED;
  }

  // RFC 7959 §2.4: an ETag lets the client notice blocks of another body. FNV-1a of the body, unless the handler gave one;
  // of a stream, whose body is not known yet, the number of its opening and of its first part.
  #withTag({ head, source }: Rendered, part: Part): Untokened {
    if (head.options.some(({ number }) => number === OPTION.etag)) return head;
    const whole = source.heldBytes > 0 ? source.part(0, source.heldBytes) : part;
    const bytes = whole instanceof Promise ? part.bytes : whole.bytes;
    const hash = fnv1a(bytes, source.heldBytes > 0 ? 0 : ++this.#streams);
    const value = new Uint8Array([hash >>> 24, hash >>> 16, hash >>> 8, hash]);
    return { ...head, options: [...head.options, { number: OPTION.etag, value }] };
  }

  #find(request: Untokened): Kept | undefined {
    const exact = this.#kept.get(bodyKey(request));
    if (exact !== undefined || request.payload.length > 0) return exact;
    // FETCH without its payload: the one asked last is meant, as with a payload that came in blocks.
    const key = requestKey(request);
    let newest: Kept | undefined;
    for (const kept of this.#kept.values()) if (kept.key === key) newest = kept;
    return newest;
  }

  #keep(rendered: Rendered, request: Untokened, now: Instant): void {
    const key = bodyKey(request);
    this.#drop(key);
    const expires = later(now, this.#options.lifetime);
    this.#kept.set(key, { ...rendered, key: requestKey(request), expires });
    this.#bytes += rendered.source.heldBytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#options.maxTransfers && this.#bytes <= this.#options.maxKeptBytes) return;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    this.#kept.delete(key);
    this.#bytes -= kept.source.heldBytes;
    kept.source.release();
  }
}

/** The payload of FETCH is part of its cache key (RFC 8132 §2.1), unless it came in blocks. */
function bodyKey(request: Untokened): string {
  const key = requestKey(request);
  const inBlocks = request.options.some(({ number }) => number === OPTION.block1);
  return request.code !== METHODS.FETCH || inBlocks ? key : `${key}|${tokenKey(request.payload)}`;
}

function startOf(asked: Block): number {
  return asked.num * blockBytes(asked.sizeExponent);
}

const FIRST_ONLY: ReadonlySet<number> = new Set([OPTION.observe, OPTION.block1]);

function block(
  { head, source }: Rendered,
  asked: Block,
  { sizeExponent }: Cut,
  { bytes, more }: Part,
  further: readonly CoapOption[] = NO_OPTIONS,
): Untokened {
  const start = startOf(asked);
  const first = start === 0;
  if (!first && bytes.length === 0) return OUT_OF_RANGE;
  const options = head.options.filter(({ number }) => first || !FIRST_ONLY.has(number));
  options.push(blockOption(OPTION.block2, { num: start / blockBytes(sizeExponent), more, sizeExponent }), ...further);
  const known = source.byteLength !== undefined && source.byteLength <= 0xffffffff;
  if (first && more && known) options.push(uintOption(OPTION.size2, source.byteLength));
  return { code: head.code, options, payload: bytes };
}

function fnv1a(bytes: Uint8Array, salt: number): number {
  let hash = 0x811c9dc5 ^ salt;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}
