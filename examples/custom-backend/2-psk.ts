// Chapter 2, the least that works: DTLS with a pre-shared key over a datagram socket, by a stack with an API of its own.
//
// The stack is `DtlsClient` of lwm2m-client/native. It has neither socket nor timer: it takes datagrams and the time, and
// gives outputs and when it wants to be woken. A library in C or Rust, or a modem, would take its place here.

import { type WantedServer, loadPsk } from '../../lib/crypto/index.ts';
import { type Environment, type Instant, NEVER, type Timer } from '../../lib/index.ts';
import {
  type Cancellable,
  type Capabilities,
  type DatagramSocket,
  type Endpoint,
  type Negotiated,
  type PskSecurity,
  type SecurityBackend,
  SocketError,
  type SslConfiguration,
  type TlsaRecord,
  asSocketError,
} from '../../lib/net/index.ts';
import {
  DtlsClient,
  type DtlsClientOptions,
  type DtlsJob,
  type DtlsJobAnswer,
  type DtlsOutput,
  TLS_PSK_WITH_AES_128_CCM_8,
  TLS_PSK_WITH_AES_128_GCM_SHA256,
  defaultProvider,
} from '../../security-backends/native/index.ts';
import { type BackendOptions, StubSocket } from './1-stub.ts';
import { AFTER_CHAPTER_3, type Chapter, type Credentials, type Made, backendOf } from './chapter.ts';

export const provider = defaultProvider();

/** @throws SecurityInfoError naming what is wrong with the identity or the key */
export function pskCredentials(security: PskSecurity): Credentials {
  const { identity, key } = loadPsk(security);
  return {
    mode: 'psk',
    answer: (job) => (job.type === 'choosePsk' ? { identity, key: key.bytes } : undefined),
    forget: () => key.close(),
  };
}

export class PskSocket<C extends Credentials = Credentials> extends StubSocket {
  // Not `protected made`: TypeScript alone would hide that, and whoever prints the socket would see the key.
  readonly #made: Made<C>;
  #lower: DatagramSocket | undefined;
  #connection: DtlsClient | undefined;
  #timer: Timer | undefined;
  #connected: (() => void) | undefined;
  #sendError: SocketError | undefined;
  #disposed = false;

  constructor(environment: Environment, made: Made<C>) {
    super(environment, made.socket);
    this.#made = made;
  }

  protected get made(): Made<C> {
    return this.#made;
  }

  protected get lower(): DatagramSocket | undefined {
    return this.#lower;
  }

  protected get connection(): DtlsClient | undefined {
    return this.#connection;
  }

  /** `open` has the states, EBADF for a second connect, ECANCELED, and calls `release` if anything fails. */
  override connect(host: string, port: number, options?: Cancellable): Promise<void> {
    return this.open('connected', options, async (signal) => {
      const lower = this.takeLower();
      await lower.connect(host, port, { signal });
      signal.throwIfAborted();
      await this.shakeHands(lower, host, signal);
    });
  }

  /** The socket below: the one given, or one of our own. */
  protected takeLower(given?: DatagramSocket): DatagramSocket {
    if (this.#disposed) throw new SocketError('EBADF', 'the socket was disposed of, and its key is gone');
    this.#lower ??= given ?? this.made.makeLower();
    return this.#lower;
  }

  /** Resolves once connected; what fails comes through `fail`, which ends `open`. */
  protected async shakeHands(lower: DatagramSocket, host: string | undefined, _signal: AbortSignal): Promise<void> {
    this.hostname = host;
    const connection = new DtlsClient(this.clientOptions(lower));
    this.#connection = connection;
    await new Promise<void>((resolve) => {
      this.#connected = resolve;
      lower.handler = {
        readable: () => this.arrived(lower),
        writable: () => this.handler?.writable(),
        closed: (cause) => this.fail(cause ?? new SocketError('ECONNABORTED', 'the socket below was closed')),
      };
      connection.start(this.now());
      this.pump();
    });
  }

  protected clientOptions(lower: DatagramSocket): DtlsClientOptions {
    const { ciphersuites } = PSK_CAPABILITIES;
    return { provider, random: this.environment.random, mtu: lower.getOption('innerMtu'), ciphersuites };
  }

  /** The layer below says `readable`: one datagram is there. */
  protected arrived(lower: DatagramSocket): void {
    const datagram = this.received(lower);
    if (datagram !== undefined) this.connection?.handleDatagram(datagram, this.now());
    this.pump();
  }

  /** ICMP errors can be forged by anyone: they end nothing. */
  protected received(lower: DatagramSocket): Uint8Array | undefined {
    try {
      return lower.receive();
    } catch {
      return undefined;
    }
  }

  /** After any input: take outputs until there are none, then set one timer. */
  protected pump(): void {
    const { connection } = this;
    if (connection === undefined) return;
    for (let output = connection.poll(); output !== undefined; output = connection.poll()) this.handle(output);
    this.#arm(this.connection === connection ? connection.nextTimeout() : NEVER);
  }

  protected handle(output: DtlsOutput): void {
    if (output.kind === 'transmit') this.#pass(output.datagram);
    else if (output.kind === 'connected') this.#connected?.();
    else if (output.kind === 'data') this.heard(output.bytes);
    else if (output.kind === 'job') this.answer(output.job);
    else if (output.kind === 'resumable') output.session.session.master.fill(0); // not before chapter 4
    else if (output.kind === 'closed') this.ended(output.cause);
  }

  protected heard(bytes: Uint8Array): void {
    if (this.remote !== undefined) this.deliver(bytes, this.remote);
  }

  protected answer(job: DtlsJob): void {
    const { connection } = this;
    const give = (answer: DtlsJobAnswer): void => {
      if (this.connection !== connection) return; // too late
      connection?.answer(job.id, answer, this.now());
      this.pump();
    };
    const answer = this.made.credentials.answer(job, this.wanted());
    if (!(answer instanceof Promise)) give(answer);
    else
      answer.then(give, (cause: unknown) => this.fail(new SocketError('EIO', `no answer to ${job.type}`, { cause })));
  }

  /** Whom the application means to talk to. */
  protected wanted(): WantedServer {
    const { serverName } = this.made.configuration;
    return { host: serverName ?? this.remoteHostname ?? this.remote?.address ?? '', tlsa: this.tlsa };
  }

  /** None before chapter 7. */
  protected get tlsa(): readonly TlsaRecord[] {
    return [];
  }

  protected ended(cause: SocketError | undefined): void {
    if (cause !== undefined) this.fail(cause);
    else if (this.state === 'connecting')
      this.fail(new SocketError('ECONNABORTED', 'the peer ended the session at once'));
    else this.finish();
  }

  /** A handshake sends lost datagrams again; a message that the layer below refuses is its sender's to know. */
  #pass(datagram: Uint8Array): void {
    try {
      this.lower?.send(datagram);
    } catch (error) {
      this.#sendError = asSocketError(error);
    }
  }

