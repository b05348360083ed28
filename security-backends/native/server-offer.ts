// What a ClientHello offers, and what a server answers to it (RFC 5246 §7.4.1, RFC 8422 §4, RFC 7250 §4.2).

import { utf8Encode } from '../../lib/bytes/index.ts';
import type { NamedGroup, SignatureScheme, SigningKeyAlgorithm } from '../../lib/crypto/provider/provider.ts';
import { ALERT, HandshakeRefusal } from './alerts.ts';
import { type Ciphersuite, EMPTY_RENEGOTIATION_INFO_SCSV, usesEcdhe } from './ciphersuites.ts';
import {
  agreedIds,
  checkRenegotiationInfo,
  hasExtendedMasterSecret,
  requireRenegotiationInfo,
} from './client-offer.ts';
import type { CertificateType } from './connection.ts';
import {
  CERTIFICATE_TYPE,
  ENCRYPT_THEN_MAC,
  POINT_FORMATS,
  allowsUncompressed,
  alpnExtension,
  certificateTypeExtension,
  connectionIdExtension,
  decodeAlpn,
  decodeCertificateTypes,
  decodeMaxFragmentLength,
  decodeRecordSizeLimit,
  decodeServerName,
  decodeUint16List,
  maxFragmentLengthExtension,
  recordSizeLimitExtension,
} from './extension-bodies.ts';
import {
  EXTENDED_MASTER_SECRET,
  EXTENSION_TYPE,
  type Extension,
  INITIAL_RENEGOTIATION_INFO,
  findExtension,
} from './extensions.ts';
import type { ClientHello } from './handshake-messages.ts';
import { identityText as quoted, suiteList, versionText } from './handshake-story.ts';
import type { Handshake } from './handshake-state.ts';
import { commonSchemes } from './key-exchange.ts';
import { DTLS_1_2, MAX_PLAINTEXT_BYTES } from './record.ts';
import type { ConnectionIds, RecordLimits } from './record-layer.ts';
import { groupById, keyFits, schemeKey } from './registries.ts';
import type { ResumableSession } from './resumable-session.ts';
import { type NewSessionTicket, sessionTicketExtension } from './session-ticket.ts';

/** A ClientHello as far as both sides have it in common. */
export interface ClientOffer {
  readonly hello: ClientHello;
  /** In our order; whether a key for it is there is another question. */
  readonly ciphersuites: readonly Ciphersuite[];
  /** In our order. */
  readonly groups: readonly NamedGroup[];
  /** In the client's order. */
  readonly schemes: readonly SignatureScheme[];
  readonly extendedMasterSecret: boolean;
  readonly serverName: string | undefined;
  readonly alpn: string | undefined;
  readonly limits: RecordLimits;
  readonly connectionIds: ConnectionIds | undefined;
  /** What the client resumes with; empty: it takes tickets and has none; undefined: no tickets. */
  readonly ticket: Uint8Array | undefined;
  /** The extensions of ServerHello that do not depend on the suite. */
  readonly answers: readonly Extension[];
}

/** What a server asks of a client beyond its hello. */
export interface ServerParameters {
  readonly identityHint: Uint8Array | undefined;
  /** Whether a certificate or raw public key of the client is required. */
  readonly clientCertificate: 'require' | 'none';
  /** Distinguished names (DER) that CertificateRequest names. */
  readonly authorities: readonly Uint8Array[];
  readonly resumption: ServerResumption | undefined;
}

/** What makes sessions of a server resumable. */
export interface ServerResumption {
  /** A name for a session; empty: sessions have none, and only tickets resume them. */
  newSessionId(): Uint8Array;
  /** The session as a ticket, which its client keeps; undefined: not this one. Copies what it needs. */
  seal(session: ResumableSession): NewSessionTicket | undefined;
  /** Whether tickets are given out and taken. */
  readonly tickets: boolean;
  /** What a fatal alert has ended is not resumed by its name any more (RFC 5246 §7.2.2). */
  forget(sessionId: Uint8Array): void;
}

