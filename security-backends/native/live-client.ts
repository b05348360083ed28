// A client's live session in its store: taken up if it is the newest, of this server, credential and trust; else a handshake.

import { DecodeError, Reader, Writer, equalBytes } from '../../lib/bytes/index.ts';
import type { LiveSessionHandle } from '../../lib/net/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';
import type { LiveKeeper } from './connection.ts';
import { type LiveState, decodeLiveState, encodeLiveState } from './live-state.ts';

const FORMAT = 1;

/** The owner of a store's session, from before the handshake to the end. */
export class LiveClient implements LiveKeeper {
  readonly #handle: LiveSessionHandle;
  readonly #place: Uint8Array;
  readonly #localPort: number;
  readonly #environment: Environment;

  /** @param place a hash of the server and of all that decides whom we trust and who we are */
  constructor(handle: LiveSessionHandle, place: Uint8Array, localPort: number, environment: Environment) {
    this.#handle = handle;
    this.#place = place;
    this.#localPort = localPort;
    this.#environment = environment;
  }

  /**
   * The session to go on with; undefined: shake hands. Either way every copy of what was there is worthless from here on,
   * for the generation has gone on.
   */
  takeUp(): LiveState | undefined {
    const newest = this.#handle.generation;
    this.#handle.nextGeneration(); // first: what an earlier owner still writes now is not used by it (`LiveSessionHandle`)
    const state = this.#read(newest);
    if (state === undefined) this.#handle.remove();
    return state;
  }

  write(state: LiveState): void {
    const encoded = encodeLiveState(state);
    const writer = new Writer(64 + encoded.length);
    writer.uint8(FORMAT).uint48(this.#handle.generation).uint16(this.#localPort).vector8(this.#place);
    const bytes = writer.bytes(encoded).finish();
    encoded.fill(0);
    try {
      this.#handle.write(bytes);
    } finally {
      bytes.fill(0);
    }
  }

  /** The session goes on elsewhere, later. */
  leave(): void {
    this.#handle.release();
  }

  /** The session is over. */
  end(): void {
    try {
      this.#handle.remove();
    } catch (error) {
      this.#warn(error, 'a live session that is over could not be removed');
    }
    this.#handle.release();
  }

  #read(newest: number): LiveState | undefined {
    let bytes: Uint8Array | undefined;
    try {
      bytes = this.#handle.read();
      return bytes && this.#checked(bytes, newest);
    } catch (error) {
      this.#warn(error, 'the live session cannot be used: shaking hands');
      return undefined;
    } finally {
      bytes?.fill(0);
    }
  }

  #checked(bytes: Uint8Array, newest: number): LiveState | undefined {
    const reader = new Reader(bytes);
    const format = reader.uint8('live session format');
    if (format !== FORMAT) throw new DecodeError('live session format', `${FORMAT}`, `${format}`);
    const generation = reader.uint48('live session generation');
    const localPort = reader.uint16('live session local port');
    const place = reader.vector8('live session place');
    if (generation !== newest) throw new DecodeError('live session generation', `${newest}`, `${generation}`);
    if (!equalBytes(place, this.#place)) return undefined;
    const state = decodeLiveState(reader.bytes(reader.remaining, 'live session state'));
    const isFound = (state.connectionIds?.peer.length ?? 0) > 0 || localPort === this.#localPort;
    if (isFound && state.role === 'client') return state;
    state.session.master.fill(0);
    return undefined; // the server knows us by an address that we no longer have
  }

  #warn(error: unknown, message: string): void {
    this.#environment.log.warn({ reason: error instanceof Error ? error.message : String(error) }, message);
  }
}
