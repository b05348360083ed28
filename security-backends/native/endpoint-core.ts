// What stands between an endpoint's socket and its sessions: datagrams in and out, jobs, and what is told of them.

import {
  type DatagramOutlet,
  type DatagramSocket,
  type Endpoint,
  type Negotiated,
  SocketError,
  asSocketError,
  formatEndpoint,
} from '../../lib/net/index.ts';
import type { Environment, Instant } from '../../lib/runtime/index.ts';
import { type AlertOutput, Association, type AssociationOwner } from './association.ts';
import { Calls } from './calls.ts';
import type { DtlsJob } from './connection.ts';
import { type VerifiedHello, helloRandom, isClientHello } from './cookie-gate.ts';
import { drainDatagrams } from './drain.ts';
import type { EndpointConnections } from './endpoint-connections.ts';
import type { EndpointCredentials } from './endpoint-credentials.ts';
import type {
  Auxiliary,
  DtlsEndpointOptions,
  EndpointEvent,
  EndpointHandlers,
  EndpointLimits,
  Received,
} from './endpoint-options.ts';
import { EndpointSession, type SessionHost } from './endpoint-session.ts';
import { PeerSet, randomText } from './peer-set.ts';
import type { OfferedSession } from './resumable-session.ts';
import { ServerJobs, answerWith } from './server-jobs.ts';
import { type Write, WriteQueue } from './write-queue.ts';

export interface EndpointCoreOptions {
  readonly socket: DatagramSocket;
  readonly connections: EndpointConnections;
  readonly credentials: EndpointCredentials;
  readonly limits: EndpointLimits;
  readonly handlers: EndpointHandlers;
  readonly unknownIdentity: DtlsEndpointOptions['unknownIdentity'];
  /** Whether ClientHellos are answered. */
  readonly serves: boolean;
  /** Something to receive. */
  readonly deliver: (received: Received) => void;
  /** The user has closed this session. */
  readonly forget: (session: EndpointSession) => void;
  /** The socket below is closed. */
  readonly lost: (cause: SocketError) => void;
}

export class EndpointCore implements AssociationOwner, SessionHost {
  readonly environment: Environment;
  readonly peers: PeerSet<Association>;
  readonly calls: Calls;
  readonly writes: WriteQueue;
  /** ClientHellos to an endpoint that is no server, or that is calling their sender. */
  hellosRefused = 0;
  readonly #options: EndpointCoreOptions;
  readonly #jobs: ServerJobs<EndpointSession>;
  #sendError: SocketError | undefined;
  #closed = false;

  constructor(options: EndpointCoreOptions, environment: Environment) {
    this.environment = environment;
    this.#options = options;
    const { credentials, connections, limits, handlers, socket, unknownIdentity = 'hide' } = options;
    this.calls = new Calls();
    const write = handlers.write ?? writeTo(socket);
    this.writes = new WriteQueue(write, limits.maxQueuedBytes);
    this.peers = this.#peerSet(write);
    const ask = (job: DtlsJob, session: EndpointSession): ReturnType<EndpointCredentials['answer']> =>
      job.type === 'resumeSession' ? connections.find(job) : credentials.answer(job, session.credential, session);
    const onUnknownIdentity = (): void => void this.peers.counters.unknownIdentities++;
    this.#jobs = new ServerJobs({ ask, unknownIdentity, onUnknownIdentity }, environment);
    this.#attach();
  }

  get nextTimeout(): Instant {
    const [calls, peers] = [this.calls.nextTimeout, this.peers.nextTimeout];
    return calls < peers ? calls : peers;
  }

  /** Ends all associations; the socket is let go of. */
  close(cause: SocketError | undefined): void {
    const why = new SocketError('ECONNABORTED', 'its endpoint was closed', cause === undefined ? {} : { cause });
    this.calls.close(why);
    this.peers.close(cause);
    this.#closed = true;
    this.#options.connections.forget();
    this.writes.clear();
    this.#options.socket.handler = undefined;
  }

