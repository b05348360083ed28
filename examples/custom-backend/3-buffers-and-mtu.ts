// Chapter 3, the socket below: everything that waits there is taken, sizes are exact, and `decorate` brings another one.

import type { Cancellable, DatagramSocket, SecurityBackend } from '../../lib/net/index.ts';
import { SocketError } from '../../lib/net/index.ts';
import type { BackendOptions } from './1-stub.ts';
import { PSK_CAPABILITIES, PskSocket, onlyPsk } from './2-psk.ts';
import { AFTER_CHAPTER_3, type Chapter, type Credentials, backendOf } from './chapter.ts';

const BOOKKEEPING = 64; // bytes reckoned beside each message that waits, so that empty ones are bounded too

export class BufferedSocket<C extends Credentials = Credentials> extends PskSocket<C> {
  #heard = false;
  #sentBefore = 0n;
  #receivedBefore = 0n;

  override async connect(host: string, port: number, options?: Cancellable): Promise<void> {
    await super.connect(host, port, options);
    this.#tell(); // what came with the last flight
  }

  /** A socket that is ready is shaken hands over; a closed one is kept for `connect`. */
  override async decorate(
    lower: DatagramSocket,
    options: Cancellable & { readonly host?: string | undefined } = {},
  ): Promise<void> {
    if (this.state !== 'closed' || this.lower !== undefined) {
      throw new SocketError('EBADF', 'this socket has a layer below already', { fatal: false });
    }
    this.takeLower(lower);
    if (lower.getOption('state') === 'closed') return;
    await this.open('connected', options, async (signal) => this.shakeHands(lower, options.host, signal));
    this.#tell();
  }

  /** One call of `readable` below may stand for several datagrams, and one datagram has several records. */
  protected override arrived(lower: DatagramSocket): void {
    do super.arrived(lower);
    while (this.lower === lower && lower.getOption('hasBufferedData'));
    this.#tell();
  }

  /** Queued, not yet told: `readable` is called once for an arrival, when all of it is there. */
  protected override heard(bytes: Uint8Array): void {
    if (this.remote === undefined) return;
    if (this.enqueue({ bytes, from: this.remote }, bytes.length + BOOKKEEPING)) this.#heard = true;
  }

  #tell(): void {
    if (!this.#heard || this.state === 'connecting') return;
    this.#heard = false;
    this.announce();
  }

  /** What the suite in use leaves of a datagram, to the byte. */
  override get innerMtu(): number {
    return this.connection?.innerMtu ?? 0;
  }

  override get mtu(): number {
    return this.lower?.getOption('mtu') ?? super.mtu;
  }

  /** These count what the layer below carries, not the messages in it. */
  override get bytesSent(): bigint {
    return this.#sentBefore + (this.lower?.getOption('bytesSent') ?? 0n);
  }

  override get bytesReceived(): bigint {
    return this.#receivedBefore + (this.lower?.getOption('bytesReceived') ?? 0n);
  }

  protected override release(): void {
    const { lower } = this;
    this.#heard = false;
    super.release();
    this.#sentBefore += lower?.getOption('bytesSent') ?? 0n;
    this.#receivedBefore += lower?.getOption('bytesReceived') ?? 0n;
  }
}

export function buffered(options: BackendOptions): SecurityBackend<DatagramSocket> {
  const make: Chapter<Credentials>['make'] = (environment, made) => new BufferedSocket(environment, made);
  const chapter = { name: 'chapter 3', capabilities: PSK_CAPABILITIES, later: AFTER_CHAPTER_3, load: onlyPsk, make };
  return backendOf(chapter, options);
}
