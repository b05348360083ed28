// The client from ServerHello to Finished, PSK key exchange (RFC 5246 §7.3, RFC 4279 §2).

import { SocketError } from '../../lib/net/index.ts';
import { type Agreed, checkFinished, deriveSecrets, finishedBody, negotiatedOf, unexpected } from './agreed.ts';
import { ALERT, HandshakeRefusal } from './alerts.ts';
import type { PskAnswer } from './connection.ts';
import type { HandshakeMessage } from './handshake-messages.ts';
import {
  HANDSHAKE_TYPE,
  decodePskServerKeyExchange,
  decodeServerHelloDone,
  encodePskClientKeyExchange,
  handshakeMessage,
} from './handshake-messages.ts';
import type { Handshake, HandshakeState } from './handshake-state.ts';
import { Established } from './handshake-state.ts';
import type { RecordProtection } from './record-protection.ts';

const LOST_FLIGHT = "the rest of the server's flight does not come through";

/** After ServerHello. A PSK server without a hint leaves ServerKeyExchange out. */
export class WaitServerKeyExchange implements HandshakeState {
  readonly name = 'waiting for ServerKeyExchange or ServerHelloDone';
  readonly silence = LOST_FLIGHT;
  readonly #agreed: Agreed;

  constructor(agreed: Agreed) {
    this.#agreed = agreed;
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    if (message.type === HANDSHAKE_TYPE.serverHelloDone) return choosePsk(message, this.#agreed, undefined, handshake);
    if (message.type !== HANDSHAKE_TYPE.serverKeyExchange) throw unexpected(message, this.name);
    const hint = decodePskServerKeyExchange(message.body).slice();
    this.#agreed.transcript.add(message.raw);
    return new WaitServerHelloDone(this.#agreed, hint);
  }
}

class WaitServerHelloDone implements HandshakeState {
  readonly name = 'waiting for ServerHelloDone';
  readonly silence = LOST_FLIGHT;
  readonly #agreed: Agreed;
  readonly #hint: Uint8Array;

  constructor(agreed: Agreed, hint: Uint8Array) {
    this.#agreed = agreed;
    this.#hint = hint;
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    if (message.type !== HANDSHAKE_TYPE.serverHelloDone) throw unexpected(message, this.name);
    return choosePsk(message, this.#agreed, this.#hint, handshake);
  }
}

function choosePsk(
  message: HandshakeMessage,
  agreed: Agreed,
  hint: Uint8Array | undefined,
  handshake: Handshake,
): HandshakeState {
  decodeServerHelloDone(message.body);
  agreed.transcript.add(message.raw);
  return new WaitPsk(agreed, hint, handshake.ask({ type: 'choosePsk', hint }));
}

class WaitPsk implements HandshakeState {
  readonly name = 'waiting for our own pre-shared key';
  readonly silence = 'the pre-shared key was not given in time';
  readonly job: number;
  readonly #agreed: Agreed;
  readonly #hint: Uint8Array | undefined;

  constructor(agreed: Agreed, hint: Uint8Array | undefined, job: number) {
    this.#agreed = agreed;
    this.#hint = hint;
    this.job = job;
  }

  handle(message: HandshakeMessage): HandshakeState {
    throw unexpected(message, this.name);
  }

  answer(answer: PskAnswer | undefined, handshake: Handshake): HandshakeState {
    if (answer === undefined) throw new HandshakeRefusal(ALERT.handshakeFailure, 'no pre-shared key for this server');
    if (answer.identity === undefined) throw new SocketError('EINVAL', 'choosePsk: the answer has no identity');
    const agreed = this.#agreed;
    const identity = answer.identity.slice();
    const keyExchange = handshakeMessage(
      HANDSHAKE_TYPE.clientKeyExchange,
      handshake.nextMessageSeq(),
      encodePskClientKeyExchange(identity),
    );
    agreed.transcript.add(keyExchange.raw);
    const { master, client, server } = deriveSecrets(handshake, agreed, answer.key);
    const verify = finishedBody(handshake, agreed, master, 'client');
    const finished = handshakeMessage(HANDSHAKE_TYPE.finished, handshake.nextMessageSeq(), verify);
    agreed.transcript.add(finished.raw);
    const expected = finishedBody(handshake, agreed, master, 'server');
    master.fill(0);
    handshake.protectWrites(client);
    handshake.sendFlight([
      { kind: 'handshake', epoch: 0, message: keyExchange },
      { kind: 'changeCipherSpec' },
      { kind: 'handshake', epoch: 1, message: finished },
    ]);
    const established = new Established(negotiatedOf(agreed, identity, this.#hint));
    return new WaitChangeCipherSpec(established, server, expected);
  }
}

class WaitChangeCipherSpec implements HandshakeState {
  readonly name = 'waiting for ChangeCipherSpec';
  readonly silence = 'the peer ignores our Finished: wrong key likely';
  readonly #established: Established;
  readonly #reads: RecordProtection;
  readonly #expected: Uint8Array;

  constructor(established: Established, reads: RecordProtection, expected: Uint8Array) {
    this.#established = established;
    this.#reads = reads;
    this.#expected = expected;
  }

  handle(message: HandshakeMessage): HandshakeState {
    throw unexpected(message, this.name);
  }

  changeCipherSpec(handshake: Handshake): HandshakeState {
    handshake.protectReads(this.#reads);
    return new WaitFinished(this.#established, this.#expected);
  }

  destroy(): void {
    this.#reads.destroy();
  }
}

class WaitFinished implements HandshakeState {
  readonly name = 'waiting for Finished';
  readonly silence = "the server's Finished does not come through, or does not authenticate";
  readonly #established: Established;
  readonly #expected: Uint8Array;

  constructor(established: Established, expected: Uint8Array) {
    this.#established = established;
    this.#expected = expected;
  }

  handle(message: HandshakeMessage): Established {
    checkFinished(message, this.#expected, this.name);
    return this.#established;
  }
}