/** @throws HandshakeRefusal if nothing can be agreed on; DecodeError */
export function readClientOffer(hello: ClientHello, handshake: Handshake, server: ServerParameters): ClientOffer {
  const { options } = handshake;
  checkVersionAndCompression(hello);
  const find = (type: keyof typeof EXTENSION_TYPE): Extension | undefined =>
    findExtension(hello.extensions, EXTENSION_TYPE[type]);
  const renegotiation = find('renegotiationInfo');
  checkRenegotiationInfo(renegotiation);
  const formats = find('ecPointFormats');
  if (formats !== undefined && !allowsUncompressed(formats)) {
    throw new HandshakeRefusal(ALERT.illegalParameter, 'ec_point_formats: expected uncompressed among them');
  }
  const groups = commonGroups(find('supportedGroups'), options.groups);
  const algorithms = find('signatureAlgorithms');
  const schemes =
    algorithms === undefined ? [] : commonSchemes(handshake, decodeUint16List(algorithms, 'signature_algorithms'));
  const encryptThenMac = find('encryptThenMac') !== undefined;
  const ciphersuites = options.ciphersuites.filter(
    (suite) =>
      hello.ciphersuites.includes(suite.id) &&
      (!usesEcdhe(suite) || groups.length > 0) &&
      (suite.protection !== 'cbc' || encryptThenMac),
  );
  if (ciphersuites.length === 0) throw noSuite(options.ciphersuites);
  const extendedMasterSecret = hasExtendedMasterSecret(find('extendedMasterSecret'), options, 'client');
  const names = find('serverName');
  const protocols = find('applicationLayerProtocolNegotiation');
  const alpn = chooseProtocol(protocols, options.alpn);
  const answers: Extension[] = [];
  if (renegotiation !== undefined || hello.ciphersuites.includes(EMPTY_RENEGOTIATION_INFO_SCSV)) {
    answers.push(INITIAL_RENEGOTIATION_INFO);
  } else {
    requireRenegotiationInfo(options, 'client');
  }
  if (extendedMasterSecret) answers.push(EXTENDED_MASTER_SECRET);
  if (alpn !== undefined) answers.push(alpnExtension([alpn]));
  if (options.credential === 'rawPublicKey') answers.push(...rawPublicKeyTypes(find, server));
  else if (options.credential === 'certificate') refuseOtherTypes(find, server);
  const limits = limitsFor(find('recordSizeLimit'), find('maxFragmentLength'), options.recordSizeLimit, answers);
  const serverName = names === undefined ? undefined : decodeServerName(names);
  const ticket = server.resumption?.tickets === true ? find('sessionTicket')?.body : undefined;
  const connectionIds = agreedIds(find('connectionId'), options);
  if (connectionIds !== undefined) answers.push(connectionIdExtension(connectionIds.own));
  return {
    hello,
    ciphersuites,
    groups,
    schemes,
    extendedMasterSecret,
    serverName,
    alpn,
    limits,
    connectionIds,
    ticket,
    answers,
  };
}

/** The extensions of ServerHello. */
export function serverExtensions(offer: ClientOffer, suite: Ciphersuite): readonly Extension[] {
  const extensions = [...offer.answers];
  // RFC 8422 §5.2: only where an elliptic curve is used, and the client spoke of formats.
  if (usesEcdhe(suite) && findExtension(offer.hello.extensions, EXTENSION_TYPE.ecPointFormats) !== undefined) {
    extensions.push(POINT_FORMATS);
  }
  if (suite.protection === 'cbc') extensions.push(ENCRYPT_THEN_MAC);
  if (offer.ticket !== undefined) extensions.push(sessionTicketExtension());
  return extensions;
}

/** Kinds of key that one of the suites both sides have can be used with, and that the client can check. */
export function usableAlgorithms({ ciphersuites, schemes }: ClientOffer): readonly SigningKeyAlgorithm[] {
  const algorithms = new Set(schemes.map(schemeKey));
  return [...algorithms].filter((algorithm) => ciphersuites.some((suite) => keyFits(suite.keyExchange, algorithm)));
}

export function certificateTypeOf(handshake: Handshake): CertificateType {
  return handshake.options.credential === 'rawPublicKey' ? 'rawPublicKey' : 'x509';
}

function checkVersionAndCompression(hello: ClientHello): void {
  // Versions count down: a larger number is an older one.
  if (hello.version > DTLS_1_2) {
    const found = versionText(hello.version);
    throw new HandshakeRefusal(ALERT.protocolVersion, `client_version: expected DTLS 1.2 or later, found ${found}`);
  }
  if (!hello.compressionMethods.includes(0)) {
    throw new HandshakeRefusal(ALERT.illegalParameter, 'compression_methods: expected null among them');
  }
}

