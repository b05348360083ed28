// DTLS: a client's datagram socket on OpenSSL over a lower datagram socket.

import {
  type Cancellable,
  type DatagramSocket,
  type Endpoint,
  type Negotiated,
  SocketCore,
  SocketError,
  type TlsaRecord,
  type WritableOptions,
  asSocketError,
  formatEndpoint,
  notSupported,
  sameEndpoint,
} from '../../lib/net/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';
import { ClientChannel, type ClientOptions } from './client-channel.ts';
import { checkedTimeouts, checkedTlsaRecords } from './configuration.ts';
import { intoDatagrams } from './dtls-datagrams.ts';
import { LowerLayer } from './lower-layer.ts';

const BOOKKEEPING = 64; // bytes reckoned beside the payload of each queued message, so that empty ones are bounded too

/** Made by the backend's `createSocket`. The hot path is one call stack: lower `readable` to `handler.readable`. */
export class OpenSslDatagramSocket extends SocketCore<DatagramSocket, Uint8Array> implements DatagramSocket {
  readonly transport = 'datagram';
  override readonly secure = true;
  readonly #options: ClientOptions;
  readonly #layer: LowerLayer<DatagramSocket>;
  readonly #channel: ClientChannel;
  #softError: SocketError | undefined;
  #sendError: SocketError | undefined;
  #gotData = false;
  #refused = false;
  #disposed = false;

