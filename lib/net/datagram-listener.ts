// One bound datagram socket, many peers: a session socket for each source address. What UDP's `accept` gives.

import { type Duration, type Environment, type Timer, hours, later } from '../runtime/index.ts';
import { AcceptQueue, DEFAULT_BACKLOG } from './accept-queue.ts';
import { formatEndpoint } from './address.ts';
import { checkedSocketConfiguration } from './checked-configuration.ts';
import { SocketError } from './errors.ts';
import { type DatagramOutlet, PeerSocket } from './peer-socket.ts';
import type { SocketConfiguration } from './socket-configuration.ts';
import type { Cancellable, DatagramSocket, Endpoint } from './socket.ts';

export interface DatagramListenerOptions {
  /** Peers known at once; the longest idle one gives way to a new one. Default 10,000. */
  readonly maxPeers?: number | undefined;
  /** Sessions that may wait for `accept`; datagrams of further new peers are dropped and counted. Default 128. */
  readonly maxWaiting?: number | undefined;
  /** A session without a datagram either way for this long is closed with ETIMEDOUT. Default 25 h. */
  readonly idleTimeout?: Duration | undefined;
  /** Options of the sessions. */
  readonly socket?: SocketConfiguration | undefined;
}

interface Limits {
  readonly maxPeers: number;
  readonly maxWaiting: number;
  readonly idleTimeout: Duration;
}

const DEFAULTS: Limits = Object.freeze({
  maxPeers: 10_000, // as ServerConfiguration.maxSessions
  maxWaiting: DEFAULT_BACKLOG,
  idleTimeout: hours(25), // a registration lives a day if nobody says otherwise (LwM2M Core 1.2 §6.2.1), and then some
});

/** Sessions by source address over one outlet. Its owner dispatches what arrives; `over` does that for a bound socket. */
export class DatagramListener {
  readonly #outlet: DatagramOutlet;
  readonly #environment: Environment;
  readonly #options: Limits;
  readonly #socket: ReturnType<typeof checkedSocketConfiguration>;
  readonly #peers = new Map<string, PeerSocket>(); // the longest idle first
  readonly #waiting: AcceptQueue<PeerSocket>;
  #idle: Timer | undefined;
  #dropped = 0;
  #closed = false;
  #owned: DatagramSocket | undefined;

  constructor(outlet: DatagramOutlet, environment: Environment, options: DatagramListenerOptions = {}) {
    this.#outlet = outlet;
    this.#environment = environment;
    this.#socket = checkedSocketConfiguration({ ...options.socket, mtu: outlet.getOption('mtu') });
    this.#options = {
      maxPeers: options.maxPeers ?? DEFAULTS.maxPeers,
      maxWaiting: options.maxWaiting ?? DEFAULTS.maxWaiting,
      idleTimeout: options.idleTimeout ?? DEFAULTS.idleTimeout,
    };
    this.#waiting = new AcceptQueue(environment, this.#options.maxWaiting);
  }

  /** Takes a bound socket over: its handler is the listener's from here on, and closing the listener closes it. */
  static over(
    socket: DatagramSocket,
    environment: Environment,
    options: DatagramListenerOptions = {},
  ): DatagramListener {
    const listener = new DatagramListener(socket, environment, options);
    listener.#owned = socket;
    socket.handler = {
      readable: () => {
        do {
          const arrival = socket.receiveFrom();
          if (arrival !== undefined) listener.dispatch(arrival.bytes, arrival.from);
        } while (socket.getOption('hasBufferedData'));
      },
      writable: () => undefined,
      closed: (cause) => listener.close(cause),
    };
    return listener;
  }

  /** Sessions at present. */
  get peers(): number {
    return this.#peers.size;
  }

  /** Datagrams of new peers that were dropped because too many sessions waited for `accept`. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The next new peer's session; its first datagram waits in it. */
  accept(options: Cancellable = {}): Promise<DatagramSocket> {
    return this.#waiting.accept(options);
  }

  /** Gives a datagram to its peer's session, making one if the peer is new. */
  dispatch(bytes: Uint8Array, from: Endpoint): void {
    if (this.#closed) return;
    const peer = this.#peers.get(formatEndpoint(from)) ?? this.#admit(from);
    if (peer === undefined) return;
    this.#touch(peer);
    peer.arrived(bytes);
  }

  /** Closes every session, ends those who wait for one, and closes a socket that was taken over. */
  close(cause?: SocketError): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#owned?.close();
    this.#waiting.close(cause);
    this.#idle?.cancel();
    this.#idle = undefined;
    for (const peer of this.#peers.values())
      peer.abandon(cause ?? new SocketError('ECONNABORTED', 'its listening socket was closed'));
    this.#peers.clear();
  }

  #admit(from: Endpoint): PeerSocket | undefined {
    if (this.#waiting.full) {
      this.#dropped++;
      return undefined;
    }
    if (this.#peers.size >= this.#options.maxPeers) {
      const [oldest] = this.#peers.values();
      oldest?.abandon(new SocketError('ECONNABORTED', `gave way to a new peer: ${this.#options.maxPeers} are known`));
    }
    const peer = new PeerSocket(this.#environment, this.#socket, from, {
      outlet: this.#outlet,
      sent: () => this.#touch(peer),
      gone: () => this.#forget(peer),
    });
    this.#waiting.offer(peer);
    return peer;
  }

  #touch(peer: PeerSocket): void {
    const key = formatEndpoint(peer.peer);
    peer.lastUsed = this.#environment.clock.now();
    this.#peers.delete(key);
    this.#peers.set(key, peer);
    if (this.#idle === undefined) this.#watch();
  }

  #forget(peer: PeerSocket): void {
    const key = formatEndpoint(peer.peer);
    if (this.#peers.get(key) === peer) this.#peers.delete(key);
    this.#waiting.withdraw(peer);
    if (this.#peers.size > 0) return;
    this.#idle?.cancel();
    this.#idle = undefined;
  }

  #watch(): void {
    const [oldest] = this.#peers.values();
    if (oldest === undefined) return;
    this.#idle = this.#environment.timers.at(later(oldest.lastUsed, this.#options.idleTimeout), () => {
      this.#idle = undefined;
      const now = this.#environment.clock.now();
      for (const peer of this.#peers.values()) {
        if (later(peer.lastUsed, this.#options.idleTimeout) > now) break;
        peer.abandon(new SocketError('ETIMEDOUT', 'the session was idle for too long'));
      }
      this.#watch();
    });
  }
}
