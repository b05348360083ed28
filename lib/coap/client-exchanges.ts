// The requesting side of a connection (RFC 7252 §5.2, RFC 7641 §3): exchanges by token, over any carrier.

import { DecodeError } from '../bytes/index.ts';
import { type Duration, type Instant, type Log, type RandomSource } from '../runtime/index.ts';
import { completeResponse, negotiateEarly, open, streamBody, transfer } from './block-client.ts';
import { type BlockClientContext, ourCut } from './block-context.ts';
import { bytesSource } from './body-source.ts';
import type { Carrier, Delivery, Sending } from './carrier.ts';
import { ClientObservation } from './client-observation.ts';
import { CoapError, peerFault } from './coap-error.ts';
import { type Untokened, bodyOf, encodeRequest, readResponse } from './content.ts';
import type {
  IncomingResponse,
  ObservedResource,
  ObserveOptions,
  OutgoingRequest,
  StreamedResponse,
} from './exchange.ts';
import type { MessageContent } from './message.ts';
import { OPTION, findUint, uintOption, unrecognizedCritical } from './options.ts';
import { RequestTags } from './request-tags.ts';
import { type ExchangeOptions, type OpenToken, TokenExchanges, canceled } from './token-exchanges.ts';
import { TokenLayer, type TokenLayerOptions } from './token-layer.ts';

export interface ClientExchangesOptions extends TokenLayerOptions {
  /** How long an answer may take after the request was acknowledged (or sent, if not confirmable). */
  readonly responseTimeout: Duration;
  readonly optionReserve: number;
  readonly maxBodyBytes: number;
  /** Critical options of responses that the user understands, beside ours. */
  readonly understoodOptions: readonly number[];
}

const NO_RESPONSE_OF_ANY_CLASS = 2 | 8 | 16; // RFC 7967 §2.1

export class ClientExchanges {
  readonly #tokens: TokenLayer<OpenToken>;
  readonly #exchanges: TokenExchanges;
  readonly #tags = new RequestTags();
  readonly #carrier: Carrier;
  readonly #options: ClientExchangesOptions;
  readonly #understood: ReadonlySet<number>;
  readonly #log: Log;
  #closed: Error | undefined;

  constructor(carrier: Carrier, random: RandomSource, log: Log, options: ClientExchangesOptions) {
    this.#carrier = carrier;
    this.#log = log;
    this.#options = options;
    this.#tokens = new TokenLayer(random, options);
    this.#exchanges = new TokenExchanges(this.#tokens, carrier, options.responseTimeout);
    this.#understood = new Set([OPTION.block1, OPTION.block2, ...options.understoodOptions]);
  }

  async request(request: OutgoingRequest, signal: AbortSignal | undefined): Promise<IncomingResponse> {
    const context = this.#blockContext(request.confirmable ?? true, signal);
    const plain = encodeRequest(request);
    const source = bodyOf(request);
    try {
      return await readable(async () => readResponse(await transfer(plain, source, context)));
    } finally {
      source.release();
    }
  }

  async requestStream(request: OutgoingRequest, signal: AbortSignal | undefined): Promise<StreamedResponse> {
    const context = this.#blockContext(request.confirmable ?? true, signal);
    const plain = encodeRequest(request);
    const source = bodyOf(request);
    try {
      return await readable(async () => {
        const opened = await open(plain, source, context);
        const { payload: _, ...head } = readResponse(opened.first);
        return { ...head, bodyBytes: findUint(opened.first.options, OPTION.size2), body: streamBody(opened, context) };
      });
    } finally {
      source.release();
    }
  }

  /** @throws CoapError EINVAL if the request has a body larger than one block */
  async send(request: OutgoingRequest, signal: AbortSignal | undefined): Promise<void> {
    const confirmable = request.confirmable ?? true;
    const plain = encodeRequest(request);
    const context = this.#blockContext(confirmable, signal);
    this.#expectOneMessage(request, plain, context);
    const content = {
      ...plain,
      options: [...plain.options, uintOption(OPTION.noResponse, NO_RESPONSE_OF_ANY_CLASS)],
      token: this.#tokens.unused(),
    };
    await new Promise<void>((resolve, reject) => {
      if (signal?.aborted === true) return reject(canceled(signal));
      const settle = (error?: Error): void => {
        signal?.removeEventListener('abort', abort);
        if (error === undefined) resolve();
        else reject(error);
      };
      let sending: Sending | undefined;
      const abort = (): void => {
        sending?.cancel();
        settle(canceled(signal));
      };
      // A stream may take it within the call.
      const delivery: Delivery = { acknowledged: () => settle(), failed: settle };
      if (confirmable) signal?.addEventListener('abort', abort, { once: true });
      try {
        sending = this.#carrier.send(content, confirmable, delivery);
      } catch (error) {
        return settle(error instanceof Error ? error : new CoapError('EINVAL', String(error)));
      }
      if (!confirmable) settle();
    });
  }

