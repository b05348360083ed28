// Watches what a datagram socket puts on the wire and takes from it, without touching it.

import type { DatagramSocket } from '../net/index.ts';

/** Called with each datagram; the bytes must not be changed or kept. */
export interface Tap {
  sent(bytes: Uint8Array): void;
  received(bytes: Uint8Array): void;
}

/** The same socket, watched. */
export function tapped(socket: DatagramSocket, tap: Tap): DatagramSocket {
  const watched: Partial<DatagramSocket> = {
    send(bytes) {
      socket.send(bytes);
      tap.sent(bytes);
    },
    receive() {
      const bytes = socket.receive();
      if (bytes !== undefined) tap.received(bytes);
      return bytes;
    },
    receiveFrom() {
      const arrival = socket.receiveFrom();
      if (arrival !== undefined) tap.received(arrival.bytes);
      return arrival;
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
