// The client: a datagram socket on one DTLS connection over a lower datagram socket.

import type {
  Cancellable,
  DatagramSocket,
  Endpoint,
  HandshakeTimeouts,
  LiveSessionStore,
  SessionPlace,
  SessionStore,
  TlsaRecord,
  WritableOptions,
} from '../../lib/net/index.ts';
import {
  type CheckedSocketConfiguration,
  SocketError,
  TlsAlertError,
  hashOfPlace,
  notSupported,
  serverNameOf,
} from '../../lib/net/index.ts';
import type { CryptoProvider } from '../../lib/crypto/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';
import { DtlsClient, type DtlsClientOptions } from './client.ts';
import { type DtlsSettings, checkHandshakeTimeouts, checkTlsaRecords, connectionIdOptions } from './configuration.ts';
import type { DtlsJob } from './connection.ts';
import { ClientSessions } from './client-sessions.ts';
import type { ClientCredentials } from './credentials.ts';
import { LiveClient } from './live-client.ts';
import { LiveConnection } from './live-connection.ts';
import type { LiveState } from './live-state.ts';
import type { OfferedSession } from './resumable-session.ts';
import { SecuredDatagrams } from './secured-datagrams.ts';

/** What the backend makes a client socket from: checked and copied. */
export interface DtlsClientSocketOptions {
  readonly settings: DtlsSettings;
  readonly provider: CryptoProvider;
  readonly socket: CheckedSocketConfiguration;
  /** A closed socket of the layer below. */
  readonly makeLower: () => DatagramSocket;
  /** Name to ask for (SNI), if not the one given to connect. */
  readonly serverName: string | undefined;
  /** DANE records to begin with. */
  readonly tlsa: readonly TlsaRecord[];
  readonly maxFragmentLength: number | undefined;
  /** Answers the connection's jobs; the connection copies what it needs. */
  readonly credentials: ClientCredentials;
  readonly additionalConfiguration: ((native: unknown) => void) | undefined;
  /** Undefined: sessions are not resumed. */
  readonly sessionStore: SessionStore | undefined;
  /** Undefined: the session ends with the socket. */
  readonly liveSession: LiveSessionStore | undefined;
}

/** A client drops ClientHellos: its connection is only ever a client. */
export class DtlsClientSocket extends SecuredDatagrams {
  readonly #options: DtlsClientSocketOptions;
  #timeouts: HandshakeTimeouts;
  #tlsa: readonly TlsaRecord[];
  /** Those of this connect: what is set meanwhile is for the next one. */
  #judgedBy: readonly TlsaRecord[] = [];
  #lower: DatagramSocket | undefined;
  #softError: SocketError | undefined;
  #connected: (() => void) | undefined;
  #disposed = false;
  #sessions: ClientSessions | undefined;
  #offered: OfferedSession | undefined;
  #live: LiveClient | undefined;
  #wentOn = false;

  constructor(options: DtlsClientSocketOptions, environment: Environment) {
    super(environment, options.socket);
    this.#options = options;
    this.#timeouts = options.settings.handshakeTimeouts;
    this.#tlsa = options.tlsa;
  }

