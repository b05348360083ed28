// The client until ServerHello: ClientHello, the server's cookie, and what ServerHello may say (RFC 6347 §4.2.1).

import { equalBytes } from '../../lib/bytes/index.ts';
import { type Agreed, inClear, unexpected } from './agreed.ts';
import { ALERT, HandshakeRefusal } from './alerts.ts';
import { EMPTY_RENEGOTIATION_INFO_SCSV, usesPsk } from './ciphersuites.ts';
import { WaitServerCertificate } from './client-certificate-states.ts';
import { type ClientParameters, clientExtensions, readServerAnswer } from './client-offer.ts';
import { resumeClient } from './client-resumption-states.ts';
import { WaitPskServerKeyExchange } from './client-states.ts';
import type { ClientHello, HandshakeMessage } from './handshake-messages.ts';
import {
  HANDSHAKE_HEADER_BYTES,
  HANDSHAKE_TYPE,
  decodeHelloVerifyRequest,
  decodeServerHello,
  encodeClientHello,
  handshakeMessage,
} from './handshake-messages.ts';
import type { Handshake, HandshakeState } from './handshake-state.ts';
import { suiteList, suiteText, versionText } from './handshake-story.ts';
import { DTLS_1_2, RECORD_HEADER_BYTES } from './record.ts';
import type { OfferedSession } from './resumable-session.ts';
import { Transcript } from './transcript.ts';

const NO_BYTES = new Uint8Array(0);
const NULL_COMPRESSION = Uint8Array.of(0);
const RANDOM_BYTES = 32;
const COOKIE_ROOM = 32; // of DTLS 1.0, and of nearly everybody

/** Sends the first ClientHello. */
export function sendClientHello(handshake: Handshake, client: ClientParameters): HandshakeState {
  const offered = ownCopy(offeredFor(handshake, client));
  const hello = helloFor(handshake, client, offered);
  const message = helloMessage(handshake.nextMessageSeq(), hello);
  const asking = client.serverName === undefined ? '' : `, asking for ${JSON.stringify(client.serverName)}`;
  const resuming = offered === undefined ? '' : ', and a session to resume';
  handshake.note('offer', `we offered DTLS 1.2 with ${suiteList(hello.ciphersuites)}${asking}${resuming}`);
  handshake.sendFlight([inClear(message)]);
  const opening: Opening = { hello, offered, serverName: client.serverName, keeps: client.resumption !== undefined };
  return new WaitFirstReply(opening, message);
}

/** What the hello says, and what of it comes back in ServerHello. */
interface Opening {
  readonly hello: ClientHello;
  /** Its secret is ours. */
  readonly offered: OfferedSession | undefined;
  readonly serverName: string | undefined;
  readonly keeps: boolean;
}

// Whoever keeps the session may forget it while we wait for an answer; a secret of zeros is one that everybody knows.
function ownCopy(offered: OfferedSession | undefined): OfferedSession | undefined {
  if (offered === undefined) return undefined;
  return { ...offered, session: { ...offered.session, master: offered.session.master.slice() } };
}

function forget({ offered }: Opening): void {
  offered?.session.master.fill(0);
}

// A hello in fragments would get no cookie, for to put it together would be state: what makes it too long is not offered.
function offeredFor(handshake: Handshake, client: ClientParameters): OfferedSession | undefined {
  const offered = client.resumption?.offered;
  if (offered === undefined) return undefined;
  const { mtu, ciphersuites } = handshake.options;
  if (!ciphersuites.some(({ id }) => id === offered.session.ciphersuite)) return undefined;
  if (offered.session.serverName !== client.serverName || !offered.session.extendedMasterSecret) return undefined;
  const { length } = encodeClientHello(helloFor(handshake, client, offered));
  return length + COOKIE_ROOM + RECORD_HEADER_BYTES + HANDSHAKE_HEADER_BYTES <= mtu ? offered : undefined;
}

function helloFor(handshake: Handshake, client: ClientParameters, offered: OfferedSession | undefined): ClientHello {
  const { random, ciphersuites } = handshake.options;
  const resumption = client.resumption && { offered };
  return {
    version: DTLS_1_2,
    random: random.bytes(RANDOM_BYTES),
    // RFC 5077 §3.4: with a ticket, an id of our own tells by its return that the ticket was taken.
    sessionId: offered === undefined ? NO_BYTES : offered.ticket === undefined ? offered.sessionId : random.bytes(32),
    cookie: NO_BYTES,
    ciphersuites: [...ciphersuites.map((suite) => suite.id), EMPTY_RENEGOTIATION_INFO_SCSV],
    compressionMethods: NULL_COMPRESSION,
    extensions: clientExtensions(handshake.options, { ...client, resumption }),
  };
}

/** After the first ClientHello. A server may skip HelloVerifyRequest, and then this ClientHello opens the transcript. */
class WaitFirstReply implements HandshakeState {
  readonly name = 'waiting for HelloVerifyRequest or ServerHello';
  readonly silence = 'nothing answers at this address, or not DTLS';
  readonly #opening: Opening;
  readonly #sent: HandshakeMessage;

