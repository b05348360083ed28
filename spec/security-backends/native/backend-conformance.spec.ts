// The native backend passes every case of the kit, in virtual time and on the host's loopback.

import { mochaCases } from '../../../lib/net/conformance/backend/index.ts';
import { nativeDtls } from '../../../security-backends/native/index.ts';
import { conformancePeer } from '../../../security-backends/native/conformance-peer.ts';
import { loopbackPeer } from './loopback-peer.ts';

for (const [where, peer] of [
  ['on the simulated network', conformancePeer()],
  ['over UDP', loopbackPeer()],
] as const) {
  const name = `native DTLS: backend conformance ${where}`;
  mochaCases({ name, peer, backend: (rawSocket) => nativeDtls({ datagramSocket: rawSocket }) }, { describe, it });
}
