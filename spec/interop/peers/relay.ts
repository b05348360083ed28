// A UDP relay on loopback: forwards both ways, records what passes, and loses, doubles or changes datagrams on demand.

import { type Socket, createSocket } from 'node:dgram';
import type { PcapFile } from './pcap.ts';

export interface Passing {
  readonly bytes: Uint8Array;
  readonly direction: 'toServer' | 'toClient';
  /** Counts from 0 in each direction. */
  readonly index: number;
}

/** What becomes of a datagram: the datagrams that go on in its place. None: lost; two: doubled. */
export type Hazard = (passing: Passing) => readonly Uint8Array[];

export interface RelayOptions {
  /** Port of the server on 127.0.0.1. */
  readonly target: number;
  /** Default: passes everything. */
  readonly hazard?: Hazard;
  /** Gets what arrives at the relay, before any hazard, as if client and server spoke directly. */
  readonly record?: PcapFile;
}

/** Clients connect to `port`; each gets a socket of its own towards the server. */
export class UdpRelay {
  readonly passed: Passing[] = [];
  readonly #options: RelayOptions;
  readonly #front = createSocket('udp4');
  readonly #backs = new Map<number, Socket>();
  readonly #counts = { toServer: 0, toClient: 0 };

  private constructor(options: RelayOptions) {
    this.#options = options;
  }

  static async start(options: RelayOptions): Promise<UdpRelay> {
    const relay = new UdpRelay(options);
    await new Promise<void>((resolve, reject) => {
      relay.#front.once('error', reject);
      relay.#front.bind(0, '127.0.0.1', resolve);
    });
    relay.#front.on('message', (bytes, from) => relay.#fromClient(bytes, from.port));
    return relay;
  }

  get port(): number {
    return this.#front.address().port;
  }

  /** Sends a datagram of the caller's choice to the server, as the newest client. */
  inject(bytes: Uint8Array): void {
    const back = [...this.#backs.values()].at(-1);
    if (back === undefined) throw new Error('no client has spoken yet');
    back.send(bytes, this.#options.target, '127.0.0.1');
  }

  /** From now on the server sees every client come from a port of its own that it has not seen, as behind a NAT that forgot. */
  rebind(): void {
    for (const back of this.#backs.values()) back.close();
    this.#backs.clear();
  }

  close(): void {
    this.#front.close();
    for (const back of this.#backs.values()) back.close();
    this.#backs.clear();
  }

  #fromClient(bytes: Uint8Array, port: number): void {
    const { target, record } = this.#options;
    record?.add(bytes, port, target);
    const back = this.#back(port);
    for (const each of this.#meet(bytes, 'toServer')) back.send(each, target, '127.0.0.1');
  }

  #back(clientPort: number): Socket {
    const known = this.#backs.get(clientPort);
    if (known !== undefined) return known;
    const back = createSocket('udp4');
    back.on('message', (bytes) => {
      this.#options.record?.add(bytes, this.#options.target, clientPort);
      for (const each of this.#meet(bytes, 'toClient')) this.#front.send(each, clientPort, '127.0.0.1');
    });
    this.#backs.set(clientPort, back);
    return back;
  }

  #meet(bytes: Uint8Array, direction: Passing['direction']): readonly Uint8Array[] {
    const passing = { bytes: Uint8Array.from(bytes), direction, index: this.#counts[direction]++ };
    this.passed.push(passing);
    return this.#options.hazard?.(passing) ?? [bytes];
  }
}
