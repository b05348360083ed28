// The stateless front of a server: no state, no public-key work and no amplification before an address has shown that
// it receives (RFC 6347 §4.2.1).

import type { CryptoProvider, HmacKey } from '../../lib/crypto/provider/provider.ts';
import { Reader, equalSecrets, utf8Encode } from '../../lib/bytes/index.ts';
import type { Endpoint } from '../../lib/net/index.ts';
import type { Duration, Instant, RandomSource } from '../../lib/runtime/index.ts';
import { seconds } from '../../lib/runtime/index.ts';
import type { ClientHello, HandshakeMessage } from './handshake-messages.ts';
import {
  HANDSHAKE_TYPE,
  decodeClientHello,
  decodeHandshakeFragment,
  encodeHelloVerifyRequest,
  handshakeMessage,
} from './handshake-messages.ts';
import type { DtlsRecord } from './record.ts';
import { CONTENT_TYPE, DTLS_1_0, DTLS_1_2, decodeRecord, encodePlaintextRecord } from './record.ts';

export interface CookieGateOptions {
  readonly provider: CryptoProvider;
  readonly random: RandomSource;
  /** How long a secret makes cookies; they are taken for up to twice as long. Default 60 s: no wait in a handshake is longer. */
  readonly rotation?: Duration | undefined;
}

/** A ClientHello whose sender has shown the cookie of its address: what a server connection is made from. */
export interface VerifiedHello {
  /** Views of `message`, which is a copy. */
  readonly hello: ClientHello;
  readonly message: HandshakeMessage;
  /** Of the record it came in; the server's records go on from it. */
  readonly recordSequence: number;
}

export type GateDropReason = 'notClientHello' | 'malformed' | 'fragmented' | 'amplifying';

export type CookieVerdict =
  | { readonly kind: 'reply'; readonly datagram: Uint8Array }
  | ({ readonly kind: 'verified' } & VerifiedHello)
  | { readonly kind: 'drop'; readonly reason: GateDropReason };

const SECRET_BYTES = 32;
const MAC_BYTES = 31; // with the generation before it, the 32 bytes that DTLS 1.0 allows
const MAX_HELLO_BYTES = 4096; // parsed for anybody, kept once verified: twice what the largest key shares need
const LAST_MESSAGE_SEQ = 15; // a client that is sent back with a new cookie that often is not in earnest

/** Judges what comes from addresses without a connection. Keeps two secrets and counters, nothing for any peer. */
export class CookieGate {
  readonly counters = { requests: 0, verified: 0, expired: 0, forged: 0, dropped: 0 };
  readonly #random: RandomSource;
  readonly #provider: CryptoProvider;
  readonly #rotation: number;
  #generation = -1;
  #current: HmacKey | undefined;
  #previous: HmacKey | undefined;

  constructor(options: CookieGateOptions) {
    this.#random = options.random;
    this.#provider = options.provider;
    this.#rotation = options.rotation ?? seconds(60);
  }

  /** Judges a datagram; only its first record counts. */
  inspect(datagram: Uint8Array, from: Endpoint, now: Instant): CookieVerdict {
    this.#rotate(now);
    const parsed = parseHello(datagram);
    if (typeof parsed === 'string') return this.#drop(parsed);
    const { hello, message } = parsed;
    const cookie = this.#cookie(this.#generation, from, message.body, hello);
    if (this.#accepts(hello, cookie, from, message.body)) {
      this.counters.verified++;
      return { kind: 'verified', ...parsed };
    }
    const reply = helloVerifyRequest(parsed, cookie);
    if (reply.length > datagram.length) return this.#drop('amplifying');
    this.counters.requests++;
    return { kind: 'reply', datagram: reply };
  }

