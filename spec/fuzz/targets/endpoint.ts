// One endpoint among strangers: datagrams from three addresses, calls of its own to them, time that passes.

import { Reader } from '../../../lib/bytes/index.ts';
import { nodeProvider, pskIdentityFromBuffer, pskKeyFromBuffer } from '../../../lib/crypto/index.ts';
import { type Endpoint, SocketError, formatEndpoint } from '../../../lib/net/index.ts';
import { type Environment, SeededRandom, VirtualTime, silentLog } from '../../../lib/runtime/index.ts';
import { CredentialPool } from '../../../security-backends/native/credential-pool.ts';
import { DtlsEndpoint } from '../../../security-backends/native/endpoint.ts';
import { HandoverSocket } from '../../bench/handover-socket.ts';
import { clearMessage, recordings } from '../recordings.ts';
import { type FuzzTarget, promise } from '../target.ts';

const MAX = { sessions: 2, handshakes: 2 } as const;
const ADDRESSES: readonly Endpoint[] = [1, 2, 3].map((n) => ({ address: `192.0.2.${n}`, port: 5_684 }));
const PSK = {
  type: 'psk',
  identity: pskIdentityFromBuffer(Uint8Array.of(1)),
  key: pskKeyFromBuffer(new Uint8Array(16).fill(1)),
} as const;
const OP = { datagram: 0, echo: 1, call: 2, time: 3, renew: 4, end: 5 } as const;
const CLIENT_HELLO = 1;
const COOKIE_AT = 35; // of a ClientHello without session_id, behind version and random

/** An endpoint that is told by bytes what comes to it, and watched for what it sends where. */
class Watched {
  readonly #time = new VirtualTime();
  readonly #socket: HandoverSocket;
  readonly #endpoint: DtlsEndpoint;
  readonly #owed = new Map<string, number>();
  readonly #called = new Set<string>();
  readonly #cookies = new Map<string, Uint8Array>();

  constructor() {
    const random = new SeededRandom(7);
    const environment: Environment = { clock: this.#time, timers: this.#time, random, log: silentLog };
    this.#socket = new HandoverSocket(environment);
    void this.#socket.bind('192.0.2.9', 5_684);
    this.#socket.outlet = (datagram, to) => this.#sent(datagram, to);
    const credentials = new CredentialPool({ provider: nodeProvider }, environment);
    credentials.add(1, PSK);
    this.#endpoint = new DtlsEndpoint(
      {
        credentials,
        tags: [1],
        socket: this.#socket,
        provider: nodeProvider,
        connectionId: true,
        maxSessions: MAX.sessions,
        maxHandshakes: MAX.handshakes,
      },
      environment,
    );
  }

  do(op: number, from: Endpoint, datagram: () => Uint8Array): void {
    if (op === OP.datagram) this.#hand(datagram(), from);
    else if (op === OP.echo) this.#hand(this.#withCookie(datagram(), from), from);
    else if (op === OP.time) this.#time.step();
    else this.#own(op, from);
    const { handshakes, sessions } = this.#endpoint.load;
    promise(handshakes <= MAX.handshakes + ADDRESSES.length, 'handshakes are bounded');
    promise(sessions <= MAX.sessions * 2, 'sessions are bounded');
  }

  end(): void {
    this.#endpoint.close();
    const { handshakes, sessions } = this.#endpoint.load;
    promise(handshakes === 0 && sessions === 0, 'nothing is left after the end');
    promise(this.#time.pending === 0, 'no timer is left after the end');
  }

  #own(op: number, to: Endpoint): void {
    this.#called.add(formatEndpoint(to));
    try {
      const session = this.#endpoint.session(to);
      const attempt = op === OP.renew ? session.renew() : session.connect();
      attempt.catch(() => undefined);
    } catch (error) {
      if (!(error instanceof SocketError) || error.code !== 'ENOBUFS') throw error;
    }
  }

  #hand(datagram: Uint8Array, from: Endpoint): void {
    const key = formatEndpoint(from);
    this.#owed.set(key, (this.#owed.get(key) ?? 0) + datagram.length);
    this.#socket.hand(datagram, from);
  }

  /** A recorded hello that shows the cookie which this address was given. */
  #withCookie(datagram: Uint8Array, from: Endpoint): Uint8Array {
    const cookie = this.#cookies.get(formatEndpoint(from));
    const { clientHello } = recordings()[(datagram[0] ?? 0) % recordings().length]!;
    if (cookie === undefined) return clearMessage({ type: CLIENT_HELLO, body: clientHello }, 0, 0);
    const [before, after] = [clientHello.subarray(0, COOKIE_AT), clientHello.subarray(COOKIE_AT + 1)];
    const body = Uint8Array.of(...before, cookie.length, ...cookie, ...after.subarray(clientHello[COOKIE_AT]!));
    return clearMessage({ type: CLIENT_HELLO, body }, 1, 1);
  }

  #sent(datagram: Uint8Array, to: Endpoint): void {
    const key = formatEndpoint(to);
    const left = (this.#owed.get(key) ?? 0) - datagram.length;
    this.#owed.set(key, left);
    if (datagram[13] === 3) this.#cookies.set(key, datagram.slice(28, 28 + datagram[27]!));
    const verified = this.#called.has(key) || this.#cookies.has(key);
    promise(verified || left >= 0, 'no amplification before a cookie');
  }
}

/** Operations: what and whom in one byte, and for datagrams their length and bytes. */
export const endpoint: FuzzTarget = {
  name: 'endpoint',
  maxBytes: 700,
  seeds: () => [
    Uint8Array.of(OP.call << 2, OP.time << 2, OP.call << 2, OP.end << 2),
    Uint8Array.of((OP.echo << 2) | 1, 0, 1, 0, (OP.echo << 2) | 1, 0, 1, 0, OP.time << 2, OP.time << 2),
    ...recordings().map(({ clientHello }) => {
      const hello = clearMessage({ type: CLIENT_HELLO, body: clientHello }, 0, 0);
      return Uint8Array.of(OP.datagram, hello.length >> 8, hello.length & 0xff, ...hello, OP.call << 2, OP.time << 2);
    }),
  ],
  run(input) {
    const watched = new Watched();
    const reader = new Reader(input);
    while (reader.remaining > 0) {
      const code = reader.uint8('operation');
      const from = ADDRESSES[(code & 3) % ADDRESSES.length]!;
      watched.do((code >> 2) % 6, from, () => block(reader));
    }
    watched.end();
  },
};

/** As many bytes as two bytes say, or as there are. */
function block(reader: Reader): Uint8Array {
  if (reader.remaining < 2) return reader.bytes(reader.remaining, 'block').slice();
  const length = reader.uint16('length');
  return reader.bytes(Math.min(length, reader.remaining), 'block').slice();
}
