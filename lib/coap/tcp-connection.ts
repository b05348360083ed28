// CoAP over one connected stream, plain or TLS alike (RFC 8323): client and server at once.

import { DecodeError } from '../bytes/index.ts';
import { SocketError, type StreamSocket } from '../net/index.ts';
import { type Environment, type Instant, NEVER, type Timer } from '../runtime/index.ts';
import type { Carrier, RequestArrival } from './carrier.ts';
import { LARGEST_EXPONENT, blockOption } from './block-option.ts';
import { CoapError } from './coap-error.ts';
import { RESPONSE_CODES } from './exchange.ts';
import { ExchangeConnection } from './exchange-connection.ts';
import { EMPTY_CODE, type MessageContent, NO_BYTES, isRequestCode, isResponseCode } from './message.ts';
import { OPTION, uintOption } from './options.ts';
import {
  BASE_MESSAGE_SIZE,
  BadSignalOption,
  type Capabilities,
  type ReleaseReasons,
  abortMessage,
  csmMessage,
  isSignalCode,
  pingMessage,
  releaseMessage,
} from './signalling.ts';
import { type SignalTasks, StreamSignals } from './stream-signals.ts';
import { StreamDeadlines } from './stream-deadlines.ts';
import { type Frame, FrameDecoder } from './stream-frame.ts';
import { StreamSender } from './stream-sender.ts';
import { TCP_DEFAULTS, type TcpCoapOptions, patienceOf } from './tcp-options.ts';
import { DEFAULT_TRANSMISSION, exchangeLifetime } from './transmission.ts';

const READ_BYTES = 65_536; // at once: what is answered before more is read
const MOST_POSTPONED = 64; // requests of one turn

/** What a stream dropped, for those who look after it. */
export interface StreamCounters {
  /** Responses to no request, and codes that mean nothing. */
  unexpected: number;
  /** Empty messages: keep-alives without an answer (RFC 8323 §3.4). */
  empty: number;
  /** Messages larger than we take. */
  tooLarge: number;
}

export class TcpCoapConnection extends ExchangeConnection {
  readonly counters: StreamCounters = { unexpected: 0, empty: 0, tooLarge: 0 };
  readonly #socket: StreamSocket;
  readonly #environment: Environment;
  readonly #options: TcpCoapOptions;
  readonly #own: Capabilities;
  readonly #decoder: FrameDecoder;
  readonly #sender: StreamSender;
  readonly #deadlines: StreamDeadlines;
  readonly #signals: StreamSignals;
  #timer: Timer | undefined;
  #armedFor: Instant = NEVER;
  #draining = false;
  readonly #postponed: RequestArrival[] = [];
  #inputEnded = false;
  #ending = false;

