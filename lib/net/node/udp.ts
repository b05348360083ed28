// UDP over node:dgram. A client's socket is connected, so that ICMP errors show as soft errors.

import { type Socket, createSocket } from 'node:dgram';
import { type Environment, systemEnvironment } from '../../runtime/index.ts';
import { type Resolver, literalFamily, orderAddresses } from '../address.ts';
import { checkedPort, checkedSocketConfiguration } from '../checked-configuration.ts';
import { SocketError, type SocketErrorCode } from '../errors.ts';
import { applyHostOptions } from '../host-options.ts';
import { ListeningDatagramCore } from '../listening-datagram-core.ts';
import type { SocketConfiguration } from '../socket-configuration.ts';
import type { Cancellable, DatagramSocket, Endpoint } from '../socket.ts';
import { fromNodeError } from './node-errors.ts';
import { systemResolver } from './resolve.ts';

/** What a UDP or TCP socket takes beside its configuration. */
export interface NodeSocketOptions {
  /** Default: the operating system's. */
  readonly resolver?: Resolver | undefined;
}

/** A closed UDP socket. @throws SocketError EINVAL naming a field of the configuration */
export function udpSocket(
  configuration?: SocketConfiguration,
  environment: Environment = systemEnvironment(),
  options: NodeSocketOptions = {},
): DatagramSocket {
  return new UdpSocket(configuration, environment, options.resolver ?? systemResolver);
}

// What the network says about one datagram; the socket itself is fine.
const SOFT: ReadonlySet<SocketErrorCode> = new Set([
  'EAGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'EMSGSIZE',
  'ENETUNREACH',
  'ENOBUFS',
  'EPERM',
]);

class UdpSocket extends ListeningDatagramCore {
  readonly #resolver: Resolver;
  #handle: Socket | undefined;
  #unsent = 0;
  #refused = false;

  constructor(configuration: SocketConfiguration | undefined, environment: Environment, resolver: Resolver) {
    super(environment, checkedSocketConfiguration(configuration));
    this.#resolver = resolver;
  }

  override get system(): unknown {
    return this.#handle;
  }

  async connect(host: string, port: number, options?: Cancellable): Promise<void> {
    checkedPort('port', port);
    await this.open('connected', options, async (signal) => {
      const addresses = await this.#resolver(host, { signal });
      signal.throwIfAborted();
      await this.#connectFirst(orderAddresses(addresses, port, this.wishes()), signal);
      this.hostname = host;
    });
  }

  override async bind(address: string, port: number): Promise<void> {
    checkedPort('port', port);
    await this.open('bound', undefined, async () => {
      const handle = await this.#open({ address, port });
      this.localEndpoint = endpointOf(handle.address());
    });
  }

  protected transmit(bytes: Uint8Array, to: Endpoint | undefined): void {
    const handle = this.#handle;
    if (handle === undefined) throw this.badState();
    if (this.#unsent > 0 && this.#unsent + bytes.length > this.configuration.maxBufferedBytes) {
      this.#refused = true;
      throw new SocketError('EAGAIN', `${this.#unsent} bytes wait to be sent`, { fatal: false });
    }
    this.#unsent += bytes.length;
    const sent = (error: Error | null): void => {
      if (handle === this.#handle) this.#sent(bytes.length, error);
    };
    if (to === undefined) handle.send(bytes, sent);
    else handle.send(bytes, to.port, to.address, sent);
  }

  protected release(): void {
    this.closeSessions();
    this.#drop();
    this.#refused = false;
    this.localEndpoint = undefined;
    this.remoteEndpoint = undefined;
    this.hostname = undefined;
  }

  async #connectFirst(remotes: readonly Endpoint[], signal: AbortSignal): Promise<void> {
    let failure: SocketError = new SocketError('ENOTFOUND', 'the name has no address');
    for (const remote of remotes) {
      try {
        const handle = this.#handle ?? (await this.#open(this.#localFor(remote)));
        signal.throwIfAborted();
        await connected(handle, remote);
        signal.throwIfAborted();
        this.localEndpoint = endpointOf(handle.address());
        this.remoteEndpoint = endpointOf(handle.remoteAddress()); // as arrivals will name it, however it was spelled
        return;
      } catch (error) {
        signal.throwIfAborted();
        failure = fromNodeError(error);
        if (this.localEndpoint === undefined) this.#drop();
      }
    }
    throw failure;
  }

  #localFor(remote: Endpoint): Endpoint {
    const wanted = this.configuration.localEndpoint;
    const any = remote.address.includes(':') ? '::' : '0.0.0.0';
    return { address: wanted?.address ?? any, port: wanted?.port ?? 0 };
  }

  async #open(local: Endpoint): Promise<Socket> {
    const family = literalFamily(local.address);
    if (family === undefined)
      throw new SocketError('EINVAL', `address: expected an address literal, found ${local.address}`);
    const handle = createSocket({
      type: family === 'ipv4' ? 'udp4' : 'udp6',
      reuseAddr: this.configuration.reuseAddress,
      // Only literals come here: answering at once keeps `sendTo` one synchronous call.
      lookup: (address, _options, found) => found(null, address, family === 'ipv4' ? 4 : 6),
    });
    this.#handle = handle;
    await bound(handle, local);
    applyHostOptions(this.configuration, handle);
    handle.on('message', (bytes, from) => {
      const own = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      this.deliver(own, this.remoteEndpoint ?? { address: from.address, port: from.port });
    });
    handle.on('error', (error) => this.#failed(error));
    return handle;
  }

  #sent(bytes: number, error: Error | null): void {
    this.#unsent -= bytes;
    if (error !== null) this.#failed(error);
    if (!this.#refused || this.#unsent > 0) return;
    this.#refused = false;
    this.handler?.writable();
  }

  #failed(error: Error): void {
    const soft = fromNodeError(error, { fatal: false });
    if (SOFT.has(soft.code)) this.deliverError(soft);
    else this.fail(fromNodeError(error));
  }

  #drop(): void {
    const handle = this.#handle;
    this.#handle = undefined;
    this.#unsent = 0;
    if (handle === undefined) return;
    handle.removeAllListeners();
    handle.on('error', () => undefined); // a send under way may still fail: nobody is left to hear it
    handle.close();
  }
}

function bound(handle: Socket, local: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    handle.once('error', (error) => reject(fromNodeError(error)));
    handle.bind({ address: local.address, port: local.port, exclusive: true }, () => {
      handle.removeAllListeners('error');
      resolve();
    });
  });
}

function connected(handle: Socket, remote: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    handle.connect(remote.port, remote.address, (error?: Error) => {
      if (error === undefined || error === null) resolve();
      else reject(fromNodeError(error));
    });
  });
}

function endpointOf({ address, port }: Endpoint): Endpoint {
  return { address, port };
}
