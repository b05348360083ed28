// Single exchanges by token (RFC 7252 §5.3): one request message, one response message, or one error.

import { type Duration, type Instant, NEVER, later } from '../runtime/index.ts';
import type { Carrier, Sending } from './carrier.ts';
import { CoapError } from './coap-error.ts';
import type { Untokened } from './content.ts';
import { EchoMemory } from './echo-memory.ts';
import type { MessageContent } from './message.ts';
import { OPTION, findUint } from './options.ts';
import type { TokenLayer } from './token-layer.ts';

/** What a token stands for. */
export interface OpenToken {
  response(content: MessageContent, now: Instant): void;
  failed(error: Error): void;
}

export type Settled = (outcome: MessageContent | Error) => void;

export interface ExchangeOptions {
  readonly confirmable: boolean;
  readonly signal: AbortSignal | undefined;
  /** Uses a token that is open already, on which notifications may come. */
  readonly token?: Uint8Array;
  /** Whether a message with Observe on that token is the answer too. */
  readonly takesNotification?: boolean;
}

interface Exchange extends OpenToken {
  /** When it is given up; never while its message is under way. */
  deadline: Instant;
}

export class TokenExchanges {
  readonly #tokens: TokenLayer<OpenToken>;
  readonly #carrier: Carrier;
  readonly #responseTimeout: Duration;
  readonly #echo: EchoMemory;
  /** Apart from the tokens, of which most may be of observations: these wait for nothing. */
  readonly #open = new Set<Exchange>();

  constructor(tokens: TokenLayer<OpenToken>, carrier: Carrier, responseTimeout: Duration) {
    this.#tokens = tokens;
    this.#carrier = carrier;
    this.#responseTimeout = responseTimeout;
    this.#echo = new EchoMemory(responseTimeout);
  }

  nextTimeout(): Instant {
    let next = NEVER;
    for (const { deadline } of this.#open) if (deadline < next) next = deadline;
    return next;
  }

  handleTimeout(now: Instant): void {
    for (const open of [...this.#open]) {
      if (open.deadline <= now) open.failed(new CoapError('ETIMEDOUT', 'the request was received, but never answered'));
    }
  }

  exchange(content: Untokened, options: ExchangeOptions): Promise<MessageContent> {
    return new Promise((resolve, reject) => {
      this.start(content, options, (outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome)));
    });
  }

  /** Settles in the same call that brings the response. A demand for freshness is met by asking once more (RFC 9175 §2.3). */
  start(content: Untokened, options: ExchangeOptions, settled: Settled): void {
    this.#start(this.#echo.withEcho(content, this.#carrier.now()), options, (outcome) => {
      if (outcome instanceof Error) return settled(outcome);
      const demanded = this.#echo.heard(outcome, this.#carrier.now());
      if (!demanded) return settled(outcome);
      this.#start(this.#echo.withEcho(content, this.#carrier.now()), options, settled);
    });
  }

  #start(content: Untokened, options: ExchangeOptions, settled: Settled): void {
    const { signal, confirmable } = options;
    if (signal?.aborted === true) return settled(canceled(signal));
    let { token } = options;
    let sending: Sending | undefined;
    let ended = false;
    const end = (outcome: MessageContent | Error): void => {
      if (ended) return;
      ended = true;
      this.#open.delete(exchange);
      sending?.cancel();
      signal?.removeEventListener('abort', abort);
      if (token !== undefined) this.#tokens.close(token);
      settled(outcome);
    };
    const abort = (): void => end(canceled(signal));
    const wait = (): Instant => later(this.#carrier.now(), this.#responseTimeout);
    const passesNotifications = options.token !== undefined && options.takesNotification !== true;
    const exchange: Exchange = {
      deadline: confirmable ? NEVER : wait(),
      response: (response) => {
        if (passesNotifications && findUint(response.options, OPTION.observe) !== undefined) return;
        end(response);
      },
      failed: end,
    };
    signal?.addEventListener('abort', abort, { once: true });
    const delivery = { acknowledged: () => void (exchange.deadline = wait()), failed: end };
    try {
      if (token === undefined) token = this.#tokens.open(exchange);
      else this.#tokens.replace(token, exchange);
      this.#open.add(exchange);
      const started = this.#carrier.send({ ...content, token }, confirmable, delivery);
      if (ended) started.cancel();
      else sending = started;
    } catch (error) {
      end(error instanceof Error ? error : new CoapError('EINVAL', String(error)));
    }
  }
}

export function canceled(signal: AbortSignal | undefined): CoapError {
  return new CoapError('ECANCELED', 'the request was aborted', signal?.reason);
}
