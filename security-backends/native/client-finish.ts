// The client's Finished and the server's, whatever the key exchange was (RFC 5246 §7.4.9), with the ticket that may come
// between them (RFC 5077 §3.3).

import {
  type Agreed,
  type Secrets,
  addOwnMessage,
  checkFinished,
  expectType,
  finishedBody,
  resumableSession,
  unexpected,
} from './agreed.ts';
import type { Negotiated } from '../../lib/net/index.ts';
import type { FlightItem } from './flight.ts';
import type { HandshakeMessage } from './handshake-messages.ts';
import { HANDSHAKE_TYPE } from './handshake-messages.ts';
import type { Handshake, HandshakeState } from './handshake-state.ts';
import { Established } from './handshake-state.ts';
import type { Protection } from './record-protection.ts';
import type { OfferedSession, ResumableSession } from './resumable-session.ts';
import { decodeNewSessionTicket } from './session-ticket.ts';

/** What the client's last flight is made from. */
export interface ClientEnd {
  readonly secrets: Secrets;
  /** Before ChangeCipherSpec; in the transcript already. */
  readonly items: readonly FlightItem[];
  readonly negotiated: Negotiated;
  /** What it mostly means if the server does not answer. */
  readonly silence: string;
  /** Of the pre-shared key in use. */
  readonly keyFingerprint?: Uint8Array | undefined;
}

const NO_BYTES = new Uint8Array(0);
const MAX_TICKET_BYTES = 4_096; // OpenSSL's are 200 bytes, with a client's certificate some 1,500; longer ones are not kept

/** Sends the client's last flight. */
export function finishClient(handshake: Handshake, agreed: Agreed, end: ClientEnd): HandshakeState {
  const { secrets, negotiated, silence, keyFingerprint } = end;
  const { master, client, server } = secrets;
  const verify = finishedBody(handshake, agreed, master, 'client');
  const finished = addOwnMessage(handshake, agreed, HANDSHAKE_TYPE.finished, verify);
  handshake.protectWrites(client);
  handshake.sendFlight([
    ...end.items,
    { kind: 'changeCipherSpec' },
    { kind: 'handshake', epoch: 1, message: finished },
  ]);
  const session = agreed.resumable
    ? resumableSession(handshake, agreed, master, negotiated, keyFingerprint)
    : undefined;
  const rest: Rest = { agreed, negotiated, reads: server, silence, session };
  if (agreed.ticket) return new WaitNewSessionTicket(rest, master);
  return waitChangeCipherSpec(handshake, rest, master, undefined);
}

/** What is left to do once our Finished is on its way. */
interface Rest {
  readonly agreed: Agreed;
  readonly negotiated: Negotiated;
  readonly reads: Protection;
  readonly silence: string;
  /** To be kept, if somebody keeps sessions. */
  readonly session: ResumableSession | undefined;
}

class WaitNewSessionTicket implements HandshakeState {
  readonly name = 'waiting for NewSessionTicket';
  readonly silence: string;
  readonly #rest: Rest;
  readonly #master: Uint8Array;

  constructor(rest: Rest, master: Uint8Array) {
    this.#rest = rest;
    this.#master = master;
    this.silence = rest.silence;
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    const ticket = ticketOf(message, this.name);
    this.#rest.agreed.transcript.add(message.raw);
    return waitChangeCipherSpec(handshake, this.#rest, this.#master, ticket);
  }

  destroy(): void {
    this.#master.fill(0);
    this.#rest.reads.destroy();
    this.#rest.session?.master.fill(0);
  }
}

function waitChangeCipherSpec(
  handshake: Handshake,
  { agreed, negotiated, reads, silence, session }: Rest,
  master: Uint8Array,
  ticket: Uint8Array | undefined,
): HandshakeState {
  const expected = finishedBody(handshake, agreed, master, 'server');
  master.fill(0);
  return new WaitChangeCipherSpec({ negotiated, kept: keptSession(agreed, session, ticket), expected }, reads, silence);
}

/** The ticket that a message brings; empty, or too long to be kept: undefined. @throws HandshakeRefusal, DecodeError */
export function ticketOf(message: HandshakeMessage, stateName: string): Uint8Array | undefined {
  expectType(message, HANDSHAKE_TYPE.newSessionTicket, stateName);
  const { ticket } = decodeNewSessionTicket(message.body);
  return ticket.length === 0 || ticket.length > MAX_TICKET_BYTES ? undefined : ticket.slice();
}

/** By its ticket, or else by its id; undefined, and zeroed, if it has neither. */
export function keptSession(
  { sessionId }: Pick<Agreed, 'sessionId'>,
  session: ResumableSession | undefined,
  ticket: Uint8Array | undefined,
): OfferedSession | undefined {
  if (session === undefined) return undefined;
  if (ticket !== undefined) return { sessionId: NO_BYTES, ticket, session };
  if (sessionId.length > 0) return { sessionId: sessionId.slice(), ticket: undefined, session };
  session.master.fill(0);
  return undefined;
}

/** What the server's Finished leads to. */
interface Ending {
  readonly negotiated: Negotiated;
  readonly kept: OfferedSession | undefined;
  /** Its verify_data. */
  readonly expected: Uint8Array;
}

class WaitChangeCipherSpec implements HandshakeState {
  readonly name = 'waiting for ChangeCipherSpec';
  readonly silence: string;
  readonly #ending: Ending;
  readonly #reads: Protection;

  constructor(ending: Ending, reads: Protection, silence: string) {
    this.#ending = ending;
    this.#reads = reads;
    this.silence = silence;
  }

  handle(message: HandshakeMessage): HandshakeState {
    throw unexpected(message, this.name);
  }

  changeCipherSpec(handshake: Handshake): HandshakeState {
    handshake.protectReads(this.#reads);
    return new WaitFinished(this.#ending);
  }

  destroy(): void {
    this.#reads.destroy();
    this.#ending.kept?.session.master.fill(0);
  }
}

class WaitFinished implements HandshakeState {
  readonly name = 'waiting for Finished';
  readonly silence = "the server's Finished does not come through, or does not authenticate";
  readonly #ending: Ending;

  constructor(ending: Ending) {
    this.#ending = ending;
  }

  handle(message: HandshakeMessage, handshake: Handshake): Established {
    const { negotiated, kept, expected } = this.#ending;
    checkFinished(message, expected, this.name);
    if (kept !== undefined) handshake.keep(kept);
    return new Established(negotiated);
  }

  destroy(): void {
    this.#ending.kept?.session.master.fill(0);
  }
}
