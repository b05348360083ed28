// An in-memory network under virtual time: latency, jitter, loss, duplication, reordering and MTU, all seeded.

import {
  type Environment,
  type Instant,
  type Log,
  SeededRandom,
  type VirtualTime,
  later,
  silentLog,
} from '../../runtime/index.ts';
import { literalFamily } from '../address.ts';
import { SocketError } from '../errors.ts';
import type { SocketConfiguration } from '../socket-configuration.ts';
import type { DatagramSocket, Endpoint, StreamSocket } from '../socket.ts';
import { AddressBook } from './address-book.ts';
import { CALM, type Conditions, checkedConditions, passages } from './conditions.ts';
import { SimulatedDatagramSocket } from './datagram-socket.ts';
import type { Host, Wire } from './wire.ts';
import { SimulatedStreamSocket } from './stream-socket.ts';

export interface SimulatedNetworkOptions extends Partial<Conditions> {
  readonly time: VirtualTime;
  /** Seed of every decision the network makes. Default 1. */
  readonly seed?: number | undefined;
  /** Largest packet of every path, in bytes with IP and UDP headers. Default 1500 (Ethernet). */
  readonly mtu?: number | undefined;
  readonly log?: Log | undefined;
}

/** Sees each datagram as it is sent, before loss: lets it pass, drops it, or puts other bytes in its place. */
export type Tap = (from: Endpoint, to: Endpoint, bytes: Uint8Array) => 'pass' | 'drop' | Uint8Array;

/** Which datagrams a rule is for; an absent side means any address. */
export interface Direction {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** What happened to the datagrams so far. */
export interface Traffic {
  sent: number;
  delivered: number;
  lost: number;
  duplicated: number;
  /** Dropped by a tap. */
  dropped: number;
  /** Nobody was bound where it went. */
  refused: number;
  bytes: number;
}

/** The network: makes sockets, carries what they send. */
export class SimulatedNetwork implements Wire {
  readonly time: VirtualTime;
  readonly mtu: number;
  /** Names and their addresses, in the order a resolver would give them. */
  readonly names = new Map<string, readonly string[]>();
  /** What sockets use that are made without an environment of their own: this network's time, seeded randomness. */
  readonly environment: Environment;
  readonly traffic: Traffic = { sent: 0, delivered: 0, lost: 0, duplicated: 0, dropped: 0, refused: 0, bytes: 0 };
  readonly #random: SeededRandom;
  readonly #datagrams = new AddressBook<SimulatedDatagramSocket>();
  readonly #streams = new AddressBook<SimulatedStreamSocket>();
  readonly #taps: Tap[] = [];
  readonly #lastArrival = new Map<string, number>();
  #conditions: Conditions;
  #rules: { readonly direction: Direction; readonly conditions: Partial<Conditions> }[] = [];
  #hosts = 0;

  constructor(options: SimulatedNetworkOptions) {
    const { time, seed = 1, mtu = 1500, log = silentLog, ...conditions } = options;
    this.time = time;
    this.mtu = mtu;
    this.#random = new SeededRandom(seed);
    this.environment = { clock: time, timers: time, random: new SeededRandom(seed ^ 0x5eed_5eed), log };
    this.#conditions = checkedConditions({ ...CALM, ...conditions });
  }

