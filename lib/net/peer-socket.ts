// A session of a DatagramListener: one peer's datagrams over a socket that many share.

import type { Environment, Instant } from '../runtime/index.ts';
import type { CheckedSocketConfiguration } from './checked-configuration.ts';
import { DatagramCore } from './datagram-core.ts';
import { SocketError, notSupported } from './errors.ts';
import type { DatagramSocket, Endpoint } from './socket.ts';

/** What a listener needs of the socket below: any bound DatagramSocket has it. */
export type DatagramOutlet = Pick<DatagramSocket, 'sendTo' | 'getOption' | 'local' | 'system' | 'interfaceName'>;

/** What a session needs of its listener. */
export interface PeerOwner {
  readonly outlet: DatagramOutlet;
  sent(): void;
  gone(): void;
}

/** In state `accepted` from birth; closing it forgets the peer, whose next datagram makes a new session. */
export class PeerSocket extends DatagramCore {
  /** Whom it talks to; stays after close. */
  readonly peer: Endpoint;
  /** When a datagram last went either way. */
  lastUsed: Instant;
  readonly #owner: PeerOwner;

  constructor(environment: Environment, configuration: CheckedSocketConfiguration, peer: Endpoint, owner: PeerOwner) {
    super(environment, configuration);
    this.peer = peer;
    this.remoteEndpoint = peer;
    this.lastUsed = environment.clock.now();
    this.#owner = owner;
    this.adopt('accepted');
  }

  override get local(): Endpoint | undefined {
    return this.#owner.outlet.local;
  }

  override get mtu(): number {
    return this.#owner.outlet.getOption('mtu');
  }

  override get system(): unknown {
    return this.#owner.outlet.system;
  }

  override get interfaceName(): string | undefined {
    return this.#owner.outlet.interfaceName;
  }

  /** A session cannot be connected elsewhere. @throws SocketError EBADF, or ENOTSUP once closed */
  async connect(): Promise<void> {
    if (this.state === 'closed') throw notSupported('connect', 'a session that its peer began cannot be opened again');
    throw new SocketError('EBADF', `the socket is ${this.state} already`, { fatal: false });
  }

  /** For the listener: a datagram of this peer. */
  arrived(bytes: Uint8Array): void {
    this.deliver(bytes, this.peer);
  }

  /** For the listener: the session ends without our user's doing. */
  abandon(cause: SocketError): void {
    this.fail(cause);
  }

  protected transmit(bytes: Uint8Array): void {
    this.#owner.outlet.sendTo(bytes, this.peer);
    this.#owner.sent();
  }

  protected release(): void {
    this.#owner.gone();
  }
}
