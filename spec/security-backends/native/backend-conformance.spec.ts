// The native backend passes every case of the kit, in virtual time and on the host's loopback.

import { mochaCases } from '../../../lib/net/conformance/backend/index.ts';
import { MemoryLiveSession } from '../../../lib/storage/index.ts';
import { type NativeDtls, nativeDtls } from '../../../security-backends/native/index.ts';
import { conformancePeer } from '../../../security-backends/native/conformance-peer.ts';
import { loopbackPeer } from './loopback-peer.ts';

for (const [where, peer] of [
  ['on the simulated network', conformancePeer()],
  ['over UDP', loopbackPeer()],
] as const) {
  const name = `native DTLS: backend conformance ${where}`;
  const liveSession = (): MemoryLiveSession => new MemoryLiveSession();
  const backend = (datagramSocket: (typeof peer)['rawSocket']): NativeDtls => nativeDtls({ datagramSocket });
  mochaCases({ name, peer, backend, liveSession }, { describe, it });
}
