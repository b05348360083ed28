// A datagram socket without a network: what it sends is handed over at once, what is handed to it has arrived.

import { DatagramCore, type Endpoint, checkedSocketConfiguration } from '../../lib/net/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';

/** A bound socket whose datagrams go to `outlet` at once, and come from `hand`. */
export class HandoverSocket extends DatagramCore {
  outlet: (datagram: Uint8Array, to: Endpoint) => void = () => undefined;

  constructor(environment: Environment) {
    super(environment, checkedSocketConfiguration({}));
  }

  async connect(): Promise<void> {
    throw new Error('a handover socket is bound');
  }

  override async bind(address: string, port: number): Promise<void> {
    this.adopt('bound'); // at once, for those who do not wait
    this.localEndpoint = { address, port };
  }

  /** A datagram comes in. */
  hand(datagram: Uint8Array, from: Endpoint): void {
    this.deliver(datagram, from);
  }

  protected transmit(datagram: Uint8Array, to: Endpoint | undefined): void {
    if (to !== undefined) this.outlet(datagram, to);
  }

  protected release(): void {
    this.outlet = () => undefined;
  }
}
