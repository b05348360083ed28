// The server's answer to a verified ClientHello: ServerHello to ServerHelloDone (RFC 5246 §7.4, RFC 8422 §5).

import type { KeyShare, NamedGroup, SignatureScheme } from '../../lib/crypto/provider/provider.ts';
import { type Agreed, inClear, ownMessage, unexpected } from './agreed.ts';
import { ALERT, HandshakeRefusal } from './alerts.ts';
import {
  CLIENT_CERTIFICATE_TYPE,
  encodeCertificate,
  encodeCertificateRequest,
  encodeRawPublicKey,
} from './certificate-messages.ts';
import { type Ciphersuite, usesEcdhe } from './ciphersuites.ts';
import type { DtlsJobAnswer, OwnCertificate } from './connection.ts';
import type { VerifiedHello } from './cookie-gate.ts';
import type { HandshakeMessage } from './handshake-messages.ts';
import { HANDSHAKE_TYPE, encodePskServerKeyExchange, encodeServerHello } from './handshake-messages.ts';
import type { Handshake, HandshakeState } from './handshake-state.ts';
import { suiteList, suiteText, versionText } from './handshake-story.ts';
import { certificateOf, schemeFor, signatureOf } from './key-exchange.ts';
import {
  type EcdhParams,
  encodeEcdhParams,
  encodeEcdhePskServerKeyExchange,
  encodeSignedServerKeyExchange,
  signedParams,
} from './key-exchange-messages.ts';
import { DTLS_1_2 } from './record.ts';
import { groupId, keyFits, schemeId, schemeIds } from './registries.ts';
import type { ResumableSession } from './resumable-session.ts';
import { WaitClientCertificate, WaitEcdhClientKeyExchange } from './server-certificate-states.ts';
import {
  type ClientOffer,
  type ServerParameters,
  certificateTypeOf,
  readClientOffer,
  serverExtensions,
  usableAlgorithms,
} from './server-offer.ts';
import { type ResumptionPlan, askForSession } from './server-resumption-states.ts';
import { WaitPskClientKeyExchange } from './server-states.ts';
import { type NewSessionTicket, encodeNewSessionTicket } from './session-ticket.ts';
import { Transcript } from './transcript.ts';

const NO_BYTES = new Uint8Array(0);
const RANDOM_BYTES = 32;

/** What every answer is made from. */
interface Opening {
  readonly verified: VerifiedHello;
  readonly offer: ClientOffer;
  readonly server: ServerParameters;
}

/** Our ephemeral key. */
interface Ephemeral {
  readonly share: KeyShare;
  readonly group: NamedGroup;
  readonly params: EcdhParams;
}

/** Sends ServerHello to ServerHelloDone, with certificates once ours has signed; or goes on from an earlier session. @throws HandshakeRefusal */
export function answerClientHello(
  verified: VerifiedHello,
  server: ServerParameters,
  handshake: Handshake,
): HandshakeState {
  const { version, ciphersuites } = verified.hello;
  handshake.note('offer', `the client offered ${versionText(version)} with ${suiteList(ciphersuites)}`);
  const offer = readClientOffer(verified.hello, handshake, server);
  const opening: Opening = { verified, offer, server };
  if (!mayResume(opening)) return answerInFull(opening, handshake);
  const plan: ResumptionPlan = {
    offer,
    requiresClientCertificate: server.clientCertificate === 'require',
    full: () => answerInFull(opening, handshake),
    resumed: (session, suite) => resumedFlight(opening, session, suite, handshake),
  };
  const ticket = offer.ticket === undefined || offer.ticket.length === 0 ? undefined : offer.ticket;
  return askForSession(plan, ticket, handshake);
}

/** With a ticket, the id is the client's own and names no session (RFC 5077 §3.4). */
function mayResume({ offer, server }: Opening): boolean {
  if (server.resumption === undefined) return false;
  return offer.hello.sessionId.length > 0 || (offer.ticket !== undefined && offer.ticket.length > 0);
}

function answerInFull(opening: Opening, handshake: Handshake): HandshakeState {
  const { offer } = opening;
  if (handshake.options.credential === 'psk') return answerWithPsk(opening, handshake);
  handshake.sendFlight([]); // nothing yet, but the wait for the jobs has its bound
  const job = handshake.ask({
    type: 'chooseCertificate',
    certificateType: certificateTypeOf(handshake),
    schemes: offer.schemes,
    authorities: [],
    algorithms: usableAlgorithms(offer),
    serverName: offer.serverName,
  });
  return new WaitOwnCertificate(opening, job);
}

