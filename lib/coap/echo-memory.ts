// Echo as a client (RFC 9175 §2.3): a value that the server gave goes back with the next request, which proves it fresh.

import { type Duration, type Instant, later } from '../runtime/index.ts';
import type { Untokened } from './content.ts';
import { RESPONSE_CODES } from './exchange.ts';
import { OPTION, findOption } from './options.ts';

export class EchoMemory {
  readonly #lifetime: Duration;
  #value: Uint8Array | undefined;
  #expires: Instant | undefined;

  constructor(lifetime: Duration) {
    this.#lifetime = lifetime;
  }

  /** Takes what a response says. True if the request must be sent again to be believed. */
  heard(response: Untokened, now: Instant): boolean {
    const value = findOption(response.options, OPTION.echo);
    if (value === undefined) return false;
    this.#value = value.slice(); // not the datagram's memory
    this.#expires = later(now, this.#lifetime);
    return response.code === RESPONSE_CODES.unauthorized;
  }

  /** The request with the value that is due, once. */
  withEcho(request: Untokened, now: Instant): Untokened {
    const value = this.#value;
    if (value === undefined) return request;
    this.#value = undefined;
    if (this.#expires === undefined || this.#expires <= now) return request;
    return { ...request, options: [...request.options, { number: OPTION.echo, value }] };
  }
}
