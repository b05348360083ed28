// TCP over node:net: half-open allowed, no Nagle, and the peer held back while our queue is full.

import { type Server, type Socket, connect, createServer } from 'node:net';
import { type Environment, systemEnvironment } from '../../runtime/index.ts';
import { AcceptQueue } from '../accept-queue.ts';
import { type Resolver, literalFamily, orderAddresses } from '../address.ts';
import { checkedPort, checkedSocketConfiguration } from '../checked-configuration.ts';
import { SocketError } from '../errors.ts';
import { applyHostOptions } from '../host-options.ts';
import type { SocketConfiguration } from '../socket-configuration.ts';
import type { Cancellable, Endpoint, StreamSocket } from '../socket.ts';
import { notSupported } from '../socket-core.ts';
import { StreamCore } from '../stream-core.ts';
import { fromNodeError } from './node-errors.ts';
import { systemResolver } from './resolve.ts';
import type { NodeSocketOptions } from './udp.ts';

/** A closed TCP socket. @throws SocketError EINVAL naming a field of the configuration */
export function tcpSocket(
  configuration?: SocketConfiguration,
  environment: Environment = systemEnvironment(),
  options: NodeSocketOptions = {},
): StreamSocket {
  return new TcpSocket(configuration, environment, options.resolver ?? systemResolver);
}

class TcpSocket extends StreamCore {
  readonly #resolver: Resolver;
  #handle: Socket | undefined;
  #server: Server | undefined;
  #sessions: AcceptQueue<TcpSocket> | undefined;
  #refused = false;

  constructor(configuration: SocketConfiguration | undefined, environment: Environment, resolver: Resolver) {
    super(environment, checkedSocketConfiguration(configuration));
    this.#resolver = resolver;
  }

  override get system(): unknown {
    return this.#handle ?? this.#server;
  }

  async connect(host: string, port: number, options?: Cancellable): Promise<void> {
    checkedPort('port', port);
    await this.open('connected', options, async (signal) => {
      const bound = this.localEndpoint;
      await this.#stopListening();
      signal.throwIfAborted();
      const addresses = await this.#resolver(host, { signal });
      signal.throwIfAborted();
      const local = bound ?? this.configuration.localEndpoint;
      await this.#connectFirst(orderAddresses(addresses, port, this.wishes()), local, signal);
      this.hostname = host;
    });
  }

