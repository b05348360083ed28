// NewSessionTicket and its extension (RFC 5077 §3.2, §3.3).

import { Reader, Writer } from '../../lib/bytes/index.ts';
import { type Extension, EXTENSION_TYPE } from './extensions.ts';

export interface NewSessionTicket {
  /** Seconds for which the server takes it; 0: it does not say. */
  readonly lifetimeHint: number;
  /** Empty: the server has changed its mind (§3.3). */
  readonly ticket: Uint8Array;
}

/** @param ticket to resume with; empty asks for one (client), or announces one (server) */
export function sessionTicketExtension(ticket: Uint8Array = new Uint8Array(0)): Extension {
  return { type: EXTENSION_TYPE.sessionTicket, body: ticket };
}

/** @throws DecodeError */
export function decodeNewSessionTicket(body: Uint8Array): NewSessionTicket {
  const reader = new Reader(body);
  const lifetimeHint = reader.uint32('ticket_lifetime_hint');
  const ticket = reader.vector16('ticket');
  reader.end('NewSessionTicket');
  return { lifetimeHint, ticket };
}

export function encodeNewSessionTicket({ lifetimeHint, ticket }: NewSessionTicket): Uint8Array {
  return new Writer(6 + ticket.length).uint32(lifetimeHint).vector16(ticket).finish();
}
