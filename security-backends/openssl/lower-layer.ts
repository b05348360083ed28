// The socket below: made when it is needed or handed over by `decorate`, and ours until it is let go.

import {
  type AnySocket,
  type CheckedSocketConfiguration,
  type Endpoint,
  type SocketHandler,
  SocketError,
} from '../../lib/net/index.ts';

/** Holds at most one lower socket. */
export class LowerLayer<S extends AnySocket> {
  readonly #make: () => S;
  #socket: S | undefined;

  constructor(make: () => S) {
    this.#make = make;
  }

  get socket(): S | undefined {
    return this.#socket;
  }

  /** For `decorate`. @throws SocketError EBADF if there is one already, EINVAL for one that cannot be used */
  take(lower: S): void {
    if (this.#socket !== undefined) {
      throw new SocketError('EBADF', 'this socket has a layer below already', { fatal: false });
    }
    const state = lower.getOption('state');
    if (state === 'shutdown' || state === 'connecting') {
      throw new SocketError('EINVAL', `lower: expected a socket closed or ready, found it ${state}`, { fatal: false });
    }
    this.#socket = lower;
  }

  /** The one there is, or a new one; a closed one learns which addresses are wanted. */
  own(wishes: Pick<CheckedSocketConfiguration, 'preferredAddressFamily' | 'forcedAddressFamily'>): S {
    const lower = (this.#socket ??= this.#make());
    if (lower.getOption('state') === 'closed') {
      lower.setOption('preferredAddressFamily', wishes.preferredAddressFamily);
      lower.setOption('forcedAddressFamily', wishes.forcedAddressFamily);
    }
    return lower;
  }

  listen(handler: SocketHandler): void {
    if (this.#socket !== undefined) this.#socket.handler = handler;
  }

  /** Closes it, and hears no more of it. */
  release(): void {
    const lower = this.#socket;
    this.#socket = undefined;
    if (lower === undefined) return;
    lower.handler = undefined;
    lower.close();
  }

  get local(): Endpoint | undefined {
    return this.#socket?.local;
  }

  get remote(): Endpoint | undefined {
    return this.#socket?.remote;
  }
}