  constructor(opening: Opening, sent: HandshakeMessage) {
    this.#opening = opening;
    this.#sent = sent;
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    if (message.type === HANDSHAKE_TYPE.serverHello) return agree(message, this.#opening, this.#sent, handshake);
    if (message.type !== HANDSHAKE_TYPE.helloVerifyRequest) throw unexpected(message, this.name);
    const { cookie } = decodeHelloVerifyRequest(message.body);
    const opening = withCookie(this.#opening, cookie);
    const sent = helloMessage(handshake.nextMessageSeq(), opening.hello);
    handshake.sendFlight([inClear(sent)]);
    return new WaitServerHello(opening, sent, handshake.options.limits.cookieChanges);
  }

  destroy(): void {
    forget(this.#opening);
  }
}

/** After the ClientHello with the cookie, which opens the transcript. */
class WaitServerHello implements HandshakeState {
  readonly name = 'waiting for ServerHello';
  readonly silence =
    'the server does not take its own cookie back, shares no cipher suite with us, or its answer is too large for the path';
  readonly #opening: Opening;
  readonly #sent: HandshakeMessage;
  readonly #cookieChangesLeft: number;

  constructor(opening: Opening, sent: HandshakeMessage, cookieChangesLeft: number) {
    this.#opening = opening;
    this.#sent = sent;
    this.#cookieChangesLeft = cookieChangesLeft;
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    if (message.type === HANDSHAKE_TYPE.serverHello) return agree(message, this.#opening, this.#sent, handshake);
    if (message.type !== HANDSHAKE_TYPE.helloVerifyRequest || this.#cookieChangesLeft === 0) {
      throw unexpected(message, this.name);
    }
    const { cookie } = decodeHelloVerifyRequest(message.body);
    return this.#changeCookie(cookie, handshake.nextMessageSeq(), handshake);
  }

  // A stateless server whose secret changed, or which got a damaged hello, may ask again with the old message_seq. It
  // takes ours as it comes, so the second ClientHello keeps its own. But first it may be the late answer to a first hello
  // sent twice, while a ServerHello to the second is on its way, whose transcript a change would spoil.
  handleRepeat(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    if (message.type !== HANDSHAKE_TYPE.helloVerifyRequest || this.#cookieChangesLeft === 0) return this;
    if (handshake.tries < 2) return this;
    const { cookie } = decodeHelloVerifyRequest(message.body);
    if (equalBytes(cookie, this.#opening.hello.cookie)) return this;
    return this.#changeCookie(cookie, this.#sent.messageSeq, handshake);
  }

  destroy(): void {
    forget(this.#opening);
  }

  #changeCookie(cookie: Uint8Array, messageSeq: number, handshake: Handshake): HandshakeState {
    const opening = withCookie(this.#opening, cookie);
    const sent = helloMessage(messageSeq, opening.hello);
    handshake.replaceFlight([inClear(sent)]);
    return new WaitServerHello(opening, sent, this.#cookieChangesLeft - 1);
  }
}

function helloMessage(messageSeq: number, hello: ClientHello): HandshakeMessage {
  return handshakeMessage(HANDSHAKE_TYPE.clientHello, messageSeq, encodeClientHello(hello));
}

function withCookie(opening: Opening, cookie: Uint8Array): Opening {
  return { ...opening, hello: { ...opening.hello, cookie: cookie.slice() } };
}

function agree(
  message: HandshakeMessage,
  opening: Opening,
  sent: HandshakeMessage,
  handshake: Handshake,
): HandshakeState {
  const { hello, offered, serverName, keeps } = opening;
  const answer = decodeServerHello(message.body);
  const isResumed = offered !== undefined && equalBytes(answer.sessionId, hello.sessionId);
  const { provider } = handshake.options;
  const suite = handshake.options.ciphersuites.find(({ id }) => id === answer.ciphersuite);
  if (answer.version !== DTLS_1_2) {
    throw new HandshakeRefusal(
      ALERT.protocolVersion,
      `server_version: expected DTLS 1.2, found ${versionText(answer.version)}`,
    );
  }
  if (suite === undefined) {
    throw new HandshakeRefusal(ALERT.illegalParameter, `cipher_suite: ${hex(answer.ciphersuite)} was not offered`);
  }
  if (answer.compressionMethod !== 0) {
    throw new HandshakeRefusal(
      ALERT.illegalParameter,
      `compression_method: ${answer.compressionMethod} was not offered`,
    );
  }
  const { limits, connectionIds, ...settled } = readServerAnswer(
    answer,
    suite,
    hello.extensions,
    handshake.options,
    isResumed,
  );
  const agreed: Agreed = {
    suite,
    randoms: { client: hello.random, server: answer.random },
    transcript: new Transcript(provider, suite.prf, !usesPsk(suite), sent.raw, message.raw),
    connectionIds,
    sessionId: answer.sessionId.slice(),
    serverName,
    resumable: keeps && settled.extendedMasterSecret, // RFC 7627 §5.3
    ...settled,
  };
  handshake.limitRecords(limits);
  if (connectionIds !== undefined) handshake.identifyRecords(connectionIds);
  handshake.note('choice', `the server chose ${suiteText(suite)}`);
  if (isResumed) return resumeClient(handshake, agreed, offered!);
  forget(opening);
  return usesPsk(suite) ? new WaitPskServerKeyExchange(agreed) : new WaitServerCertificate(agreed);
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(4, '0')}`;
}
