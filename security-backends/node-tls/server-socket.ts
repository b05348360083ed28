// The listening socket of the server role: bind or decorate it, then accept gives sessions.

import { type SecureContext, type SecureContextOptions, createSecureContext } from 'node:tls';
import { constants } from 'node:crypto';
import type { CryptoProvider } from '../../lib/crypto/index.ts';
import {
  AcceptQueue,
  type Cancellable,
  type Endpoint,
  type SessionStore,
  SocketError,
  StreamCore,
  type StreamSocket,
  notSupported,
} from '../../lib/net/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';
import type { ResumptionSettings, TlsSettings } from './configuration.ts';
import { ClientChains } from './client-chains.ts';
import { ClientKeys } from './client-keys.ts';
import { handshakeOptions } from './handshake-options.ts';
import type { ServerCredentials } from './server-credentials.ts';
import { type ServerContext, type ServerSide, TlsServerSession } from './server-session.ts';
import { TicketKeys } from './ticket-keys.ts';

/** What the backend makes a listening socket from: checked and copied. */
export interface TlsServerSocketOptions {
  readonly settings: TlsSettings;
  readonly credentials: ServerCredentials;
  readonly provider: CryptoProvider;
  /** Undefined: sessions cannot be resumed. */
  readonly resumption: ResumptionSettings | undefined;
  /** Where the key of the tickets outlives us. */
  readonly sessionStore: SessionStore | undefined;
  readonly maxSessions: number;
  readonly maxHandshakes: number;
  /** A closed socket of the layer below. */
  readonly makeLower: () => StreamSocket;
}

/** Has no peer of its own. Closing it closes the sessions that nobody has accepted, and those that shake hands. */
export class TlsServerSocket extends StreamCore {
  override readonly secure = true;
  readonly #options: TlsServerSocketOptions;
  readonly #side: ServerSide;
  readonly #tickets: TicketKeys | undefined;
  readonly #handshakes = new Set<TlsServerSession>();
  /** The longest idle first. */
  readonly #open = new Set<TlsServerSession>();
  #lower: StreamSocket | undefined;
  #accepting: AbortController | undefined;
  #sessions: AcceptQueue<TlsServerSession> | undefined;
  #context: ServerContext | undefined;

  constructor(options: TlsServerSocketOptions, environment: Environment) {
    super(environment, options.settings.socket);
    this.#options = options;
    const { resumption, sessionStore, provider, credentials, settings } = options;
    const name = `tls-tickets-${credentials.sessionContext}`;
    this.#tickets = resumption && new TicketKeys(resumption.lifetime, sessionStore, name, environment);
    const chains = new ClientChains(resumption?.maxSessions ?? 0, sessionStore, provider, environment);
    const tickets = credentials.credential === 'psk' ? this.#tickets : undefined;
    const clientKeys = tickets && new ClientKeys({ tickets, store: sessionStore, provider, environment });
    this.#side = { settings, credentials, chains, clientKeys };
  }

  async connect(): Promise<void> {
    throw notSupported('connect', 'a server waits to be found');
  }

