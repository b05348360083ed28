// A client's sessions in its store, for resumption after a restart too (RFC 5246 §7.3, RFC 5077, RFC 8446 §4.6.1).

import { DecodeError, Reader, Writer, toHex } from '../../lib/bytes/index.ts';
import { type CryptoProvider, parseCertificate } from '../../lib/crypto/index.ts';
import {
  type SecurityVersion,
  type SessionPlace,
  type SessionStore,
  StoredSession,
  hashOfPlace,
} from '../../lib/net/index.ts';
import { type Environment, days } from '../../lib/runtime/index.ts';
import { VERSION_NUMBERS } from './constants.ts';
import type { Transport } from './library.ts';

/** What a client offers. */
export interface KeptSession {
  /** Milliseconds since 1970: until then. */
  readonly validUntil: number;
  readonly version: SecurityVersion;
  /** What the server showed when we first came to trust it, DER; empty with a pre-shared key. */
  readonly chain: readonly Uint8Array[];
  /** SSL_SESSION as OpenSSL writes it, DER. Secret. */
  readonly session: Uint8Array;
}

/** What is kept beside a session. */
export interface SessionFacts extends Pick<KeptSession, 'version' | 'chain'> {
  /** Milliseconds since 1970: no longer than that in any case. */
  readonly limit?: number | undefined;
}

const FORMAT = 1;
const LIFETIME = days(1); // OpenSSL heeds the server's own limit, which may be shorter
const KEY_DIGITS = 40; // hex: 160 bits of a hash
const HEADER_BYTES = 1 + 6 + 2 + 3 + 3;
const LONGEST_CHAIN = 10; // the most that a path may have

type VersionName = keyof typeof VERSION_NUMBERS;

/** As a new array, which holds the secret; its capacity is exact, so that growing leaves no copy behind. */
export function encodeKept({ validUntil, version, chain, session }: KeptSession): Uint8Array {
  const certificates = chain.reduce((sum, { length }) => sum + 3 + length, 0);
  const writer = new Writer(HEADER_BYTES + certificates + session.length).uint8(FORMAT).uint48(validUntil);
  writer.uint16(VERSION_NUMBERS[version as VersionName]);
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
  const number = reader.uint16('session version');
  const version = (Object.keys(VERSION_NUMBERS) as VersionName[]).find((name) => VERSION_NUMBERS[name] === number);
  if (version === undefined) throw new DecodeError('session version', 'one known here', `0x${number.toString(16)}`);
  const list = new Reader(reader.vector24('session certificates'));
  const chain: Uint8Array[] = [];
  while (list.remaining > 0) {
    if (chain.length === LONGEST_CHAIN) throw new DecodeError('session certificates', `${LONGEST_CHAIN}`, 'more');
    chain.push(list.vector24('session certificate').slice());
  }
  const session = reader.vector24('session').slice();
  reader.end('session');
  return { validUntil, version, chain, session };
}

/** One place of a store. What fails in the store is logged, and costs a full handshake. */
export class ClientSessions {
  readonly #stored: StoredSession;
  readonly #environment: Environment;

  /** @param transport the same host and port have UDP and TCP, and neither resumes what the other made */
  constructor(
    store: SessionStore,
    transport: Transport,
    place: SessionPlace,
    provider: Pick<CryptoProvider, 'hash'>,
    environment: Environment,
  ) {
    const key = `openssl-${transport}-${toHex(hashOfPlace(place, provider)).slice(0, KEY_DIGITS)}`;
    this.#stored = new StoredSession(store, key, environment.log);
    this.#environment = environment;
  }

  /** The session to offer, if there is one; its secret is the caller's. */
  async load(): Promise<KeptSession | undefined> {
    const bytes = await this.#stored.load();
    if (bytes === undefined) return undefined;
    try {
      const kept = decodeKept(bytes);
      // RFC 8446 §C.4 advises those who must not be recognised against showing a ticket twice. Our client names itself by its
      // endpoint, and not every server gives a new ticket for the old.
      if (this.#environment.clock.wallTime() < kept.validUntil) return kept;
      kept.session.fill(0);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#environment.log.warn({ reason: error.message }, 'the stored session cannot be used');
    }
    this.remove();
    return undefined;
  }

  /** Zeroes the session, of which the store has a copy of its own. A day, but no longer than the chain is valid. */
  save(session: Uint8Array, { version, chain, limit = Number.POSITIVE_INFINITY }: SessionFacts): void {
    const ends = endsOf(chain);
    if (ends === undefined) return void session.fill(0);
    const validUntil = Math.max(0, Math.min(this.#environment.clock.wallTime() + LIFETIME, limit, ...ends));
    this.#stored.save(encodeKept({ validUntil, version, chain, session }));
    session.fill(0);
  }

  /** RFC 5246 §7.2.2: what ended in an error must not be resumed. */
  remove(): void {
    this.#stored.remove();
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
