// The answering side of a connection (RFC 7252 §5.8, RFC 7641 §4, RFC 7959): requests to the handler, over any carrier.

import { DecodeError } from '../bytes/index.ts';
import { type Duration, type Instant, type Log, NEVER, later } from '../runtime/index.ts';
import { type Block, type Cut, blockOption, findBlock, fittingCut, splitOverhead } from './block-option.ts';
import type { Carrier, Delivery, RequestArrival } from './carrier.ts';
import { CoapError } from './coap-error.ts';
import { type Untokened, encodeResponse, requestKey } from './content.ts';
import type {
  IncomingRequest,
  Method,
  Observation,
  ObservationWatcher,
  OutgoingResponse,
  RequestHandler,
  ResponseCode,
} from './exchange.ts';
import { METHODS, RESPONSE_CODES } from './exchange.ts';
import { type CoapOption, type MessageContent, NO_BYTES, NO_OPTIONS, formatCode, isResponseCode } from './message.ts';
import { OPTION, findTexts, findUint, uintOption, unrecognizedCritical } from './options.ts';
import { RequestBodies, type RequestBodiesOptions } from './request-bodies.ts';
import { ResponseBodies, type ResponseBodiesOptions } from './response-bodies.ts';
import { ServerObservation, type ServerObservationContext } from './server-observation.ts';
import { tokenKey } from './token-layer.ts';

export interface ServerExchangesOptions extends RequestBodiesOptions, ResponseBodiesOptions {
  readonly optionReserve: number;
  /** Observations at once; a further one is answered as a plain request. */
  readonly maxObservations: number;
  /** Requests whose handler has not answered yet; a further one is answered 5.03. */
  readonly maxPendingRequests: number;
  /** How long a handler may take; then 5.03 is answered, and what it says later is dropped. */
  readonly handlerTimeout: Duration;
  /** While it says no, requests are ignored as if they had been lost. */
  readonly admits?: (() => boolean) | undefined;
  /** Critical options of requests that the handler understands, beside ours. */
  readonly understoodOptions: readonly number[];
}

const METHOD_NAMES: ReadonlyMap<number, Method> = new Map(
  (Object.keys(METHODS) as Method[]).map((method) => [METHODS[method], method]),
);

const UNDERSTOOD = [
  OPTION.uriHost,
  OPTION.uriPort,
  OPTION.uriPath,
  OPTION.uriQuery,
  OPTION.accept,
  OPTION.block1,
  OPTION.block2,
];

/** One request on its way through the handler. */
interface Pass {
  readonly arrival: RequestArrival;
  readonly block1: Block | undefined;
  readonly block2: Block | undefined;
  /** Set once the handler accepted to be observed. */
  observation: ServerObservation | undefined;
  answered: boolean;
  /** When its handler must have answered. */
  deadline: Instant;
}

export class ServerExchanges {
  handler: RequestHandler | undefined;
  readonly #carrier: Carrier;
  readonly #log: Log;
  readonly #options: ServerExchangesOptions;
  readonly #understood: ReadonlySet<number>;
  readonly #requestBodies: RequestBodies;
  readonly #responseBodies: ResponseBodies;
  readonly #observations = new Map<string, ServerObservation>();
  #sequence = 0;
  readonly #pending = new Set<Pass>();
  #closed: Error | undefined;

  constructor(carrier: Carrier, log: Log, options: ServerExchangesOptions) {
    this.#carrier = carrier;
    this.#log = log;
    this.#options = options;
    this.#understood = new Set([...UNDERSTOOD, ...options.understoodOptions]);
    this.#requestBodies = new RequestBodies(options);
    this.#responseBodies = new ResponseBodies(options);
  }

