// The far end for DTLS backends under trial: this backend's server and client, as a stack that is known to work.

import type { ConformancePeer, RawSockets } from '../../lib/net/conformance/backend/index.ts';
import type { DatagramSocket } from '../../lib/net/index.ts';
import { SimulatedNetwork } from '../../lib/net/simulated/index.ts';
import { type Environment, VirtualTime } from '../../lib/runtime/index.ts';
import { nativeDtls } from './backend.ts';
import { SecuredDatagrams } from './secured-datagrams.ts';

/** A network of the host's, for a backend whose clock is the system's. */
export interface NativePeerOnHost {
  readonly environment: Environment;
  /** A literal address of this host, `127.0.0.1` for instance. */
  readonly address: string;
  /** Closed raw sockets that resolve `peer.example` to `address`. */
  readonly rawSocket: RawSockets<DatagramSocket>;
}

const SIMULATED_ADDRESS = '10.1.2.3';
const DEAD_PORT = 9; // discard (RFC 863): nobody is bound there

/** A peer on a simulated network in virtual time; or, given one, on a network of the host's. */
export function conformancePeer(host?: NativePeerOnHost): ConformancePeer<DatagramSocket> {
  const time = new VirtualTime();
  const { environment, address, rawSocket } = host ?? simulated(time);
  const stack = nativeDtls({ datagramSocket: rawSocket });
  return {
    transport: 'datagram',
    capabilities: stack.capabilities,
    environment,
    virtualTime: host === undefined,
    address,
    host: 'peer.example',
    rawSocket,
    server: (configuration) => stack.createServer(configuration, environment),
    client: (configuration) => stack.createSocket(configuration, environment),
    run: (promise) => (host === undefined ? time.run(promise) : promise),
    abort: (session, description) => {
      if (session instanceof SecuredDatagrams) session.abort(description);
    },
    deadPort: async () => DEAD_PORT,
  };
}

function simulated(time: VirtualTime): NativePeerOnHost {
  const network = new SimulatedNetwork({ time });
  network.names.set('peer.example', [SIMULATED_ADDRESS]);
  return {
    environment: network.environment,
    address: SIMULATED_ADDRESS,
    rawSocket: (configuration, env) => network.datagramSocket(SIMULATED_ADDRESS, configuration, env),
  };
}
