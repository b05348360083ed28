// UDP as the simulated network has it.

import type { Environment } from '../../runtime/index.ts';
import { formatEndpoint, orderAddresses } from '../address.ts';
import { checkedPort, checkedSocketConfiguration } from '../checked-configuration.ts';
import { SocketError } from '../errors.ts';
import { applyHostOptions } from '../host-options.ts';
import { ListeningDatagramCore } from '../listening-datagram-core.ts';
import type { SocketConfiguration } from '../socket-configuration.ts';
import type { Cancellable, Endpoint } from '../socket.ts';
import type { AddressBook } from './address-book.ts';
import { type Host, type Wire, localAddress } from './wire.ts';

/** Made by `SimulatedNetwork.datagramSocket`. */
export class SimulatedDatagramSocket extends ListeningDatagramCore {
  readonly #network: Wire;
  readonly #book: AddressBook<SimulatedDatagramSocket>;
  readonly #host: Host;

  constructor(
    network: Wire,
    book: AddressBook<SimulatedDatagramSocket>,
    host: Host,
    configuration: SocketConfiguration | undefined,
    environment: Environment,
  ) {
    super(environment, checkedSocketConfiguration(configuration));
    this.#network = network;
    this.#book = book;
    this.#host = host;
  }

  get sharesAddress(): boolean {
    return this.configuration.reuseAddress;
  }

  override get mtu(): number {
    return this.configuration.forcedMtu ?? Math.min(this.configuration.mtu, this.#network.mtu);
  }

  /** The simulated network. */
  override get system(): unknown {
    return this.#network;
  }

  async connect(host: string, port: number, options?: Cancellable): Promise<void> {
    checkedPort('port', port);
    await this.open('connected', options, async (signal) => {
      applyHostOptions(this.configuration, this.#network);
      const addresses = await this.#network.resolve(host);
      signal.throwIfAborted();
      const [remote] = orderAddresses(addresses, port, this.wishes());
      if (remote === undefined) throw new SocketError('ENOTFOUND', `no address: ${host}`);
      this.localEndpoint ??= this.#bind(remote.address);
      this.remoteEndpoint = remote;
      this.hostname = host;
    });
  }

  override async bind(address: string, port: number): Promise<void> {
    checkedPort('port', port);
    await this.open('bound', undefined, () => {
      applyHostOptions(this.configuration, this.#network);
      this.localEndpoint = this.#book.bind(this, localAddress(this.#host, address, 'bind'), port);
    });
  }

  /** For the network: a datagram for this socket. */
  arrived(bytes: Uint8Array, from: Endpoint): void {
    this.deliver(bytes, from);
  }

  /** For the network: nobody was there. Only a connected socket hears of it, as on a real host. */
  refused(by: Endpoint): void {
    if (this.state !== 'connected') return;
    this.deliverError(new SocketError('ECONNREFUSED', `nobody is bound at ${formatEndpoint(by)}`, { fatal: false }));
  }

  protected transmit(bytes: Uint8Array, to: Endpoint | undefined): void {
    const [from, target] = [this.localEndpoint, to ?? this.remoteEndpoint];
    if (from !== undefined && target !== undefined) this.#network.transmit(from, target, bytes);
  }

  protected release(): void {
    this.closeSessions();
    if (this.localEndpoint !== undefined) this.#book.release(this, this.localEndpoint);
    this.localEndpoint = undefined;
    this.remoteEndpoint = undefined;
    this.hostname = undefined;
  }

  #bind(towards: string): Endpoint {
    const wanted = this.configuration.localEndpoint;
    const address =
      wanted?.address === undefined
        ? localAddress(this.#host, towards, 'connect')
        : localAddress(this.#host, wanted.address, 'bind');
    return this.#book.bind(this, address, wanted?.port ?? 0);
  }
}
