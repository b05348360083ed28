// TCP as the simulated network has it: nothing is lost or reordered, everything takes its latency.

import type { Environment } from '../../runtime/index.ts';
import { AcceptQueue } from '../accept-queue.ts';
import { formatEndpoint, orderAddresses } from '../address.ts';
import { checkedPort, checkedSocketConfiguration } from '../checked-configuration.ts';
import { SocketError, notSupported } from '../errors.ts';
import { applyHostOptions } from '../host-options.ts';
import type { SocketConfiguration } from '../socket-configuration.ts';
import type { Cancellable, Endpoint, StreamSocket } from '../socket.ts';
import { StreamCore } from '../stream-core.ts';
import type { AddressBook } from './address-book.ts';
import { type Host, type Wire, localAddress } from './wire.ts';

/** Made by `SimulatedNetwork.streamSocket`, and by `accept`. */
export class SimulatedStreamSocket extends StreamCore {
  readonly #network: Wire;
  readonly #book: AddressBook<SimulatedStreamSocket>;
  readonly #host: Host;
  #sessions: AcceptQueue<SimulatedStreamSocket> | undefined;
  #peer: SimulatedStreamSocket | undefined;
  #unread = 0; // bytes sent that the peer's application has not taken yet
  #refused = false;
  #ownEnded = false;
  #peerEnded = false;

  constructor(
    network: Wire,
    book: AddressBook<SimulatedStreamSocket>,
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

  /** The simulated network. */
  override get system(): unknown {
    return this.#network;
  }

  async connect(host: string, port: number, options?: Cancellable): Promise<void> {
    checkedPort('port', port);
    await this.open('connected', options, async (signal) => {
      applyHostOptions(this.configuration, this.#network);
      this.#stopListening();
      const addresses = await this.#network.resolve(host);
      signal.throwIfAborted();
      await this.#connectFirst(orderAddresses(addresses, port, this.wishes()), signal);
      this.hostname = host;
    });
  }

  override async bind(address: string, port: number): Promise<void> {
    checkedPort('port', port);
    await this.open('bound', undefined, () => {
      applyHostOptions(this.configuration, this.#network);
      this.localEndpoint = this.#book.bind(this, localAddress(this.#host, address, 'bind'), port);
      this.#sessions = new AcceptQueue(this.environment);
    });
  }

  override async accept(options?: Cancellable): Promise<StreamSocket> {
    if (this.#sessions === undefined) {
      throw this.state === 'connected' ? notSupported('accept', 'a connected stream has no sessions') : this.badState();
    }
    return this.#sessions.accept(options);
  }

  send(bytes: Uint8Array): void {
    this.checkSend(bytes);
    const peer = this.#peer;
    if (peer === undefined) return;
    const room = Math.min(this.configuration.maxBufferedBytes, peer.configuration.maxBufferedBytes);
    if (this.#unread > 0 && this.#unread + bytes.length > room) {
      this.#refused = true;
      throw new SocketError('EAGAIN', `${this.#unread} bytes wait to be sent`, { fatal: false });
    }
    this.#unread += bytes.length;
    this.countSent(bytes.length);
    const carried = bytes.slice();
    this.#tell(() => peer.#arrived(carried, this));
  }

  async shutdown(): Promise<void> {
    if (this.state !== 'connected' && this.state !== 'accepted') throw this.badState();
    const peer = this.#peer;
    this.enterShutdown();
    this.#ownEnded = true;
    if (peer !== undefined) this.#tell(() => peer.#ended());
    if (this.#peerEnded) this.finish();
  }

  /** Ends both ends at once, with ECONNRESET at the peer: what a crash or a middlebox does. */
  reset(): void {
    const peer = this.#peer;
    if (peer !== undefined) this.#tell(() => peer.fail(resetByPeer()));
    this.#peer = undefined;
    this.close();
  }

  protected override drained(bytes: number): void {
    const peer = this.#peer;
    if (peer !== undefined) this.#tell(() => peer.#acknowledged(bytes));
  }

  protected release(): void {
    this.#stopListening();
    const peer = this.#peer;
    if (peer !== undefined && !this.#ownEnded) this.#tell(() => peer.#ended());
    if (this.localEndpoint !== undefined) this.#book.release(this, this.localEndpoint);
    this.#peer = undefined;
    this.#unread = 0;
    this.#ownEnded = false;
    this.#peerEnded = false;
    this.#refused = false;
    this.localEndpoint = undefined;
    this.remoteEndpoint = undefined;
    this.hostname = undefined;
  }

  #stopListening(): void {
    for (const session of this.#sessions?.close() ?? []) session.reset();
    this.#sessions = undefined;
  }

  async #connectFirst(remotes: readonly Endpoint[], signal: AbortSignal): Promise<void> {
    let failure = new SocketError('ENOTFOUND', 'the name has no address');
    for (const remote of remotes) {
      try {
        return await this.#handshake(remote, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof SocketError)) throw error;
        failure = error;
        if (this.localEndpoint !== undefined) this.#book.release(this, this.localEndpoint);
        this.localEndpoint = undefined;
      }
    }
    throw failure;
  }

  #handshake(remote: Endpoint, signal: AbortSignal): Promise<void> {
    const wanted = this.configuration.localEndpoint;
    const towards = localAddress(
      this.#host,
      wanted?.address ?? remote.address,
      wanted?.address === undefined ? 'connect' : 'bind',
    );
    const local = this.localEndpoint ?? this.#book.bind(this, towards, wanted?.port ?? 0);
    this.localEndpoint = local;
    return new Promise((resolve, reject) => {
      this.#network.signal(local, remote, () => {
        const listener = this.#book.find(remote, local);
        const session = listener === undefined ? undefined : listener.#offered(this, local, remote);
        this.#network.signal(remote, local, () => {
          if (session === undefined)
            return reject(new SocketError('ECONNREFUSED', `nobody listens at ${formatEndpoint(remote)}`));
          if (signal.aborted) return session.fail(resetByPeer());
          this.#peer = session;
          this.remoteEndpoint = remote;
          resolve();
        });
      });
    });
  }

  /** At the listening end: a connection attempt has come. */
  #offered(client: SimulatedStreamSocket, from: Endpoint, local: Endpoint): SimulatedStreamSocket | undefined {
    if (this.#sessions === undefined || this.#sessions.full) return undefined;
    const session = new SimulatedStreamSocket(
      this.#network,
      this.#book,
      this.#host,
      this.configuration,
      this.environment,
    );
    session.#peer = client;
    session.localEndpoint = local;
    session.remoteEndpoint = from;
    session.adopt('accepted');
    this.#sessions.offer(session);
    return session;
  }

  #tell(arrived: () => void): void {
    const [from, to] = [this.localEndpoint, this.remoteEndpoint];
    if (from !== undefined && to !== undefined) this.#network.signal(from, to, arrived);
  }

  #arrived(bytes: Uint8Array, sender: SimulatedStreamSocket): void {
    if (this.state === 'closed') return sender.fail(resetByPeer());
    this.deliver(bytes);
  }

  #acknowledged(bytes: number): void {
    this.#unread -= bytes;
    if (!this.#refused) return;
    this.#refused = false;
    this.handler?.writable();
  }

  #ended(): void {
    if (this.state === 'closed' || this.#peerEnded) return;
    this.#peerEnded = true;
    if (this.state === 'shutdown') this.finish();
    else this.endInput();
    this.announce();
  }
}

function resetByPeer(): SocketError {
  return new SocketError('ECONNRESET', 'reset by the peer');
}