  // For the sessions.

  call(session: EndpointSession): Association {
    if (this.#closed) throw new SocketError('EBADF', 'the endpoint is closed');
    const connection = this.#options.connections.client(session, this.#mtu);
    const call = new Association(this, session);
    session.adopt(call);
    this.tell(session, { kind: 'connecting' });
    try {
      this.calls.begin(call, connection);
    } catch (error) {
      call.abandon(asSocketError(error));
      throw error;
    }
    return call;
  }

  send(association: Association, bytes: Uint8Array): void {
    this.#sendError = undefined;
    association.send(bytes);
    const error = this.#sendError;
    this.#sendError = undefined;
    if (error !== undefined) throw error;
  }

  auxiliary(remote: Endpoint): Auxiliary {
    return { local: this.#options.socket.local, remote, time: this.environment.clock.wallTime() };
  }

  forget(session: EndpointSession): void {
    this.#options.forget(session);
  }

  // For the associations.

  get revision(): number {
    return this.#options.credentials.revision;
  }

  moved(association: Association, to: Endpoint): boolean {
    const { session } = association;
    const before = session.remote;
    const isThere = this.peers.moved(association, to);
    if (isThere) this.tell(session, { kind: 'moved', before });
    return isThere;
  }

  transmit(association: Association, datagram: Uint8Array): void {
    try {
      if (!association.mayTransmit(datagram.length)) {
        const message = 'send: the new address of the peer is not proven yet';
        this.#sendError = new SocketError('EAGAIN', message, { fatal: false });
      } else if (!this.writes.push(datagram, association.peer)) {
        this.#sendError = new SocketError('EAGAIN', 'send: no room (option maxQueuedBytes)', { fatal: false });
      }
    } catch (error) {
      // For a handshake this is one more lost datagram; for `send` it is the answer.
      this.#sendError = asSocketError(error);
      this.environment.log.debug({ code: this.#sendError.code }, 'a datagram was not sent');
    }
    if (association.session.role === 'server') this.peers.used(association);
  }

  connected(association: Association, _negotiated: Negotiated): void {
    const { session } = association;
    session.established(association);
    if (session.role === 'client') this.calls.established(association);
    else this.peers.established(association);
    this.tell(session, { kind: 'connected' });
    if (this.#options.handlers.read !== undefined) return;
    this.#options.deliver({ kind: 'connected', session, auxiliary: this.auxiliary(session.remote) });
  }

  data(association: Association, bytes: Uint8Array): void {
    const { session } = association;
    if (session.role === 'server') this.peers.used(association);
    const segments = bytes.length === 0 ? [] : [bytes];
    const auxiliary = this.auxiliary(session.remote);
    const received = { kind: 'data', session, segments, length: bytes.length, auxiliary } as const;
    const { read } = this.#options.handlers;
    if (read === undefined) this.#options.deliver(received);
    else this.#guarded('read', () => read(received));
  }

  job(association: Association, job: DtlsJob): void {
    const { session, driver } = association;
    const { credentials } = this.#options;
    const ask = (): ReturnType<EndpointCredentials['answer']> =>
      session.role === 'server'
        ? this.#jobs.answer(job, session)
        : credentials.answer(job, session.credential, session);
    answerWith(driver, job, ask, this.environment);
  }

  alert({ session }: Association, { level, description, direction }: AlertOutput): void {
    this.tell(session, { kind: 'alert', level, description, direction });
  }

  resumable({ session, revision }: Association, offered: OfferedSession): void {
    if (session.role === 'server') this.#options.connections.keep(offered);
    else session.keep(offered, revision, this.environment.clock.wallTime());
  }

  ended(association: Association, cause: SocketError | undefined): void {
    const { session } = association;
    if (session.role === 'client') this.calls.gone(association);
    else this.peers.gone(association, cause);
    if (session.ended(association)) this.tell(session, { kind: 'closed', cause });
  }

  tell(session: EndpointSession, event: EndpointEvent): void {
    const { event: handler } = this.#options.handlers;
    if (handler !== undefined) this.#guarded('event', () => handler(session, event));
  }

  // What a handler throws is its user's mistake: it must not take other peers' datagrams with it.
  #guarded(handler: string, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.environment.log.error({ error, handler }, 'a handler of the endpoint failed');
    }
  }

  get #mtu(): number {
    return this.#options.socket.getOption('mtu');
  }

  #attach(): void {
    const { socket, lost } = this.#options;
    // A handler may close the endpoint: a socket that was handed over keeps what has not been taken by then.
    const take = (datagram: Uint8Array, from: Endpoint): 'done' | void => {
      this.#dispatch(datagram, from);
      return this.#closed ? 'done' : undefined;
    };
    const drain = (): void => void (this.#closed || drainDatagrams(socket, take));
    socket.handler = {
      readable: drain,
      writable: () => this.writes.flush(),
      closed: (cause) => lost(cause ?? new SocketError('ECONNABORTED', 'the socket below was closed')),
    };
    if (socket.getOption('hasBufferedData')) queueMicrotask(drain);
  }

  #dispatch(datagram: Uint8Array, from: Endpoint): void {
    const key = formatEndpoint(from);
    if (isClientHello(datagram)) {
      if (!this.#options.serves || this.#callsLouder(datagram, key)) this.hellosRefused++;
      else this.peers.dispatch(datagram, from, key);
    } else if (!this.calls.takes(datagram, from, key, this.peers.has(key))) {
      this.peers.dispatch(datagram, from, key);
    }
  }

  // Where both sides call each other at once, both would answer, and half of what comes could be of either handshake. So
  // one waits: whose random is the smaller is answered later, when it calls again.
  #callsLouder(hello: Uint8Array, key: string): boolean {
    const ours = this.calls.handshakeAt(key)?.clientRandom;
    return ours !== undefined && ours > randomText(helloRandom(hello));
  }

  #peerSet(write: Write): PeerSet<Association> {
    const { connections, limits, socket } = this.#options;
    const { maxSessions, maxHandshakes } = limits;
    const options = {
      provider: connections.provider,
      maxSessions,
      maxHandshakes,
      connectionIdBytes: connections.serverIdBytes,
      makePeer: (verified: VerifiedHello, from: Endpoint, _owner: unknown, id: Uint8Array) =>
        this.#answering(verified, from, id),
      makeConnection: ({ session, ownConnectionId }: Association, verified: VerifiedHello) =>
        connections.server(session, verified, this.#mtu, ownConnectionId ?? new Uint8Array(0)),
      onSession: () => undefined,
    };
    return new PeerSet(outletOf(socket, write), options, this.environment);
  }

  #answering(verified: VerifiedHello, from: Endpoint, id: Uint8Array): Association {
    const kind = this.#options.connections.kindFor(verified.hello);
    const session = new EndpointSession(this, from, 'server', kind);
    const association = new Association(this, session, verified, id);
    session.adopt(association);
    this.tell(session, { kind: 'connecting' });
    return association;
  }
}

function writeTo(socket: DatagramSocket): Write {
  return (datagram, to) => {
    try {
      return socket.sendTo(datagram, to);
    } catch (error) {
      if (error instanceof SocketError && error.code === 'EAGAIN') return 'wouldBlock';
      throw error;
    }
  };
}

/** For cookies, which wait for nothing: without room they are lost, and asked for again. */
function outletOf(socket: DatagramSocket, write: Write): DatagramOutlet {
  return {
    sendTo(datagram, to) {
      if (write(datagram, to) === 'wouldBlock') throw new SocketError('EAGAIN', 'sendTo: no room', { fatal: false });
    },
    getOption: (key) => socket.getOption(key),
    get local() {
      return socket.local;
    },
    get system() {
      return socket.system;
    },
    get interfaceName() {
      return socket.interfaceName;
    },
  };
}
