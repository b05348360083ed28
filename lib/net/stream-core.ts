// The stream half of SocketCore: a byte stream whose receive queue can be taken in pieces, with an end.

import { concatBytes } from '../bytes/index.ts';
import { SocketError } from './errors.ts';
import type { StreamSocket } from './socket.ts';
import { SocketCore } from './socket-core.ts';

/** Bytes reckoned beside each piece that waits: a peer whose records have one byte each fills the queue as well. */
const BOOKKEEPING = 64;

/** Base of the stream sockets: implement `connect`, `send`, `shutdown`, `release`, and call `deliver` for what arrives. */
export abstract class StreamCore extends SocketCore<StreamSocket, Uint8Array> implements StreamSocket {
  readonly transport = 'stream';

  /** The most one `send` can ever take: what may wait to be sent. More at once could never be accepted. */
  get innerMtu(): number {
    return this.configuration.maxBufferedBytes;
  }

  receive(limit: number = Number.POSITIVE_INFINITY): Uint8Array | null | undefined {
    const bytes = this.#take(limit);
    if (bytes instanceof Uint8Array) this.drained(bytes.length);
    return bytes;
  }

  protected poll(): Uint8Array | null | undefined {
    return this.receive();
  }

  /** Called when `receive` made room for `bytes`: for those who hold their peer back. */
  protected drained(bytes: number): void {
    void bytes;
  }

  /** Bytes came in; they become the socket's. Streams lose nothing: whoever calls this holds its peer back when full. */
  protected deliver(bytes: Uint8Array): void {
    if (this.state === 'closed' || bytes.length === 0) return;
    this.countReceived(bytes.length);
    this.hold(bytes);
    this.announce();
  }

  /** Queues bytes untold and uncounted: for those who announce several pieces at once. */
  protected hold(bytes: Uint8Array): void {
    this.append(bytes, costOf(bytes));
  }

  #take(limit: number): Uint8Array | null | undefined {
    if (!(limit >= 1)) throw new SocketError('EINVAL', `limit: expected 1 or more, found ${limit}`, { fatal: false });
    const parts: Uint8Array[] = [];
    let room = limit;
    do {
      const chunk = this.dequeue();
      if (chunk === undefined || chunk === null) return chunk;
      if (chunk.length > room) {
        const rest = chunk.subarray(room);
        this.requeue(rest, costOf(rest));
      }
      parts.push(chunk.length > room ? chunk.slice(0, room) : chunk);
      room -= chunk.length;
    } while (room > 0 && this.bufferedCost > 0);
    return parts.length === 1 ? parts[0] : concatBytes(...parts);
  }
}

function costOf({ length }: Uint8Array): number {
  return length + BOOKKEEPING;
}
