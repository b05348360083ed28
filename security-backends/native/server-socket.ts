// The listening socket of the server role: bind or decorate it, then accept gives sessions.

import type { Cancellable, CheckedSocketConfiguration, DatagramSocket, Endpoint } from '../../lib/net/index.ts';
import { SocketCore, SocketError, Waiters, notSupported, udpOverhead } from '../../lib/net/index.ts';
import { type Environment, UNBOUNDED } from '../../lib/runtime/index.ts';
import type { CryptoProvider } from '../../lib/crypto/index.ts';
import { type DtlsSettings, connectionIdOptions } from './configuration.ts';
import { type DtlsJob, MIN_MTU } from './connection.ts';
import type { VerifiedHello } from './cookie-gate.ts';
import type { Answer, ServerCredentials } from './credentials.ts';
import { drainDatagrams } from './drain.ts';
import { type EndpointCounters, PeerSet, type PeerSetOptions } from './peer-set.ts';
import type { OfferedSession } from './resumable-session.ts';
import { DtlsServer, type DtlsServerOptions } from './server.ts';
import { ServerJobs } from './server-jobs.ts';
import { type ResumptionSettings, SessionResumption } from './session-resumption.ts';
import { DtlsSession } from './session.ts';

/** What the backend makes a listening socket from: checked and copied. */
export interface DtlsServerSocketOptions extends Pick<PeerSetOptions<DtlsSession>, 'maxSessions' | 'maxHandshakes'> {
  readonly settings: DtlsSettings;
  readonly provider: CryptoProvider;
  /** Options of the sessions. */
  readonly socket: CheckedSocketConfiguration;
  readonly credentials: ServerCredentials;
  /** Whether an unknown identity looks like a wrong key, or is answered by an alert (RFC 4279 §2). */
  readonly unknownIdentity: 'hide' | 'alert';
  readonly additionalConfiguration: ((native: unknown) => void) | undefined;
  /** Undefined: sessions cannot be resumed. */
  readonly resumption: ResumptionSettings | undefined;
  /** A closed socket of the layer below. */
  readonly makeLower: () => DatagramSocket;
}

/** Has no peer of its own: what comes in goes to the sessions. Closing it closes them. */
export class DtlsServerSocket extends SocketCore<DatagramSocket, never> implements DatagramSocket {
  readonly transport = 'datagram';
  override readonly secure = true;
  readonly #options: DtlsServerSocketOptions;
  readonly #waiters: Waiters<DatagramSocket>;
  readonly #resumption: SessionResumption | undefined;
  #waiting: DtlsSession[] = [];
  #lower: DatagramSocket | undefined;
  #peers: PeerSet<DtlsSession> | undefined;

  constructor(options: DtlsServerSocketOptions, environment: Environment) {
    super(environment, options.socket);
    this.#options = options;
    this.#waiters = new Waiters(environment);
    const { resumption, provider } = options;
    this.#resumption = resumption && new SessionResumption(resumption, provider, environment);
  }

  async connect(): Promise<void> {
    throw notSupported('connect', 'a server waits to be found');
  }

