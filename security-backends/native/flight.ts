// Flights: packed into datagrams of at most the MTU, and sent again as a whole (RFC 6347 §4.2.3, §4.2.4).

import type { HandshakeTimeouts } from '../../lib/net/index.ts';
import type { Instant } from '../../lib/runtime/index.ts';
import { NEVER, later } from '../../lib/runtime/index.ts';
import type { HandshakeMessage } from './handshake-messages.ts';
import { HANDSHAKE_HEADER_BYTES, writeHandshakeHeader } from './handshake-messages.ts';
import { CONTENT_TYPE } from './record.ts';
import type { Epoch, RecordLayer } from './record-layer.ts';

/** One message of a flight, with the epoch it is always sent in. */
export type FlightItem =
  | { readonly kind: 'handshake'; readonly epoch: Epoch; readonly message: HandshakeMessage }
  | { readonly kind: 'changeCipherSpec' };

const CHANGE_CIPHER_SPEC = Uint8Array.of(1);

/** Least body bytes worth a fragment at the end of a datagram that is partly filled. */
const SMALLEST_FRAGMENT = 32;

/** Gives the flight's datagrams to `emit`, with new record sequence numbers each time. */
export function packFlight(
  items: readonly FlightItem[],
  mtu: number,
  records: RecordLayer,
  emit: (datagram: Uint8Array) => void,
): void {
  const packer = new Packer(mtu, records, emit);
  for (const item of items) {
    if (item.kind === 'handshake') packer.message(item.message, item.epoch);
    else packer.record(CONTENT_TYPE.changeCipherSpec, 0, CHANGE_CIPHER_SPEC);
  }
  packer.flush();
}

/** Fills datagrams one after the other. */
class Packer {
  readonly #mtu: number;
  readonly #records: RecordLayer;
  readonly #emit: (datagram: Uint8Array) => void;
  #datagram: Uint8Array | undefined;
  #at = 0;

  constructor(mtu: number, records: RecordLayer, emit: (datagram: Uint8Array) => void) {
    this.#mtu = mtu;
    this.#records = records;
    this.#emit = emit;
  }

  /** Adds a message: whole where it fits, else in fragments. */
  message(message: HandshakeMessage, epoch: Epoch): void {
    const overhead = this.#records.overhead(epoch) + HANDSHAKE_HEADER_BYTES;
    const largest = this.#records.largestRecord(epoch) - HANDSHAKE_HEADER_BYTES;
    const { length } = message.body;
    let offset = 0;
    do {
      const rest = length - offset;
      const room = this.#mtu - this.#at - overhead;
      if (room < rest && (room < SMALLEST_FRAGMENT || rest <= this.#mtu - overhead)) this.flush();
      const size = Math.min(rest, this.#mtu - this.#at - overhead, largest);
      this.record(CONTENT_TYPE.handshake, epoch, fragmentOf(message, offset, size));
      offset += size;
    } while (offset < length);
  }

  record(type: number, epoch: Epoch, plaintext: Uint8Array): void {
    if (this.#mtu - this.#at < this.#records.overhead(epoch) + plaintext.length) this.flush();
    this.#datagram ??= new Uint8Array(this.#mtu);
    this.#at = this.#records.write(this.#datagram, this.#at, type, epoch, plaintext);
  }

  flush(): void {
    if (this.#datagram !== undefined) this.#emit(this.#datagram.subarray(0, this.#at));
    this.#datagram = undefined;
    this.#at = 0;
  }
}

function fragmentOf(message: HandshakeMessage, offset: number, length: number): Uint8Array {
  if (length === message.body.length) return message.raw;
  const fragment = new Uint8Array(HANDSHAKE_HEADER_BYTES + length);
  const header = { type: message.type, length: message.body.length, messageSeq: message.messageSeq };
  writeHandshakeHeader(fragment, 0, header, offset, length);
  fragment.set(message.body.subarray(offset, offset + length), HANDSHAKE_HEADER_BYTES);
  return fragment;
}

const SMALL_MTU = 548; // 576 bytes, which every IPv4 path takes (RFC 791), without IP and UDP headers
const LARGE_FLIGHT_TRIES = 3;

/** A flight in the air: how often it was sent and when it is due again. */
export class Flight {
  items: readonly FlightItem[];
  /** message_seq of the peer's message that this flight answers; -1 for the first flight. */
  readonly answers: number;
  tries = 1;
  deadline: Instant;
  lastSent: Instant;
  /** How often the peer's repetition made us send it again. */
  repeats = 0;
  #timeout: number;

  constructor(items: readonly FlightItem[], answers: number, timeouts: HandshakeTimeouts, now: Instant) {
    this.items = items;
    this.answers = answers;
    this.#timeout = timeouts.min;
    this.lastSent = now;
    this.deadline = later(now, timeouts.min);
  }

  /** Counts a try and doubles the wait. */
  retry(timeouts: HandshakeTimeouts, now: Instant): void {
    this.tries++;
    this.lastSent = now;
    this.#timeout = Math.min(this.#timeout * 2, timeouts.max);
    this.deadline = later(now, this.#timeout);
  }

  /** Waits for the peer's repetition alone from here on. */
  disarm(): void {
    this.deadline = NEVER;
  }

  /** A lost large flight may mean that the path's MTU is smaller than believed (RFC 6347 §4.1.1.1). */
  mtu(mtu: number): number {
    return this.tries > LARGE_FLIGHT_TRIES ? Math.min(mtu, SMALL_MTU) : mtu;
  }
}
