// TLS on node:tls passes every case of the kit, in both versions: as a client with a plain node:tls server at the other end,
// as a server with its own client.

import { mochaCases } from '../../../lib/net/conformance/backend/index.ts';
import type { SecurityBackend, StreamSocket } from '../../../lib/net/index.ts';
import { conformancePeer } from '../../../security-backends/node-tls/conformance-peer.ts';
import { type NodeTlsOptions, nodeTls } from '../../../security-backends/node-tls/index.ts';
import { tlsPeer } from './tls-peer.ts';

for (const version of ['TLS1.2', 'TLS1.3'] as const) {
  const trial = {
    backend: (streamSocket: NodeTlsOptions['streamSocket']): SecurityBackend<StreamSocket> => nodeTls({ streamSocket }),
    configuration: { versions: [version] },
  };
  const name = `node-tls: backend conformance with ${version}`;
  mochaCases({ ...trial, name, peer: tlsPeer() }, { describe, it });
  mochaCases({ ...trial, name: `${name}, client and server`, peer: conformancePeer() }, { describe, it });
}
