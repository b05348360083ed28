// Echo as a server (RFC 9175 §2): a request that matters is answered 4.01 with a value, until it comes with that value.

import { equalBytes } from '../bytes/index.ts';
import { type Duration, type Instant, type RandomSource, later, seconds } from '../runtime/index.ts';
import type { RequestHead } from './exchange.ts';
import type { CoapOption } from './message.ts';
import { OPTION, findOption } from './options.ts';

/** Which requests must be fresh, and how fresh. */
export interface FreshnessOptions {
  /** True for a request that must not be an old one kept back on its way, such as one that opens a door. */
  readonly demanded: (request: RequestHead) => boolean;
  /** How old the value that a request brings back may be. Default 30 s (ours: beyond a slow link's round trip). */
  readonly within?: Duration | undefined;
}

interface Issued {
  readonly value: Uint8Array;
  readonly at: Instant;
}

const VALUE_BYTES = 8; // ours: 64 bits cannot be guessed within a connection's life
const MOST_ISSUED = 4; // ours: values in force at once; the oldest gives way
const DEFAULT_WITHIN = seconds(30);

export class Freshness {
  readonly #options: FreshnessOptions;
  readonly #within: Duration;
  readonly #random: RandomSource;
  readonly #issued: Issued[] = [];

  constructor(options: FreshnessOptions, random: RandomSource) {
    this.#options = options;
    this.#within = options.within ?? DEFAULT_WITHIN;
    this.#random = random;
  }

  /** The Echo option to refuse the request with, or undefined if it is fresh or need not be. */
  challenge(request: RequestHead, now: Instant): CoapOption | undefined {
    if (!this.#options.demanded(request)) return undefined;
    const brought = findOption(request.options, OPTION.echo);
    const found = brought && this.#issued.find(({ value }) => equalBytes(value, brought));
    const isFresh = found !== undefined && later(found.at, this.#within) > now;
    return isFresh ? undefined : { number: OPTION.echo, value: this.#issue(now) };
  }

  #issue(now: Instant): Uint8Array {
    const newest = this.#issued.at(-1);
    if (newest?.at === now) return newest.value;
    const value = this.#random.bytes(VALUE_BYTES);
    this.#issued.push({ value, at: now });
    if (this.#issued.length > MOST_ISSUED) this.#issued.shift();
    return value;
  }
}
