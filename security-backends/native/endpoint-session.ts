// One peer of an endpoint, as its user holds it: outlives handshakes, so that it can be renewed.

import { concatBytes } from '../../lib/bytes/index.ts';
import {
  type Endpoint,
  type Negotiated,
  SocketError,
  TlsAlertError,
  Waiters,
  checkedTimeout,
  formatEndpoint,
} from '../../lib/net/index.ts';
import { type Environment, UNBOUNDED, formatDuration } from '../../lib/runtime/index.ts';
import type { Association } from './association.ts';
import type { Credential } from './ciphersuites.ts';
import type { DtlsCounters } from './connection.ts';
import type { Auxiliary, DtlsRole, Waiting } from './endpoint-options.ts';
import { KeptSession } from './kept-session.ts';
import type { OfferedSession } from './resumable-session.ts';

/** What a session needs of its endpoint. */
export interface SessionHost {
  readonly environment: Environment;
  /** Begins a handshake as client, which the session adopts. @throws SocketError */
  call(session: EndpointSession): Association;
  /** Sends one message. @throws SocketError */
  send(association: Association, bytes: Uint8Array): void;
  auxiliary(remote: Endpoint): Auxiliary;
  /** The user has no more use for it. */
  forget(session: EndpointSession): void;
}

/** What `session` and `connect` make a session with. */
export interface SessionOptions {
  /** The kind of handshake. Default: that of the endpoint's first tag. */
  readonly credential?: Credential | undefined;
  /** Asked for (RFC 6066 §3) and looked for in the server's certificate. Default: its address is looked for. */
  readonly serverName?: string | undefined;
}

/** idle: there is no handshake and no session; a message begins one. closed: for good. */
export type SessionState = 'idle' | 'connecting' | 'connected' | 'closed';

/** One message: whole, or in pieces that become one record. */
export type Message = Uint8Array | readonly Uint8Array[];

export interface SendOptions extends Waiting {
  /** Must be the socket's own address: an endpoint has no other. */
  readonly local?: Endpoint | undefined;
}

/** Made by `DtlsEndpoint.session` and `connect`, or by a client that found the endpoint. */
export class EndpointSession {
  /** Of a client with a connection id it may change (RFC 9146 §6). */
  remote: Endpoint;
  /** The remote address and port as one text. */
  key: string;
  /** Ours. */
  readonly role: DtlsRole;
  readonly credential: Credential;
  readonly serverName: string | undefined;
  readonly #host: SessionHost;
  #current: Association | undefined;
  #attempt: Association | undefined;
  #kept: KeptSession | undefined;
  #closed = false;
  #waiters: Waiters<true> | undefined;

  constructor(host: SessionHost, remote: Endpoint, role: DtlsRole, credential: Credential, serverName?: string) {
    this.#host = host;
    this.remote = remote;
    this.key = formatEndpoint(remote);
    this.role = role;
    this.credential = credential;
    this.serverName = serverName;
  }

  /** For its association: the peer is there now. */
  moveTo(remote: Endpoint): void {
    this.remote = remote;
    this.key = formatEndpoint(remote);
  }

