// A raw socket under the eyes of a case: what leaves it, what arrives, and the hands that hold an arrival back.

import { concatBytes } from '../../../bytes/index.ts';
import type { Endpoint, SocketHandler } from '../../socket.ts';
import type { Kind } from './fixture.ts';

/** What a case may do with what one raw socket carries. */
export class Passage {
  /** Copies of what was sent, in order, lost ones too. */
  readonly sent: Uint8Array[] = [];
  /** Called with each step: something was sent, or has arrived and is about to be told. */
  onStep: (() => void) | undefined;
  /** Whether a message is lost instead of being sent. */
  loses: ((bytes: Uint8Array) => boolean) | undefined;
  /** What has arrived and is held back. */
  readonly held: Uint8Array[] = [];
  readonly #queue: Uint8Array[] = [];
  #holding = false;
  #cut = false;
  #heldEnough: (() => void) | undefined;
  #announce: () => void = () => undefined;

  /** From now on arrivals wait in `held`. @returns when `enough` says so of them */
  hold(enough: (held: readonly Uint8Array[]) => boolean): Promise<void> {
    this.#holding = true;
    return new Promise((resolve) => {
      this.#heldEnough = () => {
        if (enough(this.held)) resolve();
      };
    });
  }

  /** Gives what waited as one arrival: as one piece, or piece by piece behind one call of `readable`. */
  release(form: 'merged' | 'apart'): void {
    this.#holding = false;
    this.#heldEnough = undefined;
    const held = this.held.splice(0);
    this.inject(...(form === 'merged' ? [concatBytes(...held)] : held));
  }

  /** What nobody sent arrives, behind one call of `readable`. */
  inject(...pieces: readonly Uint8Array[]): void {
    this.#queue.push(...pieces.map((piece) => piece.slice()));
    this.#announce();
  }

  /** A stream ends here, whatever the peer has still to say. */
  cut(): void {
    this.#cut = true;
    this.#announce();
  }

  // For the socket that stands before the good one.

  get ended(): boolean {
    return this.#cut;
  }

  get waiting(): boolean {
    return this.#queue.length > 0;
  }

  /** Whether `receive` has something to say, the end among it. */
  get readable(): boolean {
    return this.waiting || this.#cut;
  }

  take(limit: number): Uint8Array | undefined {
    const bytes = this.#queue.shift();
    if (bytes === undefined || bytes.length <= limit) return bytes;
    this.#queue.unshift(bytes.slice(limit));
    return bytes.slice(0, limit);
  }

  left(bytes: Uint8Array): 'pass' | 'lost' {
    this.sent.push(bytes.slice());
    return this.loses?.(bytes) === true ? 'lost' : 'pass';
  }

  /** The handler that the good socket is given for `handler`. */
  between(handler: SocketHandler, receive: () => Uint8Array | null | undefined): SocketHandler {
    this.#announce = () => handler.readable();
    return {
      readable: () => {
        this.onStep?.();
        if (!this.#holding) return handler.readable();
        for (let bytes = receive(); bytes !== undefined && bytes !== null; bytes = receive()) this.held.push(bytes);
        this.#heldEnough?.();
      },
      writable: () => handler.writable(),
      closed: (cause) => handler.closed(cause),
    };
  }
}

/** The same socket, with `passage` in between. What is not about its traffic goes to the good one as it is. */
export function observed<S extends Kind<S>>(good: S, passage: Passage): S {
  const receive = (): Uint8Array | null | undefined => good.receive();
  let handler: SocketHandler | undefined;
  const sendTo = (bytes: Uint8Array, to: Endpoint): void => {
    if (good.transport === 'datagram' && passage.left(bytes) === 'pass') good.sendTo(bytes, to);
    passage.onStep?.();
  };
  const own: Record<string, unknown> = {
    ...(good.transport === 'datagram' ? { sendTo } : {}),
    send: (bytes: Uint8Array) => {
      if (passage.left(bytes) === 'pass') good.send(bytes);
      passage.onStep?.();
    },
    receive: (limit?: number) => {
      if (passage.waiting) return passage.take(limit ?? Number.POSITIVE_INFINITY);
      if (passage.ended) return null;
      return good.transport === 'stream' ? good.receive(limit) : good.receive();
    },
    getOption: (key: 'state') =>
      key === ('hasBufferedData' as string) && passage.readable ? true : good.getOption(key),
  };
  return new Proxy(good, {
    get(target, key) {
      if (key === 'handler') return handler;
      if (Object.hasOwn(own, key)) return own[key as string];
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
    set(target, key, value) {
      if (key !== 'handler') return Reflect.set(target, key, value, target);
      handler = value as SocketHandler | undefined;
      target.handler = handler && passage.between(handler, receive);
      return true;
    },
  });
}
