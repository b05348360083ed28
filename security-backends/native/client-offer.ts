// What a client offers in its hello's extensions, and what a server may answer (RFC 5246 §7.4.1.4).

import type { CertificateType } from './connection.ts';
import { ALERT, HandshakeRefusal } from './alerts.ts';
import { type Ciphersuite, usesEcdhe } from './ciphersuites.ts';
import {
  CERTIFICATE_TYPE,
  ENCRYPT_THEN_MAC,
  POINT_FORMATS,
  allowsUncompressed,
  alpnExtension,
  certificateTypesExtension,
  connectionIdExtension,
  decodeAlpn,
  decodeCertificateType,
  decodeConnectionId,
  decodeMaxFragmentLength,
  decodeRecordSizeLimit,
  maxFragmentLengthExtension,
  recordSizeLimitExtension,
  signatureAlgorithmsExtension,
  supportedGroupsExtension,
} from './extension-bodies.ts';
import {
  EXTENDED_MASTER_SECRET,
  EXTENSION_TYPE,
  type Extension,
  findExtension,
  isInitialRenegotiationInfo,
  serverNameExtension,
} from './extensions.ts';
import type { ServerHello } from './handshake-messages.ts';
import type { ResolvedOptions } from './options.ts';
import { MAX_PLAINTEXT_BYTES } from './record.ts';
import type { ConnectionIds, RecordLimits } from './record-layer.ts';
import { groupId, schemeIds } from './registries.ts';
import type { OfferedSession } from './resumable-session.ts';
import { sessionTicketExtension } from './session-ticket.ts';

/** What a client brings beside the options of both roles. */
export interface ClientParameters {
  readonly serverName: string | undefined;
  /** Bytes of plaintext: 512, 1,024, 2,048 or 4,096 (RFC 6066 §4). */
  readonly maxFragmentLength: number | undefined;
  /** Whether there is a certificate or raw public key to show. */
  readonly hasCertificate: boolean;
  /** Sessions are kept; perhaps there is one to offer. Its master secret stays the caller's. */
  readonly resumption?: { readonly offered: OfferedSession | undefined } | undefined;
}

/** What the server's extensions settle. */
export interface ServerAnswer {
  readonly extendedMasterSecret: boolean;
  readonly alpn: string | undefined;
  readonly certificateTypes: { readonly client: CertificateType; readonly server: CertificateType };
  readonly limits: RecordLimits;
  /** What both sides put into their records; undefined where it was not agreed on. */
  readonly connectionIds: ConnectionIds | undefined;
  readonly ticket: boolean;
}

export function clientExtensions(options: ResolvedOptions, client: ClientParameters): readonly Extension[] {
  const { ciphersuites, credential, groups, signatureSchemes, alpn, recordSizeLimit, connectionId } = options;
  const extensions: Extension[] = [];
  if (client.serverName !== undefined) extensions.push(serverNameExtension(client.serverName));
  extensions.push(EXTENDED_MASTER_SECRET);
  if (ciphersuites.some(usesEcdhe)) extensions.push(supportedGroupsExtension(groups.map(groupId)), POINT_FORMATS);
  if (credential !== 'psk') extensions.push(signatureAlgorithmsExtension(schemeIds(signatureSchemes)));
  if (credential === 'rawPublicKey') {
    const types = [CERTIFICATE_TYPE.rawPublicKey];
    if (client.hasCertificate) extensions.push(certificateTypesExtension('clientCertificateType', types));
    extensions.push(certificateTypesExtension('serverCertificateType', types));
  }
  if (ciphersuites.some(({ protection }) => protection === 'cbc')) extensions.push(ENCRYPT_THEN_MAC);
  if (alpn.length > 0) extensions.push(alpnExtension(alpn));
  if (client.maxFragmentLength !== undefined) extensions.push(maxFragmentLengthExtension(client.maxFragmentLength));
  if (recordSizeLimit !== undefined) extensions.push(recordSizeLimitExtension(recordSizeLimit));
  if (connectionId !== undefined) extensions.push(connectionIdExtension(connectionId.own));
  if (client.resumption !== undefined) extensions.push(sessionTicketExtension(client.resumption.offered?.ticket));
  return extensions;
}

/** @throws HandshakeRefusal for what was not offered, or is not there though it must be; DecodeError */
export function readServerAnswer(
  answer: ServerHello,
  suite: Ciphersuite,
  offered: readonly Extension[],
  options: ResolvedOptions,
  resumed: boolean,
): ServerAnswer {
  for (const { type } of answer.extensions) {
    // SCSV stands for an empty renegotiation_info (RFC 5746 §3.4).
    if (type === EXTENSION_TYPE.renegotiationInfo || findExtension(offered, type) !== undefined) continue;
    throw new HandshakeRefusal(
      ALERT.unsupportedExtension,
      `extension 0x${type.toString(16).padStart(4, '0')} was not offered`,
    );
  }
  const find = (type: keyof typeof EXTENSION_TYPE): Extension | undefined =>
    findExtension(answer.extensions, EXTENSION_TYPE[type]);
  checkRenegotiationInfo(find('renegotiationInfo'));
  if (find('renegotiationInfo') === undefined) requireRenegotiationInfo(options, 'server');
  checkEncryptThenMac(find('encryptThenMac'), suite);
  const formats = find('ecPointFormats');
  if (formats !== undefined && !allowsUncompressed(formats)) {
    throw new HandshakeRefusal(ALERT.illegalParameter, 'ec_point_formats: expected uncompressed among them');
  }
  return {
    extendedMasterSecret: hasExtendedMasterSecret(find('extendedMasterSecret'), options, 'server'),
    alpn: chosenProtocol(find('applicationLayerProtocolNegotiation'), options.alpn),
    certificateTypes: {
      client: chosenType(find('clientCertificateType'), 'client_certificate_type', options, false),
      server: chosenType(find('serverCertificateType'), 'server_certificate_type', options, !resumed),
    },
    connectionIds: agreedIds(find('connectionId'), options),
    ticket: announcesTicket(find('sessionTicket')),
    limits: agreedLimits(find('maxFragmentLength'), find('recordSizeLimit'), offered, options),
  };
}

