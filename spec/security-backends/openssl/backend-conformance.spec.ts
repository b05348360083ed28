// The OpenSSL backend passes the kit's cases, with the native stack at the far end: two stacks that know nothing of each other.

import { mochaCases } from '../../../lib/net/conformance/backend/index.ts';
import { opensslDtls } from '../../../security-backends/openssl/index.ts';
import { loopbackPeer } from '../native/loopback-peer.ts';
import { describeOpenSsl } from './available.ts';

describeOpenSsl('OpenSSL: backend conformance', () => {
  mochaCases(
    { name: 'DTLS', peer: loopbackPeer(), backend: (rawSocket) => opensslDtls({ datagramSocket: rawSocket }) },
    { describe, it },
  );
});
