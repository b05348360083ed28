// A datagram socket over a modem. ListeningDatagramCore does states, options, queues, waiting and sessions: what is left is to
// open and close, to send, and to say what arrived.

import {
  type Cancellable,
  type Endpoint,
  ListeningDatagramCore,
  type SocketConfiguration,
  SocketError,
  checkedPort,
  checkedSocketConfiguration,
  sameEndpoint,
} from '../../lib/net/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';
import { type Modem, type ModemUser, checkedNumber } from './modem.ts';
import type { TelephoneEndpoint } from './telephone-network.ts';

/** `Endpoint.address` is a telephone number. Connected it hears one endpoint, bound it hears all. */
export class ModemSocket extends ListeningDatagramCore implements ModemUser {
  readonly #modem: Modem;

  constructor(modem: Modem, configuration: SocketConfiguration, environment: Environment) {
    super(environment, checkedSocketConfiguration(configuration));
    this.#modem = modem;
  }

  async connect(host: string, port: number, options?: Cancellable): Promise<void> {
    checkedPort('port', port);
    await this.open('connected', options, () => {
      if (this.forcedAddressFamily !== 'unspecified') {
        throw new SocketError('EAFNOSUPPORT', `a telephone number is no ${this.forcedAddressFamily} address`);
      }
      this.remoteEndpoint = { address: checkedNumber(host, 'ENOTFOUND'), port };
      this.hostname = host;
      this.localEndpoint ??= this.#take(this.configuration.localEndpoint?.port ?? 0);
    });
  }

  override async bind(address: string, port: number): Promise<void> {
    checkedPort('port', port);
    await this.open('bound', undefined, () => {
      if (checkedNumber(address, 'EINVAL') !== this.#modem.number) {
        throw new SocketError('EADDRNOTAVAIL', `this modem's number is ${this.#modem.number}, not ${address}`);
      }
      this.localEndpoint = this.#take(port);
    });
  }

  /** The modem. */
  override get system(): unknown {
    return this.#modem;
  }

  // For the modem.

  arrived(bytes: Uint8Array, { number: address, port }: TelephoneEndpoint): void {
    const from: Endpoint = { address, port };
    if (this.remote === undefined || sameEndpoint(from, this.remote)) this.deliver(bytes, from);
  }

  lost(): void {
    this.fail(new SocketError('EIO', 'the line is dead'));
  }

  // For the core.

  protected transmit(bytes: Uint8Array, to: Endpoint | undefined): void {
    const [local, target] = [this.localEndpoint, to ?? this.remoteEndpoint];
    if (local === undefined || target === undefined) return;
    this.#modem.send(local.port, { number: target.address, port: target.port }, bytes);
  }

  protected override overhead(): number {
    return 0; // a message is all ours
  }

  protected release(): void {
    this.closeSessions();
    if (this.localEndpoint !== undefined) this.#modem.give(this.localEndpoint.port, this);
    this.localEndpoint = undefined;
    this.remoteEndpoint = undefined;
    this.hostname = undefined;
  }

  #take(port: number): Endpoint {
    return { address: this.#modem.number, port: this.#modem.take(port, this) };
  }
}
