// A client's sessions in its store, for resumption after a restart too (RFC 5077, RFC 8446 §4.6.1).

import { DecodeError, Reader, Writer, copyBytes, toHex } from '../../lib/bytes/index.ts';
import { type CryptoProvider, parseCertificate } from '../../lib/crypto/index.ts';
import { type SessionPlace, type SessionStore, StoredSession, hashOfPlace } from '../../lib/net/index.ts';
import { type Environment, days } from '../../lib/runtime/index.ts';

/** What a client offers. */
export interface KeptSession {
  /** Milliseconds since 1970: until then. */
  readonly validUntil: number;
  /** What the server showed when we first came to trust it, DER; empty with a shared key. */
  readonly chain: readonly Uint8Array[];
  /** As node:tls gives and takes it. Secret. */
  readonly session: Uint8Array;
}

const FORMAT = 1;
const LIFETIME = days(1); // OpenSSL heeds the server's own limit, which may be shorter
const KEY_DIGITS = 40; // hex: 160 bits of a hash
const LONGEST_CHAIN = 10;

/** As a new array, which holds the secret; its capacity is exact, so that growing leaves no copy behind. */
export function encodeKept({ validUntil, chain, session }: KeptSession): Uint8Array {
  const certificates = chain.reduce((sum, { length }) => sum + 3 + length, 0);
  const writer = new Writer(1 + 6 + 3 + certificates + 3 + session.length);
  writer.uint8(FORMAT).uint48(validUntil);
  writer.vector24((list) => {
    for (const each of chain) list.vector24(each);
  });
  return writer.vector24(session).finish();
}

/** Everything copied. @throws DecodeError */
export function decodeKept(bytes: Uint8Array): KeptSession {
  const reader = new Reader(bytes);
  const format = reader.uint8('session format');
  if (format !== FORMAT) throw new DecodeError('session format', `${FORMAT}`, `${format}`, 0);
  const validUntil = reader.uint48('session validUntil');
  const list = new Reader(reader.vector24('session certificates'));
  const chain: Uint8Array[] = [];
  while (list.remaining > 0) {
    if (chain.length === LONGEST_CHAIN) throw new DecodeError('session certificates', `${LONGEST_CHAIN}`, 'more');
    chain.push(copyBytes(list.vector24('session certificate')));
  }
  const session = copyBytes(reader.vector24('session'));
  reader.end('session');
  return { validUntil, chain, session };
}

/** One place of a store. What fails in the store is logged, and costs a full handshake. */
export class ClientSessions {
  readonly #environment: Environment;
  readonly #session: StoredSession;

  constructor(
    store: SessionStore,
    place: SessionPlace,
    provider: Pick<CryptoProvider, 'hash'>,
    environment: Environment,
  ) {
    this.#environment = environment;
    const key = `tls-${toHex(hashOfPlace(place, provider)).slice(0, KEY_DIGITS)}`;
    this.#session = new StoredSession(store, key, environment.log);
  }

  /** The session to offer, if there is one; its secret is the caller's. */
  async load(): Promise<KeptSession | undefined> {
    const bytes = await this.#session.load();
    if (bytes === undefined) return undefined;
    try {
      const kept = decodeKept(bytes);
      if (this.#environment.clock.wallTime() < kept.validUntil) {
        return kept; // and keep it: OpenSSL gives no new ticket to who shows one (RFC 8446 §C.4 would have two)
      }
      kept.session.fill(0);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#environment.log.warn({ reason: error.message }, 'the stored session cannot be used');
    }
    this.remove();
    return undefined;
  }

  /** Zeroes the session, of which the store has a copy of its own. A day, but no longer than the chain is valid. */
  save(session: Uint8Array, chain: readonly Uint8Array[]): void {
    const ends = endsOf(chain);
    if (ends === undefined) return void session.fill(0);
    const validUntil = Math.max(0, Math.min(this.#environment.clock.wallTime() + LIFETIME, ...ends));
    this.#session.save(encodeKept({ validUntil, chain, session }));
    session.fill(0);
  }

  /** What ended in an error must not be resumed (RFC 5246 §7.2.2). */
  remove(): void {
    this.#session.remove();
  }
}

/** When each certificate ceases to be valid; undefined for a chain that cannot be kept: nobody may have looked at all of it. */
function endsOf(chain: readonly Uint8Array[]): readonly number[] | undefined {
  if (chain.length > LONGEST_CHAIN) return undefined;
  try {
    return chain.map((der) => parseCertificate(der).notAfter);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