  /** A closed `lower` is kept for `bind`; a bound one is listened to at once. */
  override async decorate(
    lower: StreamSocket,
    options: Cancellable & { readonly host?: string | undefined } = {},
  ): Promise<void> {
    if (this.state !== 'closed' || this.#lower !== undefined) {
      throw new SocketError('EBADF', 'this socket has a layer below already', { fatal: false });
    }
    const state = lower.getOption('state');
    if (state !== 'closed' && state !== 'bound') {
      throw new SocketError('EINVAL', `lower: expected a socket closed or bound, found it ${state}`, { fatal: false });
    }
    this.#lower = lower;
    if (state === 'bound') await this.open('bound', options, () => this.#listen(lower));
  }

  override bind(address: string, port: number): Promise<void> {
    return this.open('bound', undefined, async (signal) => {
      const lower = (this.#lower ??= this.#options.makeLower());
      await lower.bind(address, port);
      signal.throwIfAborted();
      await this.#listen(lower);
    });
  }

  /** The next client that was let in. Waits without a limit of time. */
  override async accept(options: Cancellable = {}): Promise<StreamSocket> {
    for (;;) {
      if (this.#sessions === undefined) throw this.badState();
      const session = await this.#sessions.accept(options);
      if (session.getOption('state') !== 'closed' || session.getOption('hasBufferedData')) return session;
    }
  }

  send(bytes: Uint8Array): void {
    this.checkSend(bytes);
  }

  async shutdown(): Promise<void> {
    throw this.badState();
  }

  /** Handshakes under way and sessions open. */
  get load(): { readonly handshakes: number; readonly sessions: number } {
    return { handshakes: this.#handshakes.size, sessions: this.#open.size };
  }

  /** A listening socket sends nothing itself: 0. */
  override get innerMtu(): number {
    return 0;
  }

  override get local(): Endpoint | undefined {
    return this.#lower?.local;
  }

  override get system(): unknown {
    return this.#lower?.system;
  }

  /** Closes for good: private keys are zeroed, which `close` leaves in place for the next bind. */
  override async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    this.#options.credentials.forget();
    this.#tickets?.destroy();
  }

  protected release(): void {
    this.#accepting?.abort();
    this.#accepting = undefined;
    for (const session of [...(this.#sessions?.close() ?? []), ...this.#handshakes]) session.close();
    this.#handshakes.clear();
    this.#sessions = undefined;
    this.#context = undefined;
    const lower = this.#lower;
    this.#lower = undefined;
    if (lower === undefined) return;
    lower.handler = undefined;
    lower.close();
  }

  async #listen(lower: StreamSocket): Promise<void> {
    await this.#tickets?.load();
    this.#currentContext(); // what is wrong with the credentials is told now
    this.#sessions = new AcceptQueue<TlsServerSession>(this.environment);
    this.#accepting = new AbortController();
    lower.handler = {
      readable: () => undefined,
      writable: () => undefined,
      closed: (cause) => this.fail(cause ?? new SocketError('ECONNABORTED', 'the socket below was closed')),
    };
    void this.#admitFrom(lower, this.#accepting.signal);
  }

  async #admitFrom(lower: StreamSocket, signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) this.#admit(await lower.accept({ signal }));
    } catch (error) {
      if (signal.aborted) return;
      this.fail(error instanceof SocketError ? error : new SocketError('EIO', 'accept failed', { cause: error }));
    }
  }

  #admit(lower: StreamSocket): void {
    const sessions = this.#sessions;
    if (sessions === undefined) return lower.close();
    if (this.#handshakes.size >= this.#options.maxHandshakes) this.#giveWay();
    const from = lower.remote;
    const session = new TlsServerSession(this.#side, this.environment);
    this.#handshakes.add(session);
    const told = { active: () => this.#becameActive(session), ended: () => void this.#open.delete(session) };
    session.begin(lower, this.#currentContext(), told).then(
      () => {
        this.#handshakes.delete(session);
        this.#offer(session, sessions);
      },
      (error: unknown) => {
        this.#handshakes.delete(session);
        const reason = error instanceof Error ? error.message : String(error);
        this.environment.log.info({ from, reason }, 'a TLS handshake failed');
      },
    );
  }

  /** Whoever is slow: an honest client is done before as many others have come. */
  #giveWay(): void {
    const [oldest] = this.#handshakes;
    if (oldest === undefined) return;
    this.#handshakes.delete(oldest);
    oldest.close();
  }

  #offer(session: TlsServerSession, sessions: AcceptQueue<TlsServerSession>): void {
    if (session.getOption('state') === 'closed') return;
    if (!sessions.offer(session)) return session.close();
    this.#open.add(session);
    if (this.#open.size <= this.#options.maxSessions) return;
    const idle = this.#idlestFor(session);
    sessions.withdraw(idle);
    idle.abandon();
  }

  /** Whoever has sessions already makes room for his next one: nobody ends everybody's with one key. */
  #idlestFor(newcomer: TlsServerSession): TlsServerSession {
    const [idlest = newcomer] = this.#open;
    for (const other of this.#open) if (other !== newcomer && other.isSameAs(newcomer)) return other;
    return idlest;
  }

  #becameActive(session: TlsServerSession): void {
    if (this.#open.delete(session)) this.#open.add(session);
  }

  /** One for all clients, until the key of the tickets changes. */
  #currentContext(): ServerContext {
    const ticketKey = this.#tickets?.current();
    const known = this.#context;
    if (known !== undefined && known.ticketKey === ticketKey) return known;
    const fresh = { ...this.#makeContext(ticketKey), ticketKey };
    this.#context = fresh;
    return fresh;
  }

  #makeContext(ticketKey: Uint8Array | undefined): Omit<ServerContext, 'ticketKey'> {
    const { settings, credentials, resumption } = this.#options;
    const identity = credentials.options();
    const shared = handshakeOptions(settings);
    const tickets: SecureContextOptions =
      ticketKey === undefined || resumption === undefined
        ? { secureOptions: (shared.secureOptions ?? 0) | constants.SSL_OP_NO_TICKET }
        : { ticketKeys: Buffer.from(ticketKey), sessionTimeout: Math.floor(resumption.lifetime / 1_000) };
    const options = { ...shared, ...identity, ...tickets, sessionIdContext: credentials.sessionContext };
    settings.additionalConfiguration?.(options);
    try {
      const context: SecureContext = createSecureContext(options);
      const { key, cert, ca, ticketKeys, ...rest } = options;
      void [key, cert, ca, ticketKeys];
      return { context, options: rest };
    } finally {
      identity.key?.fill(0);
      tickets.ticketKeys?.fill(0);
    }
  }
}
