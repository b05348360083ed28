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
import type { Handshake, HandshakeState } from './handshake-state.ts';
import { Established } from './handshake-state.ts';
import { encodeNewSessionTicket } from './session-ticket.ts';

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
    const ticket = this.#keepSession(handshake);
    const verify = finishedBody(handshake, agreed, master, 'server');
    master.fill(0);
    handshake.protectWrites(server);
    handshake.sendLastFlight([
      ...ticket,
      { kind: 'changeCipherSpec' },
      { kind: 'handshake', epoch: 1, message: ownMessage(handshake, HANDSHAKE_TYPE.finished, verify) },
    ]);
    return new Established(negotiated);
  }

  /** In the client's hands, as a ticket to be sent; or in ours, by its id. */
  #keepSession(handshake: Handshake): readonly FlightItem[] {
    const { agreed, secrets, negotiated, keyFingerprint } = this.#end;
    if (!agreed.resumable) return [];
    const session = resumableSession(handshake, agreed, secrets.master, negotiated, keyFingerprint);
    const sealed = agreed.ticket ? agreed.seal?.(session) : undefined;
    if (sealed !== undefined || agreed.sessionId.length === 0) session.master.fill(0);
    else handshake.keep({ sessionId: agreed.sessionId, ticket: undefined, session });
    if (!agreed.ticket) return [];
    const body = encodeNewSessionTicket(sealed ?? { lifetimeHint: 0, ticket: new Uint8Array(0) }); // announced, so it must come
    return [inClear(addOwnMessage(handshake, agreed, HANDSHAKE_TYPE.newSessionTicket, body))];
  }

  // Keys for reading are the record layer's by now.
  destroy(): void {
    this.#end.secrets.master.fill(0);
    this.#end.secrets.server.destroy();
  }
}
