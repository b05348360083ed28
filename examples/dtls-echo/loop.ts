// What drives a sans-IO connection: bytes and the time go in; then all that it has to say is taken out, and one timer is set.

import type { Environment, Instant, Negotiated, SocketError, Timer } from '../../lib/index.ts';
import type { DtlsConnection, DtlsJob, DtlsJobAnswer, DtlsOutput } from '../../security-backends/native/index.ts';

/** What a connection cannot do by itself. */
export interface World {
  transmit(datagram: Uint8Array): void;
  /** Keys. An answer may also come later: then `connection.answer` is called when it is there. */
  answer(job: DtlsJob): DtlsJobAnswer;
  connected(negotiated: Negotiated): void;
  data(bytes: Uint8Array): void;
  /** Once, at the end. Without a cause, one of both sides ended it in order. */
  closed(cause: SocketError | undefined): void;
}

export class Loop {
  readonly #connection: DtlsConnection;
  readonly #environment: Environment;
  readonly #world: World;
  #timer: Timer | undefined;

  constructor(connection: DtlsConnection, environment: Environment, world: World) {
    this.#connection = connection;
    this.#environment = environment;
    this.#world = world;
  }

  start(): void {
    this.#turn((now) => this.#connection.start(now));
  }

  arrived(datagram: Uint8Array): void {
    this.#turn((now) => this.#connection.handleDatagram(datagram, now));
  }

  /** Bytes that fit one datagram. */
  get room(): number {
    return this.#connection.innerMtu;
  }

  /** @throws SocketError EMSGSIZE over `room`, ENOTCONN before `connected` */
  send(bytes: Uint8Array): void {
    this.#turn(() => this.#connection.send(bytes));
  }

  close(): void {
    this.#turn((now) => this.#connection.close(now));
  }

  #turn(input: (now: Instant) => void): void {
    const { clock, timers } = this.#environment;
    input(clock.now());
    for (let output = this.#connection.poll(); output !== undefined; output = this.#connection.poll()) {
      this.#perform(output);
    }
    this.#timer?.cancel();
    this.#timer = timers.at(this.#connection.nextTimeout(), () =>
      this.#turn((now) => this.#connection.handleTimeout(now)),
    );
  }

  #perform(output: DtlsOutput): void {
    const world = this.#world;
    if (output.kind === 'transmit') world.transmit(output.datagram);
    else if (output.kind === 'job') {
      const { job } = output;
      this.#connection.answer(job.id, world.answer(job), this.#environment.clock.now());
    } else if (output.kind === 'connected') world.connected(output.negotiated);
    else if (output.kind === 'data') world.data(output.bytes);
    else if (output.kind === 'closed') world.closed(output.cause);
  }
}
