// Chapter 1, a stub: what every backend has, and a socket that can do nothing yet and says so.

import type { Environment } from '../../lib/index.ts';
import {
  type Cancellable,
  type Capabilities,
  type CheckedSocketConfiguration,
  DatagramCore,
  type DatagramSocket,
  type SecurityBackend,
  type SocketConfiguration,
  SocketError,
  checkedSocketConfiguration,
  lacking,
} from '../../lib/net/index.ts';

/** What the application tells a backend, whatever the configuration of a socket: here where raw sockets come from. */
export interface BackendOptions {
  readonly datagramSocket: (configuration: SocketConfiguration, environment: Environment) => DatagramSocket;
}

/** DatagramCore has states, options, the receive queue and all waiting; a socket adds what only it can do. */
export class StubSocket extends DatagramCore {
  override readonly secure: boolean = true;

  constructor(environment: Environment, configuration: CheckedSocketConfiguration) {
    super(environment, configuration);
  }

  async connect(_host: string, _port: number, _options?: Cancellable): Promise<void> {
    throw new SocketError('ENOTSUP', 'connect: this is chapter 1, there is no DTLS yet', { fatal: false });
  }

  protected transmit(_bytes: Uint8Array): void {
    throw this.badState();
  }

  protected release(): void {
    return;
  }
}

const CAPABILITIES: Capabilities = {
  versions: [],
  ciphersuites: [],
  credentials: ['psk'],
  roles: ['client'],
  resumption: false,
  connectionId: false,
  dane: false,
  clock: 'injected',
};

export function stub(): SecurityBackend<DatagramSocket> {
  return {
    name: 'chapter 1',
    capabilities: CAPABILITIES,
    createSocket(configuration, environment) {
      const lack = lacking(CAPABILITIES, 'client', configuration, environment);
      if (lack !== undefined) throw new SocketError('ENOTSUP', `chapter 1 ${lack}`);
      return new StubSocket(environment, checkedSocketConfiguration(configuration.socket));
    },
  };
}