  /** Takes a request; answers it in the same call if the handler does. */
  handle(arrival: RequestArrival): void {
    if (this.#options.admits?.() === false) return arrival.ignore();
    try {
      this.#admit(arrival);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#log.debug({ field: error.field }, 'coap: request with a malformed option');
      answerBare(arrival, RESPONSE_CODES.badRequest);
    }
  }

  nextTimeout(): Instant {
    // All handlers have the same time, so the first in is the first due.
    const [slowest] = this.#pending;
    return Math.min(
      slowest?.deadline ?? NEVER,
      this.#requestBodies.nextTimeout(),
      this.#responseBodies.nextTimeout(),
    ) as Instant;
  }

  handleTimeout(now: Instant): void {
    this.#requestBodies.expire(now);
    this.#responseBodies.expire(now);
    for (const pass of this.#pending) {
      if (pass.deadline > now) break;
      this.#pending.delete(pass);
      this.#log.warn({ method: formatCode(pass.arrival.message.code) }, 'coap: a handler takes too long: 5.03 instead');
      this.#answer(pass, { code: RESPONSE_CODES.serviceUnavailable });
    }
  }

  close(error: Error): void {
    this.#closed = error;
    for (const observation of [...this.#observations.values()]) observation.endFor('closed', error);
    this.#requestBodies.clear();
    this.#responseBodies.clear();
    this.#pending.clear();
  }

  #admit(arrival: RequestArrival): void {
    const { message } = arrival;
    const method = METHOD_NAMES.get(message.code);
    if (method === undefined) return answerBare(arrival, RESPONSE_CODES.methodNotAllowed);
    const critical = unrecognizedCritical(message.options, this.#understood);
    if (critical === OPTION.proxyUri || critical === OPTION.proxyScheme) {
      return answerBare(arrival, RESPONSE_CODES.proxyingNotSupported);
    }
    if (critical !== undefined) return answerBare(arrival, RESPONSE_CODES.badOption);
    const largest = this.#carrier.maxSizeExponent();
    const block1 = findBlock(message.options, OPTION.block1, largest);
    const block2 = findBlock(message.options, OPTION.block2, largest);
    const pass: Pass = { arrival, block1, block2, observation: undefined, answered: false, deadline: NEVER };
    const payload = block1 === undefined ? message.payload : this.#assemble(pass, block1);
    if (payload === undefined) return;
    if (block2 !== undefined && block2.num > 0 && this.#continueBody(pass, block2)) return;
    this.#dispatch(pass, this.#incoming(pass, method, payload));
  }

  #assemble({ arrival }: Pass, block: Block): Uint8Array | undefined {
    const { message } = arrival;
    const announced = findUint(message.options, OPTION.size1);
    const result = this.#requestBodies.add(requestKey(message), block, message.payload, announced, this.#carrier.now());
    if (result.kind === 'whole') return result.payload;
    const { sizeExponent } = this.#cut({ ...message, options: NO_OPTIONS }, block);
    const echo = blockOption(OPTION.block1, { num: block.num, more: result.kind === 'continue', sizeExponent });
    if (result.kind === 'continue') answerBare(arrival, RESPONSE_CODES.continue, [echo]);
    else if (result.kind === 'incomplete') answerBare(arrival, RESPONSE_CODES.requestEntityIncomplete, [echo]);
    else if (result.kind === 'malformed') answerBare(arrival, RESPONSE_CODES.badRequest);
    else {
      const limit = uintOption(OPTION.size1, this.#options.maxBodyBytes); // RFC 7959 §2.9.3
      answerBare(arrival, RESPONSE_CODES.requestEntityTooLarge, [echo, limit]);
    }
    return undefined;
  }

  // Without the kept body, only a safe request may be rendered anew to give a later block.
  #continueBody(pass: Pass, block2: Block): boolean {
    const { arrival } = pass;
    const { message } = arrival;
    const next = this.#responseBodies.next(message, block2, (kept) => this.#cut(kept, block2), this.#carrier.now());
    if (next !== undefined) {
      arrival.respond({ ...next, token: message.token });
      return true;
    }
    const safe = message.code === METHODS.GET || message.code === METHODS.FETCH;
    if (!safe) answerBare(arrival, RESPONSE_CODES.requestEntityIncomplete);
    return !safe;
  }

  #incoming(pass: Pass, method: Method, payload: Uint8Array): IncomingRequest {
    const { message, confirmable } = pass.arrival;
    const { options, token } = message;
    const observe = method === 'GET' || method === 'FETCH' ? findUint(options, OPTION.observe) : undefined;
    this.#endObservation(token, observe);
    const room = this.#observations.size < this.#options.maxObservations;
    const further = pass.block2 !== undefined && pass.block2.num > 0;
    return {
      method,
      path: findTexts(options, OPTION.uriPath),
      query: findTexts(options, OPTION.uriQuery),
      accept: findUint(options, OPTION.accept),
      contentFormat: findUint(options, OPTION.contentFormat),
      options,
      payload,
      confirmable,
      token,
      acceptObservation: observe === 0 && room && !further ? (watcher) => this.#accept(pass, watcher) : undefined,
      cancelsObservation: observe === 1,
    };
  }

  #endObservation(token: Uint8Array, observe: number | undefined): void {
    this.#observations.get(tokenKey(token))?.endFor(observe === 1 ? 'deregistered' : 'replaced');
  }

  #accept(pass: Pass, watcher: ObservationWatcher): Observation {
    if (pass.answered) throw new CoapError('EINVAL', 'acceptObservation: expected before the answer, found after it');
    pass.observation = this.#observe(pass.arrival.message, pass.block2, watcher);
    return pass.observation;
  }

