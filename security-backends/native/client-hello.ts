// The client until ServerHello: ClientHello, the server's cookie, and what ServerHello may say (RFC 6347 §4.2.1).

import { equalBytes } from '../../lib/bytes/index.ts';
import { type Agreed, inClear, unexpected } from './agreed.ts';
import { ALERT, HandshakeRefusal } from './alerts.ts';
import { EMPTY_RENEGOTIATION_INFO_SCSV, usesPsk } from './ciphersuites.ts';
import { WaitServerCertificate } from './client-certificate-states.ts';
import { type ClientParameters, clientExtensions, readServerAnswer } from './client-offer.ts';
import { WaitPskServerKeyExchange } from './client-states.ts';
import type { ClientHello, HandshakeMessage } from './handshake-messages.ts';
import {
  HANDSHAKE_TYPE,
  decodeHelloVerifyRequest,
  decodeServerHello,
  encodeClientHello,
  handshakeMessage,
} from './handshake-messages.ts';
import type { Handshake, HandshakeState } from './handshake-state.ts';
import { suiteList, suiteText, versionText } from './handshake-story.ts';
import { DTLS_1_2 } from './record.ts';
import { Transcript } from './transcript.ts';

const NO_BYTES = new Uint8Array(0);
const NULL_COMPRESSION = Uint8Array.of(0);
const RANDOM_BYTES = 32;

/** Sends the first ClientHello. */
export function sendClientHello(handshake: Handshake, client: ClientParameters): HandshakeState {
  const { random, ciphersuites } = handshake.options;
  const hello: ClientHello = {
    version: DTLS_1_2,
    random: random.bytes(RANDOM_BYTES),
    sessionId: NO_BYTES,
    cookie: NO_BYTES,
    ciphersuites: [...ciphersuites.map((suite) => suite.id), EMPTY_RENEGOTIATION_INFO_SCSV],
    compressionMethods: NULL_COMPRESSION,
    extensions: clientExtensions(handshake.options, client),
  };
  const message = helloMessage(handshake.nextMessageSeq(), hello);
  const asking = client.serverName === undefined ? '' : `, asking for ${JSON.stringify(client.serverName)}`;
  handshake.note('offer', `we offered DTLS 1.2 with ${suiteList(hello.ciphersuites)}${asking}`);
  handshake.sendFlight([inClear(message)]);
  return new WaitFirstReply(hello, message);
}

/** After the first ClientHello. A server may skip HelloVerifyRequest, and then this ClientHello opens the transcript. */
class WaitFirstReply implements HandshakeState {
  readonly name = 'waiting for HelloVerifyRequest or ServerHello';
  readonly silence = 'nothing answers at this address, or not DTLS';
  readonly #hello: ClientHello;
  readonly #sent: HandshakeMessage;

  constructor(hello: ClientHello, sent: HandshakeMessage) {
    this.#hello = hello;
    this.#sent = sent;
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    if (message.type === HANDSHAKE_TYPE.serverHello) return agree(message, this.#hello, this.#sent, handshake);
    if (message.type !== HANDSHAKE_TYPE.helloVerifyRequest) throw unexpected(message, this.name);
    const hello = { ...this.#hello, cookie: decodeHelloVerifyRequest(message.body).cookie.slice() };
    const sent = helloMessage(handshake.nextMessageSeq(), hello);
    handshake.sendFlight([inClear(sent)]);
    return new WaitServerHello(hello, sent, handshake.options.limits.cookieChanges);
  }
}

/** After the ClientHello with the cookie, which opens the transcript. */
class WaitServerHello implements HandshakeState {
  readonly name = 'waiting for ServerHello';
  readonly silence =
    'the server does not take its own cookie back, shares no cipher suite with us, or its answer is too large for the path';
  readonly #hello: ClientHello;
  readonly #sent: HandshakeMessage;
  readonly #cookieChangesLeft: number;

  constructor(hello: ClientHello, sent: HandshakeMessage, cookieChangesLeft: number) {
    this.#hello = hello;
    this.#sent = sent;
    this.#cookieChangesLeft = cookieChangesLeft;
  }

  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState {
    if (message.type === HANDSHAKE_TYPE.serverHello) return agree(message, this.#hello, this.#sent, handshake);
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
    if (equalBytes(cookie, this.#hello.cookie)) return this;
    return this.#changeCookie(cookie, this.#sent.messageSeq, handshake);
  }

  #changeCookie(cookie: Uint8Array, messageSeq: number, handshake: Handshake): HandshakeState {
    const hello = { ...this.#hello, cookie: cookie.slice() };
    const sent = helloMessage(messageSeq, hello);
    handshake.replaceFlight([inClear(sent)]);
    return new WaitServerHello(hello, sent, this.#cookieChangesLeft - 1);
  }
}

function helloMessage(messageSeq: number, hello: ClientHello): HandshakeMessage {
  return handshakeMessage(HANDSHAKE_TYPE.clientHello, messageSeq, encodeClientHello(hello));
}

function agree(
  message: HandshakeMessage,
  hello: ClientHello,
  sent: HandshakeMessage,
  handshake: Handshake,
): HandshakeState {
  const answer = decodeServerHello(message.body);
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
  const { limits, connectionIds, ...settled } = readServerAnswer(answer, suite, hello.extensions, handshake.options);
  const agreed: Agreed = {
    suite,
    randoms: { client: hello.random, server: answer.random },
    transcript: new Transcript(provider, suite.prf, !usesPsk(suite), sent.raw, message.raw),
    connectionIds,
    ...settled,
  };
  handshake.limitRecords(limits);
  if (connectionIds !== undefined) handshake.identifyRecords(connectionIds);
  handshake.note('choice', `the server chose ${suiteText(suite)}`);
  return usesPsk(suite) ? new WaitPskServerKeyExchange(agreed) : new WaitServerCertificate(agreed);
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(4, '0')}`;
}
