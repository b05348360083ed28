// What every socket of this project does the same way: states, option keys, waiting, and the calls to its handler.
// UDP, TCP, simulated and secured sockets extend it through DatagramCore or StreamCore and add only their own I/O:
//
//   connect/bind   → `return this.open('connected', options, async (signal) => { … })`: the state, EBADF, ECANCELED and the
//                    clean-up are done here; the callback opens the handle and calls `signal.throwIfAborted()` after each await
//   accepted       → `this.adopt('accepted')` for a socket that is born open
//   an arrival     → `enqueue(item)` for each item, or `enqueueError(soft)`, then `announce()` once; only from the host's event
//   the peer ended → `endInput()` (stream half closed) or `finish()` (both sides done: closed in order, the rest stays readable)
//   a fatal error  → `fail(error)`: closes, then `closed(cause)`
//   send           → `this.checkSend(bytes)` first; `countSent` and `countReceived` keep the counters
//   release()      → closes the host's handle, silently, in any state, also twice

import type { Duration, Environment } from '../runtime/index.ts';
import { literalFamily } from './address.ts';
import { type CheckedSocketConfiguration, checkedFamily, checkedTimeout } from './checked-configuration.ts';
import { SocketError, asSocketError, notSupported, tooLarge } from './errors.ts';
import type { Negotiated } from './negotiated.ts';
import { ReceiveQueue } from './receive-queue.ts';
import type {
  AnySocket,
  Cancellable,
  Endpoint,
  Family,
  ReadableOptions,
  SocketBase,
  SocketHandler,
  SocketState,
  WritableOptions,
} from './socket.ts';
import { untilAborted } from './until-aborted.ts';
import { Waiters } from './waiters.ts';

const READABLE_KEYS: Readonly<Record<keyof ReadableOptions, true>> = {
  state: true,
  addressFamily: true,
  mtu: true,
  innerMtu: true,
  hasBufferedData: true,
  sessionResumed: true,
  connectionIdResumed: true,
  bytesSent: true,
  bytesReceived: true,
  arrivalsDropped: true,
  negotiated: true,
  preferredAddressFamily: true,
  forcedAddressFamily: true,
  receiveTimeout: true,
};

/** The base of every socket here. `S` is the kind (datagram or stream), `Item` what the receive queue holds. */
export abstract class SocketCore<S extends AnySocket, Item> implements SocketBase<S>, ReadableOptions {
  abstract readonly transport: 'datagram' | 'stream';
  readonly secure: boolean = false;
  protected readonly environment: Environment;
  protected readonly configuration: CheckedSocketConfiguration;
  protected localEndpoint: Endpoint | undefined;
  protected remoteEndpoint: Endpoint | undefined;
  protected hostname: string | undefined;
  readonly #waiters: Waiters<Uint8Array | null>;
  readonly #queue: ReceiveQueue<Item>;
  #handler: SocketHandler | undefined;
  #state: SocketState = 'closed';
  #attempt: AbortController | undefined;
  #cause: SocketError | undefined;
  #owesClosed = false;
  #unannounced = false;
  #sent = 0;
  #received = 0;
  #receiveTimeout: Duration;
  #preferredFamily: Family;
  #forcedFamily: Family;

  constructor(environment: Environment, configuration: CheckedSocketConfiguration) {
    this.environment = environment;
    this.configuration = configuration;
    this.#waiters = new Waiters(environment);
    this.#queue = new ReceiveQueue(configuration.maxBufferedBytes);
    this.#receiveTimeout = configuration.receiveTimeout;
    this.#preferredFamily = configuration.preferredAddressFamily;
    this.#forcedFamily = configuration.forcedAddressFamily;
  }

  abstract connect(host: string, port: number, options?: Cancellable): Promise<void>;
  abstract send(bytes: Uint8Array): void;
  abstract shutdown(options?: Cancellable): Promise<void>;
  /** Closes the host's handle without a word to the handler; allowed in any state and again. */
  protected abstract release(): void;
  /** What `next` waits for: `receive`, with null at the end. */
  protected abstract poll(): Uint8Array | null | undefined;

  // A layer that stands on nothing, or has no sessions, says so; those that can, override.

  async decorate(lower: S, options?: Cancellable & { readonly host?: string | undefined }): Promise<void> {
    void lower;
    void options;
    throw notSupported('decorate', 'this socket has no layer below');
  }

  async bind(address: string, port: number): Promise<void> {
    throw notSupported('bind', `this socket cannot listen or choose ${address} port ${port}`);
  }

