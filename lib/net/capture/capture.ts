// A recording of a socket's datagrams as pcapng, with the TLS secrets that open them embedded: one file says it all.

import type { Clock } from '../../runtime/index.ts';
import { literalFamily } from '../address.ts';
import type { DatagramSocket, Endpoint } from '../socket.ts';
import type { KeyLog } from '../ssl-configuration.ts';
import { udpPacket } from './packet.ts';
import {
  type RecordedPacket,
  decryptionSecretsBlock,
  enhancedPacketBlock,
  interfaceDescriptionBlock,
  sectionHeaderBlock,
} from './pcapng.ts';
import { tapped } from './tap.ts';

export interface CaptureOptions {
  /** Times of the packets: its wall time at the start, and the monotonic time since. */
  readonly clock: Clock;
  /** Takes whole blocks, in order; must not throw, and may keep the bytes. Whoever reads them can decrypt the traffic. */
  readonly write: (block: Uint8Array) => void;
  /** Names the interface in the recording. Default `device`. */
  readonly name?: string | undefined;
}

const APPLICATION = 'lwm2m-client';
const UNKNOWN_PORT = 0;

/** One section of a pcapng file. Hand `keyLog` to `dangerKeyLog` of what runs over the `captured` sockets. */
export class Capture {
  readonly keyLog: KeyLog;
  readonly #options: CaptureOptions;
  readonly #start: number; // milliseconds since 1970 of the monotonic clock's zero
  #held: RecordedPacket[] = [];

  constructor(options: CaptureOptions) {
    const { clock, write, name = 'device' } = options;
    this.#options = options;
    this.#start = clock.wallTime() - clock.now();
    this.keyLog = (line) => write(decryptionSecretsBlock(line));
    write(sectionHeaderBlock(APPLICATION));
    write(interfaceDescriptionBlock(name));
  }

  /** A datagram between two endpoints, now. */
  record(direction: 'sent' | 'received', bytes: Uint8Array, from: Endpoint, to: Endpoint): void {
    const at = Math.max(0, Math.round((this.#start + this.#options.clock.now()) * 1_000));
    this.#held.push({ at, direction, bytes: udpPacket(from, to, bytes) });
    // A server learns the secrets of a datagram by taking it, and readers want them first: what was received waits until
    // whoever takes it has returned.
    if (direction === 'sent') this.flush();
    else queueMicrotask(() => this.flush());
  }

  /** Writes what waits. */
  flush(): void {
    const held = this.#held;
    this.#held = [];
    for (const packet of held) this.#options.write(enhancedPacketBlock(packet));
  }
}

/** The same socket, recorded. */
export function captured(socket: DatagramSocket, capture: Capture): DatagramSocket {
  const ends = (peer: Endpoint | undefined): { readonly own: Endpoint; readonly other: Endpoint } => {
    const other = peer ?? unspecified('ipv4');
    return { own: socket.local ?? unspecified(literalFamily(other.address)), other };
  };
  return tapped(socket, {
    sent(bytes, to) {
      const { own, other } = ends(to);
      capture.record('sent', bytes, own, other);
    },
    received(bytes, from) {
      const { own, other } = ends(from);
      capture.record('received', bytes, other, own);
    },
  });
}

function unspecified(family: 'ipv4' | 'ipv6' | undefined): Endpoint {
  return { address: family === 'ipv6' ? '::' : '0.0.0.0', port: UNKNOWN_PORT };
}
