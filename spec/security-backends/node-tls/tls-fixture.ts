// A TLS client under trial on the host's loopback, with a plain node:tls server at the other end.

import { pskIdentityFromBuffer, pskKeyFromBuffer } from '../../../lib/crypto/index.ts';
import { utf8Encode } from '../../../lib/bytes/index.ts';
import type { Feature, SocketFixture } from '../../../lib/net/conformance/index.ts';
import {
  type Resolver,
  type SecurityBackend,
  type SecurityVersion,
  type SocketConfiguration,
  SocketError,
  type StreamSocket,
} from '../../../lib/net/index.ts';
import { systemResolver, tcpSocket } from '../../../lib/net/node/index.ts';
import { systemEnvironment } from '../../../lib/runtime/index.ts';
import { deadTcpPort, openHandles } from '../../net/fixtures.ts';
import { IDENTITY, KEY, TlsServer, reset } from './tls-server.ts';

const environment = systemEnvironment();
const address = '127.0.0.1';

const resolver: Resolver = async (host, options) => {
  if (host === 'listener.example') return [address];
  if (host === 'unknown.invalid') throw new SocketError('ENOTFOUND', 'no such name');
  return systemResolver(host, options);
};

/** Makes the backend over the sockets it is given. */
type MakeBackend = (options: {
  readonly streamSocket: (configuration: SocketConfiguration) => StreamSocket;
}) => SecurityBackend<StreamSocket>;

/** A client of one version. */
export function tlsFixture(makeBackend: MakeBackend, version: SecurityVersion): SocketFixture {
  const backend = makeBackend({
    streamSocket: (configuration) => tcpSocket(configuration, environment, { resolver }),
  });
  return {
    name: `${backend.name} ${version}`,
    transport: 'stream',
    secure: true,
    features: new Set<Feature>(['decorate', 'decorateFails', 'connectFails', 'reset', 'names', 'system']),
    environment,
    address,
    host: 'listener.example',
    socket: (configuration) => {
      const psk = { identity: pskIdentityFromBuffer(utf8Encode(IDENTITY)), key: pskKeyFromBuffer(KEY) };
      return backend.createSocket(
        { security: { mode: 'psk', ...psk }, versions: [version], socket: configuration },
        environment,
      );
    },
    listener: (configuration) => new TlsServer(environment, configuration),
    run: (promise) => promise,
    lower: async (port) => {
      const lower = tcpSocket(undefined, environment);
      await lower.connect(address, port);
      return lower;
    },
    failingLower: hungUp,
    reset,
    deadPort: () => deadTcpPort(address),
    openHandles,
  };
}

/** A TCP socket whose peer has gone. */
async function hungUp(): Promise<StreamSocket> {
  const [listener, lower] = [tcpSocket(undefined, environment), tcpSocket(undefined, environment)];
  await listener.bind(address, 0);
  await lower.connect(address, listener.local?.port ?? 0);
  (await listener.accept()).close();
  listener.close();
  return lower;
}
