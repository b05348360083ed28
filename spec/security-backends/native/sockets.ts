// Sockets of the native backend over a network: what its socket specs and the conformance cases are made with.

import type { Feature, SocketFixture } from '../../../lib/net/conformance/index.ts';
import {
  type CryptoProvider,
  type PskKeyInfo,
  pskIdentityFromBuffer,
  pskKeyFromBuffer,
} from '../../../lib/crypto/index.ts';
import {
  type AnySocket,
  type DatagramSocket,
  type Resolver,
  type ServerConfiguration,
  SocketError,
  type SslConfiguration,
} from '../../../lib/net/index.ts';
import { systemResolver, udpSocket } from '../../../lib/net/node/index.ts';
import { type Conditions, SimulatedNetwork } from '../../../lib/net/simulated/index.ts';
import { type Environment, VirtualTime, settle, systemEnvironment } from '../../../lib/runtime/index.ts';
import { type NativeDtls, nativeDtls } from '../../../security-backends/native/backend.ts';
import { SecuredDatagrams } from '../../../security-backends/native/secured-datagrams.ts';
import { IDENTITY, KEY } from './pair.ts';

export const PSK: SslConfiguration['security'] = {
  mode: 'psk',
  identity: pskIdentityFromBuffer(IDENTITY),
  key: pskKeyFromBuffer(KEY),
};

/** The key of IDENTITY, and of nobody else. */
export const LOOKUP = (identity: Uint8Array): PskKeyInfo | undefined =>
  new TextDecoder().decode(identity) === 'device-1' ? pskKeyFromBuffer(KEY) : undefined;

export const SERVER_ADDRESS = '10.1.2.3';
export const SERVER_PORT = 5684;

/** A simulated network with a native backend on it: clients have hosts of their own, servers SERVER_ADDRESS. */
export class Simulation {
  readonly time = new VirtualTime();
  readonly network: SimulatedNetwork;
  readonly environment: Environment;
  readonly backend: NativeDtls;
  readonly #serving: NativeDtls;

  constructor(options: Partial<Conditions> & { readonly seed?: number; readonly provider?: CryptoProvider } = {}) {
    const { provider, ...network } = options;
    this.network = new SimulatedNetwork({ time: this.time, ...network });
    this.environment = this.network.environment;
    this.network.names.set('listener.example', [SERVER_ADDRESS]);
    this.backend = nativeDtls({
      provider,
      datagramSocket: (configuration) => this.network.datagramSocket(undefined, configuration),
    });
    this.#serving = nativeDtls({
      provider,
      datagramSocket: (configuration) => this.network.datagramSocket(SERVER_ADDRESS, configuration),
    });
  }

  client(configuration: Partial<SslConfiguration> = {}): ReturnType<NativeDtls['createSocket']> {
    return this.backend.createSocket({ security: PSK, ...configuration }, this.environment);
  }

  server(configuration: Partial<ServerConfiguration> = {}): ReturnType<NativeDtls['createServer']> {
    return this.#serving.createServer(
      { security: { mode: 'psk', lookup: LOOKUP }, ...configuration },
      this.environment,
    );
  }

  /** A server, bound to SERVER_PORT. */
  async listening(configuration: Partial<ServerConfiguration> = {}): Promise<ReturnType<NativeDtls['createServer']>> {
    const server = this.server(configuration);
    await this.run(server.bind(SERVER_ADDRESS, SERVER_PORT));
    return server;
  }

  /** A client and its session. */
  async pair(
    client: Partial<SslConfiguration> = {},
    server: Partial<ServerConfiguration> = {},
  ): Promise<{
    client: ReturnType<NativeDtls['createSocket']>;
    server: ReturnType<NativeDtls['createServer']>;
    session: DatagramSocket;
  }> {
    const listener = await this.listening(server);
    const socket = this.client(client);
    const accepted = listener.accept();
    await this.run(socket.connect(SERVER_ADDRESS, SERVER_PORT));
    return { client: socket, server: listener, session: await this.run(accepted) };
  }

  run<T>(promise: Promise<T>): Promise<T> {
    return this.time.run(promise);
  }
}

const COMMON: readonly Feature[] = ['bind', 'sessions', 'decorate', 'names', 'reset', 'handshakeTimeouts'];

export function simulatedDtls(): SocketFixture {
  const simulation = new Simulation();
  return {
    name: 'native DTLS on the simulated network',
    transport: 'datagram',
    secure: true,
    features: new Set<Feature>([...COMMON, 'decorateFails', 'connectFails', 'virtualTime', 'system']),
    environment: simulation.environment,
    address: SERVER_ADDRESS,
    host: 'listener.example',
    socket: (socket) => simulation.client({ socket }),
    listener: (socket) => simulation.server({ socket }),
    run: (promise) => simulation.run(promise),
    lower: (port) => connectedLower(simulation.network.datagramSocket(), SERVER_ADDRESS, port),
    failingLower: () => connectedLower(simulation.network.datagramSocket(), SERVER_ADDRESS, 9),
    reset,
    deadPort: async () => 9,
  };
}

export function udpDtls(address: string): SocketFixture {
  const environment = systemEnvironment();
  const resolver: Resolver = async (host, options) => {
    if (host === 'listener.example') return [address];
    if (host === 'unknown.invalid') throw new SocketError('ENOTFOUND', 'no such name');
    return systemResolver(host, options);
  };
  const backend = nativeDtls({ datagramSocket: (configuration, env) => udpSocket(configuration, env, { resolver }) });
  return {
    name: `native DTLS over UDP at ${address}`,
    transport: 'datagram',
    secure: true,
    features: new Set<Feature>([...COMMON, 'system']),
    environment,
    address,
    host: 'listener.example',
    socket: (socket) => backend.createSocket({ security: PSK, socket }, environment),
    listener: (socket) => backend.createServer({ security: { mode: 'psk', lookup: LOOKUP }, socket }, environment),
    run: (promise) => promise,
    lower: (port) => connectedLower(udpSocket(undefined, environment), address, port),
    reset,
    openHandles: async () => {
      await settle();
      await settle();
      return process.getActiveResourcesInfo().filter((kind) => kind.startsWith('UDP')).length;
    },
  };
}

async function connectedLower(lower: DatagramSocket, address: string, port: number): Promise<DatagramSocket> {
  await lower.connect(address, port);
  return lower;
}

const INTERNAL_ERROR = 80;

/** An authenticated fatal alert. */
function reset(session: AnySocket): void {
  if (!(session instanceof SecuredDatagrams)) throw new Error('not a session of the native backend');
  session.abort(INTERNAL_ERROR);
}
