// The observations that a peer has with us (RFC 7641 §4): by token, numbered, and sent in turn.

import type { Log } from '../runtime/index.ts';
import type { Block } from './block-option.ts';
import type { Carrier, Delivery } from './carrier.ts';
import type { Untokened } from './content.ts';
import type { ObservationWatcher, OutgoingResponse } from './exchange.ts';
import type { CoapOption, MessageContent } from './message.ts';
import { NotificationTurns } from './notification-turns.ts';
import { OPTION, uintOption } from './options.ts';
import { ServerObservation, type ServerObservationContext } from './server-observation.ts';
import { tokenKey } from './token-layer.ts';

export interface ServerObservationsOptions {
  /** Observations at once; a further one is answered as a plain request. */
  readonly maxObservations: number;
  /** Bytes of their requests, which are kept with them; where one more does not fit it is answered as a plain request. */
  readonly maxObservedBytes: number;
  /** Confirmable notifications out at once. */
  readonly maxOutstandingNotifications: number;
}

/** Renders a notification, the options of its own first. */
export type RenderNotification = (
  response: OutgoingResponse,
  own: readonly CoapOption[],
  request: MessageContent,
  asked: Block | undefined,
) => Untokened;

export class ServerObservations {
  readonly #carrier: Carrier;
  readonly #log: Log;
  readonly #maxObservations: number;
  readonly #maxObservedBytes: number;
  readonly #render: RenderNotification;
  readonly #byToken = new Map<string, ServerObservation>();
  readonly #turns: NotificationTurns;
  #sequence = 0;
  #bytes = 0;

  constructor(carrier: Carrier, log: Log, options: ServerObservationsOptions, render: RenderNotification) {
    this.#carrier = carrier;
    this.#log = log;
    this.#maxObservations = options.maxObservations;
    this.#maxObservedBytes = options.maxObservedBytes;
    this.#turns = new NotificationTurns(options.maxOutstandingNotifications);
    this.#render = render;
  }

  /** A request as an observation keeps it: of the buffer it came in, which may be larger by far, nothing. Undefined: no room. */
  copyToKeep(request: MessageContent): MessageContent | undefined {
    const { code, token, options, payload } = request;
    const hasRoom = this.#byToken.size < this.#maxObservations;
    if (!hasRoom || this.#bytes + costOf(request) > this.#maxObservedBytes) return undefined;
    const copies = options.map(({ number, value }) => ({ number, value: value.slice() }));
    return { code, token: token.slice(), options: copies, payload: payload.slice() };
  }

  /** Of the newest notification or accepting response. */
  get sequence(): number {
    return this.#sequence;
  }

  nextSequence(): CoapOption {
    this.#sequence = (this.#sequence + 1) & 0xffffff; // RFC 7641 §4.4: 24 bits
    return uintOption(OPTION.observe, this.#sequence);
  }

  /** Ends the one on that token, if there is one. */
  end(token: Uint8Array, reason: 'deregistered' | 'replaced'): void {
    this.#byToken.get(tokenKey(token))?.endFor(reason);
  }

  /** @param request not shared with anybody, as `copyToKeep` gives it */
  open(request: MessageContent, asked: Block | undefined, watcher: ObservationWatcher): ServerObservation {
    const key = tokenKey(request.token);
    this.#byToken.get(key)?.endFor('replaced');
    const cost = costOf(request);
    const context: ServerObservationContext = {
      now: () => this.#carrier.now(),
      mustConfirm: () => this.#carrier.mustConfirm(),
      turns: this.#turns,
      removed: () => {
        if (this.#byToken.get(key) === observation) this.#byToken.delete(key);
        this.#bytes -= cost;
      },
      transmit: (response, confirmable, delivery) => this.#transmit(request, asked, response, confirmable, delivery),
    };
    const observation: ServerObservation = new ServerObservation(this.#guarded(watcher), context);
    this.#byToken.set(key, observation);
    this.#bytes += cost;
    return observation;
  }

  /** One that goes on with numbers after `sequence`: the peer must not see them go back. */
  adopt(
    request: MessageContent,
    asked: Block | undefined,
    watcher: ObservationWatcher,
    sequence: number,
  ): ServerObservation {
    const isAhead = ((sequence - this.#sequence) & 0xffffff) < 0x800000;
    if (isAhead || this.#byToken.size === 0) this.#sequence = sequence;
    const observation = this.open(request, asked, watcher);
    observation.established(sequence);
    return observation;
  }

  close(error: Error): void {
    for (const observation of [...this.#byToken.values()]) observation.endFor('closed', error);
  }

  #transmit(
    request: MessageContent,
    asked: Block | undefined,
    response: OutgoingResponse,
    confirmable: boolean,
    delivery: Delivery,
  ): number {
    const own = response.code < 0x80 ? [this.nextSequence()] : [];
    const content = this.#render(response, own, request, asked);
    this.#carrier.send({ ...content, token: request.token }, confirmable, delivery);
    return this.#sequence;
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
}

const OPTION_COST = 64; // bytes that an option is reckoned at beside its value: it may have none

function costOf({ options, payload }: MessageContent): number {
  return options.reduce((sum, { value }) => sum + OPTION_COST + value.length, payload.length);
}
