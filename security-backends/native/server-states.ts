// The server from ClientKeyExchange to ChangeCipherSpec, with a pre-shared key (RFC 4279 §2, RFC 5489 §2).

import type { KeyShare, NamedGroup } from '../../lib/crypto/provider/provider.ts';
import { type Agreed, deriveSecrets, expectType, negotiatedOf, unexpected } from './agreed.ts';
import { ALERT } from './alerts.ts';
import type { DtlsJobAnswer } from './connection.ts';
import type { HandshakeMessage } from './handshake-messages.ts';
import { HANDSHAKE_TYPE, decodePskClientKeyExchange } from './handshake-messages.ts';
import type { Handshake, HandshakeState } from './handshake-state.ts';
import { identityText } from './handshake-story.ts';
import { agreedSecret, pskOf } from './key-exchange.ts';
import { decodeEcdhePskClientKeyExchange } from './key-exchange-messages.ts';
import { premasterSecret, pskPremasterSecret } from './key-schedule.ts';
import { keyFingerprint } from './resumable-session.ts';
import { WaitChangeCipherSpec } from './server-finish.ts';

/** What the server said of the key exchange. */
interface PskExchange {
  readonly agreed: Agreed;
  readonly identityHint: Uint8Array | undefined;
  /** With ECDHE alone. */
  readonly ephemeral: { readonly share: KeyShare; readonly group: NamedGroup } | undefined;
}

/** The client has named itself. */
interface Identified extends PskExchange {
  readonly identity: Uint8Array;
  /** The shared secret of ECDHE. */
  readonly secret: Uint8Array | undefined;
}

export class WaitPskClientKeyExchange implements HandshakeState {
  readonly name = 'waiting for ClientKeyExchange';
  readonly silence = 'the client does not go on after ServerHelloDone';
  readonly #exchange: PskExchange;

  constructor(exchange: PskExchange) {
    this.#exchange = exchange;
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    expectType(message, HANDSHAKE_TYPE.clientKeyExchange, this.name);
    const { identity, secret } = this.#read(message.body);
    handshake.note('identity', `the client is ${identityText(identity)}`);
    this.#exchange.agreed.transcript.add(message.raw);
    this.destroy();
    return new WaitPsk({ ...this.#exchange, identity, secret }, handshake.ask({ type: 'lookupPsk', identity }));
  }

  destroy(): void {
    this.#exchange.ephemeral?.share.destroy();
  }

  #read(body: Uint8Array): { readonly identity: Uint8Array; readonly secret: Uint8Array | undefined } {
    const { ephemeral } = this.#exchange;
    if (ephemeral === undefined) return { identity: decodePskClientKeyExchange(body).slice(), secret: undefined };
    const { identity, point } = decodeEcdhePskClientKeyExchange(body);
    return { identity: identity.slice(), secret: agreedSecret(ephemeral.share, point) };
  }
}

class WaitPsk implements HandshakeState {
  readonly name = "waiting for the pre-shared key of the client's identity";
  readonly silence = 'the lookup of the pre-shared key did not answer in time';
  readonly keepsChangeCipherSpec = true;
  readonly job: number;
  readonly #identified: Identified;

  constructor(identified: Identified, job: number) {
    this.#identified = identified;
    this.job = job;
  }

  handle(message: HandshakeMessage): HandshakeState {
    throw unexpected(message, this.name);
  }

  answer(answer: DtlsJobAnswer, handshake: Handshake): HandshakeState {
    const refusal = "no key for the client's identity";
    const { key, unknownIdentity } = pskOf(answer, ALERT.unknownPskIdentity, refusal);
    const { agreed, identity, identityHint, ephemeral, secret } = this.#identified;
    if (unknownIdentity === true) handshake.note('identity', `the client is ${identityText(identity)}, unknown here`);
    const premaster = secret === undefined ? pskPremasterSecret(key) : premasterSecret(secret, key);
    const secrets = deriveSecrets(handshake, agreed, premaster);
    this.destroy();
    return new WaitChangeCipherSpec({
      agreed,
      secrets,
      keyFingerprint: agreed.resumable ? keyFingerprint(handshake.options.provider, key) : undefined,
      negotiated: negotiatedOf(agreed, {
        pskIdentity: identity,
        pskIdentityHint: identityHint,
        ...(ephemeral === undefined ? {} : { group: ephemeral.group }),
      }),
      silence: "the client's Finished does not authenticate: wrong key likely",
    });
  }

  destroy(): void {
    this.#identified.secret?.fill(0);
  }
}