function announcesTicket(extension: Extension | undefined): boolean {
  if (extension !== undefined && extension.body.length > 0) {
    throw new HandshakeRefusal(ALERT.decodeError, 'session_ticket: expected no body from a server');
  }
  return extension !== undefined;
}

/** The ids of both directions, from the peer's extension and our own option. @throws DecodeError */
export function agreedIds(
  extension: Extension | undefined,
  { connectionId }: Pick<ResolvedOptions, 'connectionId'>,
): ConnectionIds | undefined {
  if (extension === undefined || connectionId === undefined) return undefined;
  return { ...connectionId, peer: decodeConnectionId(extension).slice() };
}

/** @throws HandshakeRefusal if it is required but absent, or has a body */
export function hasExtendedMasterSecret(
  extension: Extension | undefined,
  options: ResolvedOptions,
  peer: 'client' | 'server',
): boolean {
  if (extension !== undefined && extension.body.length > 0) {
    throw new HandshakeRefusal(ALERT.decodeError, 'extended_master_secret: expected no body');
  }
  if (extension === undefined && options.extendedMasterSecret === 'require') {
    throw new HandshakeRefusal(
      ALERT.handshakeFailure,
      `extended_master_secret: required, but the ${peer} has it not (option extendedMasterSecret)`,
    );
  }
  return extension !== undefined;
}

/** @throws HandshakeRefusal */
export function checkRenegotiationInfo(extension: Extension | undefined): void {
  if (extension === undefined || isInitialRenegotiationInfo(extension)) return;
  throw new HandshakeRefusal(ALERT.handshakeFailure, 'renegotiation_info: not that of an initial handshake');
}

/** The peer has not shown that it knows secure renegotiation. @throws HandshakeRefusal if it must (RFC 5746 §4.1, §4.3) */
export function requireRenegotiationInfo({ renegotiationInfo }: ResolvedOptions, peer: 'client' | 'server'): void {
  if (renegotiationInfo === 'prefer') return;
  throw new HandshakeRefusal(
    ALERT.handshakeFailure,
    `renegotiation_info: required, but the ${peer} has it not (option renegotiationInfo)`,
  );
}

/** Without it a CBC suite would be MAC-then-encrypt, whose padding tells too much (RFC 7366 §3). */
function checkEncryptThenMac(extension: Extension | undefined, suite: Ciphersuite): void {
  if (extension !== undefined && extension.body.length > 0) {
    throw new HandshakeRefusal(ALERT.decodeError, 'encrypt_then_mac: expected no body');
  }
  if (suite.protection === 'cbc' && extension === undefined) {
    throw new HandshakeRefusal(ALERT.handshakeFailure, `encrypt_then_mac: needed for ${suite.name}`);
  }
  if (suite.protection !== 'cbc' && extension !== undefined) {
    throw new HandshakeRefusal(ALERT.illegalParameter, `encrypt_then_mac: not for ${suite.name} (RFC 7366 §3)`);
  }
}

function chosenProtocol(extension: Extension | undefined, offered: readonly string[]): string | undefined {
  if (extension === undefined) return undefined;
  const [protocol, ...more] = decodeAlpn(extension);
  if (protocol !== undefined && more.length === 0 && offered.includes(protocol)) return protocol;
  throw new HandshakeRefusal(
    ALERT.illegalParameter,
    'application_layer_protocol_negotiation: not one that was offered',
  );
}

function chosenType(
  extension: Extension | undefined,
  field: string,
  { credential }: ResolvedOptions,
  needed: boolean,
): CertificateType {
  if (credential !== 'rawPublicKey') return 'x509';
  if (extension === undefined && !needed) return 'rawPublicKey'; // no certificate of ours will be asked for, or none is there
  if (extension !== undefined && decodeCertificateType(extension) === CERTIFICATE_TYPE.rawPublicKey)
    return 'rawPublicKey';
  throw new HandshakeRefusal(ALERT.unsupportedCertificate, `${field}: expected raw public key, found another`);
}

function agreedLimits(
  fragmentLength: Extension | undefined,
  sizeLimit: Extension | undefined,
  offered: readonly Extension[],
  { recordSizeLimit = MAX_PLAINTEXT_BYTES }: ResolvedOptions,
): RecordLimits {
  const none = MAX_PLAINTEXT_BYTES;
  if (sizeLimit !== undefined) {
    const send = decodeRecordSizeLimit(sizeLimit);
    if (send === undefined || fragmentLength !== undefined) {
      throw new HandshakeRefusal(ALERT.illegalParameter, 'record_size_limit: expected 64 or more, and it alone');
    }
    return { clear: none, send: Math.min(send, none), receive: recordSizeLimit };
  }
  if (fragmentLength === undefined) return { clear: none, send: none, receive: none };
  const agreed = decodeMaxFragmentLength(fragmentLength);
  const asked = findExtension(offered, EXTENSION_TYPE.maxFragmentLength);
  if (agreed === undefined || asked === undefined || decodeMaxFragmentLength(asked) !== agreed) {
    throw new HandshakeRefusal(ALERT.illegalParameter, 'max_fragment_length: not the one that was asked for');
  }
  return { clear: agreed, send: agreed, receive: agreed };
}
