// A StreamSocket as Node sees streams: what lets node:tls work over whatever socket is given to `decorate`.

import { Duplex } from 'node:stream';
import { SocketError, type StreamSocket } from '../../lib/net/index.ts';

/** Takes the handler of `lower`. Destroying it closes `lower`. */
export class StreamDuplex extends Duplex {
  readonly #lower: StreamSocket;
  #resume: (() => void) | undefined;
  #wanted = false;
  #ended = false;

  /** @param lowerClosed told when `lower` closed by itself */
  constructor(lower: StreamSocket, lowerClosed: (cause: SocketError | undefined) => void) {
    super({ allowHalfOpen: true });
    this.#lower = lower;
    lower.handler = {
      readable: () => this.#pump(),
      writable: () => {
        const resume = this.#resume;
        this.#resume = undefined;
        resume?.();
      },
      closed: (cause) => {
        // After an end in order node:tls tells the rest, once it has worked through what is still here.
        if (cause !== undefined || !(this.#ended || lower.getOption('hasBufferedData'))) lowerClosed(cause);
      },
    };
  }

  override _read(): void {
    this.#wanted = true;
    this.#pump();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#send(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#lower.shutdown().then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#lower.handler = undefined;
    this.#lower.close();
    done(error);
  }

  #send(bytes: Uint8Array, done: (error?: Error | null) => void): void {
    const most = this.#lower.getOption('innerMtu');
    let rest = bytes;
    try {
      while (rest.length > 0) {
        this.#lower.send(rest.slice(0, most));
        rest = rest.subarray(most);
      }
    } catch (error) {
      if (!(error instanceof SocketError) || error.code !== 'EAGAIN') return done(error as Error);
      this.#resume = () => this.#send(rest, done);
      return;
    }
    done();
  }

  #pump(): void {
    while (this.#wanted && !this.destroyed) {
      const bytes = this.#take();
      if (bytes === undefined) return;
      this.#wanted = this.push(bytes);
      this.#ended = bytes === null;
      if (this.#ended) return;
    }
  }

  /** A closed lower socket has nothing to give: `closed` tells why. */
  #take(): Uint8Array | null | undefined {
    return this.#lower.getOption('state') === 'closed' && !this.#lower.getOption('hasBufferedData')
      ? undefined
      : this.#lower.receive();
  }
}
