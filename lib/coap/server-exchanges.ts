// The answering side of a connection (RFC 7252 §5.8, RFC 7641 §4, RFC 7959): requests to the handler, over any carrier.

import { DecodeError } from '../bytes/index.ts';
import { type Duration, type Instant, type Log, NEVER, type RandomSource, later } from '../runtime/index.ts';
import { BERT_EXPONENT, type Block, blockOption, findBlock } from './block-option.ts';
import type { Carrier, RequestArrival } from './carrier.ts';
import { CoapError } from './coap-error.ts';
import { type Untokened, requestKey } from './content.ts';
import type {
  IncomingRequest,
  Method,
  Observation,
  ObservationWatcher,
  OutgoingResponse,
  RequestHandler,
  RequestHead,
  ResponseCode,
} from './exchange.ts';
import { METHODS, RESPONSE_CODES } from './exchange.ts';
import { Freshness, type FreshnessOptions } from './freshness.ts';
import { type CoapOption, type MessageContent, NO_BYTES, NO_OPTIONS, formatCode, isResponseCode } from './message.ts';
import { OPTION, findTexts, findUint, unrecognizedCritical } from './options.ts';
import { isSilenced } from './preconditions.ts';
import { RequestStream } from './request-stream.ts';
import { ServerBodies, type ServerBodiesOptions, answerBare } from './server-bodies.ts';
import type { ServerObservation } from './server-observation.ts';
import { ServerObservations, type ServerObservationsOptions } from './server-observations.ts';

export interface ServerExchangesOptions extends ServerBodiesOptions, ServerObservationsOptions {
  /** Requests whose handler has not answered yet; a further one is answered 5.03. */
  readonly maxPendingRequests: number;
  /** How long a handler may take; then 5.03 is answered, and what it says later is dropped. */
  readonly handlerTimeout: Duration;
  /** While it says no, requests are ignored as if they had been lost. */
  readonly admits?: (() => boolean) | undefined;
  /** Requests whose body the handler reads as it comes. */
  readonly streamed?: ((request: RequestHead) => boolean) | undefined;
  /** Requests that must be fresh (RFC 9175). */
  readonly freshness?: FreshnessOptions | undefined;
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
  /** The message that waits for the answer: of a body that streams, the newest block's. */
  arrival: RequestArrival;
  block1: Block | undefined;
  readonly block2: Block | undefined;
  /** Set if the handler reads the body as it comes. */
  readonly stream: RequestStream | undefined;
  /** What a handler answered before its stream's next block was there to answer. */
  early: OutgoingResponse | undefined;
  /** Set once the handler accepted to be observed. */
  observation: ServerObservation | undefined;
  /** `rendering`: answered, but the body's first part is still awaited. */
  state: 'handling' | 'rendering' | 'answered';
  /** When its handler must have answered. */
  deadline: Instant;
}

export class ServerExchanges {
  handler: RequestHandler | undefined;
  readonly #carrier: Carrier;
  readonly #log: Log;
  readonly #options: ServerExchangesOptions;
  readonly #understood: ReadonlySet<number>;
  readonly #bodies: ServerBodies;
  readonly #observations: ServerObservations;
  readonly #freshness: Freshness | undefined;
  readonly #pending = new Set<Pass>();
  /** Bodies that stream and are not complete, by what makes their blocks the same. */
  readonly #streams = new Map<string, Pass>();
  #closed: Error | undefined;

