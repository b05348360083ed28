// TCP over node:net, without Nagle's delay.

import { type Server, type Socket, connect, createServer } from 'node:net';
import { type Environment, systemEnvironment } from '../../runtime/index.ts';
import { AcceptQueue } from '../accept-queue.ts';
import { type Resolver, literalFamily, orderAddresses } from '../address.ts';
import { checkedPort, checkedSocketConfiguration } from '../checked-configuration.ts';
import { SocketError, notSupported } from '../errors.ts';
import { applyHostOptions } from '../host-options.ts';
import type { SocketConfiguration } from '../socket-configuration.ts';
import type { Cancellable, Endpoint, StreamSocket } from '../socket.ts';
import { fromNodeError } from './node-errors.ts';
import { NodeStreamCore, abandon } from './node-stream.ts';
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

class TcpSocket extends NodeStreamCore {
  readonly #resolver: Resolver;
  #connecting: Socket | undefined;
  #server: Server | undefined;
  #sessions: AcceptQueue<TcpSocket> | undefined;
  /** Of a listener its sessions, of a session all those of its listener; the longest idle first. */
  #open: Set<TcpSocket> = new Set();

  constructor(configuration: SocketConfiguration | undefined, environment: Environment, resolver: Resolver) {
    super(environment, checkedSocketConfiguration(configuration));
    this.#resolver = resolver;
  }

  override get system(): unknown {
    return super.system ?? this.#server;
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
      const server = createServer({ allowHalfOpen: true, noDelay: true, ...this.#keepAlive() });
      this.#server = server;
      await listening(server, { address, port });
      applyHostOptions(this.configuration, server);
      const sessions = new AcceptQueue<TcpSocket>(this.environment);
      this.#sessions = sessions;
      server.on('connection', (handle) => this.#admit(sessions, handle));
      // What fails is one accept, for want of descriptors or memory: whoever can use those up must not end the listener.
      server.on('error', (error) => this.environment.log.warn({ reason: error.message }, 'accept failed'));
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

  protected override deliver(bytes: Uint8Array): void {
    if (this.#open.delete(this)) this.#open.add(this);
    super.deliver(bytes);
  }

  protected release(): void {
    this.#open.delete(this);
    void this.#stopListening();
    this.detach();
    if (this.#connecting !== undefined) abandon(this.#connecting);
    this.#connecting = undefined;
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
        ...this.#keepAlive(),
      });
      this.#connecting = handle;
      try {
        applyHostOptions(this.configuration, handle);
        await connected(handle);
        signal.throwIfAborted();
        this.#connecting = undefined;
        return this.attach(handle);
      } catch (error) {
        abandon(handle);
        signal.throwIfAborted();
        failure = fromNodeError(error);
        if (failure.code === 'ENOTSUP') break;
      }
    }
    throw failure;
  }

  #keepAlive(): { keepAlive?: boolean; keepAliveInitialDelay?: number } {
    const { keepAlive } = this.configuration;
    return keepAlive === undefined ? {} : { keepAlive: true, keepAliveInitialDelay: keepAlive };
  }

  #admit(sessions: AcceptQueue<TcpSocket>, handle: Socket): void {
    if (sessions.full) return abandon(handle);
    const session = new TcpSocket(this.configuration, this.environment, this.#resolver);
    session.attach(handle);
    session.adopt('accepted');
    session.#open = this.#open;
    sessions.offer(session);
    this.#open.add(session);
    if (this.#open.size > this.configuration.maxSessions) this.#giveWay(sessions, session);
  }

  /** Whoever has sessions already makes room for his next one: nobody ends everybody's from one address. */
  #giveWay(sessions: AcceptQueue<TcpSocket>, newcomer: TcpSocket): void {
    let [idlest = newcomer] = this.#open;
    for (const other of this.#open) {
      if (other === newcomer || other.remote?.address !== newcomer.remote?.address) continue;
      idlest = other;
      break;
    }
    sessions.withdraw(idlest);
    idlest.fail(new SocketError('ECONNABORTED', `gave way to a new one: ${this.configuration.maxSessions} are open`));
  }

  protected override attach(handle: Socket): void {
    this.localEndpoint = endpointOf(handle.localAddress, handle.localPort);
    this.remoteEndpoint = endpointOf(handle.remoteAddress, handle.remotePort);
    super.attach(handle);
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

function endpointOf(address: string | undefined, port: number | undefined): Endpoint | undefined {
  return address === undefined || port === undefined ? undefined : { address, port };
}
