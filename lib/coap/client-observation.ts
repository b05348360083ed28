// One observation as its client sees it (RFC 7641 §3): fresh notifications in order, large ones completed by GET.

import { type Instant, type Log, later, seconds } from '../runtime/index.ts';
import { completeResponse, transfer } from './block-client.ts';
import type { BlockClientContext } from './block-context.ts';
import { findBlock } from './block-option.ts';
import { bytesSource } from './body-source.ts';
import { type Untokened, readResponse } from './content.ts';
import type { IncomingResponse } from './exchange.ts';
import type { MessageContent } from './message.ts';
import { OPTION, findUint } from './options.ts';

const HALF_RANGE = 0x800000; // RFC 7641 §3.4: half of the 24-bit sequence numbers
const ALWAYS_FRESH_AFTER = seconds(128); // RFC 7641 §3.4

/** Whether a notification is newer than the newest so far (RFC 7641 §3.4). Numbers have 24 bits. */
export function isFresher(sequence: number, at: Instant, newest: number, newestAt: Instant): boolean {
  return (
    (newest < sequence && sequence - newest < HALF_RANGE) ||
    (newest > sequence && newest - sequence > HALF_RANGE) ||
    at > later(newestAt, ALWAYS_FRESH_AFTER)
  );
}

export interface ClientObservationContext {
  notified(response: IncomingResponse): void;
  /** The token is free again. `cause`: why, if the peer did not end it by a last notification. */
  ended(cause: Error | undefined): void;
  readonly context: BlockClientContext;
  /** Whether notifications come in order anyway. */
  readonly ordered: boolean;
  readonly log: Log;
}

export class ClientObservation {
  readonly #request: Untokened;
  readonly #context: ClientObservationContext;
  #sequence: number;
  #at: Instant;
  #active = true;
  #arrivals = 0;

  constructor(request: Untokened, sequence: number, at: Instant, context: ClientObservationContext) {
    this.#request = request;
    this.#sequence = sequence;
    this.#at = at;
    this.#context = context;
  }

  get active(): boolean {
    return this.#active;
  }

  /** Takes no more notifications; the token is left to the caller. */
  end(): void {
    this.#active = false;
  }

  failed(error: Error): void {
    if (!this.#active) return;
    this.#active = false;
    this.#context.ended(error);
    this.#context.log.debug({ error: error.message }, 'coap: observation ended');
  }

  response(content: MessageContent, now: Instant): void {
    const sequence = findUint(content.options, OPTION.observe);
    const fresh = this.#context.ordered || sequence === undefined || content.code >= 0x80;
    if (fresh || isFresher(sequence, now, this.#sequence, this.#at)) this.refreshed(content, now);
  }

  /** Takes what is known to be newer, such as the answer to a registration anew. */
  refreshed(content: MessageContent, now: Instant): void {
    if (!this.#active) return;
    const sequence = findUint(content.options, OPTION.observe);
    const last = sequence === undefined || content.code >= 0x80; // RFC 7641 §3.2: the server has forgotten us
    if (last) this.#active = false;
    else {
      this.#sequence = sequence;
      this.#at = now;
    }
    this.#deliver(content);
    if (last) this.#context.ended(undefined);
  }

  #deliver(content: MessageContent): void {
    const arrival = ++this.#arrivals;
    const { room } = this.#context.context;
    if (findBlock(content.options, OPTION.block2, room.maxSizeExponent())?.more === true)
      this.#complete(content, arrival);
    else this.#notify(content);
  }

  // A newer notification overtakes one that is still being fetched: only the newest state counts (RFC 7641 §1.3).
  #complete(first: MessageContent, arrival: number): void {
    const { context, log } = this.#context;
    completeResponse({ request: this.#request, first }, context)
      .then(async (whole) => whole ?? (await transfer(this.#request, bytesSource(this.#request.payload), context)))
      .then(
        (whole) => {
          if (arrival === this.#arrivals) this.#notify(whole);
        },
        (error: unknown) => log.warn({ error: String(error) }, 'coap: a notification could not be fetched whole'),
      );
  }

  #notify(content: Untokened): void {
    try {
      this.#context.notified(readResponse(content));
    } catch (error) {
      this.#context.log.error({ error: String(error) }, 'coap: the receiver of notifications failed');
    }
  }
}
