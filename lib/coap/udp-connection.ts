// CoAP over one connected datagram socket, plain or DTLS alike (RFC 7252): client and server at once.

import { type DatagramSocket, SocketError } from '../net/index.ts';
import type { Environment, Instant, Timer } from '../runtime/index.ts';
import type { Carrier, Delivery, RequestArrival, Sending } from './carrier.ts';
import { LARGEST_EXPONENT } from './block-option.ts';
import { CoapError } from './coap-error.ts';
import { encodedLength } from './codec.ts';
import { RESPONSE_CODES } from './exchange.ts';
import { ExchangeConnection, type ExchangeConnectionOptions } from './exchange-connection.ts';
import { type MessageContent, NO_BYTES, NO_OPTIONS } from './message.ts';
import { MessageLayer } from './message-layer.ts';
import type {
  Inbound,
  MessageLayerCounters,
  MessageLayerOptions,
  MessageLayerOutput,
  Sent,
} from './message-layer-contract.ts';
import { checkedTransmission, exchangeLifetime } from './transmission.ts';

export interface UdpCoapOptions extends MessageLayerOptions, ExchangeConnectionOptions {}

export class UdpCoapConnection extends ExchangeConnection {
  readonly #socket: DatagramSocket;
  readonly #environment: Environment;
  readonly #layer: MessageLayer<Delivery>;
  readonly #multicast: boolean;
  readonly #onClosed: ((cause: SocketError | undefined) => void) | undefined;
  #timer: Timer | undefined;
  #armedFor: Instant | undefined;
  #running = false;
  #softError: SocketError | undefined;

  /** Takes over `socket.handler`; the socket must be connected. What it has buffered is read in the next microtask. */
  constructor(socket: DatagramSocket, environment: Environment, options: UdpCoapOptions = {}) {
    const transmission = checkedTransmission(options.transmission);
    super(environment, options, {
      lifetime: exchangeLifetime(transmission),
      outstandingNotifications: transmission.nstart,
    });
    this.#socket = socket;
    this.#environment = environment;
    this.#onClosed = options.onClosed;
    this.#multicast = options.multicast ?? false;
    this.#layer = new MessageLayer(environment.random, options);
    socket.handler = {
      readable: () => this.#drain(),
      writable: () => undefined, // what was refused is lost like a datagram, and sent again like one
      closed: (cause) => this.#socketClosed(cause),
    };
    queueMicrotask(() => {
      if (this.closedBy === undefined && socket.getOption('hasBufferedData')) this.#drain();
    });
  }

  /** What was dropped or repeated so far. */
  get counters(): Readonly<MessageLayerCounters> {
    return this.#layer.counters;
  }

