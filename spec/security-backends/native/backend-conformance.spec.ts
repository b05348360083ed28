// The native backend passes every case of the kit, in virtual time and on the host's loopback.

import { mochaCases } from '../../../lib/net/conformance/backend/index.ts';
import { udpSocket } from '../../../lib/net/node/index.ts';
import { systemEnvironment } from '../../../lib/runtime/index.ts';
import { nativeDtls } from '../../../security-backends/native/index.ts';
import { conformancePeer } from '../../../security-backends/native/conformance-peer.ts';

const loopback = conformancePeer({
  environment: systemEnvironment(),
  address: '127.0.0.1',
  rawSocket: (configuration, environment) =>
    udpSocket(configuration, environment, { resolver: async () => ['127.0.0.1'] }),
});

for (const [name, peer] of [
  ['native DTLS: backend conformance on the simulated network', conformancePeer()],
  ['native DTLS: backend conformance over UDP', loopback],
] as const) {
  mochaCases(
    {
      name,
      peer,
      backend: (rawSocket) => nativeDtls({ datagramSocket: rawSocket }),
    },
    { describe, it },
  );
}