  /** @throws CoapError EINVAL if the request has a body larger than one block */
  async observe(
    request: OutgoingRequest,
    notified: (response: IncomingResponse) => void,
    { signal, ended }: ObserveOptions,
  ): Promise<ObservedResource> {
    const confirmable = request.confirmable ?? true;
    const context = this.#blockContext(confirmable, signal);
    const plain = encodeRequest(request);
    this.#expectOneMessage(request, plain, context);
    const observing = negotiateEarly(withObserve(plain, 0), context);
    const { first, observation } = await this.#register(plain, observing, { notified, ended }, { confirmable, signal });
    const response = await readable(async () => {
      const whole = await completeResponse({ request: plain, first }, context);
      return readResponse(whole ?? (await transfer(plain, bytesSource(plain.payload), context)));
    });
    const { token } = first;
    return {
      response,
      get active() {
        return observation?.active ?? false;
      },
      refresh: async () => {
        if (observation?.active === true) await this.#refresh(observation, observing, token);
        return observation?.active ?? false;
      },
      cancel: async (how = 'deregister') => {
        if (observation?.active !== true) return;
        observation.end();
        if (how === 'reset') return this.#tokens.close(token);
        await this.#exchanges.exchange(withObserve(plain, 1), { confirmable: true, signal: undefined, token });
      },
    };
  }

  /** Takes a response. `unknown`: no token of ours; `refused`: it carries a critical option nobody understands. */
  handleResponse(content: MessageContent, now: Instant): 'accepted' | 'unknown' | 'refused' {
    const open = this.#tokens.find(content.token);
    if (open === undefined) return 'unknown';
    const critical = unrecognizedCritical(content.options, this.#understood);
    if (critical !== undefined) {
      open.failed(new CoapError('EPROTO', `the response has the critical option ${critical}, which is not understood`));
      return 'refused';
    }
    try {
      open.response(content, now);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      open.failed(new CoapError('EPROTO', 'the response has a malformed option', error));
      return 'refused';
    }
    return 'accepted';
  }

  nextTimeout(): Instant {
    return this.#exchanges.nextTimeout();
  }

  handleTimeout(now: Instant): void {
    this.#exchanges.handleTimeout(now);
  }

  /** Ends everything with `error`. */
  close(error: Error): void {
    this.#closed = error;
    for (const open of this.#tokens.closeAll()) open.failed(error);
  }

  #blockContext(confirmable: boolean, signal: AbortSignal | undefined): BlockClientContext {
    const { optionReserve, maxBodyBytes } = this.#options;
    return {
      exchange: (content) => this.#exchanges.exchange(content, { confirmable, signal }),
      room: this.#carrier,
      tags: this.#tags,
      optionReserve,
      maxBodyBytes,
    };
  }

  #expectOneMessage(request: OutgoingRequest, plain: Untokened, context: BlockClientContext): void {
    if (request.stream !== undefined) throw new CoapError('EINVAL', 'stream: expected a payload, found a stream');
    const most = ourCut(plain, context).partBytes;
    if (plain.payload.length > most)
      throw new CoapError('EINVAL', `payload: expected at most ${most} bytes, found ${plain.payload.length}`);
  }

  // The token passes to the observation in the same call that brings the response: the next datagram may be a notification.
  #register(
    plain: Untokened,
    observing: Untokened,
    told: { notified: (response: IncomingResponse) => void; ended: ObserveOptions['ended'] },
    options: ExchangeOptions,
  ): Promise<{ first: MessageContent; observation: ClientObservation | undefined }> {
    return new Promise((resolve, reject) => {
      this.#exchanges.start(observing, options, (first) => {
        if (first instanceof Error) return reject(first);
        const sequence = findUint(first.options, OPTION.observe);
        if (sequence === undefined || first.code >= 0x80) return resolve({ first, observation: undefined });
        const { token } = first;
        const observation = new ClientObservation(plain, sequence, this.#carrier.now(), {
          notified: told.notified,
          context: this.#blockContext(true, undefined),
          ordered: this.#carrier.ordered,
          log: this.#log,
          ended: (cause) => {
            this.#tokens.close(token);
            told.ended?.(cause);
          },
        });
        this.#tokens.replace(token, observation);
        resolve({ first, observation });
      });
    });
  }

  #refresh(observation: ClientObservation, observing: Untokened, token: Uint8Array): Promise<void> {
    const options = { confirmable: true, signal: undefined, token, takesNotification: true };
    return new Promise((resolve, reject) => {
      this.#exchanges.start(observing, options, (outcome) => {
        if (!observation.active) return resolve();
        if (outcome instanceof Error) {
          const isOver = this.#closed !== undefined || (outcome instanceof CoapError && outcome.code === 'ECONNRESET');
          if (isOver) observation.failed(outcome);
          else this.#tokens.replace(token, observation);
          return reject(outcome);
        }
        this.#tokens.replace(token, observation);
        observation.refreshed(outcome, this.#carrier.now());
        resolve();
      });
    });
  }
}

function withObserve(plain: Untokened, value: 0 | 1): Untokened {
  return { ...plain, options: [uintOption(OPTION.observe, value), ...plain.options] };
}

/** What could not be read in a response is the peer's fault. */
async function readable<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw peerFault(error);
  }
}