  override async decorate(
    lower: DatagramSocket,
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
      this.#listen(lower);
    });
  }

  /** The next peer whose handshake is complete. Waits without a limit of time. */
  override accept(options: Cancellable = {}): Promise<DatagramSocket> {
    const poll = (): DatagramSocket | undefined => {
      if (this.state !== 'bound') throw this.badState();
      for (let session = this.#waiting.shift(); session !== undefined; session = this.#waiting.shift()) {
        if (session.isWorthAccepting) return session;
      }
      return undefined;
    };
    return this.#waiters.wait(poll, { timeout: UNBOUNDED, what: 'accept', signal: options.signal });
  }

  /** Closes for good: private keys are zeroed, which `close` leaves in place for the next bind. */
  override async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    this.#options.credentials.forget();
    this.#resumption?.destroy();
  }

  send(bytes: Uint8Array): void {
    this.checkSend(bytes);
  }

  sendTo(): void {
    throw notSupported('sendTo', 'only a session can send');
  }

  receive(): Uint8Array | undefined {
    return this.dequeue() ?? undefined;
  }

  receiveFrom(): undefined {
    this.dequeue();
  }

  async shutdown(): Promise<void> {
    throw this.badState();
  }

  /** What it has done; undefined before it listens. */
  get counters(): Readonly<EndpointCounters> | undefined {
    return this.#peers?.counters;
  }

  /** Handshakes under way and sessions open. */
  get load(): { readonly handshakes: number; readonly sessions: number } {
    return { handshakes: this.#peers?.handshakes ?? 0, sessions: this.#peers?.sessions ?? 0 };
  }

  /** A listening socket sends nothing itself: 0. */
  get innerMtu(): number {
    return 0;
  }

  override get mtu(): number {
    return this.#lower?.getOption('mtu') ?? super.mtu;
  }

  override get bytesSent(): bigint {
    return this.#lower?.getOption('bytesSent') ?? 0n;
  }

  override get bytesReceived(): bigint {
    return this.#lower?.getOption('bytesReceived') ?? 0n;
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

  protected poll(): null | undefined {
    return this.dequeue();
  }

  protected release(): void {
    this.#peers?.close();
    this.#waiting = [];
    const lower = this.#lower;
    this.#lower = undefined;
    if (lower !== undefined) {
      lower.handler = undefined;
      lower.close();
    }
    // After the state has become `closed`: who waits for a session learns it.
    queueMicrotask(() => this.#waiters.notify());
  }

  // Those that ended before anybody accepted them make room: a peer that comes and goes must not fill the queue.
  #offer(session: DtlsSession): void {
    if (this.#waiting.length >= this.#options.maxSessions) {
      this.#waiting = this.#waiting.filter(({ state }) => state !== 'closed');
    }
    this.#waiting.push(session);
    this.#waiters.notify();
  }

  #listen(lower: DatagramSocket): void {
    const payload = lower.getOption('mtu') - udpOverhead('ipv6');
    if (payload < MIN_MTU) {
      throw new SocketError(
        'EINVAL',
        `mtu: expected at least ${MIN_MTU + udpOverhead('ipv6')}, found ${lower.getOption('mtu')}`,
      );
    }
    const peers = this.#peerSet(lower);
    this.#peers = peers;
    const take = (datagram: Uint8Array, from: Endpoint): void => peers.dispatch(datagram, from);
    lower.handler = {
      readable: () => drainDatagrams(lower, take),
      writable: () => peers.roomAgain(),
      closed: (cause) => this.fail(cause ?? new SocketError('ECONNABORTED', 'the socket below was closed')),
    };
    if (lower.getOption('hasBufferedData')) drainDatagrams(lower, take);
  }

  #peerSet(lower: DatagramSocket): PeerSet<DtlsSession> {
    const { credentials, unknownIdentity, socket, settings } = this.#options;
    const onUnknownIdentity = (): void => void peers.counters.unknownIdentities++;
    const ask = (job: DtlsJob, from: Endpoint): Answer => {
      if (job.type === 'resumeSession') return this.#resumption?.find(job.sessionId, job.ticket);
      return job.type === 'lookupPsk' ? credentials.lookup(job.identity, from) : credentials.answer(job, from);
    };
    const keep = (session: OfferedSession): void => this.#resumption?.keep(session);
    const jobs = new ServerJobs({ ask, unknownIdentity, onUnknownIdentity }, this.environment);
    const peers: PeerSet<DtlsSession> = new PeerSet(
      lower,
      {
        ...this.#options,
        connectionIdBytes: settings.connectionIds?.lengths.server ?? 0,
        makePeer: (verified, from, owner, id) =>
          new DtlsSession(this.environment, socket, from, verified, { peers: owner, jobs, keep }, id),
        makeConnection: (session, verified) => this.#connection(session, verified),
        onSession: (session) => this.#offer(session),
      },
      this.environment,
    );
    return peers;
  }

  #connection(session: DtlsSession, verified: VerifiedHello): DtlsServer {
    const { settings, provider, credentials, additionalConfiguration } = this.#options;
    const { identityHint, clientCertificate, authorities } = credentials;
    const native: DtlsServerOptions = {
      ...settings,
      provider,
      identityHint,
      clientCertificate,
      authorities,
      resumption: this.#resumption,
      verified,
      mtu: session.payload,
      random: this.environment.random,
      connectionId: connectionIdOptions(settings, session.ownConnectionId ?? new Uint8Array(0)),
    };
    additionalConfiguration?.(native);
    return new DtlsServer(native);
  }
}
