// The bodies of a server's exchanges (RFC 7959): request bodies put together, response bodies cut, by blocks that fit.

import type { Instant, Log } from '../runtime/index.ts';
import { type Block, type Cut, blockOption, fittingCut, splitOverhead } from './block-option.ts';
import { bytesSource } from './body-source.ts';
import type { Carrier, RequestArrival } from './carrier.ts';
import { type Untokened, bodyOf, encodeResponse, requestKey } from './content.ts';
import { METHODS, type OutgoingResponse, RESPONSE_CODES, type ResponseCode } from './exchange.ts';
import { type CoapOption, type MessageContent, NO_BYTES, NO_OPTIONS } from './message.ts';
import { OPTION, findUint, uintOption } from './options.ts';
import { validated } from './preconditions.ts';
import { type Assembled, RequestBodies, type RequestBodiesOptions } from './request-bodies.ts';
import { ResponseBodies, type ResponseBodiesOptions } from './response-bodies.ts';

export interface ServerBodiesOptions extends RequestBodiesOptions, ResponseBodiesOptions {
  readonly optionReserve: number;
}

type Refusal = Exclude<Assembled['kind'], 'whole' | 'continue'>;

export class ServerBodies {
  readonly #carrier: Carrier;
  readonly #log: Log;
  readonly #options: ServerBodiesOptions;
  readonly #requests: RequestBodies;
  readonly #responses: ResponseBodies;

  constructor(carrier: Carrier, log: Log, options: ServerBodiesOptions) {
    this.#carrier = carrier;
    this.#log = log;
    this.#options = options;
    this.#requests = new RequestBodies(options);
    this.#responses = new ResponseBodies(options);
  }

  nextTimeout(): Instant {
    return Math.min(this.#requests.nextTimeout(), this.#responses.nextTimeout()) as Instant;
  }

  expire(now: Instant): void {
    this.#requests.expire(now);
    this.#responses.expire(now);
  }

  clear(): void {
    this.#requests.clear();
    this.#responses.clear();
  }

  /** The whole body, or undefined once the block has been answered. */
  assemble(arrival: RequestArrival, block: Block | undefined): Uint8Array | undefined {
    const { message } = arrival;
    if (block === undefined) {
      if (message.payload.length <= this.#options.maxBodyBytes) return message.payload;
      this.refuse(arrival, undefined, 'tooLarge');
      return undefined;
    }
    const announced = findUint(message.options, OPTION.size1);
    const result = this.#requests.add(requestKey(message), block, message.payload, announced, this.#carrier.now());
    if (result.kind === 'whole') return result.payload;
    if (result.kind === 'continue') this.goOn(arrival, block);
    else this.refuse(arrival, block, result.kind);
    return undefined;
  }

  /** Tells the peer to send the block after this one. */
  goOn(arrival: RequestArrival, block: Block): void {
    answerBare(arrival, RESPONSE_CODES.continue, [this.#echo(arrival, block, true)]);
  }

  /** Says why a body is not taken. */
  refuse(arrival: RequestArrival, block: Block | undefined, why: Refusal): void {
    const echo = block === undefined ? NO_OPTIONS : [this.#echo(arrival, block, false)];
    if (why === 'malformed') answerBare(arrival, RESPONSE_CODES.badRequest);
    else if (why === 'incomplete') answerBare(arrival, RESPONSE_CODES.requestEntityIncomplete, echo);
    else {
      const limit = uintOption(OPTION.size1, Math.min(this.#options.maxBodyBytes, 0xffffffff)); // RFC 7959 §2.9.3
      answerBare(arrival, RESPONSE_CODES.requestEntityTooLarge, [...echo, limit]);
    }
  }

  /** Answers with a block of a body kept; false if there is none and the request is to be handled anew. */
  continueResponse(arrival: RequestArrival, asked: Block): boolean {
    const { message } = arrival;
    const next = this.#responses.next(message, asked, (kept) => this.#cut(kept, asked), this.#carrier.now());
    const answer = (content: Untokened): void => arrival.respond({ ...content, token: message.token });
    if (next !== undefined) {
      if (next instanceof Promise) next.then(answer, (error: unknown) => this.#failed(arrival, error));
      else answer(next);
      return true;
    }
    const safe = message.code === METHODS.GET || message.code === METHODS.FETCH;
    if (!safe) answerBare(arrival, RESPONSE_CODES.requestEntityIncomplete); // only what is safe may be rendered anew
    return !safe;
  }

  /**
   * The response, or the block of it that was asked for. A promise only for a body that is a stream.
   * @throws CoapError EINVAL, RangeError
   */
  render(
    response: OutgoingResponse,
    own: readonly CoapOption[],
    request: MessageContent,
    asked: Block | undefined,
  ): Untokened | Promise<Untokened> {
    const plain = encodeResponse(response);
    const unchanged = validated(request, plain);
    const rendered = unchanged ?? plain;
    const head = { ...rendered, options: [...own, ...rendered.options], payload: NO_BYTES };
    const source = unchanged === undefined ? bodyOf(response) : bytesSource(NO_BYTES);
    return this.#responses.fit({ head, source }, request, asked, this.#cut(head, asked), this.#carrier.now());
  }

  #echo({ message }: RequestArrival, block: Block, more: boolean): CoapOption {
    const { sizeExponent } = this.#cut({ ...message, options: NO_OPTIONS }, block);
    return blockOption(OPTION.block1, { num: block.num, more, sizeExponent });
  }

  #cut(content: Untokened, asked: Block | undefined): Cut {
    return fittingCut(this.#carrier, splitOverhead(content, this.#options.optionReserve), asked?.sizeExponent);
  }

  #failed(arrival: RequestArrival, error: unknown): void {
    this.#log.error({ error: String(error) }, 'coap: a block could not be read');
    answerBare(arrival, RESPONSE_CODES.internalServerError);
  }
}

/** A response with nothing but its code and these options. */
export function answerBare(
  arrival: RequestArrival,
  code: ResponseCode,
  options: readonly CoapOption[] = NO_OPTIONS,
): void {
  arrival.respond({ code, options, payload: NO_BYTES, token: arrival.message.token });
}
