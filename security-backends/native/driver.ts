// Drives one sans-IO connection: after any input, polls its outputs until there are none, then arms one timer.

import type { Environment, Instant, Timer } from '../../lib/runtime/index.ts';
import { NEVER } from '../../lib/runtime/index.ts';
import type { SocketError, Negotiated } from '../../lib/net/index.ts';
import type { OfferedSession } from './resumable-session.ts';
import type { DtlsConnection, DtlsJob, DtlsJobAnswer, DtlsOutput } from './connection.ts';

/** What a connection makes happen, in the order it happens. None of these may throw. */
export interface DriverEvents {
  /** A datagram for the peer. */
  transmit(datagram: Uint8Array): void;
  connected(negotiated: Negotiated): void;
  /** Application data; the bytes are the receiver's to keep. */
  data(bytes: Uint8Array): void;
  /** A question to be answered with `ConnectionDriver.answer`, at once or later. */
  job(job: DtlsJob): void;
  /** An alert that was sent, or received and authenticated or believed. */
  alert?(alert: Extract<DtlsOutput, { readonly kind: 'alert' }>): void;
  /** What a later handshake can go on from; its secret is the receiver's. Without this it is zeroed. */
  resumable?(session: OfferedSession): void;
  /** The last event, exactly once. */
  closed(cause: SocketError | undefined): void;
}

/** The polling contract of DESIGN, written once for client sockets, server sessions and handshakes. */
export class ConnectionDriver {
  readonly connection: DtlsConnection;
  readonly #environment: Environment;
  readonly #events: DriverEvents;
  #timer: Timer | undefined;
  #armed: Instant = NEVER;
  #closed = false;

  constructor(connection: DtlsConnection, environment: Environment, events: DriverEvents) {
    this.connection = connection;
    this.#environment = environment;
    this.#events = events;
  }

  /** Whether the connection has given its last output. */
  get closed(): boolean {
    return this.#closed;
  }

  start(): void {
    this.connection.start(this.#now());
    this.pump();
  }

  /**
   * What the peer sent; never throws for it.
   * @param judged called when the records are opened, and before anything comes of them
   */
  receive(datagram: Uint8Array, judged?: () => void): void {
    if (this.#closed) return;
    this.connection.handleDatagram(datagram, this.#now());
    judged?.();
    this.pump();
  }

  /** Without effect once the connection is over: the answer came too late. */
  answer(id: number, answer: DtlsJobAnswer): void {
    if (this.#closed) return;
    this.connection.answer(id, answer, this.#now());
    this.pump();
  }

  /** @throws SocketError what the connection refuses, which may also be its end */
  send(bytes: Uint8Array): void {
    try {
      this.connection.send(bytes);
    } finally {
      this.pump();
    }
  }

  /** Ends without a word, so that the session can go on elsewhere. @throws SocketError */
  suspend(): void {
    this.connection.suspend();
    this.pump();
  }

  /** A fatal alert of ours, then `closed`. */
  abort(description: number, message?: string): void {
    if (this.#closed) return;
    this.connection.abort(description, this.#now(), message);
    this.pump();
  }

  /** close_notify if there is a session, then `closed`; keys are zeroed. */
  close(): void {
    if (this.#closed) return;
    this.connection.close(this.#now());
    this.pump();
  }

  /** Polls until there is nothing, then arms the timer. An event that gives new input comes back here, which is fine. */
  pump(): void {
    for (let output = this.connection.poll(); output !== undefined; output = this.connection.poll()) {
      switch (output.kind) {
        case 'transmit':
          this.#events.transmit(output.datagram);
          break;
        case 'data':
          this.#events.data(output.bytes);
          break;
        case 'connected':
          this.#events.connected(output.negotiated);
          break;
        case 'resumable':
          if (this.#events.resumable === undefined) output.session.session.master.fill(0);
          else this.#events.resumable(output.session);
          break;
        case 'job':
          this.#events.job(output.job);
          break;
        case 'alert':
          this.#environment.log.debug(
            { level: output.level, description: output.description, direction: output.direction },
            'alert',
          );
          this.#events.alert?.(output);
          break;
        case 'closed':
          this.#closed = true;
          this.#events.closed(output.cause);
          break;
      }
    }
    this.#arm(this.#closed ? NEVER : this.connection.nextTimeout());
  }

  #now(): Instant {
    return this.#environment.clock.now();
  }

  #arm(at: Instant): void {
    if (at === this.#armed) return;
    this.#timer?.cancel();
    this.#armed = at;
    this.#timer = at === NEVER ? undefined : this.#environment.timers.at(at, () => this.#wake());
  }

  #wake(): void {
    this.#armed = NEVER;
    this.#timer = undefined;
    this.connection.handleTimeout(this.#now());
    this.pump();
  }
}
