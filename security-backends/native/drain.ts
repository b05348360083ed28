// Takes what waits in a datagram socket that many peers share.

import type { DatagramSocket, Endpoint } from '../../lib/net/index.ts';

/** Gives every datagram that waits to `take`, until it says `done`: what is left is for whoever comes next. */
export function drainDatagrams(
  lower: DatagramSocket,
  take: (datagram: Uint8Array, from: Endpoint) => 'done' | void,
): void {
  do {
    const arrival = receiveFrom(lower);
    if (arrival !== undefined && take(arrival.bytes, arrival.from) === 'done') return;
  } while (lower.getOption('hasBufferedData'));
}

/** Soft errors (ICMP) of one peer say nothing of the others, and can be forged: they are dropped. */
function receiveFrom(lower: DatagramSocket): ReturnType<DatagramSocket['receiveFrom']> {
  try {
    return lower.receiveFrom();
  } catch {
    return undefined;
  }
}