  constructor(options: ClientOptions, environment: Environment, makeLower: () => DatagramSocket) {
    super(environment, options.settings.socket);
    this.#options = options;
    this.#layer = new LowerLayer(makeLower);
    this.#channel = new ClientChannel(options, environment, {
      transmit: (records) => this.#transmit(records),
      data: (bytes) => {
        if (this.enqueue(bytes, bytes.length + BOOKKEEPING)) this.#gotData = true;
      },
      ended: () => this.finish(),
      failed: (cause) => this.fail(this.#explained(cause)),
    });
  }

  async connect(host: string, port: number, options: Cancellable = {}): Promise<void> {
    await this.#establish(options, host, async (signal) => {
      const lower = this.#own();
      await lower.connect(host, port, { signal });
      return lower;
    });
  }

  override async decorate(
    lower: DatagramSocket,
    options: Cancellable & { readonly host?: string | undefined } = {},
  ): Promise<void> {
    if (this.state !== 'closed')
      throw new SocketError('EBADF', `the socket is ${this.state} already`, { fatal: false });
    this.#layer.take(lower);
    const state = lower.getOption('state');
    if (state === 'closed') return;
    if (state === 'bound') return this.open('bound', options, () => undefined);
    return this.#establish(options, options.host, async () => lower);
  }

  override bind(address: string, port: number): Promise<void> {
    return this.open('bound', undefined, () => this.#own().bind(address, port));
  }

  /** Closes for good: keys are zeroed, which `close` leaves in place for the next connect. */
  override async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    this.#disposed = true;
    this.#options.credentials.forget();
  }

  override setOption<K extends keyof WritableOptions>(key: K, value: WritableOptions[K]): void;
  override setOption(key: keyof WritableOptions, value: never): void {
    if (key === 'daneTlsaRecords') this.#setTlsaRecords(value);
    else if (key === 'dtlsHandshakeTimeouts') this.#channel.timeouts = checkedTimeouts(value);
    else super.setOption(key, value);
  }

  #setTlsaRecords(records: readonly TlsaRecord[]): void {
    const { credentials } = this.#options;
    if (!credentials.dane) {
      throw notSupported('setOption daneTlsaRecords', "it needs security.mode 'certificate' with `dane`");
    }
    this.#channel.tlsa = checkedTlsaRecords(records, credentials);
  }

  override get mtu(): number {
    return this.#layer.socket?.getOption('mtu') ?? super.mtu;
  }

  get innerMtu(): number {
    return this.#channel.dataMtu;
  }

  override get sessionResumed(): boolean {
    return this.negotiated?.resumed === true;
  }

  override get negotiated(): Negotiated | undefined {
    return this.#channel.negotiated;
  }

  override get system(): unknown {
    return this.#layer.socket?.system;
  }

  override get interfaceName(): string | undefined {
    return this.#layer.socket?.interfaceName ?? super.interfaceName;
  }

  override get local(): Endpoint | undefined {
    return this.#layer.local;
  }

  override get remote(): Endpoint | undefined {
    return this.#layer.remote;
  }

  /** @throws SocketError ENOTSUP for no bytes: OpenSSL makes no record of none */
  send(bytes: Uint8Array): void {
    this.checkSend(bytes);
    if (bytes.length === 0) throw notSupported('send', 'OpenSSL sends no empty message');
    this.#sendError = undefined;
    this.#channel.send(bytes);
    const error = this.#sendError;
    this.#sendError = undefined;
    if (error !== undefined) throw this.#noted(error);
  }

  #noted(error: SocketError): SocketError {
    this.#refused = error.code === 'EAGAIN';
    return error;
  }

  sendTo(bytes: Uint8Array, to: Endpoint): void {
    if (this.remote === undefined) throw this.badState();
    if (!sameEndpoint(to, this.remote)) {
      throw notSupported('sendTo', `secured towards ${formatEndpoint(this.remote)} alone`);
    }
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

  /** Sends close_notify and frees the keys; what has been received stays readable, then the end. */
  async shutdown(options: Cancellable = {}): Promise<void> {
    if (this.state !== 'connected') throw this.badState();
    if (options.signal?.aborted === true) {
      throw new SocketError('ECANCELED', 'shutdown: aborted by its signal', { fatal: false });
    }
    this.enterShutdown();
    this.#channel.close();
    this.endInput();
  }

  protected poll(): Uint8Array | null | undefined {
    return this.dequeue();
  }

  protected release(): void {
    this.#channel.close();
    this.#layer.release();
  }

  #own(): DatagramSocket {
    if (this.#disposed) throw new SocketError('EBADF', 'the socket was disposed of, and its key is gone');
    return this.#layer.own(this);
  }

  async #establish(
    options: Cancellable,
    host: string | undefined,
    start: (signal: AbortSignal) => Promise<DatagramSocket>,
  ): Promise<void> {
    await this.open('connected', options, async (signal) => {
      this.hostname = host;
      this.#softError = undefined;
      this.#gotData = false;
      const lower = await start(signal);
      signal.throwIfAborted();
      this.#layer.listen({
        readable: () => this.#drain(lower),
        writable: () => this.#roomAgain(),
        closed: (cause) => this.fail(cause ?? new SocketError('ECONNABORTED', 'the socket below was closed')),
      });
      const target = { host, remote: lower.remote, mtu: lower.getOption('innerMtu') };
      const opened = this.#channel.open(target, signal, () => this.#drain(lower));
      await opened;
    });
    // What came with the last flight is told now that the state allows an answer.
    queueMicrotask(() => this.#announceData());
  }

  #drain(lower: DatagramSocket): void {
    while (this.#layer.socket === lower && this.#channel.takesInput && lower.getOption('hasBufferedData')) {
      const datagram = this.#receive(lower);
      if (datagram === undefined) continue;
      this.countReceived(datagram.length);
      this.#channel.receive(datagram);
    }
    if (this.state !== 'connecting') this.#announceData();
  }

  /** Soft errors (ICMP) can be forged by anyone: they explain a failure, they never cause one. */
  #receive(lower: DatagramSocket): Uint8Array | undefined {
    try {
      return lower.receive();
    } catch (error) {
      if (error instanceof SocketError && !error.fatal) this.#softError = error;
      return undefined;
    }
  }

  #transmit(records: Uint8Array): void {
    const lower = this.#layer.socket;
    if (lower === undefined) return;
    for (const datagram of intoDatagrams(records, lower.getOption('innerMtu'))) {
      try {
        lower.send(datagram);
        this.countSent(datagram.length);
      } catch (error) {
        // For a handshake this is one more lost datagram; for `send` it is the answer.
        this.#sendError = asSocketError(error);
        this.environment.log.debug({ code: this.#sendError.code }, 'a datagram was not sent');
      }
    }
  }

  #roomAgain(): void {
    if (!this.#refused) return;
    this.#refused = false;
    this.handler?.writable();
  }

  /** Tells of data that has come since the last time, if any. */
  #announceData(): void {
    if (!this.#gotData) return;
    this.#gotData = false;
    this.announce();
  }

  #explained(cause: SocketError): SocketError {
    const soft = this.#softError;
    if (cause.code !== 'ETIMEDOUT' || soft === undefined) return cause;
    const message = cause.message.slice(cause.code.length + 2);
    return new SocketError('ETIMEDOUT', `${message}; the network reported ${soft.code}`, { cause: soft });
  }
}