  /**
   * Takes over `socket.handler`; the socket must be connected. The CSM leaves at once; what has come already is read in the
   * next microtask.
   * @throws RangeError if maxMessageBytes is less than every end of a stream takes
   */
  constructor(socket: StreamSocket, environment: Environment, options: TcpCoapOptions = {}) {
    super(environment, options, {
      lifetime: exchangeLifetime(DEFAULT_TRANSMISSION),
      outstandingNotifications: Infinity,
    });
    const maxMessageSize = options.maxMessageBytes ?? TCP_DEFAULTS.maxMessageBytes;
    if (!(maxMessageSize >= BASE_MESSAGE_SIZE && maxMessageSize <= 0xffffffff))
      throw new RangeError(`maxMessageBytes: expected ${BASE_MESSAGE_SIZE} to 4294967295, found ${maxMessageSize}`);
    this.#socket = socket;
    this.#environment = environment;
    this.#options = options;
    this.#own = { maxMessageSize, blockWise: true };
    this.#decoder = new FrameDecoder(maxMessageSize);
    this.#deadlines = new StreamDeadlines(patienceOf(options), environment.clock.now());
    this.#signals = new StreamSignals(environment.random, this.#signalTasks());
    this.#sender = new StreamSender(socket, {
      own: this.#own,
      peer: () => this.capabilities,
      maxQueuedBytes: options.maxQueuedBytes ?? TCP_DEFAULTS.maxQueuedBytes,
      deadlines: this.#deadlines,
      now: () => this.#now(),
      rearm: () => this.#arm(),
      log: environment.log,
    });
    socket.handler = {
      readable: () => this.#drain(),
      writable: () => {
        if (this.closedBy === undefined && this.#sender.flush()) this.#drain();
      },
      closed: (cause) => this.#socketClosed(cause),
    };
    this.#sender.put(csmMessage(this.#own));
    this.#arm();
    queueMicrotask(() => this.#drain());
  }

  /** What the peer can take; undefined before its CSM. */
  get capabilities(): Capabilities | undefined {
    return this.#signals.capabilities;
  }

  /**
   * Resolves when the peer's CSM has come. Requests may leave before: they keep to what every peer takes then, 1,152 bytes.
   * @throws CoapError EPROTO, ETIMEDOUT, ECONNRESET if none comes; ECANCELED
   */
  introduced(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    if (this.closedBy !== undefined) return Promise.reject(this.closedBy);
    return this.#signals.introduced(options.signal);
  }

  /** Ping (RFC 8323 §5.4). With `custody` the answer comes when the peer has answered all requests before. */
  ping(options: { readonly signal?: AbortSignal | undefined; readonly custody?: boolean } = {}): Promise<void> {
    if (this.closedBy !== undefined) return Promise.reject(this.closedBy);
    const answered = this.#signals.ping(options.custody ?? false, options.signal);
    this.#deadlines.pinged(this.#now());
    this.#arm();
    return answered;
  }

  /**
   * Asks the peer to end the connection when it is done with what is under way (RFC 8323 §5.5). If it does not within
   * `messageTimeout`, we do.
   * @throws RangeError if a reason does not fit its option
   */
  release(reasons: Partial<ReleaseReasons> = {}): void {
    if (this.closedBy !== undefined) return;
    this.#sender.put(releaseMessage(reasons));
    this.#deadlines.ending(this.#now());
    this.#arm();
  }

  close(): void {
    if (this.closedBy !== undefined) return;
    this.#socket.handler = undefined;
    this.#end(new CoapError('ECONNABORTED', 'the connection was closed'));
  }

  protected carrier(): Carrier {
    return {
      now: () => this.#now(),
      maxMessageBytes: () => (this.closedBy === undefined ? this.#sender.maxMessageBytes : 0),
      maxSizeExponent: () => this.#sender.maxSizeExponent,
      ordered: true,
      mustConfirm: () => this.#sender.isBlocked, // so that what comes meanwhile takes its place and does not queue up
      send: (content, _confirmable, delivery) => {
        if (this.closedBy !== undefined) throw this.closedBy;
        if (this.#inputEnded) throw new CoapError('ECONNRESET', 'the peer has ended the connection');
        return this.#sender.send(content, delivery);
      },
    };
  }

  #signalTasks(): SignalTasks {
    return {
      put: (content) => this.#sender.put(content),
      introduced: () => this.#deadlines.introduced(),
      released: (reasons) => this.#released(reasons),
      aborted: (why) => this.#leave(new SocketError('ECONNABORTED', why), undefined),
      refuse: (why) => this.#abort(why),
      unknown: () => void this.counters.unexpected++,
    };
  }

  #now(): Instant {
    return this.#environment.clock.now();
  }

  // What came is answered before more is read, and nothing is while too much of ours waits: then the stream holds the peer back.
  #drain(): void {
    if (this.#draining || this.closedBy !== undefined) return;
    this.#draining = true;
    this.#sender.gather();
    try {
      while (this.#takeFrames() && this.#read());
    } catch (error) {
      this.#broken(error);
    } finally {
      this.#draining = false;
    }
    if (this.closedBy === undefined) this.#sender.flush();
    this.#settle();
  }

  /** @returns whether more is wanted */
  #takeFrames(): boolean {
    while (this.closedBy === undefined && this.#sender.mayAnswer()) {
      const frame = this.#decoder.next();
      this.#deadlines.received(this.#decoder.isAmidst, frame !== undefined, this.#now());
      if (frame === undefined) return !this.#inputEnded;
      this.#take(frame);
    }
    this.#deadlines.received(false, false, this.#now()); // it is we who do not read on
    return false;
  }

  #read(): boolean {
    if (this.#socket.getOption('state') === 'closed' && !this.#socket.getOption('hasBufferedData')) return false;
    const bytes = this.#socket.receive(READ_BYTES);
    if (bytes === undefined) return false;
    if (bytes === null) {
      this.#endInput();
      return false;
    }
    this.#deadlines.heard(this.#now());
    this.#decoder.push(bytes);
    return true;
  }

  #take(frame: Frame): void {
    if (frame.kind === 'tooLarge') return this.#refuseTooLarge(frame.head);
    const { content } = frame;
    if (content.code === EMPTY_CODE) return void this.counters.empty++;
    if (isSignalCode(content.code)) return this.#signals.heed(content);
    if (!this.#signals.expectIntroduction()) return;
    if (isRequestCode(content.code)) return this.#admit(this.#arrival(content));
    const known = isResponseCode(content.code) && this.client.handleResponse(content, this.#now()) !== 'unknown';
    if (!known) this.counters.unexpected++;
  }

  // What is ignored here is never sent again. A request may follow right behind the response that lets us admit it, and
  // whoever waits for that response hears of it only after this turn.
  #admit(arrival: RequestArrival): void {
    const waits = this.#postponed.length > 0 || this.#options.admits?.() === false;
    if (!waits || this.#postponed.length >= MOST_POSTPONED) return this.server.handle(arrival);
    if (this.#postponed.push(arrival) > 1) return;
    this.#environment.timers.at(this.#now(), () => {
      for (const each of this.#postponed.splice(0)) if (this.closedBy === undefined) this.server.handle(each);
      this.#settle();
    });
  }

  // A request may come again in blocks; nothing else is asked for again, and what no body may be is not waited for.
  #refuseTooLarge({ code, token, messageBytes }: Extract<Frame, { kind: 'tooLarge' }>['head']): void {
    this.counters.tooLarge++;
    const { maxBodyBytes = 1_048_576 } = this.#options;
    if (this.capabilities === undefined || !isRequestCode(code) || messageBytes > maxBodyBytes)
      return this.#abort(`a message of ${messageBytes} bytes, at most ${this.#own.maxMessageSize} are taken`);
    const hint = blockOption(OPTION.block1, { num: 0, more: false, sizeExponent: LARGEST_EXPONENT }); // RFC 7959 §2.9.3
    const options = [hint, uintOption(OPTION.size1, maxBodyBytes)];
    this.#sender.put({ code: RESPONSE_CODES.requestEntityTooLarge, token, options, payload: NO_BYTES });
  }

  #arrival(message: MessageContent): RequestArrival {
    const answered = this.#signals.pongs.arrived();
    return {
      message,
      confirmable: true,
      respond: (content, delivery) => {
        if (this.closedBy === undefined) this.#sender.respond(content, delivery);
        answered();
        this.#settle();
      },
      acknowledge: answered,
      ignore: answered,
    };
  }

  #released(reasons: ReleaseReasons): void {
    this.#ending = true;
    this.#deadlines.ending(this.#now());
    const { holdOffSeconds, alternativeAddresses } = reasons;
    this.#environment.log.info({ holdOffSeconds, alternativeAddresses }, 'coap: the peer releases the connection');
    try {
      this.#options.onReleased?.(reasons);
    } catch (error) {
      this.#environment.log.error({ error: String(error) }, 'coap: the receiver of a release failed');
    }
  }

  #broken(error: unknown): void {
    if (error instanceof SocketError) return; // the socket's handler is told
    if (error instanceof BadSignalOption) return this.#abort(error.message, error.csmOption);
    if (error instanceof DecodeError) return this.#abort(error.message);
    throw error;
  }

  /** The peer sends no more: what it asked for is answered still. */
  #endInput(): void {
    this.#inputEnded = true;
    this.#ending = true;
    this.#deadlines.ending(this.#now());
    this.client.close(new CoapError('ECONNRESET', 'the peer has ended the connection'));
  }

  /** After whatever happened: ends if that was all, and waits for the next. */
  #settle(): void {
    if (this.closedBy !== undefined) return;
    const isDone = this.#ending && !this.#sender.isBlocked && this.#signals.pongs.areAllAnswered;
    // A transfer asks for its next block in the same turn, so whether it goes on is known in the next one.
    if (isDone) this.#environment.timers.at(this.#now(), () => this.#endIfIdle());
    this.#arm();
  }

  #endIfIdle(): void {
    if (this.closedBy !== undefined || this.#sender.isBlocked || !this.#signals.pongs.areAllAnswered) return;
    if (this.client.nextTimeout() !== NEVER) return;
    this.#leave(undefined, undefined);
  }

  #arm(): void {
    if (this.closedBy !== undefined) return;
    const next = Math.min(this.#deadlines.next(), this.client.nextTimeout(), this.server.nextTimeout()) as Instant;
    if (next >= this.#armedFor) return; // it wakes up in time, finds nothing due and arms anew
    this.#timer?.cancel();
    this.#armedFor = next;
    this.#timer = this.#environment.timers.at(next, () => this.#wake());
  }

  #wake(): void {
    this.#armedFor = NEVER;
    const now = this.#now();
    this.client.handleTimeout(now);
    this.server.handleTimeout(now);
    const overdue = this.#deadlines.overdue(now);
    if (overdue?.kind === 'ping') this.#sender.put(pingMessage('ping', NO_BYTES, false));
    else if (overdue?.kind === 'end')
      this.#leave(new SocketError('ETIMEDOUT', 'the peer did not end the connection'), undefined);
    else if (overdue?.kind === 'over')
      this.#leave(new SocketError('ETIMEDOUT', overdue.why), abortMessage(overdue.why));
    this.#settle();
  }

  #abort(why: string, badCsmOption?: number): void {
    this.#leave(new SocketError('EPROTO', why), abortMessage(why, badCsmOption));
  }

  /** Ends the connection, with a last word if there is something to say. */
  #leave(cause: SocketError | undefined, lastWord: MessageContent | undefined): void {
    if (this.closedBy !== undefined) return;
    const socket = this.#socket;
    if (this.#sender.flush() && lastWord !== undefined) this.#sender.put(lastWord);
    if (this.closedBy !== undefined) return;
    socket.handler = undefined;
    this.#end(endedBy(cause));
    this.#part();
    this.#options.onClosed?.(cause);
  }

  // FIN after the last word; a peer that takes neither is left after its time.
  #part(): void {
    const socket = this.#socket;
    const { messageTimeout = TCP_DEFAULTS.messageTimeout } = this.#options;
    const { timers, clock } = this.#environment;
    const patience = timers.at((clock.now() + messageTimeout) as Instant, () => socket.close());
    const leave = (): void => {
      patience.cancel();
      socket.close();
    };
    socket.shutdown().then(leave, leave);
  }

  #socketClosed(cause: SocketError | undefined): void {
    if (this.closedBy !== undefined) return;
    this.#end(endedBy(cause));
    this.#options.onClosed?.(cause);
  }

  #end(error: Error): void {
    this.closedBy = error;
    this.#timer?.cancel();
    this.#sender.fail(error);
    this.#signals.close(error);
    this.endExchanges(error);
  }
}

/** What exchanges hear that the end of the connection cuts off. */
function endedBy(cause: SocketError | undefined): CoapError {
  if (cause?.code === 'EPROTO') return new CoapError('EPROTO', cause.message, cause);
  if (cause?.code === 'ETIMEDOUT') return new CoapError('ETIMEDOUT', cause.message, cause);
  return new CoapError('ECONNRESET', cause === undefined ? 'the connection has ended' : cause.message, cause);
}