  async accept(options?: Cancellable): Promise<S> {
    void options;
    throw notSupported('accept', 'this socket has no sessions');
  }

  // The handler.

  get handler(): SocketHandler | undefined {
    return this.#handler;
  }

  /** What arrived before there was a handler is announced to the new one, once, after this call. */
  set handler(handler: SocketHandler | undefined) {
    this.#handler = handler;
    if (handler === undefined || !this.#unannounced) return;
    queueMicrotask(() => {
      if (!this.#unannounced || this.#handler === undefined) return;
      this.#unannounced = false;
      if (this.hasBufferedData) this.#handler.readable();
    });
  }

  next(options: Cancellable = {}): Promise<Uint8Array | null> {
    const wait = { timeout: this.#receiveTimeout, what: 'receive', signal: options.signal };
    return this.#waiters.wait(() => this.poll(), wait);
  }

  close(): void {
    this.#queue.clear();
    if (this.#state === 'closed') return;
    this.#leave(undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  // Options: each key is a property of the same name.

  getOption<K extends keyof ReadableOptions>(key: K): ReadableOptions[K] {
    if (!Object.hasOwn(READABLE_KEYS, key)) throw notSupported(`getOption ${key}`, 'no such option');
    return this.#options()[key];
  }

  #options(): ReadableOptions {
    return this;
  }

  setOption<K extends keyof WritableOptions>(key: K, value: WritableOptions[K]): void;
  setOption(key: keyof WritableOptions, value: unknown): void {
    if (key === 'receiveTimeout') this.#receiveTimeout = checkedTimeout(value as Duration);
    else if (key === 'preferredAddressFamily') this.#preferredFamily = checkedFamily(key, value as Family);
    else if (key === 'forcedAddressFamily') this.#forcedFamily = checkedFamily(key, value as Family);
    else throw notSupported(`setOption ${key}`, 'this socket has no such option');
  }

  get state(): SocketState {
    return this.#state;
  }

  get addressFamily(): Family {
    const endpoint = this.remote ?? this.local;
    return (endpoint && literalFamily(endpoint.address)) ?? 'unspecified';
  }

  get mtu(): number {
    return this.configuration.forcedMtu ?? this.configuration.mtu;
  }

  abstract get innerMtu(): number;

  get hasBufferedData(): boolean {
    return this.#queue.waiting;
  }

  get sessionResumed(): boolean {
    return false;
  }

  get connectionIdResumed(): boolean {
    return false;
  }

  get bytesSent(): bigint {
    return BigInt(this.#sent);
  }

  get bytesReceived(): bigint {
    return BigInt(this.#received);
  }

  get arrivalsDropped(): number {
    return this.#queue.dropped;
  }

  get negotiated(): Negotiated | undefined {
    return undefined;
  }

  get preferredAddressFamily(): Family {
    return this.#preferredFamily;
  }

  get forcedAddressFamily(): Family {
    return this.#forcedFamily;
  }

  get receiveTimeout(): Duration {
    return this.#receiveTimeout;
  }

  get system(): unknown {
    return undefined;
  }

  get interfaceName(): string | undefined {
    return this.configuration.interfaceName;
  }

  get remoteHostname(): string | undefined {
    return this.hostname;
  }

  get local(): Endpoint | undefined {
    return this.localEndpoint;
  }

  get remote(): Endpoint | undefined {
    return this.remoteEndpoint;
  }

  // For those who extend: opening.

  /**
   * Runs `start` in state `connecting` and enters `state`. If it fails, or is aborted by the caller's signal or by `close`,
   * everything is released and the state is `closed`. `start` must stop at its signal: `signal.throwIfAborted()` after awaits.
   */
  protected async open(
    state: 'connected' | 'bound',
    options: Cancellable | undefined,
    start: (signal: AbortSignal) => Promise<void> | void,
  ): Promise<void> {
    if (this.#state !== 'closed' && !(this.#state === 'bound' && state === 'connected')) {
      throw new SocketError('EBADF', `the socket is ${this.#state} already`, { fatal: false });
    }
    this.#begin();
    const attempt = new AbortController();
    this.#attempt = attempt;
    const abort = (): void => attempt.abort(new SocketError('ECANCELED', 'aborted by its signal'));
    options?.signal?.addEventListener('abort', abort, { once: true });
    if (options?.signal?.aborted === true) abort();
    try {
      await untilAborted(attempt.signal, async () => start(attempt.signal));
      this.#attempt = undefined;
      this.adopt(state);
    } catch (error) {
      const cause = asSocketError(error);
      if (this.#attempt === attempt) this.#leave(cause);
      throw cause;
    } finally {
      options?.signal?.removeEventListener('abort', abort);
    }
  }

  #begin(): void {
    this.#state = 'connecting';
    this.#cause = undefined;
    this.#queue.clear();
    this.#unannounced = false;
  }

  /** The choice of addresses as options have it now, for `orderAddresses`. */
  protected wishes(): CheckedSocketConfiguration {
    const now = { forcedAddressFamily: this.#forcedFamily, preferredAddressFamily: this.#preferredFamily };
    return { ...this.configuration, ...now };
  }

  /** Enters an open state at once: for sessions, and for those who opened by other means. */
  protected adopt(state: 'connected' | 'bound' | 'accepted'): void {
    this.#state = state;
    this.#owesClosed = true;
  }

  /** After `shutdown`: nothing more is sent. */
  protected enterShutdown(): void {
    if (this.#state !== 'closed') this.#state = 'shutdown';
  }

  // For those who extend: arrivals.

  /** Queues an arrival. @returns false if it was dropped (and counted), because the queue is full */
  protected enqueue(item: Item, cost: number): boolean {
    return this.#queue.push(item, cost);
  }

  /** Queues an arrival whatever waits: for those who hold their peer back when `bufferedCost` is high. */
  protected append(item: Item, cost: number): void {
    this.#queue.append(item, cost);
  }

  /** Queues a soft error (ICMP): the next `receive` throws it, once. */
  protected enqueueError(error: SocketError): boolean {
    return this.#queue.pushError(error);
  }

  /** Tells who waits and the handler that something arrived: once per arrival, from the host's event, after queueing. */
  protected announce(): void {
    this.#waiters.notify();
    if (this.#handler === undefined) this.#unannounced = true;
    else this.#handler.readable();
  }

  /** The next of the queue; null at the end of input; undefined if none waits. @throws SocketError soft once, EBADF when closed */
  protected dequeue(): Item | null | undefined {
    const item = this.#queue.take();
    if (item === undefined && this.#state === 'closed') throw this.badState();
    return item;
  }

  /** Puts back what was not taken of the head of the queue. */
  protected requeue(item: Item, cost: number): void {
    this.#queue.unshift(item, cost);
  }

  /** What waits, in the unit of `enqueue`'s cost. */
  protected get bufferedCost(): number {
    return this.#queue.cost;
  }

  protected countSent(bytes: number): void {
    this.#sent += bytes;
  }

  protected countReceived(bytes: number): void {
    this.#received += bytes;
  }

  // For those who extend: endings.

  /** The peer sends no more; we may. Follow with `announce()` if it was the peer's doing. */
  protected endInput(): void {
    this.#queue.end();
    this.#waiters.notify();
  }

  /** Both sides are done, in order: closed without a cause; what was received stays readable, then the end. */
  protected finish(): void {
    if (this.#state === 'closed') return;
    this.endInput();
    this.#leave(undefined);
  }

  /** Closes because of `cause`, then tells the handler. During `connect` it makes the attempt fail instead. */
  protected fail(cause: SocketError): void {
    if (this.#state === 'closed') return;
    if (this.#attempt !== undefined) return this.#attempt.abort(cause);
    this.#queue.clear();
    this.#leave(cause);
  }

  #leave(cause: SocketError | undefined): void {
    const attempt = this.#attempt;
    this.#attempt = undefined;
    this.#state = 'closed';
    this.#cause = cause;
    this.release();
    attempt?.abort(cause ?? new SocketError('ECANCELED', 'closed while connecting'));
    this.#waiters.notify();
    if (!this.#owesClosed) return;
    this.#owesClosed = false;
    // Later, so that no caller of `close` or of a failing `send` is called back before it returns.
    queueMicrotask(() => this.#handler?.closed(cause));
  }

  /** @throws SocketError unless a message may be sent to the connected peer now */
  protected checkSend(bytes: Uint8Array): void {
    if (this.#state !== 'connected' && this.#state !== 'accepted') throw this.badState();
    if (bytes.length > this.innerMtu) throw tooLarge(bytes.length, this.innerMtu);
  }

  /** The error of an operation that the present state does not allow. */
  protected badState(): SocketError {
    if (this.#state === 'closed') {
      const cause = this.#cause === undefined ? {} : { cause: this.#cause };
      return new SocketError('EBADF', 'the socket is closed', cause);
    }
    if (this.#state === 'shutdown') return new SocketError('EBADF', 'the socket is shut down', { fatal: false });
    return new SocketError('ENOTCONN', `the socket is ${this.#state}, not connected`, { fatal: false });
  }
}
