// The stage of one case: one backend, watched from below, and what its sockets talk to.

import { milliseconds, settle } from '../../../runtime/index.ts';
import { check, rejected, same } from '../expectation.ts';
import { Watch } from '../scene.ts';
import { settledIn } from '../settled.ts';
import type { SecurityBackend } from '../../security-backend.ts';
import { SocketError } from '../../errors.ts';
import type { LiveSessionStore } from '../../live-session.ts';
import type { AnySocket, Cancellable, SocketBase } from '../../socket.ts';
import type { ServerConfiguration, SslConfiguration } from '../../ssl-configuration.ts';
import { type CredentialKind, KINDS, clientSecurity, serverSecurity } from './credentials.ts';
import type { BackendFixture, ConformancePeer, Kind } from './fixture.ts';
import { ObservedEnvironment } from './observed-environment.ts';
import { Passage, observed } from './observed-socket.ts';

/** A raw socket that the backend made, or was given. */
export interface Lower<S> {
  readonly socket: S;
  readonly passage: Passage;
}

/** A client of the backend and the session it made at the peer, after one message has gone from client to session. */
export interface BackendPair<S> {
  readonly client: S;
  readonly session: S;
  readonly listener: S;
  readonly port: number;
  readonly lower: Lower<S>;
}

/** For handshakes that cannot succeed: so that nobody waits for minutes where time is real. */
export const IMPATIENT = {
  handshakeTimeouts: { min: milliseconds(50), max: milliseconds(100) },
  handshakeTries: 3,
} as const;

const HELLO = Uint8Array.of(0x68, 0x69);

export class Stage<S extends Kind<S>> {
  readonly peer: ConformancePeer<S>;
  readonly environment: ObservedEnvironment;
  readonly backend: SecurityBackend<S>;
  /** The kinds of credentials that backend and peer have, and that can be tried here. */
  readonly kinds: readonly CredentialKind[];
  /** Raw sockets of the backend, in the order made. */
  readonly lowers: Lower<S>[] = [];
  /** Called with each raw socket that is made. */
  onLower: ((lower: Lower<S>) => void) | undefined;
  readonly #fixture: BackendFixture<S>;
  readonly #sockets: AnySocket[] = [];

