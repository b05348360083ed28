// DatagramCore for sockets that can be bound to a port of their own: `accept` gives a session per peer.

import { notSupported } from './errors.ts';
import type { Arrival } from './datagram-core.ts';
import { DatagramCore } from './datagram-core.ts';
import { DatagramListener, type DatagramListenerOptions } from './datagram-listener.ts';
import type { Cancellable, DatagramSocket, Endpoint } from './socket.ts';

/** Base of UDP and its simulation. */
export abstract class ListeningDatagramCore extends DatagramCore {
  #listener: DatagramListener | undefined;

  /** Sessions by peer address. From the first call on, arrivals go to the sessions and not to this socket's own queue. */
  override async accept(options: Cancellable = {}): Promise<DatagramSocket> {
    if (this.state === 'connected') throw notSupported('accept', 'a connected datagram socket has one peer only');
    if (this.state !== 'bound') throw this.badState();
    this.#listener ??= this.#listen();
    return this.#listener.accept(options);
  }

  /** Limits of the sessions that `accept` gives. */
  protected listenerOptions(): DatagramListenerOptions {
    return { socket: this.configuration, maxPeers: this.configuration.maxSessions };
  }

  /** What came before the first `accept` belongs to sessions too. */
  #listen(): DatagramListener {
    const listener = new DatagramListener(this, this.environment, this.listenerOptions());
    const waiting: Arrival[] = [];
    while (this.hasBufferedData) {
      const arrival = this.receiveFrom();
      if (arrival !== undefined) waiting.push(arrival);
    }
    for (const { bytes, from } of waiting) listener.dispatch(bytes, from);
    return listener;
  }

  protected override deliver(bytes: Uint8Array, from: Endpoint): void {
    if (this.#listener === undefined || this.state !== 'bound') return super.deliver(bytes, from);
    this.countReceived(bytes.length);
    this.#listener.dispatch(bytes, from);
  }

  /** Whoever extends this calls it from `release`: sessions end with their listener. */
  protected closeSessions(): void {
    this.#listener?.close();
    this.#listener = undefined;
  }
}
