// The server's answer to a verified ClientHello (RFC 5246 §7.4.1, RFC 5746 §3.6, RFC 7627 §5.3).

import type { Agreed } from './agreed.ts';
import { ALERT, HandshakeRefusal } from './alerts.ts';
import type { Ciphersuite } from './ciphersuites.ts';
import { EMPTY_RENEGOTIATION_INFO_SCSV } from './ciphersuites.ts';
import type { VerifiedHello } from './cookie-gate.ts';
import type { Extension } from './extensions.ts';
import {
  EXTENDED_MASTER_SECRET,
  EXTENSION_TYPE,
  INITIAL_RENEGOTIATION_INFO,
  findExtension,
  isInitialRenegotiationInfo,
} from './extensions.ts';
import type { ClientHello, HandshakeMessage } from './handshake-messages.ts';
import {
  HANDSHAKE_TYPE,
  encodePskServerKeyExchange,
  encodeServerHello,
  handshakeMessage,
} from './handshake-messages.ts';
import type { Handshake, HandshakeState } from './handshake-state.ts';
import { DTLS_1_2 } from './record.ts';
import { WaitClientKeyExchange } from './server-states.ts';
import { Transcript } from './transcript.ts';

const NO_BYTES = new Uint8Array(0);
const RANDOM_BYTES = 32;

/** Sends ServerHello to ServerHelloDone. @throws HandshakeRefusal if nothing can be agreed on */
export function answerClientHello(
  verified: VerifiedHello,
  identityHint: Uint8Array | undefined,
  handshake: Handshake,
): HandshakeState {
  const { hello } = verified;
  const suite = chooseSuite(hello, handshake);
  const extended = checkExtendedMasterSecret(hello, handshake);
  const extensions: Extension[] = [];
  if (offersRenegotiationInfo(hello)) extensions.push(INITIAL_RENEGOTIATION_INFO);
  if (extended) extensions.push(EXTENDED_MASTER_SECRET);
  const random = handshake.options.random.bytes(RANDOM_BYTES);
  const body = encodeServerHello({
    version: DTLS_1_2,
    random,
    sessionId: NO_BYTES,
    ciphersuite: suite.id,
    compressionMethod: 0,
    extensions,
  });
  const messages = serverFlight(body, identityHint, handshake);
  const raw = messages.map((message) => message.raw);
  const agreed: Agreed = {
    suite,
    randoms: { client: hello.random, server: random },
    extendedMasterSecret: extended,
    transcript: new Transcript(handshake.options.provider, suite.prf, verified.message.raw, ...raw),
  };
  handshake.sendFlight(messages.map((message) => ({ kind: 'handshake', epoch: 0, message })));
  return new WaitClientKeyExchange(agreed, identityHint);
}

function serverFlight(
  hello: Uint8Array,
  identityHint: Uint8Array | undefined,
  handshake: Handshake,
): readonly HandshakeMessage[] {
  const next = (type: number, body: Uint8Array): HandshakeMessage =>
    handshakeMessage(type, handshake.nextMessageSeq(), body);
  const messages = [next(HANDSHAKE_TYPE.serverHello, hello)];
  if (identityHint !== undefined) {
    messages.push(next(HANDSHAKE_TYPE.serverKeyExchange, encodePskServerKeyExchange(identityHint)));
  }
  messages.push(next(HANDSHAKE_TYPE.serverHelloDone, NO_BYTES));
  return messages;
}

function chooseSuite(hello: ClientHello, handshake: Handshake): Ciphersuite {
  // Versions count down: a larger number is an older one.
  if (hello.version > DTLS_1_2) {
    throw new HandshakeRefusal(
      ALERT.protocolVersion,
      'client_version: expected DTLS 1.2 or later, found an earlier one',
    );
  }
  if (!hello.compressionMethods.includes(0)) {
    throw new HandshakeRefusal(ALERT.illegalParameter, 'compression_methods: expected null among them');
  }
  const suite = handshake.options.ciphersuites.find(({ id }) => hello.ciphersuites.includes(id));
  if (suite === undefined) throw new HandshakeRefusal(ALERT.handshakeFailure, 'cipher_suites: none in common');
  return suite;
}

function offersRenegotiationInfo(hello: ClientHello): boolean {
  const extension = findExtension(hello.extensions, EXTENSION_TYPE.renegotiationInfo);
  if (extension !== undefined && !isInitialRenegotiationInfo(extension)) {
    throw new HandshakeRefusal(ALERT.handshakeFailure, 'renegotiation_info: not that of an initial handshake');
  }
  return extension !== undefined || hello.ciphersuites.includes(EMPTY_RENEGOTIATION_INFO_SCSV);
}

function checkExtendedMasterSecret(hello: ClientHello, handshake: Handshake): boolean {
  const extension = findExtension(hello.extensions, EXTENSION_TYPE.extendedMasterSecret);
  if (extension !== undefined && extension.body.length > 0) {
    throw new HandshakeRefusal(ALERT.decodeError, 'extended_master_secret: expected no body');
  }
  if (extension === undefined && handshake.options.extendedMasterSecret === 'require') {
    throw new HandshakeRefusal(
      ALERT.handshakeFailure,
      'extended_master_secret: required, but the client has it not (option extendedMasterSecret)',
    );
  }
  return extension !== undefined;
}
