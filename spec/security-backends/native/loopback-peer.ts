// The native stack as a peer on the host's loopback, where time is real.

import type { ConformancePeer } from '../../../lib/net/conformance/backend/index.ts';
import type { DatagramSocket } from '../../../lib/net/index.ts';
import { udpSocket } from '../../../lib/net/node/index.ts';
import { systemEnvironment } from '../../../lib/runtime/index.ts';
import { conformancePeer } from '../../../security-backends/native/conformance-peer.ts';

export function loopbackPeer(): ConformancePeer<DatagramSocket> {
  return conformancePeer({
    environment: systemEnvironment(),
    address: '127.0.0.1',
    rawSocket: (configuration, environment) =>
      udpSocket(configuration, environment, { resolver: async () => ['127.0.0.1'] }),
  });
}