  connect(host: string, port: number, options: Cancellable = {}): Promise<void> {
    return this.#establish(options, host, async (signal) => {
      const lower = this.#ownLower();
      await lower.connect(host, port, { signal });
      return lower;
    });
  }

  override async decorate(
    lower: DatagramSocket,
    options: Cancellable & { readonly host?: string | undefined } = {},
  ): Promise<void> {
    if (this.state !== 'closed' || this.#lower !== undefined) {
      throw new SocketError('EBADF', 'this socket has a layer below already', { fatal: false });
    }
    const state = lower.getOption('state');
    if (state === 'shutdown' || state === 'connecting') {
      throw new SocketError('EINVAL', `lower: expected a socket closed or ready, found it ${state}`, { fatal: false });
    }
    this.#lower = lower;
    if (state === 'closed') return;
    if (state === 'bound') return this.open('bound', options, () => undefined);
    return this.#establish(options, options.host, async () => lower);
  }

  override bind(address: string, port: number): Promise<void> {
    return this.open('bound', undefined, () => this.#ownLower().bind(address, port));
  }

  /** Closes for good: the pre-shared key is zeroed, which `close` leaves in place for the next connect. */
  override async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    this.#disposed = true;
    this.#options.credentials.forget();
  }

  /**
   * Closes without a word, so that the session goes on in whoever connects with the same `liveSession` next.
   * @throws SocketError EINVAL without `liveSession`, ENOTCONN unless connected
   */
  suspend(): void {
    const live = this.#live;
    if (live === undefined) throw new SocketError('EINVAL', 'suspend: no liveSession is configured', { fatal: false });
    if (this.state !== 'connected') {
      throw new SocketError('ENOTCONN', `suspend: the socket is ${this.state}`, { fatal: false });
    }
    this.#live = undefined; // the end that comes now is not the session's
    this.driver?.suspend();
    live.leave();
    this.close();
  }

  /** Whether the session went on from another process, found by its id. */
  override get connectionIdResumed(): boolean {
    return this.#wentOn && (this.negotiated?.connectionId?.peer.length ?? 0) > 0;
  }

  override setOption<K extends keyof WritableOptions>(key: K, value: WritableOptions[K]): void;
  override setOption(key: keyof WritableOptions, value: never): void {
    if (key === 'daneTlsaRecords') return this.#setTlsaRecords(value);
    if (key !== 'dtlsHandshakeTimeouts') return super.setOption(key, value);
    this.#timeouts = checkHandshakeTimeouts(value);
    this.driver?.connection.setHandshakeTimeouts(this.#timeouts);
  }

  #setTlsaRecords(records: readonly TlsaRecord[]): void {
    const { credentials } = this.#options;
    if (!credentials.dane) {
      throw notSupported('setOption daneTlsaRecords', "it needs security.mode 'certificate' with `dane`");
    }
    this.#tlsa = checkTlsaRecords(records, credentials);
  }

  override get mtu(): number {
    return this.#lower?.getOption('mtu') ?? super.mtu;
  }

  override get system(): unknown {
    return this.#lower?.system;
  }

  override get interfaceName(): string | undefined {
    return this.#lower?.interfaceName ?? super.interfaceName;
  }

  override get local(): Endpoint | undefined {
    return this.#lower?.local ?? super.local;
  }

  override get remote(): Endpoint | undefined {
    return this.#lower?.remote ?? super.remote;
  }

  protected transmit(datagram: Uint8Array): void {
    this.#lower?.send(datagram);
  }

  protected established(): void {
    this.#forgetOffered();
    this.#connected?.();
  }

  /** The handshake is over, one way or the other: the secret that was offered is used up. */
  #forgetOffered(): void {
    this.#offered?.session.master.fill(0);
    this.#offered = undefined;
  }

  protected ended(cause: SocketError | undefined): void {
    // Fatal alerts end a session for good (RFC 5246 §7.2.2); so does one that could not be resumed.
    if (cause instanceof TlsAlertError || this.#offered !== undefined) this.#sessions?.remove();
    this.#forgetOffered();
    if (cause !== undefined) this.fail(this.#explained(cause));
    else if (this.state !== 'connecting') this.finish();
    else this.fail(new SocketError('ECONNABORTED', 'the peer ended the session as soon as it was made'));
  }

  protected resumable(session: OfferedSession): void {
    if (this.#sessions === undefined) session.session.master.fill(0);
    else this.#sessions.save(session);
  }

  protected answerJob(job: DtlsJob): void {
    const driver = this.driver;
    const { credentials, serverName } = this.#options;
    const host = serverName ?? this.remoteHostname ?? this.remote?.address ?? '';
    const fail = (error: unknown): void => {
      if (this.driver !== driver) return;
      const what = credentials.credential === 'psk' ? 'the pre-shared key' : 'what our certificates need';
      this.fail(new SocketError('EIO', `${what} could not be had (${job.type})`, { cause: error }));
    };
    try {
      const answer = credentials.answer(job, { host, tlsa: this.#judgedBy });
      if (answer instanceof Promise) answer.then((value) => driver?.answer(job.id, value), fail);
      else driver?.answer(job.id, answer);
    } catch (error) {
      fail(error);
    }
  }

  protected release(): void {
    this.dropConnection();
    this.#forgetOffered();
    this.#live?.end();
    this.#live = undefined;
    const lower = this.#lower;
    if (lower === undefined) return;
    this.#lower = undefined;
    lower.handler = undefined;
    lower.close();
  }

  async #establish(
    options: Cancellable,
    host: string | undefined,
    start: (signal: AbortSignal) => Promise<DatagramSocket>,
  ): Promise<void> {
    await this.open('connected', options, async (signal) => {
      this.hostname = host;
      this.#softError = undefined;
      this.#judgedBy = this.#tlsa;
      const lower = await start(signal);
      signal.throwIfAborted();
      const live = this.#takeUp(lower);
      this.#sessions = this.#sessionsFor(lower); // also beside a live session: the alert that ends it ends what is kept of it
      if (live === undefined) await this.#loadOffered(signal);
      await this.#run(lower, live);
    });
    // What came with the last flight is told now that the state allows an answer.
    queueMicrotask(() => this.announceData());
  }

  #ownLower(): DatagramSocket {
    if (this.#disposed) throw new SocketError('EBADF', 'the socket was disposed of, and its key is gone');
    const lower = (this.#lower ??= this.#options.makeLower());
    if (lower.getOption('state') === 'closed') {
      lower.setOption('preferredAddressFamily', this.preferredAddressFamily);
      lower.setOption('forcedAddressFamily', this.forcedAddressFamily);
    }
    return lower;
  }

  async #loadOffered(signal: AbortSignal): Promise<void> {
    const offered = await this.#sessions?.load();
    if (signal.aborted) offered?.session.master.fill(0);
    signal.throwIfAborted();
    this.#offered = offered;
  }

  #sessionsFor(lower: DatagramSocket): ClientSessions | undefined {
    const { sessionStore, provider } = this.#options;
    const place = this.#placeOf(lower);
    if (sessionStore === undefined || place === undefined) return undefined;
    return new ClientSessions(sessionStore, place, provider, this.environment);
  }

  /** The live session to go on with, if there is one. @throws SocketError EPERM if it is somebody else's, EIO */
  #takeUp(lower: DatagramSocket): LiveState | undefined {
    const { liveSession, provider } = this.#options;
    const place = this.#placeOf(lower);
    this.#wentOn = false;
    if (liveSession === undefined || place === undefined) return undefined;
    try {
      const handle = liveSession.open();
      if (handle === undefined) throw new SocketError('EPERM', 'liveSession: another process has it');
      const port = lower.local?.port ?? 0;
      this.#live = new LiveClient(handle, hashOfPlace(place, provider), port, this.environment);
      const state = this.#live.takeUp();
      this.#wentOn = state !== undefined;
      return state;
    } catch (cause) {
      if (cause instanceof SocketError) throw cause;
      throw new SocketError('EIO', 'liveSession: it cannot be kept', { cause });
    }
  }

  #placeOf(lower: DatagramSocket): SessionPlace | undefined {
    const { serverName, credentials } = this.#options;
    const { remote } = lower;
    if (remote === undefined) return undefined;
    const host = this.remoteHostname ?? remote.address;
    const name = serverNameOf(serverName ?? this.remoteHostname);
    return { host, port: remote.port, serverName: name, fingerprint: credentials.fingerprint(), tlsa: this.#judgedBy };
  }

  /** Settles when connected; a failure comes through `ended`, which aborts the attempt. */
  #run(lower: DatagramSocket, live: LiveState | undefined): Promise<void> {
    const { settings, provider, serverName, credentials, maxFragmentLength, additionalConfiguration } = this.#options;
    const { random } = this.environment;
    const native: DtlsClientOptions = {
      ...settings,
      provider,
      handshakeTimeouts: this.#timeouts,
      serverName: serverNameOf(serverName ?? this.remoteHostname),
      hasCertificate: credentials.hasCertificate,
      maxFragmentLength,
      resumption: this.#sessions && { offered: this.#offered },
      live: this.#live,
      mtu: lower.getOption('innerMtu'),
      random,
      connectionId: connectionIdOptions(settings, random.bytes(settings.connectionIds?.lengths.client ?? 0)),
    };
    additionalConfiguration?.(native);
    return new Promise((resolve) => {
      this.#connected = resolve;
      lower.handler = {
        readable: () => this.#drain(lower),
        writable: () => this.roomAgain(),
        closed: (cause) => this.#lowerClosed(cause),
      };
      this.begin(live === undefined ? new DtlsClient(native) : new LiveConnection(native, live));
      live?.session.master.fill(0);
      if (lower.getOption('hasBufferedData')) this.#drain(lower);
    });
  }

  #drain(lower: DatagramSocket): void {
    do {
      const datagram = this.#receive(lower);
      if (datagram !== undefined) this.arrived(datagram);
    } while (this.#lower === lower && lower.getOption('hasBufferedData'));
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

  #lowerClosed(cause: SocketError | undefined): void {
    this.fail(cause ?? new SocketError('ECONNABORTED', 'the socket below was closed'));
  }

  #explained(cause: SocketError): SocketError {
    const soft = this.#softError;
    if (cause.code !== 'ETIMEDOUT' || cause.cause !== undefined || soft === undefined) return cause;
    const message = cause.message.slice(cause.code.length + 2);
    return new SocketError('ETIMEDOUT', `${message}; the network reported ${soft.code}`, { cause: soft });
  }
}
