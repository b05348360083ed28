// A layer that secures nothing: the least a socket over another must do. It stands for secured kinds in specs of lib/net.

import {
  DatagramCore,
  type Cancellable,
  type DatagramSocket,
  SocketError,
  type WritableOptions,
  checkedSocketConfiguration,
} from '../../lib/net/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';

/** Over a lower socket connected there, `decorate` fails. */
export const DEAF_PORT = 9;

export class PassThroughSocket extends DatagramCore {
  #lower: DatagramSocket | undefined;

  constructor(environment: Environment) {
    super(environment, checkedSocketConfiguration());
  }

  connect(): Promise<void> {
    return Promise.reject(new SocketError('ENOTSUP', 'only over another socket', { fatal: false }));
  }

  override async decorate(lower: DatagramSocket, options?: Cancellable): Promise<void> {
    this.#lower = lower;
    await this.open('connected', options, () => {
      if (lower.remote?.port === DEAF_PORT) throw new SocketError('ETIMEDOUT', 'no answer');
      this.localEndpoint = lower.local;
      this.remoteEndpoint = lower.remote;
      lower.handler = {
        readable: () => {
          do {
            const arrival = lower.receiveFrom();
            if (arrival !== undefined) this.deliver(arrival.bytes, arrival.from);
          } while (lower.getOption('hasBufferedData'));
        },
        writable: () => this.handler?.writable(),
        closed: (cause) => this.fail(cause ?? new SocketError('ECONNABORTED', 'the lower socket was closed')),
      };
    });
  }

  override setOption<K extends keyof WritableOptions>(key: K, value: WritableOptions[K]): void {
    if (key !== 'dtlsHandshakeTimeouts') return super.setOption(key, value);
    const { min, max } = value as WritableOptions['dtlsHandshakeTimeouts'];
    if (min > max) throw new SocketError('EINVAL', 'dtlsHandshakeTimeouts: min is above max', { fatal: false });
  }

  protected transmit(bytes: Uint8Array): void {
    this.#lower?.send(bytes);
  }

  protected release(): void {
    this.#lower?.close();
    this.#lower = undefined;
  }
}
