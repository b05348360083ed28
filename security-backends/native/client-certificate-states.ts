// The client from ServerHello to its last flight, with certificates or raw public keys (RFC 5246 §7.4, RFC 8422 §5,
// RFC 7250 §4). The server's flight is complete only with Certificate, ServerKeyExchange and ServerHelloDone.

import {
  type Agreed,
  type Secrets,
  addOwnMessage,
  deriveSecrets,
  destroySecrets,
  expectType,
  inClear,
  negotiatedOf,
  unexpected,
} from './agreed.ts';
import { ALERT, HandshakeRefusal } from './alerts.ts';
import {
  CLIENT_CERTIFICATE_TYPE,
  type CertificateRequest,
  decodeCertificate,
  decodeCertificateRequest,
  decodeRawPublicKey,
  encodeCertificate,
  encodeCertificateVerify,
  encodeRawPublicKey,
} from './certificate-messages.ts';
import { finishClient } from './client-finish.ts';
import type { DtlsJobAnswer, OwnCertificate } from './connection.ts';
import type { FlightItem } from './flight.ts';
import type { HandshakeMessage } from './handshake-messages.ts';
import { HANDSHAKE_TYPE, decodeServerHelloDone } from './handshake-messages.ts';
import type { Handshake, HandshakeState } from './handshake-state.ts';
import {
  type Agreement,
  agreeOn,
  certificateOf,
  checkSignature,
  commonSchemes,
  schemeFor,
  signatureOf,
  verifiedKey,
} from './key-exchange.ts';
import { decodeSignedServerKeyExchange, encodeEcdhClientKeyExchange, signedParams } from './key-exchange-messages.ts';
import type { SigningKeyAlgorithm, SignatureScheme } from '../../lib/crypto/provider/provider.ts';
import { schemeId, schemeKey } from './registries.ts';

const LOST_FLIGHT = "the rest of the server's flight does not come through";

/** The server, once its chain is trusted. */
interface Server {
  readonly agreed: Agreed;
  readonly chain: readonly Uint8Array[];
  readonly publicKey: Uint8Array;
}

/** The server, once it has shown that the chain is its own. */
interface ProvenServer extends Server {
  readonly agreement: Agreement;
}

export class WaitServerCertificate implements HandshakeState {
  readonly name = "waiting for the server's Certificate";
  readonly silence = LOST_FLIGHT;
  readonly #agreed: Agreed;

  constructor(agreed: Agreed) {
    this.#agreed = agreed;
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    expectType(message, HANDSHAKE_TYPE.certificate, this.name);
    const certificateType = this.#agreed.certificateTypes.server;
    const chain = certificateType === 'x509' ? decodeCertificate(message.body) : decodeRawPublicKey(message.body);
    if (chain.length === 0) throw new HandshakeRefusal(ALERT.decodeError, 'certificate_list: a server must have one');
    this.#agreed.transcript.add(message.raw);
    return new WaitVerdict(this.#agreed, chain, handshake.ask({ type: 'verifyChain', certificateType, chain }));
  }
}

class WaitVerdict implements HandshakeState {
  readonly name = "waiting for the judgement of the server's certificate";
  readonly silence = "the judgement of the server's certificate was not given in time";
  readonly job: number;
  readonly #agreed: Agreed;
  readonly #chain: readonly Uint8Array[];

  constructor(agreed: Agreed, chain: readonly Uint8Array[], job: number) {
    this.#agreed = agreed;
    this.#chain = chain;
    this.job = job;
  }

  handle(message: HandshakeMessage): HandshakeState {
    throw unexpected(message, this.name);
  }

