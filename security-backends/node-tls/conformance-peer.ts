// The far end for TLS backends under trial: this backend's server and client over TCP on the host's loopback.

import type { ConformancePeer } from '../../lib/net/conformance/backend/index.ts';
import type { StreamSocket } from '../../lib/net/index.ts';
import { tcpSocket } from '../../lib/net/node/index.ts';
import { systemEnvironment } from '../../lib/runtime/index.ts';
import { nodeTls } from './backend.ts';

const ADDRESS = '127.0.0.1';

/** A peer in real time: node:tls reads the system's clock. */
export function conformancePeer(): ConformancePeer<StreamSocket> {
  const environment = systemEnvironment();
  const rawSocket: ConformancePeer<StreamSocket>['rawSocket'] = (configuration, env) =>
    tcpSocket(configuration, env, { resolver: async () => [ADDRESS] });
  const stack = nodeTls({ streamSocket: rawSocket });
  return {
    transport: 'stream',
    capabilities: stack.capabilities,
    environment,
    virtualTime: false,
    address: ADDRESS,
    host: 'peer.example',
    rawSocket,
    server: (configuration) => stack.createServer(configuration, environment),
    client: (configuration) => stack.createSocket(configuration, environment),
    run: (promise) => promise,
    deadPort: async () => {
      const probe = rawSocket({}, environment);
      await probe.bind(ADDRESS, 0);
      const port = probe.local?.port ?? 0;
      probe.close();
      return port;
    },
  };
}
