// Many peers on one datagram socket, as client and as server: what tinydtls calls a context and RIOT a DTLS sock.

import {
  type DatagramSocket,
  type Endpoint,
  ReceiveQueue,
  SocketError,
  Waiters,
  checkedPort,
  checkedTimeout,
  formatEndpoint,
  literalFamily,
} from '../../lib/net/index.ts';
import { type Environment, type Instant, UNBOUNDED } from '../../lib/runtime/index.ts';
import { EndpointConnections } from './endpoint-connections.ts';
import { EndpointCore } from './endpoint-core.ts';
import { EndpointCredentials } from './endpoint-credentials.ts';
import {
  type DtlsEndpointOptions,
  type EndpointLimits,
  type Received,
  type Waiting,
  checkAbilities,
  endpointLimits,
} from './endpoint-options.ts';
import { EndpointSession, type SessionOptions } from './endpoint-session.ts';
import type { EndpointCounters } from './peer-set.ts';

const BOOKKEEPING = 64; // bytes reckoned beside each result that waits

/**
 * One socket, many peers.
 *
 * ```ts
 * const pool = new CredentialPool({}, environment);
 * pool.add(1, { type: 'psk', identity: pskIdentityFromBuffer(id), key: pskKeyFromBuffer(key) });
 * const endpoint = new DtlsEndpoint({ credentials: pool, tags: [1], datagramSocket: () => udpSocket() }, environment);
 * await endpoint.bind('0.0.0.0', 5684);
 * await endpoint.session({ address: '192.0.2.1', port: 5684 }).send(hello); // shakes hands first
 * for (;;) {
 *   const received = await endpoint.receive();
 *   if (received.kind === 'data') received.session.sendNow(received.segments); // an echo
 * }
 * ```
 */
export class DtlsEndpoint {
  /** The socket below: its own, or the one handed over. */
  readonly socket: DatagramSocket;
  readonly #owned: boolean;
  readonly #limits: EndpointLimits;
  readonly #callsOut: boolean;
  readonly #credentials: EndpointCredentials;
  readonly #connections: EndpointConnections;
  readonly #core: EndpointCore;
  readonly #called = new Map<string, EndpointSession>();
  readonly #received: ReceiveQueue<Received>;
  readonly #waiters: Waiters<Received>;
  #closed: { readonly cause: SocketError | undefined } | undefined;

