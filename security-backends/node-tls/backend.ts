// The plug: TLS on node:tls as a security backend. A small client; time is the system's, so it does not simulate.

import type { FileSource } from '../../lib/crypto/index.ts';
import type { SecurityBackend, SocketConfiguration, SslConfiguration, StreamSocket } from '../../lib/net/index.ts';
import { tcpSocket } from '../../lib/net/node/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';
import { CIPHERSUITES } from './ciphersuites.ts';
import { VERSIONS, tlsSettings } from './configuration.ts';
import { NodeTlsSocket } from './socket.ts';

export interface NodeTlsOptions {
  /** A closed socket of the layer below, for sockets that are not given one by `decorate`. Default: TCP. */
  readonly streamSocket?: ((configuration: SocketConfiguration, environment: Environment) => StreamSocket) | undefined;
  /** Where `file` sources of credentials are read. Default: they are refused. */
  readonly files?: FileSource | undefined;
}

/** The backend. Its native configuration (`additionalConfiguration`) is the options object of `tls.connect`. */
export function nodeTls(options: NodeTlsOptions = {}): SecurityBackend<StreamSocket> {
  const lowerSocket = options.streamSocket ?? tcpSocket;
  return {
    name: 'node-tls',
    capabilities: Object.freeze({
      versions: VERSIONS,
      ciphersuites: Object.freeze(CIPHERSUITES.map(({ id }) => id)),
      credentials: Object.freeze(['psk'] as const),
      roles: Object.freeze(['client'] as const),
      resumption: false,
      connectionId: false,
      dane: false,
      clock: 'system',
    }),
    createSocket(configuration: SslConfiguration, environment: Environment) {
      const settings = tlsSettings(configuration, { files: options.files, log: environment.log });
      return new NodeTlsSocket(settings, environment, () => lowerSocket(settings.socket, environment));
    },
  };
}