/** ServerHello, and the ticket that takes the old one's place. */
function resumedFlight(
  opening: Opening,
  session: ResumableSession,
  suite: Ciphersuite,
  handshake: Handshake,
): ReturnType<ResumptionPlan['resumed']> {
  const { offer, server } = opening;
  const random = handshake.options.random.bytes(RANDOM_BYTES);
  const { sessionId } = offer.hello;
  const hello = ownMessage(handshake, HANDSHAKE_TYPE.serverHello, helloBody(offer, suite, random, sessionId));
  const sealed = offer.ticket === undefined ? undefined : (server.resumption?.seal(session) ?? NO_TICKET);
  const ticket = sealed && ownMessage(handshake, HANDSHAKE_TYPE.newSessionTicket, encodeNewSessionTicket(sealed));
  const messages = ticket === undefined ? [hello] : [hello, ticket];
  settleRecords(offer, handshake);
  handshake.note('choice', `we resumed a session with ${suiteText(suite)}`);
  const raw = messages.map((message) => message.raw);
  const agreed = agreedWith(opening, { suite, random, sessionId }, raw, false, handshake);
  return { agreed, messages };
}

const NO_TICKET: NewSessionTicket = { lifetimeHint: 0, ticket: NO_BYTES }; // RFC 5077 §3.3: announced, and then not given

function answerWithPsk(opening: Opening, handshake: Handshake): HandshakeState {
  const { offer, server } = opening;
  const suite = offer.ciphersuites[0]!; // an offer has at least one
  const random = handshake.options.random.bytes(RANDOM_BYTES);
  const hint = server.identityHint;
  const ephemeral = usesEcdhe(suite) ? generate(offer, handshake) : undefined;
  const keyExchange =
    ephemeral === undefined
      ? hint && encodePskServerKeyExchange(hint)
      : encodeEcdhePskServerKeyExchange(hint ?? NO_BYTES, ephemeral.params);
  const agreed = sendFlight(opening, { suite, random, keyExchange }, handshake);
  return new WaitPskClientKeyExchange({ agreed, identityHint: hint, ephemeral });
}

/** Asks for nothing but our own certificate; the client hears nothing yet. */
class WaitOwnCertificate implements HandshakeState {
  readonly name = 'waiting for our own certificate';
  readonly silence = 'our own certificate was not given in time';
  readonly job: number;
  readonly #opening: Opening;

  constructor(opening: Opening, job: number) {
    this.#opening = opening;
    this.job = job;
  }

  handle(message: HandshakeMessage): HandshakeState {
    throw unexpected(message, this.name);
  }

