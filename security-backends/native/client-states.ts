// The client from ServerHello to its last flight, with a pre-shared key (RFC 4279 §2, RFC 5489 §2).

import { SocketError } from '../../lib/net/index.ts';
import { type Agreed, addOwnMessage, deriveSecrets, expectType, inClear, negotiatedOf, unexpected } from './agreed.ts';
import { ALERT } from './alerts.ts';
import { finishClient } from './client-finish.ts';
import type { DtlsJobAnswer } from './connection.ts';
import type { HandshakeMessage } from './handshake-messages.ts';
import {
  HANDSHAKE_TYPE,
  decodePskServerKeyExchange,
  decodeServerHelloDone,
  encodePskClientKeyExchange,
} from './handshake-messages.ts';
import type { Handshake, HandshakeState } from './handshake-state.ts';
import { identityText } from './handshake-story.ts';
import { type Agreement, agreeOn, pskOf } from './key-exchange.ts';
import { decodeEcdhePskServerKeyExchange, encodeEcdhePskClientKeyExchange } from './key-exchange-messages.ts';
import { premasterSecret, pskPremasterSecret } from './key-schedule.ts';
import { keyFingerprint } from './resumable-session.ts';

const LOST_FLIGHT = "the rest of the server's flight does not come through";

/** What the server's messages say of the key exchange. */
interface PskExchange {
  readonly agreed: Agreed;
  readonly hint: Uint8Array | undefined;
  /** With ECDHE alone. */
  readonly agreement: Agreement | undefined;
}

/** After ServerHello. A server of plain PSK that has no hint leaves ServerKeyExchange out. */
export class WaitPskServerKeyExchange implements HandshakeState {
  readonly name: string;
  readonly silence = LOST_FLIGHT;
  readonly #agreed: Agreed;

  constructor(agreed: Agreed) {
    this.#agreed = agreed;
    this.name = isPlain(agreed) ? 'waiting for ServerKeyExchange or ServerHelloDone' : 'waiting for ServerKeyExchange';
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    const agreed = this.#agreed;
    if (message.type === HANDSHAKE_TYPE.serverHelloDone && isPlain(agreed)) {
      return choosePsk(message, { agreed, hint: undefined, agreement: undefined }, handshake);
    }
    expectType(message, HANDSHAKE_TYPE.serverKeyExchange, this.name);
    const exchange = this.#exchange(message.body, handshake);
    agreed.transcript.add(message.raw);
    return new WaitServerHelloDone(exchange);
  }

  #exchange(body: Uint8Array, handshake: Handshake): PskExchange {
    const agreed = this.#agreed;
    if (isPlain(agreed)) return { agreed, hint: decodePskServerKeyExchange(body).slice(), agreement: undefined };
    const { hint, params } = decodeEcdhePskServerKeyExchange(body);
    const agreement = agreeOn(handshake, params);
    return { agreed, hint: hint.length === 0 ? undefined : hint.slice(), agreement };
  }
}

class WaitServerHelloDone implements HandshakeState {
  readonly name = 'waiting for ServerHelloDone';
  readonly silence = LOST_FLIGHT;
  readonly #exchange: PskExchange;

  constructor(exchange: PskExchange) {
    this.#exchange = exchange;
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    expectType(message, HANDSHAKE_TYPE.serverHelloDone, this.name);
    return choosePsk(message, this.#exchange, handshake);
  }

  destroy(): void {
    this.#exchange.agreement?.secret.fill(0);
  }
}

function choosePsk(message: HandshakeMessage, exchange: PskExchange, handshake: Handshake): HandshakeState {
  decodeServerHelloDone(message.body);
  exchange.agreed.transcript.add(message.raw);
  return new WaitPsk(exchange, handshake.ask({ type: 'choosePsk', hint: exchange.hint }));
}

class WaitPsk implements HandshakeState {
  readonly name = 'waiting for our own pre-shared key';
  readonly silence = 'the pre-shared key was not given in time';
  readonly job: number;
  readonly #exchange: PskExchange;

  constructor(exchange: PskExchange, job: number) {
    this.#exchange = exchange;
    this.job = job;
  }

  handle(message: HandshakeMessage): HandshakeState {
    throw unexpected(message, this.name);
  }

  answer(answer: DtlsJobAnswer, handshake: Handshake): HandshakeState {
    const { identity: given, key } = pskOf(answer, ALERT.handshakeFailure, 'no pre-shared key for this server');
    if (given === undefined) throw new SocketError('EINVAL', 'choosePsk: the answer has no identity');
    const { agreed, hint, agreement } = this.#exchange;
    const identity = given.slice();
    handshake.note('identity', `we are ${identityText(identity)}`);
    const body =
      agreement === undefined
        ? encodePskClientKeyExchange(identity)
        : encodeEcdhePskClientKeyExchange(identity, agreement.point);
    const keyExchange = addOwnMessage(handshake, agreed, HANDSHAKE_TYPE.clientKeyExchange, body);
    const premaster = agreement === undefined ? pskPremasterSecret(key) : premasterSecret(agreement.secret, key);
    const secrets = deriveSecrets(handshake, agreed, premaster);
    this.destroy();
    return finishClient(handshake, agreed, {
      secrets,
      keyFingerprint: agreed.resumable ? keyFingerprint(handshake.options.provider, key) : undefined,
      items: [inClear(keyExchange)],
      negotiated: negotiatedOf(agreed, {
        pskIdentity: identity,
        pskIdentityHint: hint,
        ...(agreement === undefined ? {} : { group: agreement.group }),
      }),
      silence: 'the peer ignores our Finished: wrong key likely, or an identity it does not know',
    });
  }

  destroy(): void {
    this.#exchange.agreement?.secret.fill(0);
  }
}

function isPlain({ suite }: Agreed): boolean {
  return suite.keyExchange === 'psk';
}
