// Matching responses to requests by token (RFC 7252 §5.3.1). The same over UDP and TCP: it knows no message ids.

import type { RandomSource } from '../runtime/index.ts';
import { CoapError } from './coap-error.ts';

export interface TokenLayerOptions {
  /** Bytes of a new token, 1 to 8. Default 8: hard to guess for one off the path (RFC 7252 §5.3.1). */
  readonly tokenLength?: number | undefined;
  /** Tokens open at once. Default 1,024. */
  readonly maxOpenTokens?: number | undefined;
}

/** A token as a key of a Map; keeps no view of the datagram alive. */
export function tokenKey(token: Uint8Array): string {
  let key = '';
  for (let i = 0; i < token.length; i++) key += String.fromCharCode(token[i]!);
  return key;
}

/** Open requests and observations by token. */
export class TokenLayer<Entry> {
  readonly #entries = new Map<string, Entry>();
  readonly #random: RandomSource;
  readonly #tokenLength: number;
  readonly #maxOpen: number;

  /** @throws RangeError if an option is out of range */
  constructor(random: RandomSource, options: TokenLayerOptions = {}) {
    this.#random = random;
    this.#tokenLength = options.tokenLength ?? 8;
    this.#maxOpen = options.maxOpenTokens ?? 1_024;
    if (!(this.#tokenLength >= 1 && this.#tokenLength <= 8)) {
      throw new RangeError(`tokenLength: expected 1 to 8, found ${this.#tokenLength}`);
    }
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Opens a token that is not in use. @throws CoapError ENOBUFS if too many are open */
  open(entry: Entry): Uint8Array {
    if (this.#entries.size >= Math.min(this.#maxOpen, 256 ** this.#tokenLength / 2)) {
      throw new CoapError('ENOBUFS', `${this.#entries.size} requests are open already`);
    }
    const token = this.unused();
    this.#entries.set(tokenKey(token), entry);
    return token;
  }

  /** A token that is not in use, and is not opened: for a request that wants no answer. */
  unused(): Uint8Array {
    for (;;) {
      const token = this.#random.bytes(this.#tokenLength);
      if (!this.#entries.has(tokenKey(token))) return token;
    }
  }

  find(token: Uint8Array): Entry | undefined {
    return this.#entries.get(tokenKey(token));
  }

  /** Puts another entry on a token that is open. */
  replace(token: Uint8Array, entry: Entry): void {
    this.#entries.set(tokenKey(token), entry);
  }

  close(token: Uint8Array): void {
    this.#entries.delete(tokenKey(token));
  }

  /** Closes all tokens and gives what was open. */
  closeAll(): Entry[] {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    return entries;
  }

  entries(): IterableIterator<Entry> {
    return this.#entries.values();
  }
}