  answer(answer: DtlsJobAnswer, handshake: Handshake): HandshakeState {
    const { offer } = this.#opening;
    const certificate = certificateOf(answer);
    const scheme = certificate && schemeFor(offer.schemes, certificate);
    const suite =
      certificate && offer.ciphersuites.find(({ keyExchange }) => keyFits(keyExchange, certificate.algorithm));
    if (certificate === undefined || scheme === undefined || suite === undefined) {
      const description = 'no certificate of ours goes with the cipher suites and signature algorithms offered';
      throw new HandshakeRefusal(ALERT.handshakeFailure, description);
    }
    const random = handshake.options.random.bytes(RANDOM_BYTES);
    const ephemeral = generate(offer, handshake);
    const randoms = { client: offer.hello.random, server: random };
    const message = signedParams(randoms, ephemeral.params);
    const job = handshake.ask({ type: 'sign', certificate, scheme, message });
    return new WaitSignature({ opening: this.#opening, certificate, scheme, suite, random, ephemeral }, job);
  }
}

interface Unsigned {
  readonly opening: Opening;
  readonly certificate: OwnCertificate;
  readonly scheme: SignatureScheme;
  readonly suite: Ciphersuite;
  readonly random: Uint8Array;
  readonly ephemeral: Ephemeral;
}

class WaitSignature implements HandshakeState {
  readonly name = 'waiting for the signature by our own key';
  readonly silence = 'our own key did not sign in time';
  readonly job: number;
  readonly #unsigned: Unsigned;

  constructor(unsigned: Unsigned, job: number) {
    this.#unsigned = unsigned;
    this.job = job;
  }

  handle(message: HandshakeMessage): HandshakeState {
    throw unexpected(message, this.name);
  }

  answer(answer: DtlsJobAnswer, handshake: Handshake): HandshakeState {
    const { opening, certificate, scheme, suite, random, ephemeral } = this.#unsigned;
    const signed = { scheme: schemeId(scheme), signature: signatureOf(answer) };
    const keyExchange = encodeSignedServerKeyExchange(ephemeral.params, signed);
    const agreed = sendFlight(opening, { suite, random, certificate, keyExchange }, handshake);
    return opening.server.clientCertificate === 'require'
      ? new WaitClientCertificate(agreed, ephemeral)
      : new WaitEcdhClientKeyExchange({ agreed, ephemeral, client: undefined });
  }

  destroy(): void {
    this.#unsigned.ephemeral.share.destroy();
  }
}

interface ServerFlight {
  readonly suite: Ciphersuite;
  readonly random: Uint8Array;
  readonly certificate?: OwnCertificate;
  /** The body of ServerKeyExchange, if there is one. */
  readonly keyExchange: Uint8Array | undefined;
}

function sendFlight(opening: Opening, flight: ServerFlight, handshake: Handshake): Agreed {
  const { offer, server } = opening;
  const { suite, random, certificate, keyExchange } = flight;
  const type = certificateTypeOf(handshake);
  const messages: HandshakeMessage[] = [];
  const add = (messageType: number, body: Uint8Array): void =>
    void messages.push(ownMessage(handshake, messageType, body));
  const sessionId = server.resumption?.newSessionId() ?? NO_BYTES; // also beside a ticket, which may be too long
  add(HANDSHAKE_TYPE.serverHello, helloBody(offer, suite, random, sessionId));
  if (certificate !== undefined) {
    const encode = type === 'x509' ? encodeCertificate : encodeRawPublicKey;
    add(HANDSHAKE_TYPE.certificate, encode(certificate.chain));
  }
  if (keyExchange !== undefined) add(HANDSHAKE_TYPE.serverKeyExchange, keyExchange);
  if (certificate !== undefined && server.clientCertificate === 'require') {
    add(HANDSHAKE_TYPE.certificateRequest, requestBody(server, handshake));
  }
  add(HANDSHAKE_TYPE.serverHelloDone, NO_BYTES);
  const raw = messages.map((message) => message.raw);
  settleRecords(offer, handshake);
  handshake.note('choice', `we chose ${suiteText(suite)}`);
  handshake.sendFlight(messages.map(inClear));
  const keep = certificate !== undefined && server.clientCertificate === 'require';
  return agreedWith(opening, { suite, random, sessionId }, raw, keep, handshake);
}

function settleRecords(offer: ClientOffer, handshake: Handshake): void {
  handshake.limitRecords(offer.limits);
  if (offer.connectionIds !== undefined) handshake.identifyRecords(offer.connectionIds);
}

/** @param keep whether CertificateVerify will need the messages themselves */
function agreedWith(
  { verified, offer, server }: Opening,
  { suite, random, sessionId }: Pick<ServerFlight, 'suite' | 'random'> & { readonly sessionId: Uint8Array },
  raw: readonly Uint8Array[],
  keep: boolean,
  handshake: Handshake,
): Agreed {
  const type = certificateTypeOf(handshake);
  return {
    suite,
    randoms: { client: offer.hello.random, server: random },
    extendedMasterSecret: offer.extendedMasterSecret,
    transcript: new Transcript(handshake.options.provider, suite.prf, keep, verified.message.raw, ...raw),
    alpn: offer.alpn,
    connectionIds: offer.connectionIds,
    certificateTypes: { client: type, server: type },
    sessionId,
    ticket: offer.ticket !== undefined,
    resumption: server.resumption,
    resumable: server.resumption !== undefined && offer.extendedMasterSecret, // RFC 7627 §5.3
    serverName: offer.serverName,
  };
}

function helloBody(offer: ClientOffer, suite: Ciphersuite, random: Uint8Array, sessionId: Uint8Array): Uint8Array {
  return encodeServerHello({
    version: DTLS_1_2,
    random,
    sessionId,
    ciphersuite: suite.id,
    compressionMethod: 0,
    extensions: serverExtensions(offer, suite),
  });
}

function requestBody({ authorities }: ServerParameters, handshake: Handshake): Uint8Array {
  return encodeCertificateRequest({
    certificateTypes: Uint8Array.of(CLIENT_CERTIFICATE_TYPE.ecdsaSign, CLIENT_CERTIFICATE_TYPE.rsaSign),
    schemes: schemeIds(handshake.options.signatureSchemes),
    authorities,
  });
}

function generate({ groups }: ClientOffer, handshake: Handshake): Ephemeral {
  const group = groups[0]!; // a suite with ECDHE is not chosen without one
  const share = handshake.options.provider.keyAgreement(group).generate(handshake.options.random);
  return { share, group, params: encodeEcdhParams(groupId(group), share.publicKey) };
}
