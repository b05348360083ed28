// The OpenSSL backend passes the kit's cases: DTLS with the native stack at the far end, TLS with a plain node:tls server.

import { type RawSockets, mochaCases } from '../../../lib/net/conformance/backend/index.ts';
import type { SecurityBackend, StreamSocket } from '../../../lib/net/index.ts';
import { opensslDtls, opensslTls } from '../../../security-backends/openssl/index.ts';
import { loopbackPeer } from '../native/loopback-peer.ts';
import { tlsPeer } from '../node-tls/tls-peer.ts';
import { describeOpenSsl } from './available.ts';

describeOpenSsl('OpenSSL: backend conformance', () => {
  mochaCases(
    { name: 'DTLS', peer: loopbackPeer(), backend: (rawSocket) => opensslDtls({ datagramSocket: rawSocket }) },
    { describe, it },
  );
  for (const version of ['TLS1.2', 'TLS1.3'] as const) {
    const backend = (rawSocket: RawSockets<StreamSocket>): SecurityBackend<StreamSocket> =>
      opensslTls({ streamSocket: rawSocket });
    const configuration = { versions: [version] };
    mochaCases({ name: version, peer: tlsPeer(), backend, configuration }, { describe, it });
  }
});
