// TLS on node:tls passes every case of the kit, in both versions, with a plain node:tls server at the other end.

import { mochaCases } from '../../../lib/net/conformance/backend/index.ts';
import { nodeTls } from '../../../security-backends/node-tls/index.ts';
import { tlsPeer } from './tls-peer.ts';

for (const version of ['TLS1.2', 'TLS1.3'] as const) {
  mochaCases(
    {
      name: `node-tls: backend conformance with ${version}`,
      peer: tlsPeer(),
      backend: (rawSocket) => nodeTls({ streamSocket: rawSocket }),
      configuration: { versions: [version] },
    },
    { describe, it },
  );
}