  #observe(request: MessageContent, block2: Block | undefined, watcher: ObservationWatcher): ServerObservation {
    const token = request.token.slice();
    const key = tokenKey(token);
    this.#observations.get(key)?.endFor('replaced');
    const context: ServerObservationContext = {
      now: () => this.#carrier.now(),
      removed: () => {
        if (this.#observations.get(key) === observation) this.#observations.delete(key);
      },
      transmit: (response, confirmable, delivery) =>
        this.#notify(request, token, block2, response, confirmable, delivery),
    };
    const observation: ServerObservation = new ServerObservation(this.#guarded(watcher), context);
    this.#observations.set(key, observation);
    return observation;
  }

  /** As if `request` had been accepted here. */
  adopt(request: IncomingRequest, watcher: ObservationWatcher, sequence: number): Observation {
    const { token, options, payload } = request;
    const isAhead = ((sequence - this.#sequence) & 0xffffff) < 0x800000;
    if (isAhead || this.#observations.size === 0) this.#sequence = sequence; // the peer must not see numbers go back
    const message: MessageContent = { code: METHODS[request.method], token, options, payload };
    const observation = this.#observe(
      message,
      findBlock(options, OPTION.block2, this.#carrier.maxSizeExponent()),
      watcher,
    );
    observation.established(sequence);
    return observation;
  }

  // A watcher that throws must not take down the loop that reads datagrams.
  #guarded(watcher: ObservationWatcher): ObservationWatcher {
    return {
      ended: (reason) => {
        try {
          watcher.ended(reason);
        } catch (error) {
          this.#log.error({ error: error instanceof Error ? error.name : typeof error }, 'coap: a watcher failed');
        }
      },
    };
  }

  #notify(
    request: MessageContent,
    token: Uint8Array,
    asked: Block | undefined,
    response: OutgoingResponse,
    confirmable: boolean,
    delivery: Delivery,
  ): number {
    const rendered = encodeResponse(response);
    const sequence = response.code < 0x80 ? [this.#nextSequence()] : [];
    const content = this.#fit({ ...rendered, options: [...sequence, ...rendered.options] }, request, asked);
    this.#carrier.send({ ...content, token }, confirmable, delivery);
    return this.#sequence;
  }

  #nextSequence(): CoapOption {
    this.#sequence = (this.#sequence + 1) & 0xffffff; // RFC 7641 §4.4: 24 bits
    return uintOption(OPTION.observe, this.#sequence);
  }

  #dispatch(pass: Pass, request: IncomingRequest): void {
    if (this.handler === undefined) return answerBare(pass.arrival, RESPONSE_CODES.notFound);
    if (this.#pending.size >= this.#options.maxPendingRequests)
      return answerBare(pass.arrival, RESPONSE_CODES.serviceUnavailable);
    let answer: ReturnType<RequestHandler>;
    try {
      answer = this.handler(request);
    } catch (error) {
      return this.#answerError(pass, error);
    }
    if (!(answer instanceof Promise)) return this.#answer(pass, answer);
    pass.deadline = later(this.#carrier.now(), this.#options.handlerTimeout);
    this.#pending.add(pass);
    answer
      .finally(() => void this.#pending.delete(pass))
      .then(
        (response) => this.#answer(pass, response),
        (error: unknown) => this.#answerError(pass, error),
      )
      .catch((error: unknown) => this.#log.error({ error: String(error) }, 'coap: an answer could not be sent'));
  }

  #answerError(pass: Pass, error: unknown): void {
    const { responseCode } = (typeof error === 'object' && error !== null ? error : {}) as { responseCode?: unknown };
    const chosen = typeof responseCode === 'number' && isResponseCode(responseCode);
    const code = chosen ? responseCode : RESPONSE_CODES.internalServerError;
    if (chosen) this.#log.debug({ code: formatCode(code) }, 'coap: the handler refused a request');
    else this.#log.error({ error: String(error), code: formatCode(code) }, 'coap: the handler failed');
    this.#answer(pass, { code: code as ResponseCode });
  }

  #answer(pass: Pass, response: OutgoingResponse | undefined): void {
    const { arrival, observation } = pass;
    if (pass.answered) return; // too late
    pass.answered = true;
    if (this.#closed !== undefined) return observation?.endFor('closed', this.#closed);
    const observed = observation !== undefined && observation.active && response !== undefined && response.code < 0x80;
    if (!observed) observation?.end();
    if (response === undefined) return arrival.ignore();
    let content: Untokened;
    try {
      content = this.#render(pass, response, observed);
    } catch (error) {
      observation?.end();
      this.#log.error(
        { error: error instanceof CoapError ? error.message : 'RangeError' },
        'coap: the response cannot be sent',
      );
      return answerBare(arrival, RESPONSE_CODES.internalServerError);
    }
    arrival.respond({ ...content, token: arrival.message.token }, observed ? observation.registration : undefined);
    if (observed) observation.established(this.#sequence);
  }

  #render(pass: Pass, response: OutgoingResponse, observed: boolean): Untokened {
    const { arrival, block1, block2 } = pass;
    const rendered = encodeResponse(response);
    const options: CoapOption[] = [...rendered.options];
    if (observed) options.push(this.#nextSequence());
    if (block1 !== undefined) options.push(blockOption(OPTION.block1, { ...block1, more: false }));
    return this.#fit({ ...rendered, options }, arrival.message, block2);
  }

  #fit(content: Untokened, request: MessageContent, asked: Block | undefined): Untokened {
    return this.#responseBodies.fit(content, request, asked, this.#cut(content, asked), this.#carrier.now());
  }

  #cut(content: Untokened, asked: Block | undefined): Cut {
    return fittingCut(this.#carrier, splitOverhead(content, this.#options.optionReserve), asked?.sizeExponent);
  }
}

function answerBare(arrival: RequestArrival, code: ResponseCode, options: readonly CoapOption[] = NO_OPTIONS): void {
  arrival.respond({ code, options, payload: NO_BYTES, token: arrival.message.token });
}