  override async bind(address: string, port: number): Promise<void> {
    checkedPort('port', port);
    await this.open('bound', undefined, async () => {
      if (literalFamily(address) === undefined) {
        throw new SocketError('EINVAL', `address: expected an address literal, found ${address}`);
      }
      const server = createServer({ allowHalfOpen: true, noDelay: true });
      this.#server = server;
      await listening(server, { address, port });
      applyHostOptions(this.configuration, server);
      const sessions = new AcceptQueue<TcpSocket>(this.environment);
      this.#sessions = sessions;
      server.on('connection', (handle) => this.#admit(sessions, handle));
      server.on('error', (error) => this.fail(fromNodeError(error)));
      const local = server.address();
      if (local !== null && typeof local === 'object') this.localEndpoint = endpointOf(local.address, local.port);
    });
  }

  override async accept(options?: Cancellable): Promise<StreamSocket> {
    if (this.state === 'connected' || this.state === 'accepted') {
      throw notSupported('accept', 'a connected stream has no sessions');
    }
    if (this.#sessions === undefined) throw this.badState();
    return this.#sessions.accept(options);
  }

  send(bytes: Uint8Array): void {
    this.checkSend(bytes);
    const handle = this.#handle;
    if (handle === undefined) throw this.badState();
    const waiting = handle.writableLength;
    if (waiting > 0 && waiting + bytes.length > this.configuration.maxBufferedBytes) {
      this.#refused = true;
      throw new SocketError('EAGAIN', `${waiting} bytes wait to be sent`, { fatal: false });
    }
    this.countSent(bytes.length);
    handle.write(bytes, () => this.#written(handle));
  }

  /** Sends FIN after what waits; resolves when it has left. */
  async shutdown(options: Cancellable = {}): Promise<void> {
    const handle = this.#handle;
    if (handle === undefined || (this.state !== 'connected' && this.state !== 'accepted')) throw this.badState();
    this.enterShutdown();
    try {
      await flushed(handle, options.signal);
    } catch (error) {
      const cause = fromNodeError(error);
      this.fail(cause);
      throw cause;
    }
  }

  protected override drained(): void {
    const handle = this.#handle;
    if (handle?.isPaused() === true && this.bufferedCost <= this.configuration.maxBufferedBytes / 2) handle.resume();
  }

  protected release(): void {
    void this.#stopListening();
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle !== undefined) abandon(handle);
    this.#refused = false;
    this.localEndpoint = undefined;
    this.remoteEndpoint = undefined;
    this.hostname = undefined;
  }

  async #connectFirst(
    remotes: readonly Endpoint[],
    local: Partial<Endpoint> | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    let failure = new SocketError('ENOTFOUND', 'the name has no address');
    for (const remote of remotes) {
      const handle = connect({
        host: remote.address,
        port: remote.port,
        ...(local?.address === undefined ? {} : { localAddress: local.address }),
        ...(local?.port === undefined ? {} : { localPort: local.port }),
        noDelay: true, // a message here is a whole request: waiting for more of it only costs time
        allowHalfOpen: true,
      });
      this.#handle = handle;
      try {
        applyHostOptions(this.configuration, handle);
        await connected(handle);
        signal.throwIfAborted();
        return this.#attach(handle);
      } catch (error) {
        abandon(handle);
        signal.throwIfAborted();
        failure = fromNodeError(error);
        if (failure.code === 'ENOTSUP') break;
      }
    }
    throw failure;
  }

  #admit(sessions: AcceptQueue<TcpSocket>, handle: Socket): void {
    if (sessions.full) return abandon(handle);
    const session = new TcpSocket(this.configuration, this.environment, this.#resolver);
    session.#attach(handle);
    session.adopt('accepted');
    sessions.offer(session);
  }

  #attach(handle: Socket): void {
    this.#handle = handle;
    this.localEndpoint = endpointOf(handle.localAddress, handle.localPort);
    this.remoteEndpoint = endpointOf(handle.remoteAddress, handle.remotePort);
    handle.on('data', (bytes) => {
      this.deliver(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
      if (this.bufferedCost >= this.configuration.maxBufferedBytes) handle.pause();
    });
    handle.on('end', () => {
      this.endInput();
      this.announce();
    });
    handle.on('error', (error) => this.fail(fromNodeError(error)));
    handle.on('close', () => this.finish());
  }

  #written(handle: Socket): void {
    if (!this.#refused || handle !== this.#handle || handle.writableLength > 0) return;
    this.#refused = false;
    this.handler?.writable();
  }

  async #stopListening(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const session of this.#sessions?.close() ?? []) session.close();
    this.#sessions = undefined;
    if (server?.listening === true) await new Promise((resolve) => server.close(resolve));
  }
}

function listening(server: Server, local: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(fromNodeError(error)));
    server.listen({ host: local.address, port: local.port, exclusive: true }, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

function connected(handle: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    handle.once('error', (error) => reject(fromNodeError(error)));
    handle.once('connect', () => {
      handle.removeAllListeners('error');
      resolve();
    });
  });
}

function flushed(handle: Socket, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new SocketError('ECANCELED', 'shutdown: aborted by its signal'));
    if (signal?.aborted === true) return abort();
    signal?.addEventListener('abort', abort, { once: true });
    handle.end(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
  });
}

function abandon(handle: Socket): void {
  handle.removeAllListeners();
  handle.on('error', () => undefined); // what was under way may still fail: nobody is left to hear it
  handle.destroy();
}

function endpointOf(address: string | undefined, port: number | undefined): Endpoint | undefined {
  return address === undefined || port === undefined ? undefined : { address, port };
}
