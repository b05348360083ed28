// The server from ClientKeyExchange to Finished, PSK key exchange (RFC 5246 §7.3, RFC 4279 §2).

import {
  type Agreed,
  type Secrets,
  checkFinished,
  deriveSecrets,
  finishedBody,
  negotiatedOf,
  unexpected,
} from './agreed.ts';
import { ALERT, HandshakeRefusal } from './alerts.ts';
import type { PskAnswer } from './connection.ts';
import type { HandshakeMessage } from './handshake-messages.ts';
import { HANDSHAKE_TYPE, decodePskClientKeyExchange, handshakeMessage } from './handshake-messages.ts';
import type { Handshake, HandshakeState } from './handshake-state.ts';
import { Established } from './handshake-state.ts';

const LOST_FLIGHT = "the rest of the client's flight does not come through";

/** What the server knows of the key exchange once the client has named itself. */
interface Identified {
  readonly agreed: Agreed;
  readonly identity: Uint8Array;
  readonly identityHint: Uint8Array | undefined;
}

export class WaitClientKeyExchange implements HandshakeState {
  readonly name = 'waiting for ClientKeyExchange';
  readonly silence = 'the client does not go on after ServerHelloDone';
  readonly #agreed: Agreed;
  readonly #identityHint: Uint8Array | undefined;

  constructor(agreed: Agreed, identityHint: Uint8Array | undefined) {
    this.#agreed = agreed;
    this.#identityHint = identityHint;
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    if (message.type !== HANDSHAKE_TYPE.clientKeyExchange) throw unexpected(message, this.name);
    const identity = decodePskClientKeyExchange(message.body).slice();
    this.#agreed.transcript.add(message.raw);
    const identified = { agreed: this.#agreed, identity, identityHint: this.#identityHint };
    return new WaitPsk(identified, handshake.ask({ type: 'lookupPsk', identity }), false);
  }
}

/** The key is looked up; ChangeCipherSpec, which comes right behind, is remembered and takes effect with the answer. */
class WaitPsk implements HandshakeState {
  readonly name = "waiting for the pre-shared key of the client's identity";
  readonly silence = 'the lookup of the pre-shared key did not answer in time';
  readonly job: number;
  readonly #identified: Identified;
  readonly #changeCipherSpecCame: boolean;

  constructor(identified: Identified, job: number, changeCipherSpecCame: boolean) {
    this.#identified = identified;
    this.job = job;
    this.#changeCipherSpecCame = changeCipherSpecCame;
  }

  handle(message: HandshakeMessage): HandshakeState {
    throw unexpected(message, this.name);
  }

  changeCipherSpec(): HandshakeState {
    return new WaitPsk(this.#identified, this.job, true);
  }

  answer(answer: PskAnswer | undefined, handshake: Handshake): HandshakeState {
    if (answer === undefined) throw new HandshakeRefusal(ALERT.unknownPskIdentity, "no key for the client's identity");
    const secrets = deriveSecrets(handshake, this.#identified.agreed, answer.key);
    const next = new WaitChangeCipherSpec(this.#identified, secrets);
    return this.#changeCipherSpecCame ? next.changeCipherSpec(handshake) : next;
  }
}

class WaitChangeCipherSpec implements HandshakeState {
  readonly name = 'waiting for ChangeCipherSpec';
  readonly silence = LOST_FLIGHT;
  readonly #identified: Identified;
  readonly #secrets: Secrets;

  constructor(identified: Identified, secrets: Secrets) {
    this.#identified = identified;
    this.#secrets = secrets;
  }

  handle(message: HandshakeMessage): HandshakeState {
    throw unexpected(message, this.name);
  }

  changeCipherSpec(handshake: Handshake): HandshakeState {
    handshake.protectReads(this.#secrets.client);
    return new WaitFinished(this.#identified, this.#secrets);
  }

  destroy(): void {
    this.#secrets.master.fill(0);
    this.#secrets.client.destroy();
    this.#secrets.server.destroy();
  }
}

class WaitFinished implements HandshakeState {
  readonly name = 'waiting for Finished';
  readonly silence = "the client's Finished does not authenticate: wrong key likely";
  readonly #identified: Identified;
  readonly #secrets: Secrets;

  constructor(identified: Identified, secrets: Secrets) {
    this.#identified = identified;
    this.#secrets = secrets;
  }

  handle(message: HandshakeMessage, handshake: Handshake): Established {
    const { agreed, identity, identityHint } = this.#identified;
    const { master, server } = this.#secrets;
    checkFinished(message, finishedBody(handshake, agreed, master, 'client'), this.name);
    agreed.transcript.add(message.raw);
    const verify = finishedBody(handshake, agreed, master, 'server');
    master.fill(0);
    handshake.protectWrites(server);
    handshake.sendLastFlight([
      { kind: 'changeCipherSpec' },
      {
        kind: 'handshake',
        epoch: 1,
        message: handshakeMessage(HANDSHAKE_TYPE.finished, handshake.nextMessageSeq(), verify),
      },
    ]);
    return new Established(negotiatedOf(agreed, identity, identityHint));
  }

  destroy(): void {
    this.#secrets.master.fill(0);
    this.#secrets.server.destroy();
  }
}
