// Tickets of a server (RFC 5077 §4): sessions sealed under keys that only the server has, and that change.

import { equalBytes } from '../../lib/bytes/index.ts';
import type { Aead, CryptoProvider } from '../../lib/crypto/provider/provider.ts';
import { type Duration, type Instant, type RandomSource, later } from '../../lib/runtime/index.ts';
import { type ResumableSession, decodeSession, encodeSession } from './resumable-session.ts';

const NAME_BYTES = 16;
const NONCE_BYTES = 12;
const COUNTER_BYTES = 8;
const MAX_TICKET_BYTES = 8_192; // ours with a long chain; what is longer is nobody's

interface TicketKey {
  readonly name: Uint8Array;
  readonly aead: Aead;
  /** Random, so that two processes that share nothing share no nonce either. */
  readonly prefix: Uint8Array;
  readonly since: Instant;
  counter: number;
}

export interface TicketKeysOptions {
  readonly provider: CryptoProvider;
  readonly random: RandomSource;
  /** How long a ticket is taken. A key seals for that long, and opens for twice as long. */
  readonly lifetime: Duration;
}

/** Key name, nonce, and the session sealed by AES-128-GCM. */
export class TicketKeys {
  readonly #options: TicketKeysOptions;
  /** The newest first. */
  #keys: readonly TicketKey[] = [];

  constructor(options: TicketKeysOptions) {
    this.#options = options;
  }

  seal(session: ResumableSession, now: Instant): Uint8Array {
    const key = this.#current(now);
    const nonce = new Uint8Array(NONCE_BYTES);
    nonce.set(key.prefix);
    new DataView(nonce.buffer).setBigUint64(NONCE_BYTES - COUNTER_BYTES, BigInt(key.counter++));
    const plaintext = encodeSession(session);
    const sealed = key.aead.seal(nonce, key.name, plaintext);
    plaintext.fill(0);
    const ticket = new Uint8Array(NAME_BYTES + NONCE_BYTES + sealed.length);
    ticket.set(key.name);
    ticket.set(nonce, NAME_BYTES);
    ticket.set(sealed, NAME_BYTES + NONCE_BYTES);
    return ticket;
  }

  /** The session, whose secret is the caller's; undefined for whatever is no ticket of ours. */
  open(ticket: Uint8Array, now: Instant): ResumableSession | undefined {
    if (ticket.length < NAME_BYTES + NONCE_BYTES || ticket.length > MAX_TICKET_BYTES) return undefined;
    this.#forgetOld(now);
    const key = this.#keys.find(({ name }) => equalBytes(name, ticket.subarray(0, NAME_BYTES)));
    const nonce = ticket.subarray(NAME_BYTES, NAME_BYTES + NONCE_BYTES);
    const plaintext = key?.aead.open(nonce, key.name, ticket.subarray(NAME_BYTES + NONCE_BYTES));
    if (plaintext === undefined) return undefined;
    const session = decodeSession(plaintext);
    plaintext.fill(0);
    return session;
  }

  /** Zeroes the keys: no ticket is taken after this. */
  destroy(): void {
    for (const { aead } of this.#keys) aead.destroy();
    this.#keys = [];
  }

  #current(now: Instant): TicketKey {
    this.#forgetOld(now);
    const { provider, random, lifetime } = this.#options;
    const [newest] = this.#keys;
    if (newest !== undefined && now < later(newest.since, lifetime)) return newest;
    const secret = random.bytes(16);
    const prefix = random.bytes(NONCE_BYTES - COUNTER_BYTES);
    const fresh = {
      name: random.bytes(NAME_BYTES),
      aead: provider.aead('aes-128-gcm', secret),
      prefix,
      since: now,
      counter: 0,
    };
    secret.fill(0);
    this.#keys = [fresh, ...this.#keys];
    return fresh;
  }

  #forgetOld(now: Instant): void {
    const isOld = ({ since }: TicketKey): boolean => now >= later(since, 2 * this.#options.lifetime);
    if (!this.#keys.some(isOld)) return;
    for (const key of this.#keys) if (isOld(key)) key.aead.destroy();
    this.#keys = this.#keys.filter((key) => !isOld(key));
  }
}
