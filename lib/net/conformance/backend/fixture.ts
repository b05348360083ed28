// What a security backend must be given to be tried: somebody to talk to who knows nothing of it.

import type { Environment } from '../../../runtime/index.ts';
import type { Capabilities, SecurityBackend } from '../../security-backend.ts';
import type { LiveSessionStore } from '../../live-session.ts';
import type { AnySocket, SocketBase } from '../../socket.ts';
import type { SocketConfiguration } from '../../socket-configuration.ts';
import type { ServerConfiguration, SslConfiguration } from '../../ssl-configuration.ts';

/** A kind of socket, as layers see it: DatagramSocket or StreamSocket. */
export type Kind<S> = AnySocket & SocketBase<S>;

/** Makes a closed raw socket, to connect with or to listen at the peer's address. */
export type RawSockets<S> = (configuration: SocketConfiguration, environment: Environment) => S;

/** The far end: another stack, its network and its time. One case at a time uses it. */
export interface ConformancePeer<S extends Kind<S>> {
  readonly transport: S['transport'];
  /** What it can do at the far end. A case that needs more is skipped and says so. */
  readonly capabilities: Capabilities;
  readonly environment: Environment;
  /** Whether waiting for hours costs nothing. */
  readonly virtualTime: boolean;
  /** The literal address at which everybody is: servers listen there, clients call from there. */
  readonly address: string;
  /** Its name, `peer.example`, which the raw sockets resolve: what the certificates of the cases are made out to. */
  readonly host: string;
  readonly rawSocket: RawSockets<S>;
  /** A closed listening socket: `bind(address, 0)`, then `accept` gives sessions. */
  server(configuration: ServerConfiguration): S;
  /** A closed client to try servers with. Absent: the server role is not tried. */
  client?(configuration: SslConfiguration): S;
  /** Waits for a promise, letting time pass: `time.run(promise)` in virtual time, the promise itself otherwise. */
  run<T>(promise: Promise<T>): Promise<T>;
  /** Ends an accepted session by a fatal alert of this description. Absent: cases of such alerts are skipped. */
  abort?(session: S, description: number): void;
  /** A port of `address` where nobody answers: silence for datagrams, refusal for streams. */
  deadPort(): Promise<number>;
}

/** One backend under trial. */
export interface BackendFixture<S extends Kind<S>> {
  readonly name: string;
  /**
   * Makes the backend. Whatever socket it opens below its own must come from `rawSocket`: that is how the cases see what
   * leaves, hold back what arrives, and find what was left open.
   */
  readonly backend: (rawSocket: RawSockets<S>) => SecurityBackend<S>;
  readonly peer: ConformancePeer<S>;
  /** Makes an empty place for a live session. Absent: live sessions are not tried. */
  readonly liveSession?: (() => LiveSessionStore) | undefined;
  /** Rules that the stack beneath cannot keep, by name of the case, with the reason: skipped, and said. Default: none. */
  readonly exceptions?: Readonly<Record<string, string>> | undefined;
  /** Part of every client's configuration; its `versions` are those of servers under trial too. Default: nothing. */
  readonly configuration?: Omit<Partial<SslConfiguration>, 'security' | 'socket'> | undefined;
}
