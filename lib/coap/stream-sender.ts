// The way out of a stream: messages of a size that the peer takes, in order, and in time.

import { SocketError, type StreamSocket } from '../net/index.ts';
import type { Instant, Log } from '../runtime/index.ts';
import { BERT_EXPONENT, LARGEST_EXPONENT } from './block-option.ts';
import type { Delivery, Sending } from './carrier.ts';
import { CoapError } from './coap-error.ts';
import { RESPONSE_CODES } from './exchange.ts';
import { type MessageContent, NO_BYTES, NO_OPTIONS } from './message.ts';
import { BASE_CAPABILITIES, BASE_MESSAGE_SIZE, type Capabilities } from './signalling.ts';
import type { StreamDeadlines } from './stream-deadlines.ts';
import { encodeFrame, frameLength } from './stream-frame.ts';
import { type Outgoing, StreamOutbox } from './stream-outbox.ts';

export interface StreamSenderOptions {
  readonly own: Capabilities;
  /** Undefined before its CSM. */
  readonly peer: () => Capabilities | undefined;
  readonly maxQueuedBytes: number;
  readonly deadlines: StreamDeadlines;
  readonly now: () => Instant;
  /** A deadline may be another one now. */
  readonly rearm: () => void;
  readonly log: Log;
}

const UNATTENDED: Delivery = { acknowledged: () => undefined, failed: () => undefined };

export class StreamSender {
  readonly #socket: StreamSocket;
  readonly #options: StreamSenderOptions;
  readonly #outbox: StreamOutbox;

  constructor(socket: StreamSocket, options: StreamSenderOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#outbox = new StreamOutbox(
      (bytes) => socket.send(bytes),
      () => socket.getOption('innerMtu'),
      options.maxQueuedBytes,
    );
  }

  /** Whether something waits. */
  get isBlocked(): boolean {
    return this.#outbox.isBlocked;
  }

  /** `Carrier.maxMessageBytes`: a stream's header has up to 2 bytes more than a datagram's, from 65,805 bytes on. */
  get maxMessageBytes(): number {
    const room = this.#room();
    return room > 65_805 ? room - 2 : room;
  }

  /** `Carrier.maxSizeExponent`: several blocks in one message where both ends can (RFC 8323 §6). */
  get maxSizeExponent(): number {
    const { maxMessageSize, blockWise } = this.#options.peer() ?? BASE_CAPABILITIES;
    const most = Math.min(maxMessageSize, this.#options.own.maxMessageSize);
    return blockWise && most > BASE_MESSAGE_SIZE ? BERT_EXPONENT : LARGEST_EXPONENT;
  }

  /** A message that may be refused. @throws CoapError ENOBUFS, EMSGSIZE */
  send(content: MessageContent, delivery: Delivery): Sending {
    if (this.#outbox.isFull) throw new CoapError('ENOBUFS', 'too much waits for the stream already');
    const bytes = encodeFrame(content);
    const room = this.#room();
    if (bytes.length > room)
      throw new CoapError('EMSGSIZE', `a message of ${bytes.length} bytes, at most ${room} leave`);
    const outgoing = this.#push(bytes, delivery);
    return {
      cancel: () => {
        if (outgoing !== undefined) this.#outbox.cancel(outgoing);
      },
    };
  }

  /** Sends what nobody waits for. */
  put(content: MessageContent): void {
    this.#push(encodeFrame(content), UNATTENDED);
  }

  /** @returns whether nothing waits any more */
  flush(): boolean {
    try {
      this.#outbox.flush();
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      return false; // as in #push
    }
    this.#options.deadlines.sending(this.#outbox.isBlocked, true, this.#options.now());
    return !this.#outbox.isBlocked;
  }

  /** An answer always leaves: for what was asked there is room. */
  respond(content: MessageContent, delivery: Delivery = UNATTENDED): void {
    const bytes = frameLength(content);
    const room = this.#room();
    if (bytes <= room) return void this.#push(encodeFrame(content), delivery);
    this.#options.log.error({ bytes, room }, 'coap: the options of a response do not fit');
    const { internalServerError: code } = RESPONSE_CODES;
    this.#push(encodeFrame({ code, token: content.token, options: NO_OPTIONS, payload: NO_BYTES }), delivery);
  }

  /** Whether more may be answered: what is full is emptied first, if it can be. */
  mayAnswer(): boolean {
    if (!this.#outbox.isFull) return true;
    this.flush();
    this.#outbox.gather();
    return !this.#outbox.isFull;
  }

  /** What is sent from here on leaves together, by `flush`. */
  gather(): void {
    this.#outbox.gather();
  }

  /** Nothing leaves any more. */
  fail(error: Error): void {
    this.#outbox.fail(error);
  }

  /** Largest message that leaves now, in bytes: no larger than ours, so that what waits to leave is bounded. */
  #room(): number {
    const { maxMessageSize } = this.#options.peer() ?? BASE_CAPABILITIES;
    return Math.min(maxMessageSize, this.#options.own.maxMessageSize, this.#socket.getOption('innerMtu'));
  }

  #push(bytes: Uint8Array, delivery: Delivery): Outgoing | undefined {
    try {
      const outgoing = this.#outbox.push(bytes, delivery);
      this.#options.deadlines.sending(this.#outbox.isBlocked, false, this.#options.now());
      this.#options.rearm();
      return outgoing;
    } catch (error) {
      delivery.failed(error instanceof Error ? error : new CoapError('EINVAL', String(error)));
      return undefined; // the socket has closed, and its handler is told why
    }
  }
}
