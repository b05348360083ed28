// What a socket must be given to be tried: how to make clients and listeners of its kind, and how time passes.

import type { Environment } from '../../runtime/index.ts';
import type { SocketConfiguration } from '../socket-configuration.ts';
import type { AnySocket } from '../socket.ts';

/** What a kind of socket can do; a case that needs what is missing is left out. */
export type Feature =
  /** `bind` before `connect` on the same socket, and `sendTo`/`receiveFrom` on a bound one. */
  | 'unconnected'
  /** `bind` and `accept` on `socket()` itself (a client-only kind has a foreign listener). */
  | 'bind'
  /** `listener()` gives sockets that follow all rules themselves, so that sessions are tried too. */
  | 'sessions'
  /** `decorate` works: `lower()` is given. */
  | 'decorate'
  /** `decorate` works and can fail: `failingLower()` is given. */
  | 'decorateFails'
  /** `decorate` answers ENOTSUP. */
  | 'noDecorate'
  /** ICMP errors reach `receive`. */
  | 'softErrors'
  /** `connect` to a port where nobody listens fails. */
  | 'connectFails'
  /** `reset()` is given. */
  | 'reset'
  /** Names resolve: `host` is a name, and `unknown.invalid` is not found. */
  | 'names'
  /** Time is virtual: waiting for hours costs nothing. */
  | 'virtualTime'
  /** A raw socket: the options of SocketConfiguration are its own. */
  | 'raw'
  /** `dtlsHandshakeTimeouts` can be set. */
  | 'handshakeTimeouts'
  /** `system` is the host's object. */
  | 'system';

/** One kind of socket under trial. All of it belongs to one case at a time; `cleanup` ends what the case left open. */
export interface SocketFixture {
  readonly name: string;
  readonly transport: 'datagram' | 'stream';
  readonly secure: boolean;
  readonly features: ReadonlySet<Feature>;
  readonly environment: Environment;
  /** The literal address that listeners bind. */
  readonly address: string;
  /** What clients give to `connect`: a name of that address, or itself. */
  readonly host: string;
  /** A closed client. For a secured kind the configuration is that of its raw socket. */
  socket(configuration?: SocketConfiguration): AnySocket;
  /** A closed listener, to which such clients can connect: `bind(address, 0)`, then `accept`. */
  listener(configuration?: SocketConfiguration): AnySocket;
  /** Waits for a promise, letting time pass: `time.run(promise)` in virtual time, the promise itself otherwise. */
  run<T>(promise: Promise<T>): Promise<T>;
  /** A raw socket connected to `port` at `address`, for `decorate`. */
  lower?(port: number): Promise<AnySocket>;
  /** A connected raw socket over which no `decorate` can succeed. */
  failingLower?(): Promise<AnySocket>;
  /** Ends the connection of an accepted session abruptly, so that the client sees a fatal error. */
  reset?(session: AnySocket): void;
  /** A port of `address` where nobody listens. */
  deadPort?(): Promise<number>;
  /** Handles of the host that are open now, if it can be told. */
  openHandles?(): Promise<number>;
}
