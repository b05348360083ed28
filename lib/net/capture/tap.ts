// Watches what a datagram socket puts on the wire and takes from it, without touching it.

import type { DatagramSocket, Endpoint } from '../socket.ts';

/** Called with each datagram; the bytes must not be changed or kept. The peer is undefined where the socket knows none. */
export interface Tap {
  /** It has been handed to the layer below. */
  sent(bytes: Uint8Array, to: Endpoint | undefined): void;
  /** It has been taken from the socket's queue; what nobody takes is not told. */
  received(bytes: Uint8Array, from: Endpoint | undefined): void;
}

/** The same socket, watched; and, if it listens, what it accepts. */
export function tapped(socket: DatagramSocket, tap: Tap): DatagramSocket {
  const watched: Partial<DatagramSocket> = {
    send(bytes) {
      socket.send(bytes);
      tap.sent(bytes, socket.remote);
    },
    sendTo(bytes, to) {
      socket.sendTo(bytes, to);
      tap.sent(bytes, to);
    },
    receive() {
      const bytes = socket.receive();
      if (bytes !== undefined) tap.received(bytes, socket.remote);
      return bytes;
    },
    receiveFrom() {
      const arrival = socket.receiveFrom();
      if (arrival !== undefined) tap.received(arrival.bytes, arrival.from);
      return arrival;
    },
    async next(options) {
      const bytes = await socket.next(options);
      if (bytes !== null) tap.received(bytes, socket.remote);
      return bytes;
    },
    async accept(options) {
      return tapped(await socket.accept(options), tap);
    },
  };
  return new Proxy(socket, {
    get(target, key) {
      const own: unknown = Reflect.get(watched, key);
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
    set: (target, key, value) => Reflect.set(target, key, value, target),
  });
}