  // A cookie that is not taken counts as none (RFC 6347 §4.2.1): the reply carries one that is.
  #accepts(hello: ClientHello, current: Uint8Array, from: Endpoint, body: Uint8Array): boolean {
    const { cookie } = hello;
    if (cookie.length === 0) return false;
    if (equalSecrets(cookie, current)) return true;
    const age = (this.#generation - cookie[0]!) & 0xff;
    if (age === 1 && this.#previous !== undefined) {
      if (equalSecrets(cookie, this.#cookie(this.#generation - 1, from, body, hello))) return true;
    }
    if (age === 0 || cookie.length !== current.length) this.counters.forged++;
    else this.counters.expired++;
    return false;
  }

  /** Generation, and a MAC over the address and the parameters that the second ClientHello must repeat. */
  #cookie(generation: number, from: Endpoint, body: Uint8Array, hello: ClientHello): Uint8Array {
    const key = generation === this.#generation ? this.#current! : this.#previous!;
    const beforeCookie = 2 + hello.random.length + 1 + hello.sessionId.length;
    const suites = beforeCookie + 1 + hello.cookie.length;
    const afterCompression = suites + 2 + 2 * hello.ciphersuites.length + 1 + hello.compressionMethods.length;
    const address = utf8Encode(`${from.address} ${from.port}\n`);
    const mac = key.mac(address, body.subarray(0, beforeCookie), body.subarray(suites, afterCompression));
    const cookie = new Uint8Array(1 + MAC_BYTES);
    cookie[0] = generation;
    cookie.set(mac.subarray(0, MAC_BYTES), 1);
    return cookie;
  }

  #rotate(now: Instant): void {
    const generation = Math.floor(now / this.#rotation);
    if (generation === this.#generation && this.#current !== undefined) return;
    this.#previous?.destroy();
    if (generation === this.#generation + 1) this.#previous = this.#current;
    else {
      this.#current?.destroy();
      this.#previous = undefined;
    }
    const secret = this.#random.bytes(SECRET_BYTES);
    this.#current = this.#provider.hmacKey('sha256', secret);
    secret.fill(0);
    this.#generation = generation;
  }

  #drop(reason: GateDropReason): CookieVerdict {
    this.counters.dropped++;
    return { kind: 'drop', reason };
  }
}

/** Whether a datagram begins with a ClientHello in the clear: what a listening endpoint shows its gate first. */
export function isClientHello(datagram: Uint8Array): boolean {
  return (
    datagram[0] === CONTENT_TYPE.handshake &&
    datagram[3] === 0 &&
    datagram[4] === 0 &&
    datagram[13] === HANDSHAKE_TYPE.clientHello
  );
}

const RANDOM_AT = 27; // behind record header, handshake header and client_version
const RANDOM_BYTES = 32;

/** The random of a datagram that `isClientHello`, as a view; shorter if the datagram is. */
export function helloRandom(datagram: Uint8Array): Uint8Array {
  return datagram.subarray(RANDOM_AT, RANDOM_AT + RANDOM_BYTES);
}

function parseHello(datagram: Uint8Array): VerifiedHello | GateDropReason {
  if (!isClientHello(datagram)) return 'notClientHello';
  try {
    const record = decodeRecord(new Reader(datagram));
    if (record.version >> 8 !== DTLS_1_2 >> 8) return 'malformed';
    return helloOf(record);
  } catch {
    return 'malformed';
  }
}

function helloOf(record: DtlsRecord): VerifiedHello | GateDropReason {
  const { type, messageSeq, length, bytes } = decodeHandshakeFragment(new Reader(record.fragment));
  if (bytes.length !== length) return 'fragmented'; // to put it together would be state
  if (messageSeq > LAST_MESSAGE_SEQ || length > MAX_HELLO_BYTES) return 'malformed';
  const message = handshakeMessage(type, messageSeq, bytes);
  return { hello: decodeClientHello(message.body), message, recordSequence: record.sequence };
}

// The numbers are those a server with memory would use: the client's, for it began both counts together with us.
function helloVerifyRequest(verified: VerifiedHello, cookie: Uint8Array): Uint8Array {
  const body = encodeHelloVerifyRequest({ version: DTLS_1_0, cookie }); // §4.2.1: DTLS 1.0 whatever will be agreed
  const message = handshakeMessage(HANDSHAKE_TYPE.helloVerifyRequest, verified.message.messageSeq, body);
  return encodePlaintextRecord({
    type: CONTENT_TYPE.handshake,
    version: DTLS_1_0,
    epoch: 0,
    sequence: verified.recordSequence,
    fragment: message.raw,
  });
}