  ping(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    const { signal } = options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(new CoapError('ECANCELED', 'the ping was aborted', signal.reason));
      if (this.closedBy !== undefined) return reject(this.closedBy);
      const done = (error?: Error): void => {
        signal?.removeEventListener('abort', abort);
        // A Reset is the answer wanted; whoever acknowledges instead is there too.
        if (error === undefined || (error instanceof CoapError && error.code === 'ECONNRESET')) resolve();
        else reject(error);
      };
      const sent = this.#layer.ping({ acknowledged: done, failed: done }, this.#now());
      const abort = (): void => {
        this.#sending(sent).cancel();
        done(new CoapError('ECANCELED', 'the ping was aborted', signal?.reason));
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#run();
    });
  }

  close(): void {
    if (this.closedBy !== undefined) return;
    this.#socket.handler = undefined;
    this.#end(new CoapError('ECONNABORTED', 'the connection was closed'));
  }

  #now(): Instant {
    return this.#environment.clock.now();
  }

  protected carrier(): Carrier {
    return {
      now: () => this.#now(),
      maxMessageBytes: () => (this.closedBy === undefined ? this.#socket.getOption('innerMtu') : 0),
      maxSizeExponent: () => LARGEST_EXPONENT,
      ordered: false,
      mustConfirm: () => this.#layer.mustConfirm(this.#now()),
      send: (content, confirmable, delivery) => {
        if (this.closedBy !== undefined) throw this.closedBy;
        const sending = this.#sending(this.#layer.send(content, confirmable, delivery, this.#now()));
        this.#run();
        return sending;
      },
    };
  }

  #sending(sent: Sent<Delivery>): Sending {
    return {
      cancel: () => {
        this.#layer.cancel(sent, this.#now());
        this.#run();
      },
    };
  }

  #drain(): void {
    do {
      let bytes: Uint8Array | undefined;
      try {
        bytes = this.#socket.receive();
      } catch (error) {
        if (!(error instanceof SocketError) || error.fatal) return;
        this.#softError = error; // ICMP: the peer may be back before we give up
        this.#environment.log.debug({ code: error.code }, 'coap: soft network error');
        if (error.code === 'ECONNREFUSED') {
          this.#layer.refused(this.#now());
          this.#run();
        }
        continue;
      }
      if (bytes === undefined) continue;
      this.#layer.handleDatagram(bytes, this.#now());
      this.#run();
    } while (this.closedBy === undefined && this.#socket.getOption('hasBufferedData'));
  }

  // The polling contract: all outputs, then one timer for the next deadline. Calls from within handlers join the loop.
  #run(): void {
    if (this.#running || this.closedBy !== undefined) return;
    this.#running = true;
    try {
      for (let output = this.#layer.poll(); output !== undefined; output = this.#layer.poll()) {
        this.#perform(output);
        if (this.closedBy !== undefined) return;
      }
    } finally {
      this.#running = false;
    }
    this.#arm();
  }

  #perform(output: MessageLayerOutput<Delivery>): void {
    if (output.kind === 'transmit') this.#transmit(output.bytes, output.sent);
    else if (output.kind === 'request') this.server.handle(this.#arrival(output.inbound));
    else if (output.kind === 'acknowledged') output.context.acknowledged();
    else if (output.kind === 'failed') output.context.failed(this.#failure(output.reason));
    else {
      const verdict = this.client.handleResponse(output.message, this.#now());
      if (output.inbound === undefined) return;
      if (verdict === 'accepted') this.#layer.acknowledge(output.inbound);
      else this.#layer.reject(output.inbound);
    }
  }

  #transmit(bytes: Uint8Array, sent: Sent<Delivery> | undefined): void {
    try {
      this.#socket.send(bytes);
    } catch (error) {
      const code = error instanceof SocketError ? error.code : 'unknown';
      this.#environment.log.debug({ code, bytes: bytes.length }, 'coap: the socket refused a datagram');
      if (code === 'EAGAIN' || sent === undefined) return;
      this.#layer.cancel(sent, this.#now());
      sent.context.failed(error instanceof Error ? error : new CoapError('EINVAL', String(error)));
    }
  }

  #arrival(inbound: Inbound): RequestArrival {
    const { message } = inbound;
    return {
      message,
      confirmable: message.type === 0,
      multicast: this.#multicast,
      respond: (content, delivery = unattended) => {
        if (this.closedBy !== undefined) return;
        this.#respond(inbound, content, delivery);
        this.#run();
      },
      acknowledge: () => {
        if (this.closedBy !== undefined) return;
        this.#layer.acknowledge(inbound);
        this.#run();
      },
      ignore: () => {
        if (this.closedBy !== undefined) return;
        this.#layer.ignore(inbound);
        this.#run();
      },
    };
  }

  #respond(inbound: Inbound, content: MessageContent, delivery: Delivery): void {
    const room = this.#socket.getOption('innerMtu');
    let fitting = content;
    if (encodedLength(content) > room) {
      this.#environment.log.error(
        { bytes: encodedLength(content), room },
        'coap: the options of a response do not fit',
      );
      fitting = {
        code: RESPONSE_CODES.internalServerError,
        token: content.token,
        options: NO_OPTIONS,
        payload: NO_BYTES,
      };
    }
    try {
      this.#layer.respond(inbound, fitting, delivery, this.#now());
    } catch (error) {
      this.#environment.log.warn({ error: String(error) }, 'coap: a separate response was dropped');
      delivery.failed(error instanceof Error ? error : new CoapError('EINVAL', String(error)));
    }
  }

  #failure(reason: 'timeout' | 'reset' | 'refused'): CoapError {
    if (reason === 'reset') return new CoapError('ECONNRESET', 'the peer rejected the message by Reset');
    const tries = this.#layer.transmission.maxRetransmit + 1;
    const soft = this.#softError;
    if (reason === 'refused') {
      return new CoapError('ECONNREFUSED', "connection refused: nothing listens at the peer's port", soft);
    }
    const said = soft === undefined ? '' : `; the network said ${soft.code}`;
    return new CoapError('ETIMEDOUT', `not acknowledged after ${tries} transmissions${said}`, soft);
  }

  #arm(): void {
    const next = Math.min(this.#layer.nextTimeout(), this.client.nextTimeout(), this.server.nextTimeout()) as Instant;
    if (next === this.#armedFor) return;
    this.#timer?.cancel();
    this.#armedFor = next;
    this.#timer = Number.isFinite(next) ? this.#environment.timers.at(next, () => this.#wake()) : undefined;
  }

  #wake(): void {
    this.#armedFor = undefined;
    const now = this.#now();
    this.#layer.handleTimeout(now);
    this.client.handleTimeout(now);
    this.server.handleTimeout(now);
    this.#run();
  }

  #socketClosed(cause: SocketError | undefined): void {
    if (this.closedBy !== undefined) return;
    this.#end(cause ?? new CoapError('ECONNABORTED', 'the socket was closed'));
    this.#onClosed?.(cause);
  }

  #end(error: Error): void {
    this.closedBy = error;
    this.#timer?.cancel();
    this.#layer.abandon((delivery) => delivery.failed(error));
    this.endExchanges(error);
  }
}

const unattended: Delivery = { acknowledged: () => undefined, failed: () => undefined };
