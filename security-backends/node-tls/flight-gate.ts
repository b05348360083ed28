// Holds back the flight that would complete a handshake until the peer has been judged. node:tls shows a peer's certificate
// when it is done; so what it wrote by then waits here, and a peer that is refused has got no Finished of ours, and no
// certificate either (RFC 8446 §4.4.4, RFC 5246 §7.4.9).

import { concatBytes } from '../../lib/bytes/index.ts';

const HEADER_BYTES = 5;
const TYPE = { changeCipherSpec: 20, alert: 21, handshake: 22 } as const;
const CLIENT_HELLO = 1;
const LEGACY_VERSION = 0x0303;

/** `wait`: what comes next tells. */
type Decision = 'pass' | 'wait' | 'hold';

/** What a client may send unjudged: hellos (a second one after a ChangeCipherSpec, RFC 8446 §D.4) and alerts. */
export function clientRecord(record: Uint8Array): Decision {
  const [type] = record;
  if (type === TYPE.alert || isClientHello(record)) return 'pass';
  return type === TYPE.changeCipherSpec ? 'wait' : 'hold';
}

/** What a server of TLS 1.2 may: all up to its ChangeCipherSpec. That of TLS 1.3 has said its Finished before it is shown anything. */
export function serverRecord(record: Uint8Array): Decision {
  return record[0] === TYPE.changeCipherSpec ? 'hold' : 'pass';
}

/** On the way out of one connection. */
export class FlightGate {
  readonly #decide: (record: Uint8Array) => Decision;
  readonly #held: () => void;
  #rest = new Uint8Array(0);
  #waiting: Uint8Array[] = [];
  #state: 'passing' | 'holding' | 'open' = 'passing';

  /** @param held told once, when the first record is held back */
  constructor(decide: (record: Uint8Array) => Decision, held: () => void) {
    this.#decide = decide;
    this.#held = held;
  }

  get isHolding(): boolean {
    return this.#state === 'holding';
  }

  /** Takes records in pieces of any size. @returns what may be sent now */
  take(bytes: Uint8Array): Uint8Array {
    if (this.#state === 'open') return bytes;
    const all = concatBytes(this.#rest, bytes);
    const passed: Uint8Array[] = [];
    let at = 0;
    for (let end = recordEnd(all, at); end <= all.length; end = recordEnd(all, at)) {
      passed.push(...this.#sort(all.subarray(at, end)));
      at = end;
    }
    this.#rest = all.slice(at);
    return concatBytes(...passed);
  }

  /** The peer is let in. @returns what was held back; from now on everything passes */
  open(): Uint8Array {
    const held = concatBytes(...this.#waiting, this.#rest);
    this.discard();
    return held;
  }

  /** The peer is not let in: what was held back is never sent. */
  discard(): void {
    this.#state = 'open';
    this.#waiting = [];
    this.#rest = new Uint8Array(0);
  }

  #sort(record: Uint8Array): readonly Uint8Array[] {
    const decision = this.#state === 'holding' ? 'hold' : this.#decide(record);
    this.#waiting.push(record);
    if (decision === 'pass') {
      const passed = this.#waiting;
      this.#waiting = [];
      return passed;
    }
    if (decision === 'hold' && this.#state === 'passing') {
      this.#state = 'holding';
      this.#held();
    }
    return [];
  }
}

/** Infinity while its header is not there. */
function recordEnd(bytes: Uint8Array, at: number): number {
  const body = at + HEADER_BYTES;
  if (body > bytes.length) return Number.POSITIVE_INFINITY;
  return body + ((bytes[at + 3]! << 8) | bytes[at + 4]!);
}

/** In the clear, and whole: what is encrypted has these bytes once in 2^48 times, and then the handshake goes on unjudged until it is done. */
function isClientHello(record: Uint8Array): boolean {
  const body = record.subarray(HEADER_BYTES);
  if (record[0] !== TYPE.handshake || body.length < 6 || body[0] !== CLIENT_HELLO) return false;
  const length = (body[1]! << 16) | (body[2]! << 8) | body[3]!;
  return length === body.length - 4 && ((body[4]! << 8) | body[5]!) === LEGACY_VERSION;
}