  answer(answer: DtlsJobAnswer): HandshakeState {
    const publicKey = verifiedKey(answer);
    return new WaitSignedServerKeyExchange({ agreed: this.#agreed, chain: this.#chain, publicKey });
  }
}

class WaitSignedServerKeyExchange implements HandshakeState {
  readonly name = 'waiting for ServerKeyExchange';
  readonly silence = LOST_FLIGHT;
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    expectType(message, HANDSHAKE_TYPE.serverKeyExchange, this.name);
    const { agreed, publicKey } = this.#server;
    const { params, signed } = decodeSignedServerKeyExchange(message.body);
    const what = 'ServerKeyExchange';
    checkSignature(handshake, signed, publicKey, signedParams(agreed.randoms, params), { what, suite: agreed.suite });
    const agreement = agreeOn(handshake, params);
    agreed.transcript.add(message.raw);
    return new WaitCertificateRequest({ ...this.#server, agreement });
  }
}

class WaitCertificateRequest implements HandshakeState {
  readonly name = 'waiting for CertificateRequest or ServerHelloDone';
  readonly silence = LOST_FLIGHT;
  readonly #server: ProvenServer;

  constructor(server: ProvenServer) {
    this.#server = server;
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    const { agreed } = this.#server;
    if (message.type !== HANDSHAKE_TYPE.certificateRequest) return this.#handleDone(message, handshake);
    const request = decodeCertificateRequest(message.body);
    agreed.transcript.add(message.raw);
    return new WaitServerHelloDone(this.#server, request);
  }

  destroy(): void {
    this.#server.agreement.secret.fill(0);
  }

  #handleDone(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    expectType(message, HANDSHAKE_TYPE.serverHelloDone, this.name);
    decodeServerHelloDone(message.body);
    this.#server.agreed.transcript.add(message.raw);
    const { items, secrets } = exchangeKeys(handshake, this.#server, []);
    return finish(handshake, this.#server, secrets, items);
  }
}

class WaitServerHelloDone implements HandshakeState {
  readonly name = 'waiting for ServerHelloDone';
  readonly silence = LOST_FLIGHT;
  readonly #server: ProvenServer;
  readonly #request: CertificateRequest;

  constructor(server: ProvenServer, request: CertificateRequest) {
    this.#server = server;
    this.#request = request;
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    expectType(message, HANDSHAKE_TYPE.serverHelloDone, this.name);
    decodeServerHelloDone(message.body);
    const { agreed } = this.#server;
    agreed.transcript.add(message.raw);
    const algorithms = wantedAlgorithms(this.#request);
    const schemes = commonSchemes(handshake, this.#request.schemes).filter((scheme) =>
      algorithms.includes(schemeKey(scheme)),
    );
    const job = handshake.ask({
      type: 'chooseCertificate',
      certificateType: agreed.certificateTypes.client,
      schemes,
      authorities: this.#request.authorities,
      algorithms,
      serverName: undefined,
    });
    return new WaitOwnCertificate(this.#server, schemes, job);
  }

  destroy(): void {
    this.#server.agreement.secret.fill(0);
  }
}

class WaitOwnCertificate implements HandshakeState {
  readonly name = 'waiting for our own certificate';
  readonly silence = 'our own certificate was not given in time';
  readonly job: number;
  readonly #server: ProvenServer;
  readonly #schemes: readonly SignatureScheme[];

  constructor(server: ProvenServer, schemes: readonly SignatureScheme[], job: number) {
    this.#server = server;
    this.#schemes = schemes;
    this.job = job;
  }

  handle(message: HandshakeMessage): HandshakeState {
    throw unexpected(message, this.name);
  }

  // A server may go on without a certificate of ours: whether it does is its own decision (RFC 5246 §7.4.6).
  answer(answer: DtlsJobAnswer, handshake: Handshake): HandshakeState {
    const { agreed } = this.#server;
    const offered = certificateOf(answer);
    const scheme = offered === undefined ? undefined : schemeFor(this.#schemes, offered);
    handshake.note(
      'certificate',
      `the server asked for a certificate and we showed ${scheme === undefined ? 'none' : 'ours'}`,
    );
    const own = scheme === undefined ? undefined : offered;
    const body = encodeOwn(own, agreed);
    const certificate = addOwnMessage(handshake, agreed, HANDSHAKE_TYPE.certificate, body);
    const { items, secrets } = exchangeKeys(handshake, this.#server, [inClear(certificate)]);
    if (scheme === undefined || own === undefined) return finish(handshake, this.#server, secrets, items);
    const job = handshake.ask({ type: 'sign', certificate: own, scheme, message: agreed.transcript.takeMessages() });
    return new WaitSignature(this.#server, { secrets, items, scheme }, job);
  }

  destroy(): void {
    this.#server.agreement.secret.fill(0);
  }
}

interface Unsigned {
  readonly secrets: Secrets;
  readonly items: readonly FlightItem[];
  readonly scheme: SignatureScheme;
}

class WaitSignature implements HandshakeState {
  readonly name = 'waiting for the signature by our own key';
  readonly silence = 'our own key did not sign in time';
  readonly job: number;
  readonly #server: ProvenServer;
  readonly #unsigned: Unsigned;

  constructor(server: ProvenServer, unsigned: Unsigned, job: number) {
    this.#server = server;
    this.#unsigned = unsigned;
    this.job = job;
  }

  handle(message: HandshakeMessage): HandshakeState {
    throw unexpected(message, this.name);
  }

  answer(answer: DtlsJobAnswer, handshake: Handshake): HandshakeState {
    const { secrets, items, scheme } = this.#unsigned;
    const body = encodeCertificateVerify({ scheme: schemeId(scheme), signature: signatureOf(answer) });
    const verify = addOwnMessage(handshake, this.#server.agreed, HANDSHAKE_TYPE.certificateVerify, body);
    return finish(handshake, this.#server, secrets, [...items, inClear(verify)]);
  }

  destroy(): void {
    destroySecrets(this.#unsigned.secrets);
  }
}

function encodeOwn(own: OwnCertificate | undefined, agreed: Agreed): Uint8Array {
  const chain = own?.chain ?? [];
  return agreed.certificateTypes.client === 'x509' ? encodeCertificate(chain) : encodeRawPublicKey(chain);
}

/** ClientKeyExchange, and the keys that follow from it. */
function exchangeKeys(
  handshake: Handshake,
  { agreed, agreement }: ProvenServer,
  before: readonly FlightItem[],
): { readonly items: readonly FlightItem[]; readonly secrets: Secrets } {
  const body = encodeEcdhClientKeyExchange(agreement.point);
  const keyExchange = addOwnMessage(handshake, agreed, HANDSHAKE_TYPE.clientKeyExchange, body);
  const secrets = deriveSecrets(handshake, agreed, agreement.secret); // which zeroes it
  return { items: [...before, inClear(keyExchange)], secrets };
}

function finish(
  handshake: Handshake,
  { agreed, chain, publicKey, agreement }: ProvenServer,
  secrets: Secrets,
  items: readonly FlightItem[],
): HandshakeState {
  const peerCertificates = chain.map((certificate) => certificate.slice());
  return finishClient(handshake, agreed, {
    secrets,
    items,
    negotiated: negotiatedOf(agreed, { peerCertificates, peerPublicKey: publicKey, group: agreement.group }),
    silence: 'the server does not answer our Finished: it may not take our certificate',
  });
}

function wantedAlgorithms({ certificateTypes }: CertificateRequest): readonly SigningKeyAlgorithm[] {
  const algorithms: SigningKeyAlgorithm[] = [];
  if (certificateTypes.includes(CLIENT_CERTIFICATE_TYPE.ecdsaSign)) algorithms.push('ec-p256', 'ec-p384', 'ed25519');
  if (certificateTypes.includes(CLIENT_CERTIFICATE_TYPE.rsaSign)) algorithms.push('rsa');
  return algorithms;
}
