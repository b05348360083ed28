// The sockets of lib/net as fixtures of the conformance cases.

import type { Socket } from 'node:net';
import type { Feature, SocketFixture } from '../../lib/net/conformance/index.ts';
import { type Resolver, SocketError } from '../../lib/net/index.ts';
import { systemResolver, tcpSocket, udpSocket } from '../../lib/net/node/index.ts';
import { SimulatedNetwork, type SimulatedStreamSocket } from '../../lib/net/simulated/index.ts';
import { VirtualTime, settle, systemEnvironment } from '../../lib/runtime/index.ts';

const COMMON: readonly Feature[] = ['bind', 'sessions', 'noDecorate', 'names', 'raw', 'system'];

export function simulatedDatagrams(address = '10.1.2.3'): SocketFixture {
  const { network, base } = simulation(address);
  return {
    ...base,
    name: `simulated datagrams at ${address}`,
    transport: 'datagram',
    features: new Set<Feature>([...COMMON, 'unconnected', 'softErrors', 'virtualTime']),
    socket: (configuration) => network.datagramSocket(undefined, configuration),
    listener: (configuration) => network.datagramSocket(address, configuration),
  };
}

export function simulatedStreams(address = '10.1.2.3'): SocketFixture {
  const { network, base } = simulation(address);
  return {
    ...base,
    name: `simulated streams at ${address}`,
    transport: 'stream',
    features: new Set<Feature>([...COMMON, 'connectFails', 'reset', 'virtualTime']),
    socket: (configuration) => network.streamSocket(undefined, configuration),
    listener: (configuration) => network.streamSocket(address, configuration),
    reset: (session) => (unwrap(session) as SimulatedStreamSocket).reset(),
    deadPort: async () => 9,
  };
}

export function udp(address = '127.0.0.1'): SocketFixture {
  return {
    ...loopback(address),
    name: `UDP at ${address}`,
    transport: 'datagram',
    features: new Set<Feature>([...COMMON, 'unconnected', 'softErrors']),
    socket: (configuration) => udpSocket(configuration, environment, { resolver: resolver(address) }),
    listener: (configuration) => udpSocket(configuration, environment),
  };
}

export function tcp(address = '127.0.0.1'): SocketFixture {
  return {
    ...loopback(address),
    name: `TCP at ${address}`,
    transport: 'stream',
    features: new Set<Feature>([...COMMON, 'connectFails', 'reset']),
    socket: (configuration) => tcpSocket(configuration, environment, { resolver: resolver(address) }),
    listener: (configuration) => tcpSocket(configuration, environment),
    reset: (session) => (session.system as Socket).resetAndDestroy(),
    deadPort: () => deadTcpPort(address),
  };
}

/** A TCP port that was free a moment ago. */
export async function deadTcpPort(address: string): Promise<number> {
  const probe = tcpSocket(undefined, environment);
  await probe.bind(address, 0);
  const port = probe.local?.port ?? 0;
  probe.close();
  return port;
}

/** UDP and TCP handles of this process; closing takes a turn of the event loop. */
export async function openHandles(): Promise<number> {
  await settle();
  await settle();
  return process.getActiveResourcesInfo().filter((kind) => /^(UDP|TCP)/.test(kind)).length;
}

/** Broken sockets stand before a good one; a fixture that needs its own socket finds it here. */
export const behind = new WeakMap<object, object>();

function unwrap(socket: object): object {
  return behind.get(socket) ?? socket;
}

const environment = systemEnvironment();

function loopback(
  address: string,
): Pick<SocketFixture, 'secure' | 'environment' | 'address' | 'host' | 'run' | 'openHandles'> {
  return { secure: false, environment, address, host: 'listener.example', run: (promise) => promise, openHandles };
}

function resolver(address: string): Resolver {
  return async (host, options) => {
    if (host === 'listener.example') return [address];
    if (host === 'unknown.invalid') throw new SocketError('ENOTFOUND', 'no such name');
    return systemResolver(host, options);
  };
}

function simulation(address: string): {
  network: SimulatedNetwork;
  base: Pick<SocketFixture, 'secure' | 'environment' | 'address' | 'host' | 'run'>;
} {
  const time = new VirtualTime();
  const network = new SimulatedNetwork({ time });
  network.names.set('listener.example', [address]);
  const { environment: simulated } = network;
  const run = <T>(promise: Promise<T>): Promise<T> => time.run(promise);
  return { network, base: { secure: false, environment: simulated, address, host: 'listener.example', run } };
}