function noSuite(ours: readonly Ciphersuite[]): HandshakeRefusal {
  const expected = suiteList(ours.map(({ id }) => id));
  return new HandshakeRefusal(
    ALERT.handshakeFailure,
    `cipher_suites: expected one of ours, ${expected}, found none usable`,
  );
}

/** A client that does not say which groups it has may have any (RFC 8422 §4). */
function commonGroups(extension: Extension | undefined, ours: readonly NamedGroup[]): readonly NamedGroup[] {
  if (extension === undefined) return ours;
  const theirs = decodeUint16List(extension, 'supported_groups').map(groupById);
  return ours.filter((group) => theirs.includes(group));
}

function chooseProtocol(extension: Extension | undefined, ours: readonly string[]): string | undefined {
  if (extension === undefined || ours.length === 0) return undefined;
  const theirs = decodeAlpn(extension);
  const chosen = ours.find((protocol) => theirs.includes(protocol));
  if (chosen !== undefined) return chosen;
  const [expected, found] = [ours, theirs.slice(0, MOST_PROTOCOLS_TOLD)].map((names) =>
    names.map((name) => quoted(utf8Encode(name))).join(', '),
  );
  throw new HandshakeRefusal(
    ALERT.noApplicationProtocol,
    `application_layer_protocol_negotiation: expected one of ${expected}, found ${found}`,
  );
}

const MOST_PROTOCOLS_TOLD = 8;

type Find = (type: keyof typeof EXTENSION_TYPE) => Extension | undefined;

/** @throws HandshakeRefusal if the client does not take raw public keys, or has none though one is required */
function rawPublicKeyTypes(find: Find, server: ServerParameters): readonly Extension[] {
  const { rawPublicKey } = CERTIFICATE_TYPE;
  const wanted = [
    'serverCertificateType',
    ...(server.clientCertificate === 'require' ? ['clientCertificateType'] : []),
  ];
  return (wanted as ('serverCertificateType' | 'clientCertificateType')[]).map((type) => {
    const offered = find(type);
    if (offered !== undefined && decodeCertificateTypes(offered).includes(rawPublicKey)) {
      return certificateTypeExtension(type, rawPublicKey);
    }
    throw new HandshakeRefusal(ALERT.unsupportedCertificate, `${type}: expected raw public key among those offered`);
  });
}

/** X.509 is what a client without these extensions means; one that excludes it cannot be served. */
function refuseOtherTypes(find: Find, server: ServerParameters): void {
  for (const type of ['serverCertificateType', 'clientCertificateType'] as const) {
    const offered = find(type);
    if (offered === undefined || decodeCertificateTypes(offered).includes(CERTIFICATE_TYPE.x509)) continue;
    if (type === 'clientCertificateType' && server.clientCertificate === 'none') continue;
    throw new HandshakeRefusal(ALERT.unsupportedCertificate, `${type}: expected X.509 among those offered`);
  }
}

/** record_size_limit goes before max_fragment_length, which is then not answered (RFC 8449 §5). */
function limitsFor(
  sizeLimit: Extension | undefined,
  fragmentLength: Extension | undefined,
  own: number | undefined,
  answers: Extension[],
): RecordLimits {
  const none = MAX_PLAINTEXT_BYTES;
  if (sizeLimit !== undefined) {
    const send = decodeRecordSizeLimit(sizeLimit);
    if (send === undefined) {
      throw new HandshakeRefusal(ALERT.illegalParameter, 'record_size_limit: expected 64 or more');
    }
    answers.push(recordSizeLimitExtension(own ?? none));
    return { clear: none, send: Math.min(send, none), receive: own ?? none };
  }
  if (fragmentLength === undefined) return { clear: none, send: none, receive: none };
  const asked = decodeMaxFragmentLength(fragmentLength);
  if (asked === undefined) {
    throw new HandshakeRefusal(ALERT.illegalParameter, 'max_fragment_length: expected a code from 1 to 4');
  }
  answers.push(maxFragmentLengthExtension(asked));
  return { clear: asked, send: asked, receive: asked };
}
