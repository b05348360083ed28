// How a server makes sessions resumable: tickets where the client takes them, else ids for sessions it keeps itself.

import { toHex } from '../../lib/bytes/index.ts';
import type { CryptoProvider } from '../../lib/crypto/provider/provider.ts';
import { type Duration, type Environment, seconds } from '../../lib/runtime/index.ts';
import type { OfferedSession, ResumableSession } from './resumable-session.ts';
import type { ServerResumption } from './server-offer.ts';
import type { NewSessionTicket } from './session-ticket.ts';
import { TicketKeys } from './ticket-keys.ts';

export interface ResumptionSettings {
  readonly tickets: boolean;
  readonly sessionIds: boolean;
  /** How long after its full handshake a session can be resumed. */
  readonly lifetime: Duration;
  /** Sessions kept by id; the oldest gives way. */
  readonly maxSessions: number;
}

const ID_BYTES = 32;
const LONGEST_TICKET = 640; // with it a hello still fits one datagram; a client with a long chain has an id instead
const SESSION_ID_LIFETIME_UNIT = seconds(1);

/** One for all connections of a server. */
export class SessionResumption implements ServerResumption {
  readonly tickets: boolean;
  readonly #settings: ResumptionSettings;
  readonly #environment: Environment;
  readonly #keys: TicketKeys;
  /** By the hex of their ids, the oldest first. */
  readonly #sessions = new Map<string, ResumableSession>();

  constructor(settings: ResumptionSettings, provider: CryptoProvider, environment: Environment) {
    this.#settings = settings;
    this.#environment = environment;
    this.tickets = settings.tickets;
    this.#keys = new TicketKeys({ provider, random: environment.random, lifetime: settings.lifetime });
  }

  newSessionId(): Uint8Array {
    return this.#settings.sessionIds ? this.#environment.random.bytes(ID_BYTES) : new Uint8Array(0);
  }

  seal(session: ResumableSession): NewSessionTicket | undefined {
    const limited = this.#limited(session);
    const left = limited.validUntil - this.#wallTime;
    if (left <= 0) return undefined;
    const ticket = this.#keys.seal(limited, this.#environment.clock.now());
    if (ticket.length > LONGEST_TICKET) return undefined;
    return { lifetimeHint: Math.ceil(left / SESSION_ID_LIFETIME_UNIT), ticket };
  }

  /** Takes a session into keeping, with its secret. */
  keep({ sessionId, session }: OfferedSession): void {
    for (const [id, oldest] of this.#sessions) {
      if (this.#sessions.size < this.#settings.maxSessions) break;
      this.#forget(id, oldest);
    }
    this.#sessions.set(toHex(sessionId), this.#limited(session));
  }

  /** A copy of the session that is named, if it can still be resumed; its secret is the caller's. */
  find(sessionId: Uint8Array, ticket: Uint8Array | undefined): ResumableSession | undefined {
    const session = ticket === undefined ? this.#kept(toHex(sessionId)) : this.#opened(ticket);
    if (session === undefined || this.#wallTime < session.validUntil) return session;
    session.master.fill(0);
    return undefined;
  }

  forget(sessionId: Uint8Array): void {
    const id = toHex(sessionId);
    const session = this.#sessions.get(id);
    if (session !== undefined) this.#forget(id, session);
  }

  /** Zeroes everything. */
  destroy(): void {
    this.#keys.destroy();
    for (const [id, session] of this.#sessions) this.#forget(id, session);
  }

  #opened(ticket: Uint8Array): ResumableSession | undefined {
    return this.tickets ? this.#keys.open(ticket, this.#environment.clock.now()) : undefined;
  }

  #kept(id: string): ResumableSession | undefined {
    const session = this.#sessions.get(id);
    return session && { ...session, master: session.master.slice() };
  }

  #forget(id: string, { master }: ResumableSession): void {
    master.fill(0);
    this.#sessions.delete(id);
  }

  /** The first time a session is kept sets its end. */
  #limited(session: ResumableSession): ResumableSession {
    return session.validUntil > 0 ? session : { ...session, validUntil: this.#wallTime + this.#settings.lifetime };
  }

  get #wallTime(): number {
    return this.#environment.clock.wallTime();
  }
}
