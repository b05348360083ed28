// The server from its own flight to ChangeCipherSpec, with certificates or raw public keys (RFC 5246 §7.4.6 to §7.4.8).
// Where a client certificate is required, nothing goes on without a Certificate that is not empty and CertificateVerify.

import type { KeyShare, NamedGroup } from '../../lib/crypto/provider/provider.ts';
import {
  type Agreed,
  type Secrets,
  deriveSecrets,
  destroySecrets,
  expectType,
  negotiatedOf,
  unexpected,
} from './agreed.ts';
import { ALERT, HandshakeRefusal } from './alerts.ts';
import { decodeCertificate, decodeCertificateVerify, decodeRawPublicKey } from './certificate-messages.ts';
import type { DtlsJobAnswer } from './connection.ts';
import type { HandshakeMessage } from './handshake-messages.ts';
import { HANDSHAKE_TYPE } from './handshake-messages.ts';
import type { Handshake, HandshakeState } from './handshake-state.ts';
import { agreedSecret, checkSignature, verifiedKey } from './key-exchange.ts';
import { decodeEcdhClientKeyExchange } from './key-exchange-messages.ts';
import { WaitChangeCipherSpec } from './server-finish.ts';

const LOST_FLIGHT = "the rest of the client's flight does not come through";

interface Ephemeral {
  readonly share: KeyShare;
  readonly group: NamedGroup;
}

/** A client whose chain is trusted; that it is its own, CertificateVerify shows. */
interface ClientIdentity {
  readonly chain: readonly Uint8Array[];
  readonly publicKey: Uint8Array;
}

interface Exchange {
  readonly agreed: Agreed;
  readonly ephemeral: Ephemeral;
  /** Undefined where no certificate is asked for. */
  readonly client: ClientIdentity | undefined;
}

export class WaitClientCertificate implements HandshakeState {
  readonly name = "waiting for the client's Certificate";
  readonly silence = 'the client does not go on after ServerHelloDone';
  readonly #agreed: Agreed;
  readonly #ephemeral: Ephemeral;

  constructor(agreed: Agreed, ephemeral: Ephemeral) {
    this.#agreed = agreed;
    this.#ephemeral = ephemeral;
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    expectType(message, HANDSHAKE_TYPE.certificate, this.name);
    const certificateType = this.#agreed.certificateTypes.client;
    const chain = certificateType === 'x509' ? decodeCertificate(message.body) : decodeRawPublicKey(message.body);
    if (chain.length === 0) {
      throw new HandshakeRefusal(ALERT.handshakeFailure, 'Certificate: required, but the client has none to show');
    }
    this.#agreed.transcript.add(message.raw);
    const job = handshake.ask({ type: 'verifyChain', certificateType, chain });
    return new WaitVerdict(this.#agreed, this.#ephemeral, chain, job);
  }

  destroy(): void {
    this.#ephemeral.share.destroy();
  }
}

class WaitVerdict implements HandshakeState {
  readonly name = "waiting for the judgement of the client's certificate";
  readonly silence = "the judgement of the client's certificate was not given in time";
  readonly keepsChangeCipherSpec = true;
  readonly job: number;
  readonly #agreed: Agreed;
  readonly #ephemeral: Ephemeral;
  readonly #chain: readonly Uint8Array[];

  constructor(agreed: Agreed, ephemeral: Ephemeral, chain: readonly Uint8Array[], job: number) {
    this.#agreed = agreed;
    this.#ephemeral = ephemeral;
    this.#chain = chain;
    this.job = job;
  }

  handle(message: HandshakeMessage): HandshakeState {
    throw unexpected(message, this.name);
  }

  answer(answer: DtlsJobAnswer): HandshakeState {
    const client = { chain: this.#chain, publicKey: verifiedKey(answer) };
    return new WaitEcdhClientKeyExchange({ agreed: this.#agreed, ephemeral: this.#ephemeral, client });
  }

  destroy(): void {
    this.#ephemeral.share.destroy();
  }
}

export class WaitEcdhClientKeyExchange implements HandshakeState {
  readonly name = 'waiting for ClientKeyExchange';
  readonly silence = 'the client does not go on after ServerHelloDone';
  readonly #exchange: Exchange;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    expectType(message, HANDSHAKE_TYPE.clientKeyExchange, this.name);
    const { agreed, ephemeral, client } = this.#exchange;
    const premaster = agreedSecret(ephemeral.share, decodeEcdhClientKeyExchange(message.body));
    agreed.transcript.add(message.raw);
    const secrets = deriveSecrets(handshake, agreed, premaster);
    this.destroy();
    if (client === undefined) return toFinish(this.#exchange, secrets);
    return new WaitCertificateVerify({ ...this.#exchange, client }, secrets);
  }

  destroy(): void {
    this.#exchange.ephemeral.share.destroy();
  }
}

class WaitCertificateVerify implements HandshakeState {
  readonly name = 'waiting for CertificateVerify';
  readonly silence = LOST_FLIGHT;
  readonly #exchange: Exchange & { readonly client: ClientIdentity };
  readonly #secrets: Secrets;
  readonly #signed: Uint8Array;

  constructor(exchange: Exchange & { readonly client: ClientIdentity }, secrets: Secrets) {
    this.#exchange = exchange;
    this.#secrets = secrets;
    this.#signed = exchange.agreed.transcript.takeMessages();
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    expectType(message, HANDSHAKE_TYPE.certificateVerify, this.name);
    const { agreed, client } = this.#exchange;
    const signed = decodeCertificateVerify(message.body);
    checkSignature(handshake, signed, client.publicKey, this.#signed, { what: 'CertificateVerify' });
    agreed.transcript.add(message.raw);
    return toFinish(this.#exchange, this.#secrets);
  }

  destroy(): void {
    destroySecrets(this.#secrets);
  }
}

function toFinish({ agreed, ephemeral, client }: Exchange, secrets: Secrets): HandshakeState {
  const { group } = ephemeral;
  const identification =
    client === undefined
      ? { group }
      : { group, peerCertificates: client.chain.map((each) => each.slice()), peerPublicKey: client.publicKey };
  return new WaitChangeCipherSpec({
    agreed,
    secrets,
    negotiated: negotiatedOf(agreed, identification),
    silence: "the client's Finished does not authenticate",
  });
}
