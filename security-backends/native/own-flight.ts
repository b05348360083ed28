// The flight of ours that waits for its answer: sent again at time-outs, and for a peer that did not hear it (RFC 6347 §4.2.4).

import type { HandshakeTimeouts } from '../../lib/net/index.ts';
import type { Instant } from '../../lib/runtime/index.ts';
import { NEVER } from '../../lib/runtime/index.ts';
import type { Counters } from './counters.ts';
import type { FlightItem } from './flight.ts';
import { Flight, packFlight } from './flight.ts';
import type { HandshakeFragment } from './handshake-messages.ts';
import { HANDSHAKE_TYPE } from './handshake-messages.ts';
import type { ResolvedOptions } from './options.ts';
import type { RecordLayer } from './record-layer.ts';

/** At most one at a time. What transmits throws what the record layer throws. */
export class OwnFlight {
  readonly #options: Pick<ResolvedOptions, 'mtu' | 'tries'>;
  readonly #records: RecordLayer;
  readonly #counters: Counters;
  readonly #emit: (datagram: Uint8Array) => void;
  #flight: Flight | undefined;

  constructor(
    options: Pick<ResolvedOptions, 'mtu' | 'tries'>,
    records: RecordLayer,
    counters: Counters,
    emit: (datagram: Uint8Array) => void,
  ) {
    this.#options = options;
    this.#records = records;
    this.#counters = counters;
    this.#emit = emit;
  }

  /** When it is to be sent again. */
  get deadline(): Instant {
    return this.#flight?.deadline ?? NEVER;
  }

  /** How often it was sent, by the time-outs. */
  get tries(): number {
    return this.#flight?.tries ?? 0;
  }

  /** @param answers message_seq of the peer's message that it answers */
  send(items: readonly FlightItem[], answers: number, timeouts: HandshakeTimeouts, now: Instant): void {
    this.#flight = new Flight(items, answers, timeouts, now);
    this.#transmit(this.#flight);
  }

  /** The same flight with other messages; its count goes on. */
  replace(items: readonly FlightItem[], now: Instant): void {
    if (this.#flight === undefined) return;
    this.#flight.items = items;
    this.#flight.lastSent = now;
    this.#transmit(this.#flight);
  }

  /** No time-out sends it again; a peer that repeats itself still hears it. */
  disarm(): void {
    this.#flight?.disarm();
  }

  /** The peer has shown that it has all of it. */
  release(): void {
    this.#flight = undefined;
  }

  /** Counts a try, and waits longer for the next. */
  retry(timeouts: HandshakeTimeouts, now: Instant): void {
    this.#flight?.retry(timeouts, now);
  }

  transmitAgain(): void {
    if (this.#flight === undefined) return;
    this.#counters.retransmissions++;
    this.#transmit(this.#flight);
  }

  /** The peer repeats the end of the flight that ours answers: ours was lost. */
  answerRepeat(fragment: HandshakeFragment, timeouts: HandshakeTimeouts, now: Instant): void {
    const flight = this.#flight;
    const atEnd = fragment.offset + fragment.bytes.length === fragment.length;
    if (flight === undefined || fragment.messageSeq !== flight.answers || !atEnd) return;
    if (fragment.type === HANDSHAKE_TYPE.helloVerifyRequest) return; // answers each of our hellos, so it says nothing
    // Bounded, so that nobody makes us an amplifier.
    if (flight.repeats >= this.#options.tries || now - flight.lastSent < timeouts.min / 2) return;
    flight.repeats++;
    flight.lastSent = now;
    this.transmitAgain();
  }

  #transmit(flight: Flight): void {
    packFlight(flight.items, flight.mtu(this.#options.mtu), this.#records, this.#emit);
  }
}
