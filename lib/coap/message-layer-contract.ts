// What goes in and out of the message layer: its options, the messages under way, its outputs and its counters.

import type { Instant } from '../runtime/index.ts';
import type { CoapMessage, MessageContent } from './message.ts';
import type { Remembered } from './message-memory.ts';
import type { TransmissionParameters } from './transmission.ts';

export interface MessageLayerOptions {
  readonly transmission?: Partial<TransmissionParameters> | undefined;
  /** Confirmable messages that may wait for NSTART. Default 256. */
  readonly maxQueuedMessages?: number | undefined;
  /** Messages remembered to recognize duplicates. Default 1,024. */
  readonly maxRememberedMessages?: number | undefined;
  /** Bytes of replies kept for duplicates. Default 256 KiB. */
  readonly maxRememberedBytes?: number | undefined;
  /**
   * Whether the datagrams were sent to a group: then only non-confirmable requests are taken, and nothing is rejected by
   * Reset (RFC 7252 §8.1). Node does not say where a datagram went, so a group needs a socket of its own. Default false.
   */
  readonly multicast?: boolean | undefined;
}

/** A message of ours under way; `Context` is the caller's, and comes back with its outcome. */
export interface Sent<Context> {
  readonly content: MessageContent;
  readonly confirmable: boolean;
  readonly context: Context;
  /** Undefined while it waits for NSTART, or PROBING_RATE. */
  messageId: number | undefined;
  /** Kept to be sent again, if confirmable. */
  bytes: Uint8Array;
  transmissions: number;
  /** How many of them the network said it could not deliver. */
  refusals: number;
  /** The current wait, in milliseconds. */
  timeout: number;
  /** What each wait is multiplied by for the next. */
  backOff: number;
  /** Of the first transmission. */
  sentAt: Instant;
  /** When to send again; a non-confirmable message: when to stop listening for a Reset. */
  deadline: Instant;
}

/** A message of the peer that wants an answer or an acknowledgement. */
export interface Inbound {
  readonly message: CoapMessage;
  readonly remembered: Remembered;
  /** `open`: nothing said yet; `acknowledged`: by an empty ACK, the answer follows apart; `done`: nothing more to say. */
  state: 'open' | 'acknowledged' | 'done';
  acknowledgeAt: Instant;
}

export type MessageLayerOutput<Context> =
  | { readonly kind: 'transmit'; readonly bytes: Uint8Array; readonly sent?: Sent<Context>; readonly inbound?: Inbound }
  | { readonly kind: 'request'; readonly inbound: Inbound }
  /** Answer with `acknowledge` or `reject`, unless it is piggy-backed. */
  | { readonly kind: 'response'; readonly message: CoapMessage; readonly inbound: Inbound | undefined }
  | { readonly kind: 'acknowledged'; readonly context: Context }
  | { readonly kind: 'failed'; readonly context: Context; readonly reason: 'timeout' | 'reset' | 'refused' };

/** What was dropped or repeated, for those who look after the device. */
export interface MessageLayerCounters {
  malformed: number;
  duplicates: number;
  unexpected: number;
  retransmissions: number;
  /** Message ids used again within EXCHANGE_LIFETIME: more than 265 messages a second for long (RFC 7252 §4.4). */
  reusedMessageIds: number;
}
