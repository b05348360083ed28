// A StreamSocket as Node sees streams: what lets node:tls work over whatever socket is given to `decorate`.

import { Duplex } from 'node:stream';
import { SocketError, type StreamSocket } from '../../lib/net/index.ts';
import type { FlightGate } from './flight-gate.ts';

const ALERT_HEADER = [21, 3, 3, 0, 2]; // type, legacy version, length (RFC 8446 §5.1)
const FATAL = 2;

export interface StreamDuplexEvents {
  /** Told of all that comes in, before node:tls has it; which has it, and what follows, when the promise has come true. */
  arrived?(bytes: Uint8Array): Promise<void> | undefined;
  /** `lower` closed by itself. */
  closed(cause: SocketError | undefined): void;
}

/** Takes the handler of `lower`. Destroying it closes `lower`. */
export class StreamDuplex extends Duplex {
  readonly #lower: StreamSocket;
  readonly #events: StreamDuplexEvents;
  readonly #gate: FlightGate | undefined;
  /** What the gate has let pass and `lower` has not taken. */
  #outbox: Uint8Array[] = [];
  /** Of Node's write that is under way. */
  #done: ((error?: Error | null) => void) | undefined;
  #wanted = false;
  #waiting = false;
  #ended = false;

  constructor(lower: StreamSocket, events: StreamDuplexEvents, gate?: FlightGate) {
    super({ allowHalfOpen: true });
    this.#lower = lower;
    this.#events = events;
    this.#gate = gate;
    lower.handler = {
      readable: () => this.#pump(),
      writable: () => this.#flush(),
      closed: (cause) => {
        // After an end in order node:tls tells the rest, once it has worked through what is still here.
        if (cause !== undefined || !(this.#ended || lower.getOption('hasBufferedData'))) events.closed(cause);
      },
    };
  }

  override _read(): void {
    this.#wanted = true;
    this.#pump();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#done = done;
    this.#outbox.push(this.#gate?.take(chunk) ?? chunk);
    this.#flush();
  }

  /** Sends what the gate has held back, and all that follows. What does not fit now is waited for as ever. */
  openGate(): void {
    const held = this.#gate?.open();
    if (held === undefined) return;
    this.#outbox.push(held);
    this.#flush();
  }

  /** Ends the handshake by an alert of ours, in the clear. @returns false where nothing is held back: it cannot be said any more */
  refuse(alert: number): boolean {
    if (this.#gate?.isHolding !== true) return false;
    this.#gate.discard();
    try {
      this.#lower.send(Uint8Array.of(...ALERT_HEADER, FATAL, alert));
      return true;
    } catch {
      return false; // the peer has gone
    }
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#lower.shutdown().then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#lower.handler = undefined;
    this.#lower.close();
    done(error);
  }

  /** As much as the lower socket takes; the rest when it has room. Then Node is told that its last write is done. */
  #flush(): void {
    try {
      for (let next = this.#outbox[0]; next !== undefined; next = this.#outbox[0]) {
        const most = this.#lower.getOption('innerMtu');
        if (next.length > 0) this.#lower.send(next.slice(0, most));
        if (next.length > most) this.#outbox[0] = next.subarray(most);
        else this.#outbox.shift();
      }
    } catch (error) {
      if (error instanceof SocketError && error.code === 'EAGAIN') return;
      this.#outbox = [];
      return this.#written(error as Error);
    }
    this.#written();
  }

  #written(error?: Error): void {
    const done = this.#done;
    this.#done = undefined;
    if (done !== undefined) done(error);
    else if (error !== undefined) this.destroy(error);
  }

  #pump(): void {
    while (this.#wanted && !this.#waiting && !this.#ended && !this.destroyed) {
      const bytes = this.#take();
      if (bytes === undefined) return;
      const later = bytes === null ? undefined : this.#events.arrived?.(bytes);
      if (later === undefined) this.#give(bytes);
      else this.#giveAfter(later, bytes);
    }
  }

  #give(bytes: Uint8Array | null): void {
    this.#wanted = this.push(bytes);
    this.#ended = bytes === null;
  }

  #giveAfter(later: Promise<void>, bytes: Uint8Array | null): void {
    this.#waiting = true;
    const settled = (): void => {
      this.#waiting = false;
      if (this.destroyed) return;
      this.#give(bytes);
      this.#pump();
    };
    later.then(settled, settled);
  }

  /** A closed lower socket has nothing to give: `closed` tells why. */
  #take(): Uint8Array | null | undefined {
    return this.#lower.getOption('state') === 'closed' && !this.#lower.getOption('hasBufferedData')
      ? undefined
      : this.#lower.receive();
  }
}
