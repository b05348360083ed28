// TLS: a client's stream socket on OpenSSL over a lower stream socket.

import {
  type Cancellable,
  type Endpoint,
  type Negotiated,
  SocketError,
  StreamCore,
  type StreamSocket,
  type TlsaRecord,
  type WritableOptions,
  asSocketError,
  notSupported,
} from '../../lib/net/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';
import { ClientChannel, type ClientOptions } from './client-channel.ts';
import { checkedTlsaRecords } from './configuration.ts';
import { LowerLayer } from './lower-layer.ts';

const READ_BYTES = 65_536; // at once: what comes of it waits, however small its records are

/** Made by the backend's `createSocket`. */
export class OpenSslStreamSocket extends StreamCore {
  override readonly secure = true;
  readonly #options: ClientOptions;
  readonly #layer: LowerLayer<StreamSocket>;
  readonly #channel: ClientChannel;
  /** Records that the layer below had no room for; while there are some, `send` is refused. */
  #waiting: Uint8Array[] = [];
  #flushed: (() => void) | undefined;
  #refused = false;
  #gotData = false;
  #peerEnded = false;
  #lowerEnded = false;
  #disposed = false;

  constructor(options: ClientOptions, environment: Environment, makeLower: () => StreamSocket) {
    super(environment, options.settings.socket);
    this.#options = options;
    this.#layer = new LowerLayer(makeLower);
    this.#channel = new ClientChannel(options, environment, {
      transmit: (records) => this.#transmit(records),
      data: (bytes) => {
        this.hold(bytes);
        this.#gotData = true;
      },
      ended: () => this.#inputEnded(),
      failed: (cause) => this.fail(cause),
    });
  }

  async connect(host: string, port: number, options: Cancellable = {}): Promise<void> {
    await this.#establish(options, host, async (signal) => {
      const lower = this.#own();
      await lower.connect(host, port, { signal });
      return lower;
    });
  }

  /** A closed `lower` is kept for the next `connect`; over a connected one the handshake begins at once. */
  override async decorate(
    lower: StreamSocket,
    options: Cancellable & { readonly host?: string | undefined } = {},
  ): Promise<void> {
    if (this.state !== 'closed')
      throw new SocketError('EBADF', `the socket is ${this.state} already`, { fatal: false });
    this.#layer.take(lower);
    if (lower.getOption('state') === 'closed') return;
    await this.#establish(options, options.host, async () => lower);
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

  send(bytes: Uint8Array): void {
    this.checkSend(bytes);
    if (this.#waiting.length > 0) {
      this.#refused = true;
      throw new SocketError('EAGAIN', 'records wait to be sent', { fatal: false });
    }
    if (bytes.length > 0) this.#channel.send(bytes);
  }

  /** Sends close_notify and the end of the stream after what waits; resolves when they have left. */
  async shutdown(options: Cancellable = {}): Promise<void> {
    const lower = this.#layer.socket;
    if (lower === undefined || this.state !== 'connected') throw this.badState();
    this.enterShutdown();
    this.#channel.endOutput();
    try {
      await this.#flush(options.signal);
      await lower.shutdown(options);
    } catch (error) {
      const cause = asSocketError(error);
      this.fail(cause);
      throw cause;
    }
    if (this.#peerEnded) this.finish();
  }

  protected override drained(): void {
    const lower = this.#layer.socket;
    if (lower !== undefined) this.#pull(lower);
    this.#gotData = false; // `hasBufferedData` tells of it: no call of the handler from inside of `receive`
  }

  protected release(): void {
    this.#channel.close();
    this.#layer.release();
    this.#waiting = [];
    this.#flushed?.();
    this.#flushed = undefined;
    this.#refused = false;
  }

  #own(): StreamSocket {
    if (this.#disposed) throw new SocketError('EBADF', 'the socket was disposed of, and its key is gone');
    return this.#layer.own(this);
  }

  async #establish(
    options: Cancellable,
    host: string | undefined,
    start: (signal: AbortSignal) => Promise<StreamSocket>,
  ): Promise<void> {
    await this.open('connected', options, async (signal) => {
      this.hostname = host;
      this.#peerEnded = this.#lowerEnded = this.#gotData = false;
      const lower = await start(signal);
      signal.throwIfAborted();
      this.#layer.listen({
        readable: () => this.#arrived(lower),
        writable: () => this.#roomAgain(),
        closed: (cause) => this.#lowerClosed(lower, cause),
      });
      const target = { host, remote: lower.remote, mtu: 0 };
      await this.#channel.open(target, signal, () => this.#arrived(lower));
    });
    // What came with the last flight is told now that the state allows an answer.
    queueMicrotask(() => this.#announceData());
  }

  #arrived(lower: StreamSocket): void {
    this.#pull(lower);
    if (this.state !== 'connecting') this.#announceData();
  }

  /** Takes from below as long as there is a use and room for it: the peer is held back there. */
  #pull(lower: StreamSocket): void {
    while (this.#layer.socket === lower && this.#takesInput && lower.getOption('hasBufferedData')) {
      const bytes = lower.receive(READ_BYTES);
      if (bytes === null) return this.#lowerInputEnded();
      if (bytes === undefined) return;
      this.countReceived(bytes.length);
      this.#channel.receive(bytes);
    }
    if (this.#lowerEnded && this.#layer.socket === lower && !lower.getOption('hasBufferedData'))
      this.#lowerInputEnded();
  }

  get #takesInput(): boolean {
    const { maxBufferedBytes } = this.configuration;
    // Beside one `send`, OpenSSL's own answers wait (each renegotiation that is asked for is refused): who takes none is not heard.
    const waiting = this.#waiting.reduce((sum, { length }) => sum + length, 0);
    const room = this.bufferedCost < maxBufferedBytes && waiting <= 2 * maxBufferedBytes;
    return room && (this.#peerEnded || this.#channel.takesInput);
  }

  #inputEnded(): void {
    this.#peerEnded = true;
    if (this.state === 'shutdown') return this.finish();
    this.endInput();
    this.#gotData = true;
  }

  /** Where the peer did not say that it ends, its last words may have been cut off. */
  #lowerInputEnded(): void {
    if (this.#peerEnded) {
      if (this.#lowerEnded) this.finish();
      return;
    }
    if (this.state === 'connecting') {
      return this.fail(new SocketError('ECONNRESET', 'the peer closed during the handshake'));
    }
    this.fail(new SocketError('EOF', 'the stream ended without close_notify: its end may have been cut off'));
  }

  #lowerClosed(lower: StreamSocket, cause: SocketError | undefined): void {
    if (cause !== undefined) return this.fail(cause);
    this.#lowerEnded = true;
    this.#arrived(lower);
  }

  #transmit(records: Uint8Array): void {
    this.#waiting.push(records);
    this.#sendWaiting();
  }

  #sendWaiting(): void {
    const lower = this.#layer.socket;
    while (lower !== undefined && this.#waiting.length > 0) {
      const [head] = this.#waiting;
      const piece = head!.subarray(0, lower.getOption('innerMtu'));
      try {
        lower.send(piece);
      } catch (error) {
        // A layer below that fails says so by its `closed`.
        if (!(error instanceof SocketError && error.code === 'EAGAIN')) this.#waiting = [];
        return;
      }
      this.countSent(piece.length);
      if (piece.length === head!.length) this.#waiting.shift();
      else this.#waiting[0] = head!.subarray(piece.length);
    }
  }

  #roomAgain(): void {
    this.#sendWaiting();
    const lower = this.#layer.socket;
    if (lower !== undefined) this.#arrived(lower);
    if (this.#waiting.length > 0) return;
    this.#flushed?.();
    this.#flushed = undefined;
    if (!this.#refused) return;
    this.#refused = false;
    this.handler?.writable();
  }

  /** Resolves when nothing waits. @throws SocketError ECANCELED */
  #flush(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(new SocketError('ECANCELED', 'shutdown: aborted by its signal'));
      if (signal?.aborted === true) return abort();
      if (this.#waiting.length === 0) return resolve();
      signal?.addEventListener('abort', abort, { once: true });
      this.#flushed = () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      };
    });
  }

  /** Tells of what has come since the last time, if anything. */
  #announceData(): void {
    if (!this.#gotData) return;
    this.#gotData = false;
    this.announce();
  }
}
