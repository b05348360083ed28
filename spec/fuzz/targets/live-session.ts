// Sessions that another process goes on with: their state as bytes, and records that come to them, with connection ids.

import { Reader, equalBytes } from '../../../lib/bytes/index.ts';
import { SocketError } from '../../../lib/net/index.ts';
import { LiveConnection } from '../../../security-backends/native/live-connection.ts';
import { type LiveState, decodeLiveState, encodeLiveState } from '../../../security-backends/native/live-state.ts';
import { NOW } from '../recordings.ts';
import { type FuzzTarget, orDecodeError, promise } from '../target.ts';
import { toyProvider, toyRandom } from '../toy-provider.ts';

const MTU = 1_232;
const SUITE = 0xc0a8;
const TAG_BYTES = 8;
const NONCE_BYTES = 8;
const BLOCK = 4;

/** What a connection goes on from; each kind of id in turn. */
function stateOf(choice: number): LiveState {
  const own = new Uint8Array([0, 1, 6, 32][choice & 3]!).fill(0x11);
  const peer = new Uint8Array([0, 8][(choice >> 2) & 1]!).fill(0x22);
  return {
    role: (choice & 8) === 0 ? 'client' : 'server',
    randoms: { client: new Uint8Array(32).fill(1), server: new Uint8Array(32).fill(2) },
    connectionIds: (choice & 16) === 0 ? { own, peer, padding: [1, 16][(choice >> 5) & 1]! } : undefined,
    limits: { clear: 16_384, send: 16_384, receive: 16_384 },
    alpn: (choice & 64) === 0 ? undefined : 'coap',
    unreserved: 300,
    window: { newest: 70, high: 0x8000_0001, low: 0xffff_0001 },
    session: {
      credential: 'psk',
      ciphersuite: SUITE,
      extendedMasterSecret: true,
      master: new Uint8Array(48).fill(3),
      serverName: undefined,
      identification: {},
      keyFingerprint: new Uint8Array(0),
      validUntil: 0,
    },
  };
}

/** A connection that goes on, with what it may do whatever its peer does. */
class Watched {
  readonly connection: LiveConnection;
  #written = 0;
  #delivered = 0;
  #closed = false;

  /** @throws SocketError ENOTSUP for a state of another suite or credential */
  constructor(state: LiveState) {
    this.connection = new LiveConnection(
      {
        mtu: MTU,
        provider: toyProvider,
        random: toyRandom,
        credential: 'psk',
        ciphersuites: [SUITE],
        live: { block: BLOCK, write: (written) => this.#write(written) },
      },
      state,
    );
    this.connection.start(NOW);
    promise(this.#poll() === 0 && this.#written === 1, 'whoever goes on says nothing, and writes that he does');
  }

  /** Twice: what was heard once is not heard again. */
  feed(datagram: Uint8Array): void {
    const before = this.#written;
    this.connection.handleDatagram(datagram, NOW);
    this.#poll();
    promise(this.#delivered === 0 || this.#written > before, 'written before it is given out');
    this.connection.handleDatagram(datagram, NOW);
    this.#delivered = 0;
    this.#poll();
    promise(this.#delivered === 0, 'nothing is heard twice');
  }

  /** The largest message leaves in one datagram. */
  send(): void {
    if (this.#closed) return;
    const { innerMtu } = this.connection;
    try {
      this.connection.send(new Uint8Array(innerMtu));
    } catch (error) {
      // Its numbers are used up, or the state says that the peer takes less than a record's least.
      if (!(error instanceof SocketError) || !['EPIPE', 'EMSGSIZE'].includes(error.code)) throw error;
    }
    this.#poll();
  }

  #write(state: LiveState): void {
    this.#written++;
    const bytes = encodeLiveState(state);
    promise(equalBytes(encodeLiveState(decodeLiveState(bytes)), bytes), 'what is written can be read');
  }

  /** @returns how many datagrams went out */
  #poll(): number {
    let datagrams = 0;
    for (let output = this.connection.poll(); output !== undefined; output = this.connection.poll()) {
      promise(!this.#closed, 'nothing comes after closed');
      if (output.kind === 'transmit') {
        datagrams++;
        promise(output.datagram.length <= MTU, 'a datagram fits the mtu');
      } else if (output.kind === 'data') this.#delivered++;
      else if (output.kind === 'closed') this.#closed = true;
      else promise(output.kind === 'connected' || output.kind === 'alert', `${output.kind} is for handshakes`);
    }
    return datagrams;
  }
}

/** A protected record as the toy provider seals it; with an id of the type that has one. */
function record(id: Uint8Array, type: number, sequence: number, inner: Uint8Array): Uint8Array {
  const length = NONCE_BYTES + inner.length + TAG_BYTES;
  const header = [type, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, sequence >> 8, sequence & 0xff];
  const sealed = new Uint8Array(length);
  sealed.set(inner, NONCE_BYTES);
  return Uint8Array.of(...header, ...id, length >> 8, length & 0xff, ...sealed);
}

const asBlock = (bytes: Uint8Array): number[] => [bytes.length >> 8, bytes.length & 0xff, ...bytes];

/** The first byte chooses ids, role and padding; then datagrams, each with its length. */
export const connectionIds: FuzzTarget = {
  name: 'connection-ids',
  maxBytes: 700,
  seeds: () =>
    [0, 1, 2, 3, 4, 7, 10, 16, 34].flatMap((choice) => {
      const own = stateOf(choice).connectionIds?.own ?? new Uint8Array(0);
      const type = own.length > 0 ? 25 : 23;
      const inners = [[65, 66, 23, 0, 0], [23], [0, 0, 0], [1, 0, 21], [2, 40, 21], [65, 25], []];
      return inners.map((inner) =>
        Uint8Array.of(
          choice,
          ...asBlock(
            Uint8Array.of(
              ...record(own, type, 71, Uint8Array.from(inner)),
              ...record(own, type, 9, Uint8Array.from(inner)),
            ),
          ),
          ...asBlock(record(own, 23, 72, Uint8Array.from(inner))),
        ),
      );
    }),
  run(input) {
    const reader = new Reader(input);
    if (reader.remaining < 1) return;
    const watched = new Watched(stateOf(reader.uint8('choice')));
    while (reader.remaining >= 2) {
      const length = reader.uint16('length');
      watched.feed(reader.bytes(Math.min(length, reader.remaining), 'datagram'));
      watched.send();
    }
  },
};

/** A state as bytes: refused, or good for a connection. */
export const liveState: FuzzTarget = {
  name: 'live-state',
  maxBytes: 700,
  seeds: () => [0, 6, 16, 34, 75].map((choice) => encodeLiveState(stateOf(choice))),
  run(input) {
    const state = orDecodeError(() => decodeLiveState(input));
    if (state === undefined) return;
    const bytes = encodeLiveState(state);
    promise(equalBytes(encodeLiveState(decodeLiveState(bytes)), bytes), 'what was read can be written and read');
    try {
      const watched = new Watched(state);
      for (let i = 0; i <= BLOCK; i++) watched.send();
    } catch (error) {
      if (!(error instanceof SocketError) || error.code !== 'ENOTSUP') throw error;
    }
  },
};