  get state(): SessionState {
    if (this.#closed) return 'closed';
    if (this.#current !== undefined) return 'connected';
    return this.#attempt === undefined ? 'idle' : 'connecting';
  }

  /** While connected. */
  get negotiated(): Negotiated | undefined {
    return this.#current?.negotiated;
  }

  /** Largest message that can be sent, in bytes; 0 unless connected. */
  get innerMtu(): number {
    return this.#current?.innerMtu ?? 0;
  }

  /** Of the present connection or attempt. */
  get counters(): DtlsCounters | undefined {
    return (this.#current ?? this.#attempt)?.counters;
  }

  /**
   * Sends one message now. Pieces are gathered into one record: one copy, and none for a single piece.
   *
   * @returns from where it went, to whom and when
   * @throws SocketError ENOTCONN unless connected (and then a client's handshake has begun), EMSGSIZE over `innerMtu`,
   * EAGAIN while neither socket nor queue has room, EADDRNOTAVAIL if `local` is not ours, EBADF once closed
   */
  sendNow(message: Message, options: Pick<SendOptions, 'local'> = {}): Auxiliary {
    this.#checkLocal(options.local);
    if (this.#current === undefined) {
      this.#begin();
      throw new SocketError('ENOTCONN', `send: the session is ${this.state}`, { fatal: false });
    }
    this.#host.send(this.#current, gathered(message));
    return this.#host.auxiliary(this.remote);
  }

  /**
   * Sends one message; the first one begins the handshake and waits for it for `timeout` (default: unbounded). With 0 it
   * is `sendNow`. The handshake goes on if the wait ends before it.
   *
   * @throws SocketError as `sendNow`; ETIMEDOUT, ECANCELED; what the handshake failed for
   */
  async send(message: Message, options: SendOptions = {}): Promise<Auxiliary> {
    if (this.#current === undefined && options.timeout !== 0) await this.connect(options);
    return this.sendNow(message, options);
  }

  /**
   * Shakes hands if there is no session yet. The handshake goes on if the wait ends before it; `close` ends it.
   *
   * @throws SocketError ENOTCONN at once with `timeout` 0, ETIMEDOUT, ECANCELED, what the handshake failed for
   */
  async connect(waiting: Waiting = {}): Promise<void> {
    if (this.#current !== undefined) return;
    await this.#done(this.#begin(), waiting);
  }

  /**
   * A new handshake with the same server on the same socket, resumed if the server allows it and neither tags nor pool have
   * changed; the old session serves until the new one is there, and stays if it fails.
   *
   * @throws SocketError ENOTSUP for a server: only clients begin handshakes (there is no renegotiation), EBADF once closed
   */
  async renew(waiting: Waiting = {}): Promise<void> {
    this.#checkMayCall('renew');
    await this.#done(this.#attempt ?? this.#host.call(this), waiting);
  }

  /** Ends it with close_notify, and the endpoint forgets it. Allowed again. */
  close(): void {
    this.#finish((association) => association.close());
  }

  /** Ends it with a fatal alert (AlertDescription, 1 to 255). */
  abort(description: number): void {
    this.#finish((association) => association.abort(description));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  // For the endpoint.

  /** @internal A handshake of a client, or one of ours, is for this session. */
  adopt(attempt: Association): void {
    this.#attempt = attempt;
  }

  /** @internal A later handshake can go on from this; its secret is the session's. */
  keep(offered: OfferedSession, revision: number, now: number): void {
    this.#kept?.forget();
    this.#kept = new KeptSession(offered, revision, now);
  }

  /** @internal What to go on from, if that is still allowed; its secret stays the session's. */
  resumable(revision: number, now: number): OfferedSession | undefined {
    return this.#kept?.offered(revision, now);
  }

  /** @internal Its handshake is complete. */
  established(association: Association): void {
    this.#current = association;
    if (this.#attempt === association) this.#attempt = undefined;
    this.#settle();
  }

  /** @internal @returns whether the session, or the only attempt at it, is over with it */
  ended(association: Association): boolean {
    // RFC 5246 §7.2.2: what an alert ended is not gone on from; nor is what could not be resumed.
    if (this.#attempt === association || association.cause instanceof TlsAlertError) this.#forgetKept();
    const mattered = this.#current === undefined ? this.#attempt === association : this.#current === association;
    if (this.#attempt === association) this.#attempt = undefined;
    if (this.#current === association) this.#current = undefined;
    if (this.role === 'server' && mattered) this.#closed = true;
    this.#settle();
    return mattered;
  }

  #begin(): Association {
    if (this.#attempt !== undefined) return this.#attempt;
    this.#checkMayCall('connect');
    return this.#host.call(this);
  }

  #checkMayCall(operation: string): void {
    if (this.#closed) throw new SocketError('EBADF', `${operation}: the session is closed`, { fatal: false });
    if (this.role === 'client') return;
    throw new SocketError('ENOTSUP', `${operation}: only the client begins handshakes`, { fatal: false });
  }

  async #done(attempt: Association, { timeout = UNBOUNDED, signal }: Waiting): Promise<void> {
    const what = `handshake with ${this.key}`;
    if (timeout === 0 && !attempt.isConnected) {
      throw new SocketError('ENOTCONN', `${what}: not complete within ${formatDuration(timeout)}`, { fatal: false });
    }
    this.#waiters ??= new Waiters(this.#host.environment);
    await this.#waiters.wait(() => outcome(attempt), { timeout: checkedTimeout(timeout), signal, what });
  }

  #checkLocal(local: Endpoint | undefined): void {
    if (local === undefined) return;
    const own = this.#host.auxiliary(this.remote).local;
    if (own?.address === local.address && own.port === local.port) return;
    const found = own === undefined ? 'none' : formatEndpoint(own);
    throw new SocketError('EADDRNOTAVAIL', `local: expected ${found}, found ${formatEndpoint(local)}`, {
      fatal: false,
    });
  }

  #finish(end: (association: Association) => void): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const association of [this.#attempt, this.#current]) if (association !== undefined) end(association);
    this.#forgetKept();
    this.#host.forget(this);
    this.#settle();
  }

  #forgetKept(): void {
    this.#kept?.forget();
    this.#kept = undefined;
  }

  /** Whoever waits, waits for the only attempt there is, so that nobody waits after it. */
  #settle(): void {
    this.#waiters?.notify();
    if (this.#attempt === undefined) this.#waiters = undefined;
  }
}

/** @throws what it failed for */
function outcome(attempt: Association): true | undefined {
  if (attempt.isConnected) return true;
  if (!attempt.hasEnded) return undefined;
  throw attempt.cause ?? new SocketError('ECONNABORTED', 'the handshake was ended', { fatal: false });
}

function gathered(message: Message): Uint8Array {
  if (message instanceof Uint8Array) return message;
  return message.length === 1 ? message[0]! : concatBytes(...message);
}