  constructor(carrier: Carrier, random: RandomSource, log: Log, options: ServerExchangesOptions) {
    this.#carrier = carrier;
    this.#log = log;
    this.#options = options;
    this.#understood = new Set([...UNDERSTOOD, ...options.understoodOptions]);
    this.#bodies = new ServerBodies(carrier, log, options);
    this.#freshness = options.freshness && new Freshness(options.freshness, random);
    this.#observations = new ServerObservations(carrier, log, options, (response, own, request, asked) => {
      if (response.stream !== undefined) throw new CoapError('EINVAL', 'stream: expected a payload in a notification');
      return this.#bodies.render(response, own, request, asked) as Untokened;
    });
  }

  /** Takes a request; answers it in the same call if the handler does. */
  handle(arrival: RequestArrival): void {
    if (this.#options.admits?.() === false) return arrival.ignore();
    try {
      this.#admit(arrival);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#log.debug({ field: error.field }, 'coap: request with a malformed option');
      refuse(arrival, RESPONSE_CODES.badRequest);
    }
  }

  nextTimeout(): Instant {
    let next = this.#bodies.nextTimeout();
    for (const { stream } of this.#streams.values())
      if (stream !== undefined && stream.expires < next) next = stream.expires;
    // All handlers have the same time, so the first in is the first due.
    const [slowest] = this.#pending;
    return slowest !== undefined && slowest.deadline < next ? slowest.deadline : next;
  }

  handleTimeout(now: Instant): void {
    this.#bodies.expire(now);
    for (const [key, { stream }] of this.#streams) {
      if (stream === undefined || stream.expires > now) continue;
      this.#streams.delete(key);
      stream.fail(new CoapError('ETIMEDOUT', 'the peer stopped in the middle of a body'));
    }
    for (const pass of this.#pending) {
      if (pass.deadline > now) break;
      this.#pending.delete(pass);
      if (pass.state === 'answered') continue;
      this.#log.warn({ method: formatCode(pass.arrival.message.code) }, 'coap: a handler takes too long: 5.03 instead');
      if (pass.state === 'rendering') this.#giveUp(pass, RESPONSE_CODES.serviceUnavailable);
      else this.#answer(pass, { code: RESPONSE_CODES.serviceUnavailable });
    }
  }

  close(error: Error): void {
    this.#closed = error;
    this.#observations.close(error);
    this.#bodies.clear();
    for (const { stream } of this.#streams.values()) stream?.fail(error);
    this.#streams.clear();
    this.#pending.clear();
  }

  /** As if `request` had been accepted here. */
  adopt(request: IncomingRequest, watcher: ObservationWatcher, sequence: number): Observation {
    const { token, options, payload } = request;
    const message: MessageContent = { code: METHODS[request.method], token, options, payload };
    const asked = findBlock(options, OPTION.block2, this.#carrier.maxSizeExponent());
    return this.#observations.adopt(message, asked, watcher, sequence);
  }

  #admit(arrival: RequestArrival): void {
    const { message } = arrival;
    const method = METHOD_NAMES.get(message.code);
    if (method === undefined) return refuse(arrival, RESPONSE_CODES.methodNotAllowed);
    const critical = unrecognizedCritical(message.options, this.#understood);
    if (critical === OPTION.proxyUri || critical === OPTION.proxyScheme)
      return refuse(arrival, RESPONSE_CODES.proxyingNotSupported);
    if (critical !== undefined) return refuse(arrival, RESPONSE_CODES.badOption);
    const largest = this.#carrier.maxSizeExponent();
    const block1 = findBlock(message.options, OPTION.block1, largest);
    const block2 = findBlock(message.options, OPTION.block2, largest);
    if (block1 === undefined && block2 !== undefined && block2.num > 0) {
      if (this.#bodies.continueResponse(arrival, block2)) return;
    }
    const head = readHead(message, method);
    const echo = block1?.more === true ? undefined : this.#freshness?.challenge(head, this.#carrier.now());
    if (echo !== undefined) return answerBare(arrival, RESPONSE_CODES.unauthorized, [echo]);
    if (this.#goesOn(message, block1) || this.#options.streamed?.(head) === true) {
      return this.#stream(arrival, block1, block2, head);
    }
    const payload = this.#bodies.assemble(arrival, block1);
    if (payload === undefined) return;
    const pass = newPass(arrival, block1, block2, undefined);
    this.#dispatch(pass, this.#incoming(pass, head, payload));
  }

  /** What has begun as a stream stays one: its handler is to hear that there is nothing to be written to any more. */
  #goesOn(message: MessageContent, block1: Block | undefined): boolean {
    return this.#streams.size > 0 && (block1?.num ?? 0) > 0 && this.#streams.has(requestKey(message));
  }

  // The first block calls the handler, each further one feeds it.
  #stream(arrival: RequestArrival, block1: Block | undefined, block2: Block | undefined, head: RequestHead): void {
    const { message } = arrival;
    const key = requestKey(message);
    const block = block1 ?? { num: 0, more: false, sizeExponent: BERT_EXPONENT }; // of any length
    const running = this.#streams.get(key);
    if (block.num > 0) {
      if (running === undefined) return this.#bodies.refuse(arrival, block1, 'incomplete');
      return this.#feed(running, key, arrival, block);
    }
    if (running !== undefined) this.#breakOff(running, key);
    if (this.#streams.size >= this.#options.maxTransfers) return refuse(arrival, RESPONSE_CODES.serviceUnavailable);
    const now = this.#carrier.now();
    const stream = new RequestStream(
      (taken) => this.#bodies.goOn(taken.arrival, taken.block),
      this.#options.lifetime,
      now,
    );
    const pass = newPass(arrival, block1, block2, stream);
    if (!stream.add({ arrival, block }, message.payload, now)) return this.#bodies.refuse(arrival, block1, 'malformed');
    if (!stream.complete) this.#streams.set(key, pass);
    this.#dispatch(pass, { ...this.#incoming(pass, head, NO_BYTES), body: stream });
    if (pass.state !== 'handling') this.#streams.delete(key);
  }

  #feed(pass: Pass, key: string, arrival: RequestArrival, block: Block): void {
    const now = this.#carrier.now();
    if (pass.stream?.add({ arrival, block }, arrival.message.payload, now) !== true) {
      this.#breakOff(pass, key);
      return this.#bodies.refuse(arrival, block, 'incomplete');
    }
    pass.arrival = arrival;
    pass.block1 = block;
    if (pass.stream.complete) this.#streams.delete(key);
    if (this.#pending.has(pass)) this.#wait(pass);
    if (pass.early !== undefined) {
      this.#streams.delete(key);
      this.#answer(pass, pass.early);
    }
  }

  #breakOff(pass: Pass, key: string): void {
    this.#streams.delete(key);
    pass.state = 'answered'; // it stays pending, and counts, until its handler has noticed
    pass.stream?.fail(new CoapError('ECONNABORTED', 'the peer began the body anew, or broke it off'));
  }

  #incoming(pass: Pass, head: RequestHead, payload: Uint8Array): IncomingRequest {
    const { message, confirmable } = pass.arrival;
    const { token } = message;
    const mayObserve = head.method === 'GET' || head.method === 'FETCH';
    const observe = mayObserve ? findUint(message.options, OPTION.observe) : undefined;
    this.#observations.end(token, observe === 1 ? 'deregistered' : 'replaced');
    const further = pass.block2 !== undefined && pass.block2.num > 0;
    const kept = observe === 0 && !further ? this.#observations.copyToKeep({ ...message, payload }) : undefined;
    return {
      ...head,
      options: kept?.options ?? head.options,
      payload: kept?.payload ?? payload,
      confirmable,
      token: kept?.token ?? token,
      acceptObservation: kept && ((watcher) => this.#accept(pass, kept, watcher)),
      cancelsObservation: observe === 1,
    };
  }

  #accept(pass: Pass, request: MessageContent, watcher: ObservationWatcher): Observation {
    if (pass.state !== 'handling')
      throw new CoapError('EINVAL', 'acceptObservation: expected before the answer, found after it');
    pass.observation = this.#observations.open(request, pass.block2, watcher);
    return pass.observation;
  }

  #dispatch(pass: Pass, request: IncomingRequest): void {
    if (this.handler === undefined) return this.#answer(pass, { code: RESPONSE_CODES.notFound });
    if (this.#pending.size >= this.#options.maxPendingRequests)
      return this.#answer(pass, { code: RESPONSE_CODES.serviceUnavailable });
    let answer: ReturnType<RequestHandler>;
    try {
      answer = this.handler(request);
    } catch (error) {
      return this.#answerError(pass, error);
    }
    if (!(answer instanceof Promise)) return this.#answer(pass, answer);
    this.#wait(pass);
    answer
      .finally(() => void this.#pending.delete(pass))
      .then(
        (response) => this.#answer(pass, response),
        (error: unknown) => this.#answerError(pass, error),
      )
      .catch((error: unknown) => this.#log.error({ error: String(error) }, 'coap: an answer could not be sent'));
  }

  #wait(pass: Pass): void {
    pass.deadline = later(this.#carrier.now(), this.#options.handlerTimeout);
    this.#pending.delete(pass); // to the end: the others are due before it
    this.#pending.add(pass);
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
    const { observation, stream } = pass;
    if (pass.state !== 'handling') return; // too late
    if (stream !== undefined && this.#closed === undefined && stream.unanswered === undefined) {
      pass.early = response; // its last block was told to go on: the next one is answered
      return;
    }
    pass.state = 'answered';
    if (this.#closed !== undefined) return observation?.endFor('closed', this.#closed);
    if (response === undefined) {
      observation?.end();
      return pass.arrival.ignore();
    }
    try {
      const isObserved = observation !== undefined && observation.active && response.code < 0x80;
      if (!isObserved) observation?.end();
      const content = this.#render(pass, response, isObserved);
      if (!(content instanceof Promise)) return this.#send(pass, content, isObserved);
      pass.state = 'rendering';
      this.#wait(pass);
      content
        .then(
          (ready) => pass.state === 'rendering' && this.#send(pass, ready, isObserved),
          (error: unknown) => pass.state === 'rendering' && this.#unsendable(pass, error),
        )
        .finally(() => void this.#pending.delete(pass))
        .catch((error: unknown) => this.#log.error({ error: String(error) }, 'coap: an answer could not be sent'));
    } catch (error) {
      this.#unsendable(pass, error);
    }
  }

  #unsendable(pass: Pass, error: unknown): void {
    this.#log.error(
      { error: error instanceof CoapError ? error.message : error instanceof Error ? error.name : typeof error },
      'coap: the response cannot be sent',
    );
    this.#giveUp(pass, RESPONSE_CODES.internalServerError);
  }

  #giveUp(pass: Pass, code: ResponseCode): void {
    pass.state = 'answered';
    pass.observation?.end();
    refuse(pass.arrival, code);
  }

  #send(pass: Pass, content: Untokened, isObserved: boolean): void {
    const { arrival, observation } = pass;
    pass.state = 'answered';
    if (!isObserved && isUnwanted(arrival, content.code)) return arrival.acknowledge();
    const delivery = isObserved ? observation?.registration : undefined;
    arrival.respond({ ...content, token: arrival.message.token }, delivery);
    if (isObserved) observation?.established(this.#observations.sequence);
  }

  #render(pass: Pass, response: OutgoingResponse, isObserved: boolean): Untokened | Promise<Untokened> {
    const { arrival, block1, block2 } = pass;
    const own: CoapOption[] = [];
    if (isObserved) own.push(this.#observations.nextSequence());
    if (block1 !== undefined) own.push(blockOption(OPTION.block1, { ...block1, more: false }));
    return this.#bodies.render(response, own, arrival.message, block2);
  }
}

function newPass(
  arrival: RequestArrival,
  block1: Block | undefined,
  block2: Block | undefined,
  stream: RequestStream | undefined,
): Pass {
  return {
    arrival,
    block1,
    block2,
    stream,
    early: undefined,
    observation: undefined,
    state: 'handling',
    deadline: NEVER,
  };
}

function readHead({ options }: MessageContent, method: Method): RequestHead {
  return {
    method,
    path: findTexts(options, OPTION.uriPath),
    query: findTexts(options, OPTION.uriQuery),
    accept: findUint(options, OPTION.accept),
    contentFormat: findUint(options, OPTION.contentFormat),
    options,
  };
}

/** Nobody wants that answer: the request says so, or it went to a group and is refused (RFC 7967 §2, RFC 7252 §8.2). */
function isUnwanted({ message, multicast }: RequestArrival, code: number): boolean {
  return (multicast === true && code >= 0x80) || isSilenced(message, code);
}

/** Refuses a request before its handler has it. */
function refuse(arrival: RequestArrival, code: ResponseCode): void {
  if (isUnwanted(arrival, code)) arrival.acknowledge();
  else answerBare(arrival, code, NO_OPTIONS);
}
