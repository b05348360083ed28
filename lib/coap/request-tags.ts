// Request-Tag (RFC 9175 §3): keeps the blocks of one request body apart from those of another like it.

import { type CoapOption, NO_OPTIONS } from './message.ts';
import { OPTION, uintOption } from './options.ts';

/** The tag of one transfer. */
export interface RequestTag {
  readonly options: readonly CoapOption[];
  /** The transfer is over. `whole`: the peer had all of it, so none of its blocks can be taken for another's. */
  release(whole: boolean): void;
}

const MOST_TAGS = 0xffffffff;

/**
 * A body that is alone under its key needs no tag. One that begins while another like it is under way, or after another
 * was broken off, gets a tag never used before on this connection (RFC 9175 §3.5.1).
 */
export class RequestTags {
  readonly #active = new Map<string, number>();
  /** Keys of which a transfer was broken off, so that its blocks may still be waiting at the peer. */
  readonly #broken: string[] = [];
  readonly #maxBroken: number;
  #next = 1;

  constructor(maxBroken = 16) {
    this.#maxBroken = maxBroken;
  }

  take(key: string): RequestTag {
    const others = this.#active.get(key) ?? 0;
    this.#active.set(key, others + 1);
    const tagged = others > 0 || this.#broken.includes(key);
    return {
      options: tagged ? [this.#tag()] : NO_OPTIONS,
      release: (whole) => this.#release(key, whole),
    };
  }

  #tag(): CoapOption {
    const tag = this.#next;
    this.#next = tag === MOST_TAGS ? 1 : tag + 1;
    return uintOption(OPTION.requestTag, tag);
  }

  #release(key: string, whole: boolean): void {
    const left = (this.#active.get(key) ?? 1) - 1;
    if (left === 0) this.#active.delete(key);
    else this.#active.set(key, left);
    if (whole || this.#broken.includes(key)) return;
    this.#broken.push(key);
    if (this.#broken.length > this.#maxBroken) this.#broken.shift();
  }
}
