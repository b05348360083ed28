// What a connected client and an accepted session share: datagrams of one peer go in and out through one connection.

import type { Cancellable, DatagramSocket, Endpoint, Negotiated } from '../../lib/net/index.ts';
import {
  SocketCore,
  SocketError,
  asSocketError,
  formatEndpoint,
  notSupported,
  sameEndpoint,
} from '../../lib/net/index.ts';
import type { DtlsConnection, DtlsCounters, DtlsJob } from './connection.ts';
import { ConnectionDriver } from './driver.ts';
import type { OfferedSession } from './resumable-session.ts';

const BOOKKEEPING = 64; // bytes reckoned beside the payload of each queued message, so that empty ones are bounded too

/** A secured datagram socket over one DtlsConnection. The hot path is one call stack: `arrived` to `handler.readable`. */
export abstract class SecuredDatagrams extends SocketCore<DatagramSocket, Uint8Array> implements DatagramSocket {
  readonly transport = 'datagram';
  override readonly secure = true;
  #driver: ConnectionDriver | undefined;
  #counters: DtlsCounters | undefined;
  #negotiated: Negotiated | undefined;
  #gotData = false;
  #sendError: SocketError | undefined;
  #refused = false;

  /** Hands a datagram to the layer below. @throws SocketError what that layer refuses */
  protected abstract transmit(datagram: Uint8Array): void;
  protected abstract answerJob(job: DtlsJob): void;
  /** What a later handshake can go on from; its secret is the receiver's. */
  protected abstract resumable(session: OfferedSession): void;
  /** The handshake is done. */
  protected abstract established(): void;
  /** The connection is over; called at most once, never because of `dropConnection`. */
  protected abstract ended(cause: SocketError | undefined): void;

  override get innerMtu(): number {
    return this.#driver?.connection.innerMtu ?? 0;
  }

  override get sessionResumed(): boolean {
    return this.#negotiated?.resumed === true;
  }

  override get negotiated(): Negotiated | undefined {
    return this.#negotiated;
  }

  /** What was dropped, repeated and counted in the present connection, or the last one; undefined before the first. */
  get counters(): DtlsCounters | undefined {
    return this.#driver?.connection.counters ?? this.#counters;
  }

  send(bytes: Uint8Array): void {
    this.checkSend(bytes);
    this.#sendError = undefined;
    this.#driver?.send(bytes);
    const error = this.#takeSendError();
    if (error === undefined) return;
    this.#refused = error.code === 'EAGAIN';
    throw error;
  }

  sendTo(bytes: Uint8Array, to: Endpoint): void {
    if (this.remote === undefined) throw this.badState();
    if (!sameEndpoint(to, this.remote))
      throw notSupported('sendTo', `secured towards ${formatEndpoint(this.remote)} alone`);
    this.send(bytes);
  }

  receive(): Uint8Array | undefined {
    return this.dequeue() ?? undefined;
  }

  receiveFrom(): { readonly bytes: Uint8Array; readonly from: Endpoint } | undefined {
    const from = this.remote;
    const bytes = this.dequeue() ?? undefined;
    return bytes === undefined || from === undefined ? undefined : { bytes, from };
  }

  /** Sends close_notify and zeroes the keys; what has been received stays readable, then the end. */
  async shutdown(options: Cancellable = {}): Promise<void> {
    if (this.state !== 'connected' && this.state !== 'accepted') throw this.badState();
    if (options.signal?.aborted === true)
      throw new SocketError('ECANCELED', 'shutdown: aborted by its signal', { fatal: false });
    this.enterShutdown();
    this.dropConnection();
    this.endInput();
  }

  /** Ends the conversation with a fatal alert of ours (AlertDescription, 0 to 255). */
  abort(description: number): void {
    this.#driver?.abort(description);
  }

  protected poll(): Uint8Array | null | undefined {
    return this.dequeue();
  }

  // For those who extend.

  /** Makes `connection` the one of this socket and starts it. */
  protected begin(connection: DtlsConnection): void {
    const driver = new ConnectionDriver(connection, this.environment, {
      transmit: (datagram) => this.#transmitted(datagram),
      connected: (negotiated) => {
        this.#negotiated = negotiated;
        this.established();
      },
      data: (bytes) => {
        if (this.enqueue(bytes, bytes.length + BOOKKEEPING)) this.#gotData = true;
      },
      job: (job) => this.answerJob(job),
      resumable: (session) => this.resumable(session),
      closed: (cause) => {
        if (this.#driver !== driver) return;
        this.#counters = connection.counters;
        this.#driver = undefined;
        this.ended(cause);
      },
    });
    this.#driver = driver;
    driver.start();
  }

  /** The present connection, for answers and settings. */
  protected get driver(): ConnectionDriver | undefined {
    return this.#driver;
  }

  /**
   * A datagram of the peer, from the host's event. Tells the handler at most once.
   * @param judged called when its records are opened, and before anything comes of them
   */
  protected arrived(datagram: Uint8Array, judged?: () => void): void {
    this.countReceived(datagram.length);
    this.#driver?.receive(datagram, judged);
    if (this.state !== 'connecting') this.announceData();
  }

  /** The layer below has room: tells the handler, if `send` was refused for want of it. */
  roomAgain(): void {
    if (!this.#refused) return;
    this.#refused = false;
    this.handler?.writable();
  }

  /** Tells of data that has come since the last time, if any. */
  protected announceData(): void {
    if (!this.#gotData) return;
    this.#gotData = false;
    this.announce();
  }

  /** Ends the connection from our side: close_notify where there is a session; keys are zeroed, timers cancelled. */
  protected dropConnection(): void {
    const driver = this.#driver;
    if (driver === undefined) return;
    this.#counters = driver.connection.counters;
    this.#driver = undefined;
    driver.close();
  }

  #transmitted(datagram: Uint8Array): void {
    try {
      this.transmit(datagram);
      this.countSent(datagram.length);
    } catch (error) {
      // For a handshake this is one more lost datagram; for `send` it is the answer.
      this.#sendError = asSocketError(error);
      this.environment.log.debug({ code: this.#sendError.code }, 'a datagram was not sent');
    }
  }

  #takeSendError(): SocketError | undefined {
    const error = this.#sendError;
    this.#sendError = undefined;
    return error;
  }
}
