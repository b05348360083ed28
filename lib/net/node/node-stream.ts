// What TCP and TLS sockets share: a node:net socket underneath, half-open, with the peer held back while our queue is full.

import type { Socket } from 'node:net';
import { SocketError } from '../errors.ts';
import type { Cancellable } from '../socket.ts';
import { StreamCore } from '../stream-core.ts';
import { fromNodeError } from './node-errors.ts';

/** Base of the stream sockets on `node:net` and `node:tls`: `attach` an open handle, drop it in `release`. */
export abstract class NodeStreamCore extends StreamCore {
  #handle: Socket | undefined;
  #refused = false;

  override get system(): unknown {
    return this.#handle;
  }

  send(bytes: Uint8Array): void {
    this.checkSend(bytes);
    const handle = this.#handle;
    if (handle === undefined) throw this.badState();
    const waiting = handle.writableLength;
    if (waiting > 0 && waiting + bytes.length > this.configuration.maxBufferedBytes) {
      this.#refused = true;
      throw new SocketError('EAGAIN', `${waiting} bytes wait to be sent`, { fatal: false });
    }
    this.countSent(bytes.length);
    handle.write(bytes, () => this.#written(handle));
  }

  /** Sends FIN after what waits; resolves when it has left. */
  async shutdown(options: Cancellable = {}): Promise<void> {
    const handle = this.#handle;
    if (handle === undefined || (this.state !== 'connected' && this.state !== 'accepted')) throw this.badState();
    this.enterShutdown();
    try {
      await flushed(handle, options.signal);
    } catch (error) {
      const cause = error instanceof SocketError ? error : fromNodeError(error);
      this.fail(cause);
      throw cause;
    }
  }

  protected override drained(): void {
    const handle = this.#handle;
    if (handle?.isPaused() === true && this.bufferedCost <= this.configuration.maxBufferedBytes / 2) handle.resume();
  }

  /** Errors of the handle as this kind maps them. */
  protected mapError(error: Error): SocketError {
    return fromNodeError(error);
  }

  /** The handle has given all that it will give. */
  protected inputEnded(): void {
    this.endInput();
    this.announce();
  }

  /** Takes an open handle: what it receives is delivered, how it ends is told. */
  protected attach(handle: Socket): void {
    this.#handle = handle;
    handle.on('data', (bytes) => {
      this.deliver(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
      if (this.bufferedCost >= this.configuration.maxBufferedBytes) handle.pause();
    });
    handle.on('end', () => this.inputEnded());
    handle.on('error', (error) => this.fail(this.mapError(error)));
    handle.on('close', () => this.finish());
  }

  /** For `release`: lets the handle go, whatever it was doing. */
  protected detach(): void {
    const handle = this.#handle;
    this.#handle = undefined;
    this.#refused = false;
    if (handle !== undefined) abandon(handle);
  }

  #written(handle: Socket): void {
    if (!this.#refused || handle !== this.#handle || handle.writableLength > 0) return;
    this.#refused = false;
    this.handler?.writable();
  }
}

function flushed(handle: Socket, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new SocketError('ECANCELED', 'shutdown: aborted by its signal'));
    if (signal?.aborted === true) return abort();
    signal?.addEventListener('abort', abort, { once: true });
    handle.end(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
  });
}

/** Ends a handle without a word to anybody. */
export function abandon(handle: Socket): void {
  handle.removeAllListeners();
  handle.on('error', () => undefined); // what was under way may still fail: nobody is left to hear it
  handle.destroy();
}
