// The requesting side of a connection (RFC 7252 §5.2, RFC 7641 §3): exchanges by token, over any carrier.

import { DecodeError } from '../bytes/index.ts';
import { type Duration, type Instant, type Log, NEVER, type RandomSource, later } from '../runtime/index.ts';
import { type BlockClientContext, completeResponse, negotiateEarly, ourCut, transfer } from './block-client.ts';
import type { Carrier, Sending } from './carrier.ts';
import { CoapError } from './coap-error.ts';
import { type Untokened, encodeRequest, readResponse } from './content.ts';
import type { IncomingResponse, ObservedResource, OutgoingRequest } from './exchange.ts';
import type { MessageContent } from './message.ts';
import { ClientObservation } from './client-observation.ts';
import { OPTION, findUint, uintOption, unrecognizedCritical } from './options.ts';
import { TokenLayer, type TokenLayerOptions } from './token-layer.ts';

export interface ClientExchangesOptions extends TokenLayerOptions {
  /** How long an answer may take after the request was acknowledged (or sent, if not confirmable). */
  readonly responseTimeout: Duration;
  readonly optionReserve: number;
  readonly maxBodyBytes: number;
  /** Critical options of responses that the user understands, beside ours. */
  readonly understoodOptions: readonly number[];
}

/** What a token stands for. */
export interface OpenToken {
  readonly deadline: Instant;
  response(content: MessageContent, now: Instant): void;
  failed(error: Error): void;
}

type Settled = (outcome: MessageContent | Error) => void;

interface Exchange extends OpenToken {
  deadline: Instant;
}

interface ExchangeOptions {
  readonly confirmable: boolean;
  readonly signal: AbortSignal | undefined;
  /** Uses a token that is open already (deregistration), on which notifications may still come. */
  readonly token?: Uint8Array;
}

export class ClientExchanges {
  readonly #tokens: TokenLayer<OpenToken>;
  readonly #carrier: Carrier;
  readonly #options: ClientExchangesOptions;
  readonly #understood: ReadonlySet<number>;
  readonly #log: Log;

  constructor(carrier: Carrier, random: RandomSource, log: Log, options: ClientExchangesOptions) {
    this.#carrier = carrier;
    this.#log = log;
    this.#options = options;
    this.#tokens = new TokenLayer(random, options);
    this.#understood = new Set([OPTION.block1, OPTION.block2, ...options.understoodOptions]);
  }

  async request(request: OutgoingRequest, signal: AbortSignal | undefined): Promise<IncomingResponse> {
    const context = this.#blockContext(request.confirmable ?? true, signal);
    return readWhole(transfer(encodeRequest(request), context));
  }

  /** @throws CoapError EINVAL if the request has a body larger than one block */
  async observe(
    request: OutgoingRequest,
    notified: (response: IncomingResponse) => void,
    signal: AbortSignal | undefined,
  ): Promise<ObservedResource> {
    const confirmable = request.confirmable ?? true;
    const context = this.#blockContext(confirmable, signal);
    const plain = encodeRequest(request);
    const fits = ourCut(plain, context).partBytes;
    if (plain.payload.length > fits)
      throw new CoapError('EINVAL', `payload: expected at most ${fits} bytes to observe`);
    const observing = negotiateEarly({ ...plain, options: [uintOption(OPTION.observe, 0), ...plain.options] }, context);
    const { first, observation } = await this.#register(plain, observing, notified, { confirmable, signal });
    const response = await readWhole(
      completeResponse(plain, first, context).then(async (whole) => whole ?? (await transfer(plain, context))),
    );
    return {
      response,
      get active() {
        return observation?.active ?? false;
      },
      cancel: async (how = 'deregister') => {
        if (observation?.active !== true) return;
        observation.end();
        if (how === 'reset') return this.#tokens.close(first.token);
        const deregister = { ...plain, options: [uintOption(OPTION.observe, 1), ...plain.options] };
        await this.#exchange(deregister, { confirmable: true, signal: undefined, token: first.token });
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
      open.failed(malformed(error));
      return 'refused';
    }
    return 'accepted';
  }

  nextTimeout(): Instant {
    let next = NEVER;
    for (const { deadline } of this.#tokens.entries()) if (deadline < next) next = deadline;
    return next;
  }

  handleTimeout(now: Instant): void {
    for (const open of [...this.#tokens.entries()]) {
      if (open.deadline <= now) open.failed(new CoapError('ETIMEDOUT', 'the request was received, but never answered'));
    }
  }

  /** Ends everything with `error`. */
  close(error: Error): void {
    for (const open of this.#tokens.closeAll()) open.failed(error);
  }

  #blockContext(confirmable: boolean, signal: AbortSignal | undefined): BlockClientContext {
    const { optionReserve, maxBodyBytes } = this.#options;
    return {
      exchange: (content) => this.#exchange(content, { confirmable, signal }),
      room: this.#carrier,
      optionReserve,
      maxBodyBytes,
    };
  }

  #exchange(content: Untokened, options: ExchangeOptions): Promise<MessageContent> {
    return new Promise((resolve, reject) => {
      this.#start(content, options, (outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome)));
    });
  }

  // The token passes to the observation in the same call that brings the response: the next datagram may be a notification.
  #register(
    plain: Untokened,
    observing: Untokened,
    notified: (response: IncomingResponse) => void,
    options: ExchangeOptions,
  ): Promise<{ first: MessageContent; observation: ClientObservation | undefined }> {
    return new Promise((resolve, reject) => {
      this.#start(observing, options, (first) => {
        if (first instanceof Error) return reject(first);
        const sequence = findUint(first.options, OPTION.observe);
        if (sequence === undefined || first.code >= 0x80) return resolve({ first, observation: undefined });
        const { token } = first;
        const observation = new ClientObservation(plain, sequence, this.#carrier.now(), {
          notified,
          context: this.#blockContext(true, undefined),
          ordered: this.#carrier.ordered,
          log: this.#log,
          ended: () => this.#tokens.close(token),
        });
        this.#tokens.replace(token, observation);
        resolve({ first, observation });
      });
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
      sending?.cancel();
      signal?.removeEventListener('abort', abort);
      if (token !== undefined) this.#tokens.close(token);
      settled(outcome);
    };
    const abort = (): void => end(canceled(signal));
    const wait = (): Instant => later(this.#carrier.now(), this.#options.responseTimeout);
    const exchange: Exchange = {
      deadline: confirmable ? NEVER : wait(),
      response: (response) => {
        const notification = options.token !== undefined && findUint(response.options, OPTION.observe) !== undefined;
        if (!notification) end(response);
      },
      failed: end,
    };
    signal?.addEventListener('abort', abort, { once: true });
    const delivery = { acknowledged: () => void (exchange.deadline = wait()), failed: end };
    try {
      if (token === undefined) token = this.#tokens.open(exchange);
      else this.#tokens.replace(token, exchange);
      const started = this.#carrier.send({ ...content, token }, confirmable, delivery);
      if (ended) started.cancel();
      else sending = started;
    } catch (error) {
      end(error instanceof Error ? error : new CoapError('EINVAL', String(error)));
    }
  }
}

async function readWhole(content: Promise<Untokened>): Promise<IncomingResponse> {
  try {
    return readResponse(await content);
  } catch (error) {
    throw error instanceof DecodeError ? malformed(error) : error;
  }
}

function malformed(error: DecodeError): CoapError {
  return new CoapError('EPROTO', 'the response has a malformed option', error);
}

function canceled(signal: AbortSignal | undefined): CoapError {
  return new CoapError('ECANCELED', 'the request was aborted', signal?.reason);
}