  /**
   * @throws SocketError ENOTSUP for versions, roles and cipher suites there are not; EINVAL naming the option;
   * CredentialPoolError for tags
   */
  constructor(options: DtlsEndpointOptions, environment: Environment) {
    const roles = checkAbilities(options);
    this.#callsOut = roles.includes('client');
    this.#limits = endpointLimits(options);
    this.#credentials = new EndpointCredentials(options, this.#limits, environment);
    this.#connections = new EndpointConnections(options, this.#limits, this.#credentials, environment);
    this.#received = new ReceiveQueue(this.#limits.maxBufferedBytes);
    this.#waiters = new Waiters(environment);
    this.#owned = options.socket === undefined;
    this.socket = options.socket ?? ownSocket(options);
    this.#core = new EndpointCore(
      {
        socket: this.socket,
        connections: this.#connections,
        credentials: this.#credentials,
        limits: this.#limits,
        handlers: { ...options.handlers },
        unknownIdentity: options.unknownIdentity,
        serves: roles.includes('server'),
        deliver: (received) => this.#deliver(received),
        forget: (session) => this.#forget(session),
        lost: (cause) => this.#close(cause),
      },
      environment,
    );
  }

  /** Binds the endpoint's own socket. @throws SocketError ENOTSUP for one that was handed over: its owner binds it */
  async bind(address: string, port: number): Promise<void> {
    this.#checkOpen('bind');
    if (!this.#owned) {
      throw new SocketError('ENOTSUP', 'bind: the socket was handed over, and its owner binds it', { fatal: false });
    }
    await this.socket.bind(address, port);
  }

  // Credentials.

  /** Tags of the pool in use, the most preferred first. */
  get tags(): readonly number[] {
    return this.#credentials.tags;
  }

  /** Uses another tag from the next handshake on. @throws CredentialPoolError EINVAL, ENOSPC */
  addTag(tag: number): void {
    this.#credentials.addTag(tag);
  }

  /** Open sessions stay. @returns whether it was in use */
  removeTag(tag: number): boolean {
    return this.#credentials.removeTag(tag);
  }

  // Sessions.

  /** Those made by us, and those of clients whose handshake is complete. */
  *sessions(): Generator<EndpointSession> {
    yield* this.#called.values();
    for (const { session } of this.#core.peers) yield session;
  }

  /** The session with this peer, the connected one first, if there is any. @throws SocketError EINVAL for no address */
  find(remote: Endpoint): EndpointSession | undefined {
    const key = formatEndpoint(checkedRemote(remote));
    const called = this.#called.get(key);
    if (called?.state === 'connected') return called;
    return this.#core.peers.sessionAt(key)?.session ?? called;
  }

  /**
   * The session with this peer; made, without sending anything, if there is none.
   *
   * @throws SocketError ENOTSUP if it would be made by a server, EINVAL for what is no address or cannot be called with
   * these options, ENOBUFS if there are `maxSessions`
   */
  session(remote: Endpoint, options: SessionOptions = {}): EndpointSession {
    this.#checkOpen('session');
    const to = checkedRemote(remote);
    const found = this.find(to);
    if (found !== undefined) return checkedOptions(found, options);
    if (!this.#callsOut) throw new SocketError('ENOTSUP', 'session: this endpoint is a server', { fatal: false });
    if (this.#called.size >= this.#limits.maxSessions) {
      const most = this.#limits.maxSessions;
      throw new SocketError('ENOBUFS', `expected at most ${most} sessions (option maxSessions)`, { fatal: false });
    }
    const kind = this.#connections.kindToCall(options.credential);
    const session = new EndpointSession(this.#core, to, 'client', kind, options.serverName);
    this.#called.set(session.key, session);
    return session;
  }

  /** `session`, then its handshake. @throws SocketError as `session` and `EndpointSession.connect` */
  async connect(remote: Endpoint, options: SessionOptions & Waiting = {}): Promise<EndpointSession> {
    const session = this.session(remote, options);
    await session.connect(options);
    return session;
  }

  // Receiving.

  /** What came first. @throws SocketError EAGAIN if there is none, EBADF once closed */
  receiveNow(): Received {
    const received = this.#take();
    if (received !== undefined) return received;
    throw new SocketError('EAGAIN', 'receive: none waits', { fatal: false });
  }

  /** Waits for `timeout` (default: unbounded; 0: EAGAIN at once). @throws SocketError EAGAIN, ETIMEDOUT, ECANCELED, EBADF */
  async receive({ timeout = UNBOUNDED, signal }: Waiting = {}): Promise<Received> {
    return this.#waiters.wait(() => this.#take(), { timeout: checkedTimeout(timeout), signal, what: 'receive' });
  }

  // Time and room.

  /** When the next flight of a handshake is sent again, or given up; NEVER if none is in the air. */
  get nextTimeout(): Instant {
    return this.#core.nextTimeout;
  }

  /** What was queued because the `write` handler had no room is given to it again. */
  writable(): void {
    this.#core.writes.flush();
  }

  /** What the server side has done. */
  get counters(): Readonly<EndpointCounters> {
    return this.#core.peers.counters;
  }

  /** What was dropped here: results nobody took, datagrams without room, hellos to a client. */
  get dropped(): { readonly received: number; readonly sent: number; readonly hellos: number } {
    return { received: this.#received.dropped, sent: this.#core.writes.dropped, hellos: this.#core.hellosRefused };
  }

  /** Handshakes under way and sessions open, in both roles. */
  get load(): { readonly handshakes: number; readonly sessions: number } {
    const { calls, peers } = this.#core;
    return { handshakes: peers.handshakes + calls.handshakes, sessions: peers.sessions + calls.sessions };
  }

  // The end.

  /** Ends all sessions with close_notify, and closes its own socket; one that was handed over stays open. Allowed again. */
  close(): void {
    this.#close(undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #close(cause: SocketError | undefined): void {
    if (this.#closed !== undefined) return;
    this.#closed = { cause };
    const sessions = [...this.#called.values()];
    // In order, if there is still a socket to say so.
    if (cause === undefined) for (const session of sessions) session.close();
    this.#core.close(cause);
    for (const session of sessions) session.close();
    this.#received.clear();
    if (this.#owned) this.socket.close();
    this.#waiters.notify();
  }

  #deliver(received: Received): void {
    const bytes = received.kind === 'data' ? received.length : 0;
    if (this.#received.push(received, bytes + BOOKKEEPING)) this.#waiters.notify();
  }

  #forget(session: EndpointSession): void {
    if (this.#called.get(session.key) === session) this.#called.delete(session.key);
  }

  #take(): Received | undefined {
    this.#checkOpen('receive');
    return this.#received.take() ?? undefined;
  }

  #checkOpen(operation: string): void {
    if (this.#closed === undefined) return;
    const { cause } = this.#closed;
    throw new SocketError('EBADF', `${operation}: the endpoint is closed`, cause === undefined ? {} : { cause });
  }
}

function ownSocket({ datagramSocket }: DtlsEndpointOptions): DatagramSocket {
  if (datagramSocket !== undefined) return datagramSocket();
  throw new SocketError('EINVAL', 'socket: expected a socket, or datagramSocket to make one, found neither');
}

/** As sockets report it, for by that it is found: `2001:DB8:0::1` is 2001:db8::1 (RFC 5952). @throws SocketError EINVAL */
function checkedRemote({ address, port }: Endpoint): Endpoint {
  if (literalFamily(address) === undefined) {
    throw new SocketError('EINVAL', `remote: expected a literal address, found ${JSON.stringify(address)}`, {
      fatal: false,
    });
  }
  checkedPort('remote.port', port);
  return { address: address.includes(':') ? canonicalIpv6(address) : address, port };
}

function canonicalIpv6(address: string): string {
  const [literal, zone] = address.split('%');
  // IPv4 in IPv6 stays as dual-stack sockets write it.
  const canonical = literal!.includes('.')
    ? literal!.toLowerCase()
    : new URL(`http://[${literal}]`).hostname.slice(1, -1);
  return zone === undefined ? canonical : `${canonical}%${zone}`;
}

/** A session that is there has been made with options: others are not what was asked for. @throws SocketError EINVAL */
function checkedOptions(session: EndpointSession, { credential, serverName }: SessionOptions): EndpointSession {
  const differs = (asked: string | undefined, found: string | undefined): boolean =>
    asked !== undefined && asked !== found;
  if (!differs(credential, session.credential) && !differs(serverName, session.serverName)) return session;
  throw new SocketError('EINVAL', `session: there is one with ${session.key} that was made with other options`, {
    fatal: false,
  });
}
