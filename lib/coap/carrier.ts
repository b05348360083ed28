// What the request layer asks of the transport below it: the message layer and a socket (UDP), or a stream's framing.

import type { Instant } from '../runtime/index.ts';
import type { MessageContent } from './message.ts';

/** Told what becomes of a message. After `failed` nothing more comes. */
export interface Delivery {
  /** The peer has it. */
  acknowledged(): void;
  failed(error: Error): void;
}

/** A message under way. */
export interface Sending {
  /** Stops it and all news of it. */
  cancel(): void;
}

/** A request of the peer, to be answered once by `respond` or `ignore`. */
export interface RequestArrival {
  readonly message: MessageContent;
  readonly confirmable: boolean;
  /** `delivery` hears of the response only if it is a message of its own: a piggy-backed one is asked for again if lost. */
  respond(content: MessageContent, delivery?: Delivery): void;
  /** Leaves it without any answer, as if it had been lost on the way. */
  ignore(): void;
}

export interface Carrier {
  now(): Instant;
  /** Largest message that leaves whole, in bytes. */
  maxMessageBytes(): number;
  /** @throws CoapError ENOBUFS if too much waits; the socket's error if it is closed */
  send(content: MessageContent, confirmable: boolean, delivery: Delivery): Sending;
}