  /** `send` has checked state and size. */
  protected override transmit(bytes: Uint8Array): void {
    this.#sendError = undefined;
    try {
      this.connection?.send(bytes);
    } finally {
      this.pump();
    }
    if (this.#sendError !== undefined) throw this.#sendError;
  }

  /** What is left for messages is not known before chapter 3: a guess that is never too large. */
  override get innerMtu(): number {
    return Math.max(0, (this.lower?.getOption('innerMtu') ?? 0) - 64);
  }

  override get negotiated(): Negotiated | undefined {
    return this.connection?.negotiated;
  }

  override get local(): Endpoint | undefined {
    return this.lower?.local;
  }

  override get remote(): Endpoint | undefined {
    return this.lower?.remote;
  }

  override get system(): unknown {
    return this.lower?.system;
  }

  /** close_notify, then the end. */
  override async shutdown(): Promise<void> {
    if (this.state !== 'connected') throw this.badState();
    this.connection?.close(this.now());
    this.pump();
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    this.#disposed = true;
    this.made.credentials.forget();
  }

  /** In whatever state: says goodbye where there is somebody, and leaves neither socket nor timer. */
  protected override release(): void {
    const { connection, lower } = this;
    this.#connection = undefined;
    this.#connected = undefined;
    this.#arm(NEVER);
    connection?.close(this.now());
    for (let output = connection?.poll(); output !== undefined; output = connection?.poll()) {
      if (output.kind === 'transmit') this.#pass(output.datagram);
    }
    this.#lower = undefined;
    if (lower === undefined) return;
    lower.handler = undefined;
    lower.close();
  }

  protected now(): Instant {
    return this.environment.clock.now();
  }

  #arm(at: Instant): void {
    this.#timer?.cancel();
    this.#timer = at === NEVER ? undefined : this.environment.timers.at(at, () => this.#wake());
  }

  #wake(): void {
    this.connection?.handleTimeout(this.now());
    this.pump();
  }
}

export const PSK_CAPABILITIES: Capabilities = {
  versions: ['DTLS1.2'],
  ciphersuites: [TLS_PSK_WITH_AES_128_CCM_8, TLS_PSK_WITH_AES_128_GCM_SHA256],
  credentials: ['psk'],
  roles: ['client'],
  resumption: false,
  connectionId: false,
  dane: false,
  clock: 'injected',
};

/** For chapters that have no other credentials. `lacking` has refused them before. */
export function onlyPsk({ security }: SslConfiguration): Credentials {
  if (security.mode !== 'psk') throw new SocketError('ENOTSUP', `security.mode: expected psk, found ${security.mode}`);
  return pskCredentials(security);
}

export function psk(options: BackendOptions): SecurityBackend<DatagramSocket> {
  const make: Chapter<Credentials>['make'] = (environment, made) => new PskSocket(environment, made);
  const chapter = { name: 'chapter 2', capabilities: PSK_CAPABILITIES, later: AFTER_CHAPTER_3, load: onlyPsk, make };
  return backendOf(chapter, options);
}
