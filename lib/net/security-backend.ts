// The plug: what a (D)TLS stack must offer to secure the sockets of this project.

import type { Environment } from '../runtime/index.ts';
import type { ServerConfiguration, SslConfiguration } from './ssl-configuration.ts';
import type { AnySocket } from './socket.ts';
import type { SecurityVersion } from './negotiated.ts';

/** What a backend can do; asked before a socket is made. What is not listed is refused before connect. */
export interface Capabilities {
  readonly versions: readonly SecurityVersion[];
  /** IANA ids, in the order preferred. */
  readonly ciphersuites: readonly number[];
  readonly credentials: readonly ('psk' | 'certificate' | 'rawPublicKey')[];
  readonly roles: readonly ('client' | 'server')[];
  readonly resumption: boolean;
  readonly connectionId: boolean;
  readonly dane: boolean;
  /** Private keys and pre-shared keys that stay outside (`engine` sources). Absent: no. */
  readonly engine?: boolean | undefined;
  /** Connected sessions that go on in another process (`liveSession`). Absent: no. */
  readonly liveSession?: boolean | undefined;
  /** `injected`: all time comes from the Environment, so simulation works; `system`: the stack reads the wall clock. */
  readonly clock: 'injected' | 'system';
}

/** A (D)TLS stack. `S` is DatagramSocket for DTLS and StreamSocket for TLS. */
export interface SecurityBackend<S extends AnySocket> {
  readonly name: string;
  readonly capabilities: Capabilities;
  /** A closed client socket. @throws SocketError ENOTSUP, or SecurityInfoError, if the configuration cannot be met */
  createSocket(configuration: SslConfiguration, environment: Environment): S;
  /** A closed listening socket: `bind` or `decorate` it, then `accept` gives sessions. */
  createServer?(configuration: ServerConfiguration, environment: Environment): S;
}
