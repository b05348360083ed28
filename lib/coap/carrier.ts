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
  /** Sent to a group: errors are not answered (RFC 7252 §8.2). Default false. */
  readonly multicast?: boolean | undefined;
  /** `delivery` hears of the response only if it is a message of its own: a piggy-backed one is asked for again if lost. */
  respond(content: MessageContent, delivery?: Delivery): void;
  /** Says that it was received, and that no response follows (RFC 7967 §2.1). Nothing is sent over a stream. */
  acknowledge(): void;
  /** Leaves it without any answer, as if it had been lost on the way. */
  ignore(): void;
}

/**
 * Over a stream there is no message layer: `confirmable` means nothing, what was sent counts as acknowledged as soon as
 * the stream has taken it, and `delivery` may hear of it before `send` returns.
 */
export interface Carrier {
  now(): Instant;
  /** Largest message that leaves whole, in bytes, counted with the header of UDP: a stream takes off what its own has more. */
  maxMessageBytes(): number;
  /** Largest SZX of a block: 6 (1,024 bytes), or 7 where BERT is agreed (RFC 8323 §6). */
  maxSizeExponent(): number;
  /** Whether messages come once and in order, so that notifications need no numbers to be sorted by (RFC 8323 §7.1). */
  readonly ordered: boolean;
  /** Whether the peer has been silent for so long that what goes out next must ask for an acknowledgement. */
  mustConfirm(): boolean;
  /** @throws CoapError ENOBUFS if too much waits; the socket's error if it is closed */
  send(content: MessageContent, confirmable: boolean, delivery: Delivery): Sending;
}
