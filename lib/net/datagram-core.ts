// The datagram half of SocketCore: whole datagrams with their senders, and the sizes they may have.

import { formatEndpoint, sameEndpoint, udpOverhead } from './address.ts';
import { type SocketError, notSupported, tooLarge } from './errors.ts';
import type { DatagramSocket, Endpoint, Family } from './socket.ts';
import { SocketCore } from './socket-core.ts';

/** A datagram and who sent it. */
export interface Arrival {
  readonly bytes: Uint8Array;
  readonly from: Endpoint;
}

const BOOKKEEPING = 64; // bytes reckoned beside the payload of each queued datagram, so that empty ones are bounded too

/** Base of the datagram sockets: implement `connect`, `transmit`, `release`, and call `deliver` for what arrives. */
export abstract class DatagramCore extends SocketCore<DatagramSocket, Arrival> implements DatagramSocket {
  readonly transport = 'datagram';

  /** Hands one datagram to the layer below; `to` is undefined when connected. The size has been checked. */
  protected abstract transmit(bytes: Uint8Array, to: Endpoint | undefined): void;

  /** Bytes of headers below a datagram, of `mtu`. Default: IP's and UDP's; a transport without them overrides. */
  protected overhead(family: Family): number {
    return udpOverhead(family);
  }

  get innerMtu(): number {
    return this.mtu - this.overhead(this.addressFamily);
  }

  send(bytes: Uint8Array): void {
    this.checkSend(bytes);
    this.transmit(bytes, undefined);
    this.countSent(bytes.length);
  }

  sendTo(bytes: Uint8Array, to: Endpoint): void {
    if (this.remote !== undefined) {
      if (sameEndpoint(to, this.remote)) return this.send(bytes);
      throw notSupported('sendTo', `connected to ${formatEndpoint(this.remote)}`);
    }
    if (this.state !== 'bound') throw this.badState();
    const most = this.mtu - this.overhead(to.address.includes(':') ? 'ipv6' : 'ipv4');
    if (bytes.length > most) throw tooLarge(bytes.length, most);
    this.transmit(bytes, to);
    this.countSent(bytes.length);
  }

  receive(): Uint8Array | undefined {
    return this.dequeue()?.bytes;
  }

  receiveFrom(): Arrival | undefined {
    return this.dequeue() ?? undefined;
  }

  protected poll(): Uint8Array | null | undefined {
    const arrival = this.dequeue();
    return arrival === null ? null : arrival?.bytes;
  }

  /** Ends sending; a datagram peer is told nothing, and what arrives from now on is not heard. */
  async shutdown(): Promise<void> {
    if (this.state !== 'connected' && this.state !== 'accepted') throw this.badState();
    this.enterShutdown();
    this.endInput();
  }

  /** One datagram came in: it becomes the socket's, so the caller hands over bytes nobody else keeps. */
  protected deliver(bytes: Uint8Array, from: Endpoint): void {
    if (this.state === 'shutdown' || this.state === 'closed') return;
    this.countReceived(bytes.length);
    if (this.enqueue({ bytes, from }, bytes.length + BOOKKEEPING)) this.announce();
  }

  /** A soft error from below (ICMP). */
  protected deliverError(error: SocketError): void {
    if (this.state === 'shutdown' || this.state === 'closed') return;
    if (this.enqueueError(error)) this.announce();
  }
}
