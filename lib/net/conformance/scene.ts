// The stage of one case: makes sockets of the fixture, watches their handlers, closes everything in the end.

import type { SocketError } from '../errors.ts';
import type { SocketConfiguration } from '../socket-configuration.ts';
import type { AnySocket, Cancellable, DatagramSocket, StreamSocket } from '../socket.ts';
import { check } from './expectation.ts';
import type { SocketFixture } from './fixture.ts';
import { type Passing, settledIn } from './settled.ts';

/** A client, the session it made, and who listens. */
export interface Pair {
  readonly client: AnySocket;
  readonly session: AnySocket;
  readonly listener: AnySocket;
  readonly port: number;
}

const HELLO = Uint8Array.of(0x68, 0x69);

export class Scene {
  readonly fixture: SocketFixture;
  readonly #sockets: AnySocket[] = [];

  constructor(fixture: SocketFixture) {
    this.fixture = fixture;
  }

  socket(configuration?: SocketConfiguration): AnySocket {
    return this.#keep(this.fixture.socket(configuration));
  }

  listener(configuration?: SocketConfiguration): AnySocket {
    return this.#keep(this.fixture.listener(configuration));
  }

  /** Waits for what must happen; if it never can, the rule is broken. */
  run<T>(promise: Promise<T>): Promise<T> {
    return settledIn(this.fixture, promise);
  }

  /** A listener, bound. */
  async listening(configuration?: SocketConfiguration): Promise<{ listener: AnySocket; port: number }> {
    const listener = this.listener(configuration);
    await this.run(listener.bind(this.fixture.address, 0));
    return { listener, port: listener.local?.port ?? 0 };
  }

  /** A client and its session, after one message of two bytes has gone from client to session. */
  async pair(configuration?: SocketConfiguration, sessionConfiguration?: SocketConfiguration): Promise<Pair> {
    const { listener, port } = await this.listening(sessionConfiguration);
    const client = this.socket(configuration);
    const accepted = this.accept(listener);
    await this.run(client.connect(this.fixture.host, port));
    client.send(HELLO);
    const session = await this.run(accepted);
    await this.run(session.next());
    return { client, session, listener, port };
  }

  /** The next session of a listener; may be awaited late. */
  accept(listener: AnySocket, options?: Cancellable): Promise<AnySocket> {
    const accepted = this.#accept(listener, options);
    accepted.catch(() => undefined);
    return accepted;
  }

  async #accept(listener: AnySocket, options?: Cancellable): Promise<AnySocket> {
    return this.#keep(await listener.accept(options));
  }

  watch(socket: AnySocket, readable?: () => void): Watch {
    return new Watch(this, socket, readable);
  }

  /** Ends what the case left open. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) {
      socket.handler = undefined;
      socket.close();
    }
    await Promise.resolve();
  }

  #keep<S extends AnySocket>(socket: S): S {
    this.#sockets.push(socket);
    return socket;
  }
}

/** Counts what a handler is told. */
export class Watch {
  readonly closed: (SocketError | undefined)[] = [];
  readable = 0;
  writable = 0;
  readonly #scene: Passing;
  #changed: (() => void) | undefined;

  constructor(scene: Passing, socket: AnySocket, readable: () => void = () => undefined) {
    this.#scene = scene;
    socket.handler = {
      readable: () => {
        this.readable++;
        readable();
        this.#changed?.();
      },
      writable: () => {
        this.writable++;
        this.#changed?.();
      },
      closed: (cause) => {
        this.closed.push(cause);
        this.#changed?.();
      },
    };
  }

  /** Waits for the handler to have been told what makes `holds` true. */
  async until(holds: () => boolean): Promise<void> {
    if (holds()) return;
    const changed = new Promise<void>((resolve) => {
      this.#changed = () => {
        if (holds()) resolve();
      };
    });
    await this.#scene.run(changed);
  }
}

/** @throws ConformanceError if the socket says it is something else */
export function asDatagram(socket: AnySocket): DatagramSocket {
  check(socket.transport === 'datagram', `transport: expected datagram, found ${socket.transport}`);
  return socket;
}

/** @throws ConformanceError if the socket says it is something else */
export function asStream(socket: AnySocket): StreamSocket {
  check(socket.transport === 'stream', `transport: expected stream, found ${socket.transport}`);
  return socket;
}

/** Takes everything that waits, as a handler must. */
export function drain(socket: AnySocket): Uint8Array[] {
  const taken: Uint8Array[] = [];
  do {
    const bytes = socket.receive();
    if (bytes !== undefined && bytes !== null) taken.push(bytes);
  } while (socket.getOption('hasBufferedData'));
  return taken;
}
