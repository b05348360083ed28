// Request bodies that come in blocks (RFC 7959 §2.5): put together in order, bounded in size, number and time.

import { Writer } from '../bytes/index.ts';
import { type Duration, type Instant, NEVER, later } from '../runtime/index.ts';
import { type Block, blockBytes, hasBlockLength } from './block-option.ts';

export interface RequestBodiesOptions {
  /** Largest request body, in bytes. */
  readonly maxBodyBytes: number;
  /** Bodies being received at once; the one that paused longest gives way. */
  readonly maxTransfers: number;
  /** How long a transfer may pause. */
  readonly lifetime: Duration;
}

interface Assembly {
  readonly body: Writer;
  expires: Instant;
}

/** What became of a block of a request. */
export type Assembled =
  | { readonly kind: 'whole'; readonly payload: Uint8Array }
  | { readonly kind: 'continue' }
  /** 4.08: there is a gap, or the beginning is unknown. */
  | { readonly kind: 'incomplete' }
  /** 4.13: the body exceeds the limit. */
  | { readonly kind: 'tooLarge' }
  /** 4.00: the block has another length than it says. */
  | { readonly kind: 'malformed' };

/** Bodies under way, by what makes their requests the same. */
export class RequestBodies {
  readonly #assemblies = new Map<string, Assembly>();
  readonly #options: RequestBodiesOptions;

  constructor(options: RequestBodiesOptions) {
    this.#options = options;
  }

  /** @param announced Size1, if given */
  add(key: string, block: Block, payload: Uint8Array, announced: number | undefined, now: Instant): Assembled {
    const size = blockBytes(block.sizeExponent);
    if (!hasBlockLength(block, payload.length)) return { kind: 'malformed' };
    const offset = block.num * size;
    const known = this.#assemblies.get(key);
    if (offset > 0 && known?.body.length !== offset) {
      this.#assemblies.delete(key);
      return { kind: 'incomplete' };
    }
    if (Math.max(announced ?? 0, offset + payload.length) > this.#options.maxBodyBytes) {
      this.#assemblies.delete(key);
      return { kind: 'tooLarge' };
    }
    if (!block.more) {
      this.#assemblies.delete(key);
      return {
        kind: 'whole',
        payload: known === undefined || offset === 0 ? payload : known.body.bytes(payload).finish(),
      };
    }
    const fresh = known === undefined || offset === 0;
    this.#append(key, fresh ? { body: new Writer(4 * size), expires: now } : known, payload, now);
    return { kind: 'continue' };
  }

  nextTimeout(): Instant {
    let next = NEVER;
    for (const { expires } of this.#assemblies.values()) if (expires < next) next = expires;
    return next;
  }

  expire(now: Instant): void {
    for (const [key, { expires }] of this.#assemblies) if (expires <= now) this.#assemblies.delete(key);
  }

  clear(): void {
    this.#assemblies.clear();
  }

  #append(key: string, assembly: Assembly, payload: Uint8Array, now: Instant): void {
    assembly.body.bytes(payload);
    assembly.expires = later(now, this.#options.lifetime);
    this.#assemblies.delete(key);
    this.#assemblies.set(key, assembly);
    for (const oldest of this.#assemblies.keys()) {
      if (this.#assemblies.size <= this.#options.maxTransfers) return;
      this.#assemblies.delete(oldest);
    }
  }
}
