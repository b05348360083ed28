// The client's Finished and the server's, whatever the key exchange was (RFC 5246 §7.4.9).

import {
  type Agreed,
  type Secrets,
  addOwnMessage,
  checkFinished,
  destroySecrets,
  finishedBody,
  inClear,
  ownMessage,
  resumableSession,
  unexpected,
} from './agreed.ts';
import type { Negotiated } from '../../lib/net/index.ts';
import type { FlightItem } from './flight.ts';
import type { HandshakeMessage } from './handshake-messages.ts';
import { HANDSHAKE_TYPE } from './handshake-messages.ts';
import type { Handshake, HandshakeState, SessionKept } from './handshake-state.ts';
import { Established } from './handshake-state.ts';
import type { ResumableSession } from './resumable-session.ts';
import { type NewSessionTicket, encodeNewSessionTicket } from './session-ticket.ts';

/** What the server knows once every message before ChangeCipherSpec has come. */
export interface ServerEnd {
  readonly agreed: Agreed;
  readonly secrets: Secrets;
  readonly negotiated: Negotiated;
  /** What it mostly means if no Finished authenticates. */
  readonly silence: string;
  /** Of the pre-shared key in use. */
  readonly keyFingerprint?: Uint8Array | undefined;
}

export class WaitChangeCipherSpec implements HandshakeState {
  readonly name = 'waiting for ChangeCipherSpec';
  readonly silence = "the rest of the client's flight does not come through";
  readonly #end: ServerEnd;

  constructor(end: ServerEnd) {
    this.#end = end;
  }

  handle(message: HandshakeMessage): HandshakeState {
    throw unexpected(message, this.name);
  }

  changeCipherSpec(handshake: Handshake): HandshakeState {
    handshake.protectReads(this.#end.secrets.client);
    return new WaitFinished(this.#end);
  }

  destroy(): void {
    destroySecrets(this.#end.secrets);
  }
}

class WaitFinished implements HandshakeState {
  readonly name = 'waiting for Finished';
  readonly silence: string;
  readonly #end: ServerEnd;

  constructor(end: ServerEnd) {
    this.#end = end;
    this.silence = end.silence;
  }

  handle(message: HandshakeMessage, handshake: Handshake): Established {
    const { agreed, secrets, negotiated } = this.#end;
    const { master, server } = secrets;
    checkFinished(message, finishedBody(handshake, agreed, master, 'client'), this.name);
    agreed.transcript.add(message.raw);
    const { ticket, kept } = this.#keepSession(handshake);
    const verify = finishedBody(handshake, agreed, master, 'server');
    master.fill(0);
    handshake.protectWrites(server);
    handshake.sendLastFlight([
      ...ticket,
      { kind: 'changeCipherSpec' },
      { kind: 'handshake', epoch: 1, message: ownMessage(handshake, HANDSHAKE_TYPE.finished, verify) },
    ]);
    return new Established(negotiated, kept);
  }

  /** In the client's hands, as a ticket to be sent; or in ours, by its id. */
  #keepSession(handshake: Handshake): {
    readonly ticket: readonly FlightItem[];
    readonly kept?: SessionKept | undefined;
  } {
    const { agreed } = this.#end;
    const sealed = agreed.resumable && agreed.ticket ? this.#seal(handshake) : undefined;
    const kept = agreed.resumable && sealed === undefined ? this.#keepById(handshake) : undefined;
    if (!agreed.ticket) return { ticket: [], kept };
    const body = encodeNewSessionTicket(sealed ?? { lifetimeHint: 0, ticket: new Uint8Array(0) }); // announced, so it must come
    return { ticket: [inClear(addOwnMessage(handshake, agreed, HANDSHAKE_TYPE.newSessionTicket, body))], kept };
  }

  #seal(handshake: Handshake): NewSessionTicket | undefined {
    const session = this.#session(handshake);
    const sealed = this.#end.agreed.resumption?.seal(session);
    session.master.fill(0);
    return sealed;
  }

  #keepById(handshake: Handshake): SessionKept | undefined {
    const { sessionId, resumption } = this.#end.agreed;
    if (resumption === undefined || sessionId.length === 0) return undefined;
    handshake.keep({ sessionId, ticket: undefined, session: this.#session(handshake) });
    return { sessionId, by: resumption };
  }

  #session(handshake: Handshake): ResumableSession {
    const { agreed, secrets, negotiated, keyFingerprint } = this.#end;
    return resumableSession(handshake, agreed, secrets.master, negotiated, keyFingerprint);
  }

  // Keys for reading are the record layer's by now.
  destroy(): void {
    this.#end.secrets.master.fill(0);
    this.#end.secrets.server.destroy();
  }
}
