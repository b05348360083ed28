// Block-wise transfer as a server (RFC 7959): request bodies put together, response bodies kept for those who fetch them.

import { concatBytes } from '../bytes/index.ts';
import { type Duration, type Instant, NEVER, later } from '../runtime/index.ts';
import { type Block, blockBytes } from './block-option.ts';
import type { Untokened } from './content.ts';

export interface BlockServerOptions {
  /** Largest request body, in bytes. */
  readonly maxBodyBytes: number;
  /** Bodies being received at once, and bodies kept to be fetched. */
  readonly maxTransfers: number;
  /** Bytes of all bodies kept to be fetched. */
  readonly maxKeptBytes: number;
  /** How long a transfer may pause. */
  readonly lifetime: Duration;
}

interface Assembly {
  readonly parts: Uint8Array[];
  length: number;
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

/** Puts request bodies together, block after block in order (RFC 7959 §2.5). */
export class RequestBodies {
  readonly #assemblies = new Map<string, Assembly>();
  readonly #options: BlockServerOptions;

  constructor(options: BlockServerOptions) {
    this.#options = options;
  }

  /** @param announced Size1, if given */
  add(key: string, block: Block, payload: Uint8Array, announced: number | undefined, now: Instant): Assembled {
    const size = blockBytes(block.sizeExponent);
    if (block.more ? payload.length !== size : payload.length > size) return { kind: 'malformed' };
    const offset = block.num * size;
    const known = this.#assemblies.get(key);
    if (offset > 0 && known?.length !== offset) {
      this.#assemblies.delete(key);
      return { kind: 'incomplete' };
    }
    if (Math.max(announced ?? 0, offset + payload.length) > this.#options.maxBodyBytes) {
      this.#assemblies.delete(key);
      return { kind: 'tooLarge' };
    }
    if (!block.more) {
      this.#assemblies.delete(key);
      return { kind: 'whole', payload: offset === 0 ? payload : concatBytes(...known!.parts, payload) };
    }
    this.#append(key, offset === 0 ? { parts: [], length: 0, expires: now } : known!, payload, now);
    return { kind: 'continue' };
  }

  nextTimeout(): Instant {
    return earliest(this.#assemblies);
  }

  expire(now: Instant): void {
    dropExpired(this.#assemblies, now);
  }

  clear(): void {
    this.#assemblies.clear();
  }

  #append(key: string, assembly: Assembly, payload: Uint8Array, now: Instant): void {
    assembly.parts.push(payload.slice()); // the view would keep its whole datagram alive
    assembly.length += payload.length;
    assembly.expires = later(now, this.#options.lifetime);
    this.#assemblies.delete(key);
    this.#assemblies.set(key, assembly);
    if (this.#assemblies.size > this.#options.maxTransfers) dropOldest(this.#assemblies);
  }
}

interface Kept {
  readonly content: Untokened;
  expires: Instant;
}

/** Keeps response bodies as they were rendered, so that every block is of the same one (RFC 7959 §2.4). */
export class ResponseBodies {
  readonly #kept = new Map<string, Kept>();
  readonly #options: BlockServerOptions;
  #bytes = 0;

  constructor(options: BlockServerOptions) {
    this.#options = options;
  }

  keep(key: string, content: Untokened, now: Instant): void {
    this.drop(key);
    this.#kept.set(key, { content, expires: later(now, this.#options.lifetime) });
    this.#bytes += content.payload.length;
    while (this.#kept.size > this.#options.maxTransfers || this.#bytes > this.#options.maxKeptBytes) {
      const oldest = this.#kept.keys().next();
      if (oldest.done === true) return;
      this.drop(oldest.value);
    }
  }

  find(key: string, now: Instant): Untokened | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined || kept.expires <= now) return undefined;
    kept.expires = later(now, this.#options.lifetime);
    return kept.content;
  }

  drop(key: string): void {
    this.#bytes -= this.#kept.get(key)?.content.payload.length ?? 0;
    this.#kept.delete(key);
  }

  nextTimeout(): Instant {
    return earliest(this.#kept);
  }

  expire(now: Instant): void {
    for (const [key, { expires }] of this.#kept) if (expires <= now) this.drop(key);
  }

  clear(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }
}

function earliest(entries: ReadonlyMap<string, { readonly expires: Instant }>): Instant {
  let next = NEVER;
  for (const { expires } of entries.values()) if (expires < next) next = expires;
  return next;
}

function dropExpired(entries: Map<string, { readonly expires: Instant }>, now: Instant): void {
  for (const [key, { expires }] of entries) if (expires <= now) entries.delete(key);
}

function dropOldest(entries: Map<string, unknown>): void {
  for (const key of entries.keys()) {
    entries.delete(key);
    return;
  }
}
