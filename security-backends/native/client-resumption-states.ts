// The client of an abbreviated handshake (RFC 5246 §7.3, RFC 5077 §3.1): the server's Finished comes first, ours is the
// last flight.

import {
  type Agreed,
  type Secrets,
  checkFinished,
  destroySecrets,
  finishedBody,
  negotiatedOf,
  ownMessage,
  resumedSecrets,
  unexpected,
} from './agreed.ts';
import { ALERT, HandshakeRefusal } from './alerts.ts';
import { keptSession, ticketOf } from './client-finish.ts';
import type { HandshakeMessage } from './handshake-messages.ts';
import { HANDSHAKE_TYPE } from './handshake-messages.ts';
import type { Handshake, HandshakeState } from './handshake-state.ts';
import { Established } from './handshake-state.ts';
import type { OfferedSession, ResumableSession } from './resumable-session.ts';

const SILENCE = 'the server took the session up and does not go on: its secret may be another';

/** The server has taken up the session we offered, whose secret is the state's from here on. @throws HandshakeRefusal if it agrees on other terms than before */
export function resumeClient(handshake: Handshake, agreed: Agreed, { session }: OfferedSession): HandshakeState {
  if (agreed.suite.id !== session.ciphersuite) {
    throw new HandshakeRefusal(ALERT.illegalParameter, 'cipher_suite: not that of the session resumed');
  }
  if (!agreed.extendedMasterSecret) {
    throw new HandshakeRefusal(ALERT.handshakeFailure, 'extended_master_secret: not as in the session resumed'); // RFC 7627 §5.3
  }
  handshake.note('identity', 'the server resumed the session we offered');
  const resumed: Resumed = { agreed, session, secrets: resumedSecrets(handshake, agreed, session.master) };
  return agreed.ticket ? new WaitNewSessionTicket(resumed) : new WaitChangeCipherSpec(resumed, undefined);
}

interface Resumed {
  readonly agreed: Agreed;
  readonly session: ResumableSession;
  readonly secrets: Secrets;
}

function forget({ session, secrets }: Resumed): void {
  session.master.fill(0);
  destroySecrets(secrets);
}

class WaitNewSessionTicket implements HandshakeState {
  readonly name = 'waiting for NewSessionTicket';
  readonly silence = SILENCE;
  readonly #resumed: Resumed;

  constructor(resumed: Resumed) {
    this.#resumed = resumed;
  }

  handle(message: HandshakeMessage): HandshakeState {
    const ticket = ticketOf(message, this.name);
    this.#resumed.agreed.transcript.add(message.raw);
    return new WaitChangeCipherSpec(this.#resumed, ticket);
  }

  destroy(): void {
    forget(this.#resumed);
  }
}

class WaitChangeCipherSpec implements HandshakeState {
  readonly name = 'waiting for ChangeCipherSpec';
  readonly silence = SILENCE;
  readonly #resumed: Resumed;
  readonly #ticket: Uint8Array | undefined;

  constructor(resumed: Resumed, ticket: Uint8Array | undefined) {
    this.#resumed = resumed;
    this.#ticket = ticket;
  }

  handle(message: HandshakeMessage): HandshakeState {
    throw unexpected(message, this.name);
  }

  changeCipherSpec(handshake: Handshake): HandshakeState {
    handshake.protectReads(this.#resumed.secrets.server);
    return new WaitFinished(this.#resumed, this.#ticket);
  }

  destroy(): void {
    forget(this.#resumed);
  }
}

class WaitFinished implements HandshakeState {
  readonly name = 'waiting for Finished';
  readonly silence = SILENCE;
  readonly #resumed: Resumed;
  readonly #ticket: Uint8Array | undefined;

  constructor(resumed: Resumed, ticket: Uint8Array | undefined) {
    this.#resumed = resumed;
    this.#ticket = ticket;
  }

  handle(message: HandshakeMessage, handshake: Handshake): Established {
    const { agreed, session, secrets } = this.#resumed;
    const { master, client } = secrets;
    checkFinished(message, finishedBody(handshake, agreed, master, 'server'), this.name);
    agreed.transcript.add(message.raw);
    const verify = finishedBody(handshake, agreed, master, 'client');
    master.fill(0);
    handshake.protectWrites(client);
    handshake.sendLastFlight([
      { kind: 'changeCipherSpec' },
      { kind: 'handshake', epoch: 1, message: ownMessage(handshake, HANDSHAKE_TYPE.finished, verify) },
    ]);
    this.#keep(handshake);
    session.master.fill(0);
    return new Established({ ...negotiatedOf(agreed, session.identification), resumed: true });
  }

  // Keys for reading are the record layer's by now.
  destroy(): void {
    this.#resumed.session.master.fill(0);
    this.#resumed.secrets.master.fill(0);
    this.#resumed.secrets.client.destroy();
  }

  /** With a new ticket there is a new name for the same session; else what is kept stays good. */
  #keep(handshake: Handshake): void {
    if (this.#ticket === undefined) return;
    const { agreed, session } = this.#resumed;
    const again = keptSession(agreed, { ...session, master: session.master.slice() }, this.#ticket);
    if (again !== undefined) handshake.keep(again);
  }
}
