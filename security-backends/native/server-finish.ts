// The client's Finished and the server's, whatever the key exchange was (RFC 5246 §7.4.9).

import {
  type Agreed,
  type Secrets,
  checkFinished,
  destroySecrets,
  finishedBody,
  ownMessage,
  unexpected,
} from './agreed.ts';
import type { Negotiated } from '../../lib/net/index.ts';
import type { HandshakeMessage } from './handshake-messages.ts';
import { HANDSHAKE_TYPE } from './handshake-messages.ts';
import type { Handshake, HandshakeState } from './handshake-state.ts';
import { Established } from './handshake-state.ts';

/** What the server knows once every message before ChangeCipherSpec has come. */
export interface ServerEnd {
  readonly agreed: Agreed;
  readonly secrets: Secrets;
  readonly negotiated: Negotiated;
  /** What it mostly means if no Finished authenticates. */
  readonly silence: string;
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
    const verify = finishedBody(handshake, agreed, master, 'server');
    master.fill(0);
    handshake.protectWrites(server);
    handshake.sendLastFlight([
      { kind: 'changeCipherSpec' },
      { kind: 'handshake', epoch: 1, message: ownMessage(handshake, HANDSHAKE_TYPE.finished, verify) },
    ]);
    return new Established(negotiated);
  }

  // Keys for reading are the record layer's by now.
  destroy(): void {
    this.#end.secrets.master.fill(0);
    this.#end.secrets.server.destroy();
  }
}