  constructor(fixture: BackendFixture<S>) {
    this.#fixture = fixture;
    this.peer = fixture.peer;
    this.environment = new ObservedEnvironment(fixture.peer.environment);
    this.backend = fixture.backend((...raw) => this.#observe(this.peer.rawSocket(...raw)));
    const { credentials } = this.backend.capabilities;
    const tried = KINDS.filter((kind) => kind !== 'certificate' || !this.peer.virtualTime);
    this.kinds = tried.filter(
      (kind) => credentials.includes(kind) && this.peer.capabilities.credentials.includes(kind),
    );
  }

  /** The kind of credentials for cases that need any. */
  get kind(): CredentialKind {
    const [first] = this.kinds;
    check(first !== undefined, 'backend and peer have a kind of credentials in common');
    return first;
  }

  /** A closed client of the backend. */
  client(configuration: Partial<SslConfiguration> = {}): S {
    const whole = { security: clientSecurity(this.kind), ...this.#fixture.configuration, ...configuration };
    return this.keep(this.backend.createSocket(whole, this.environment));
  }

  /** A closed server of the backend. */
  server(configuration: Partial<ServerConfiguration> = {}): S {
    const whole = { security: serverSecurity(this.kind), ...this.#versions, ...configuration };
    const server = this.backend.createServer?.(whole, this.environment);
    check(server !== undefined, 'a backend whose roles have server makes servers');
    return this.keep(server);
  }

  /** A closed client of the peer's. */
  visitor(configuration: Partial<SslConfiguration> = {}): S {
    const client = this.peer.client?.({ security: clientSecurity(this.kind), ...this.#versions, ...configuration });
    check(client !== undefined, 'the peer has clients');
    return this.keep(client);
  }

  /** A server of the peer's, bound. */
  async listening(configuration: Partial<ServerConfiguration> = {}): Promise<{ listener: S; port: number }> {
    const whole = { security: serverSecurity(this.kind), ...this.#versions, ...configuration };
    const listener = this.keep(this.peer.server(whole));
    await this.run(listener.bind(this.peer.address, 0));
    return { listener, port: listener.local?.port ?? 0 };
  }

  /** An empty place for a live session. */
  liveSession(): LiveSessionStore {
    const store = this.#fixture.liveSession?.();
    check(store !== undefined, 'the fixture has a place for live sessions');
    return store;
  }

  /** A server of the peer's that lets its clients resume, with a kind of credentials with which it can. */
  async resuming(): Promise<{ listener: S; kind: CredentialKind }> {
    for (const kind of this.kinds) {
      try {
        const { listener } = await this.listening({ security: serverSecurity(kind), resumption: true });
        return { listener, kind };
      } catch (error) {
        if (!(error instanceof SocketError && error.code === 'ENOTSUP')) throw error;
      }
    }
    check(false, 'a peer whose capabilities have resumption makes a server that resumes');
  }

  /** Connects `client` to `listener`. @returns the session that this made, after a message has reached it */
  async join(client: S, listener: S): Promise<S> {
    const accepted = this.accept(listener);
    await this.run(client.connect(this.peer.host, listener.local?.port ?? 0));
    return this.greet(client, accepted);
  }

  /** Sends a message from a connected client. @returns the session, once it has heard it */
  async greet(client: S, accepted: Promise<S>): Promise<S> {
    client.send(HELLO.slice());
    const session = await this.run(accepted);
    same(await this.run(session.next()), HELLO, 'message from the client');
    return session;
  }

  async pair(
    client: Partial<SslConfiguration> = {},
    server: Partial<ServerConfiguration> = {},
  ): Promise<BackendPair<S>> {
    const { listener, port } = await this.listening(server);
    const socket = this.client(client);
    const session = await this.join(socket, listener);
    return { client: socket, session, listener, port, lower: this.lastLower };
  }

  /** The raw socket made last. */
  get lastLower(): Lower<S> {
    const last = this.lowers.at(-1);
    check(last !== undefined, 'the backend takes its raw sockets from the fixture');
    return last;
  }

  /** A raw socket as the backend would have made it, for `decorate`. */
  rawSocket(): S {
    return this.#observe(this.peer.rawSocket({}, this.environment));
  }

  /** The next session of a listener; may be awaited late. */
  accept(listener: S, options?: Cancellable): Promise<S> {
    const accepted = this.#accept(listener, options);
    accepted.catch(() => undefined);
    return accepted;
  }

  /** Checks that `client` does not get in at `listener`, and that it leaves nothing behind. @returns why not */
  async refused(client: S, listener: S): Promise<SocketError> {
    const waiting = new AbortController();
    const accepted = this.accept(listener, { signal: waiting.signal });
    const error = await this.fails(client.connect(this.peer.host, listener.local?.port ?? 0));
    await this.nothingLeft(client);
    waiting.abort();
    await rejected(this.run(accepted), 'ECANCELED', 'accept at the server: a session');
    return error;
  }

  /** The SocketError of what must not succeed. */
  async fails(connecting: Promise<void>): Promise<SocketError> {
    const outcome = await this.run(
      connecting.then(
        () => 'connected',
        (error: unknown) => error,
      ),
    );
    check(outcome instanceof SocketError, `connect: expected a SocketError, found ${String(outcome)}`);
    return outcome;
  }

  /** Checks that a client is closed, that every raw socket is, and that no timer is alive. */
  async nothingLeft(client: S): Promise<void> {
    same(client.getOption('state'), 'closed', 'state');
    await this.pass();
    for (const [at, { socket }] of this.lowers.entries()) {
      same(socket.getOption('state'), 'closed', `state of raw socket ${at}`);
    }
    same(this.environment.timersAlive, 0, 'timers alive');
  }

  watch(socket: AnySocket): Watch {
    return new Watch(this, socket);
  }

  run<T>(promise: Promise<T>): Promise<T> {
    return settledIn(this.peer, promise);
  }

  /** Lets everything happen that is due. */
  async pass(): Promise<void> {
    for (let turn = 0; turn < 2; turn++) await this.run(settle());
  }

  /** Ends what the case left open. */
  async close(): Promise<void> {
    for (const socket of [...this.#sockets, ...this.lowers.map((lower) => lower.socket)]) {
      socket.handler = undefined;
      socket.close();
    }
    await this.pass();
  }

  get #versions(): Pick<ServerConfiguration, 'versions'> {
    const { versions } = this.#fixture.configuration ?? {};
    return versions === undefined ? {} : { versions };
  }

  keep(socket: S): S {
    this.#sockets.push(socket);
    return socket;
  }

  async #accept(listener: SocketBase<S>, options?: Cancellable): Promise<S> {
    return this.keep(await listener.accept(options));
  }

  #observe(good: S): S {
    const passage = new Passage();
    const socket = observed(good, passage);
    const lower = { socket, passage };
    this.lowers.push(lower);
    this.onLower?.(lower);
    return socket;
  }
}

/** `decorate`, which takes a socket of its own kind. */
export function over<S extends Kind<S>>(
  upper: SocketBase<S>,
  lower: S,
  options?: Cancellable & { readonly host?: string },
): Promise<void> {
  return upper.decorate(lower, options);
}