  /** A closed socket of the host with this address; without one, of a host of its own. */
  datagramSocket(address?: string, configuration?: SocketConfiguration, environment?: Environment): DatagramSocket {
    const host = this.#host(address);
    return new SimulatedDatagramSocket(this, this.#datagrams, host, configuration, environment ?? this.environment);
  }

  /** As `datagramSocket`, for streams: nothing is lost or reordered there, but everything takes its latency. */
  streamSocket(address?: string, configuration?: SocketConfiguration, environment?: Environment): StreamSocket {
    const host = this.#host(address);
    return new SimulatedStreamSocket(this, this.#streams, host, configuration, environment ?? this.environment);
  }

  /** The conditions from one address to another. */
  conditions(from: string, to: string): Conditions {
    let conditions = this.#conditions;
    for (const rule of this.#rules) {
      const applies = (rule.direction.from ?? from) === from && (rule.direction.to ?? to) === to;
      if (applies) conditions = { ...conditions, ...rule.conditions };
    }
    return conditions;
  }

  /** Changes the conditions from now on, everywhere or one way; later changes go before earlier ones. */
  setConditions(conditions: Partial<Conditions>, direction: Direction = {}): void {
    const whole = checkedConditions({ ...this.#conditions, ...conditions });
    if (direction.from !== undefined || direction.to !== undefined) this.#rules.push({ direction, conditions });
    else {
      this.#conditions = whole;
      this.#rules = this.#rules.map((rule) => ({ ...rule, conditions: { ...rule.conditions, ...conditions } }));
    }
  }

  /** Puts a tap on every datagram, after those already there. @returns what takes it off */
  onDatagram(tap: Tap): () => void {
    this.#taps.push(tap);
    return () => void this.#taps.splice(this.#taps.indexOf(tap), 1);
  }

  /** Sends a datagram as if from `from`, past all taps: what an attacker or a relay does. */
  inject(from: Endpoint, to: Endpoint, bytes: Uint8Array): void {
    this.#carry(from, to, bytes.slice());
  }

  /** For the sockets of this network: carries a copy of the bytes. */
  transmit(from: Endpoint, to: Endpoint, bytes: Uint8Array): void {
    this.traffic.sent++;
    this.traffic.bytes += bytes.length;
    let carried: Uint8Array = bytes.slice();
    for (const tap of this.#taps) {
      const verdict = tap(from, to, carried);
      if (verdict === 'drop') return void this.traffic.dropped++;
      if (verdict !== 'pass') carried = verdict.slice();
    }
    this.#carry(from, to, carried);
  }

  /** For the sockets of this network: calls back after one latency, in order; for signals that cannot be lost. */
  signal(from: Endpoint, to: Endpoint, arrived: () => void): void {
    const { latency } = this.conditions(from.address, to.address);
    this.time.at(this.#turn(`${from.address}>${to.address}`, latency), arrived);
  }

  /** All addresses of a name; a literal gives itself. Rejects with ENOTFOUND. */
  async resolve(host: string): Promise<readonly string[]> {
    if (literalFamily(host) !== undefined) return [host];
    const addresses = this.names.get(host);
    if (addresses === undefined || addresses.length === 0) throw new SocketError('ENOTFOUND', `no such name: ${host}`);
    return addresses;
  }

  #carry(from: Endpoint, to: Endpoint, bytes: Uint8Array): void {
    const copies = passages(this.conditions(from.address, to.address), this.#random);
    if (copies.length === 0) this.traffic.lost++;
    if (copies.length > 1) this.traffic.duplicated++;
    for (const { delay, holdBack } of copies) {
      const at = this.#turn(`${from.address}>${to.address}`, delay, holdBack);
      this.time.at(at, () => this.#arrive(from, to, bytes.slice()));
    }
  }

  /** When a packet arrives: after those sent before it, unless they or it are held back. */
  #turn(path: string, delay: number, holdBack?: number): Instant {
    const now = this.time.now();
    const at = later(now, Math.max(delay, (this.#lastArrival.get(path) ?? 0) - now));
    if (holdBack !== undefined) return later(at, holdBack);
    this.#lastArrival.set(path, at);
    return at;
  }

  #arrive(from: Endpoint, to: Endpoint, bytes: Uint8Array): void {
    const receiver = this.#datagrams.find(to, from);
    if (receiver !== undefined) {
      this.traffic.delivered++;
      return receiver.arrived(bytes, from);
    }
    this.traffic.refused++;
    // The ICMP port unreachable travels back under the same conditions.
    const [back] = passages(this.conditions(to.address, from.address), this.#random);
    if (back === undefined) return;
    this.time.at(later(this.time.now(), back.delay), () => this.#datagrams.find(from, to)?.refused(to));
  }

  #host(address: string | undefined): Host {
    if (address !== undefined && literalFamily(address) === undefined) {
      throw new SocketError('EINVAL', `address: expected an address literal, found ${address}`, { fatal: false });
    }
    const number = ++this.#hosts;
    return {
      fixed: address,
      ipv4: `10.${(number >> 16) & 0xff}.${(number >> 8) & 0xff}.${number & 0xff}`,
      ipv6: `fd00::${(number >> 16).toString(16)}:${(number & 0xffff).toString(16)}`,
    };
  }
}
