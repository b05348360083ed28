// What of a session is kept so that a later handshake can go on from it (RFC 5246 §7.3, RFC 5077): state, codec, checks.

import { DecodeError, Reader, Writer, equalSecrets, utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import type { CryptoProvider } from '../../lib/crypto/provider/provider.ts';
import type { Identification } from './agreed.ts';
import type { Credential } from './ciphersuites.ts';

/** Holds the master secret: whoever holds it last zeroes that. */
export interface ResumableSession {
  readonly credential: Credential;
  /** IANA id. */
  readonly ciphersuite: number;
  readonly extendedMasterSecret: boolean;
  /** 48 bytes. */
  readonly master: Uint8Array;
  /** The name the client asked for: another one is another session (RFC 6066 §3). */
  readonly serverName: string | undefined;
  /** Whom the full handshake has shown the peer to be. */
  readonly identification: Identification;
  /** Of the pre-shared key in use; empty with other credentials. A key that has changed fits no more. */
  readonly keyFingerprint: Uint8Array;
  /** Milliseconds since 1970: until then. Resuming does not move it. */
  readonly validUntil: number;
}

/** What a client offers. */
export interface OfferedSession {
  /** The server's name of it; empty where there is a ticket. */
  readonly sessionId: Uint8Array;
  readonly ticket: Uint8Array | undefined;
  readonly session: ResumableSession;
}

const FORMAT = 1;
const MASTER_BYTES = 48;
const CREDENTIALS: readonly Credential[] = ['psk', 'certificate', 'rawPublicKey'];
const FINGERPRINT_LABEL = utf8Encode('lwm2m-client dtls resumption');
const FINGERPRINT_BYTES = 16;

/** Tells whether a pre-shared key is still the same, without telling the key. */
export function keyFingerprint(provider: CryptoProvider, key: Uint8Array): Uint8Array {
  return provider.hmac('sha256', key, FINGERPRINT_LABEL).slice(0, FINGERPRINT_BYTES);
}

export function isSameKey(provider: CryptoProvider, key: Uint8Array, session: ResumableSession): boolean {
  return equalSecrets(keyFingerprint(provider, key), session.keyFingerprint);
}

/** As a new array, which holds the secret. */
export function encodeSession(session: ResumableSession): Uint8Array {
  const { identification, serverName } = session;
  const writer = new Writer(256);
  writer.uint8(FORMAT).uint8(CREDENTIALS.indexOf(session.credential)).uint16(session.ciphersuite);
  writer
    .uint8(session.extendedMasterSecret ? 1 : 0)
    .bytes(session.master)
    .uint48(session.validUntil);
  writer.vector8(session.keyFingerprint);
  optional(writer, serverName === undefined ? undefined : utf8Encode(serverName));
  optional(writer, identification.pskIdentity);
  optional(writer, identification.pskIdentityHint);
  optional(writer, identification.peerPublicKey);
  optional(writer, identification.group === undefined ? undefined : utf8Encode(identification.group));
  writer.vector24((list) => {
    for (const certificate of identification.peerCertificates ?? []) list.vector24(certificate);
  });
  return writer.finish();
}

/** Everything copied. @throws DecodeError */
export function decodeSession(bytes: Uint8Array): ResumableSession {
  const reader = new Reader(bytes);
  const format = reader.uint8('session format');
  if (format !== FORMAT) throw new DecodeError('session format', `${FORMAT}`, `${format}`);
  const credential = CREDENTIALS[reader.uint8('session credential')];
  if (credential === undefined) throw new DecodeError('session credential', 'one that is known', 'another');
  const ciphersuite = reader.uint16('session ciphersuite');
  const extendedMasterSecret = readFlag(reader, 'session extended_master_secret');
  const master = reader.bytes(MASTER_BYTES, 'session master_secret').slice();
  const validUntil = reader.uint48('session validity');
  const fingerprint = reader.vector8('session key fingerprint').slice();
  const serverName = readOptional(reader, 'session server_name');
  const pskIdentity = readOptional(reader, 'session psk_identity');
  const pskIdentityHint = readOptional(reader, 'session psk_identity_hint');
  const peerPublicKey = readOptional(reader, 'session public key');
  const group = readOptional(reader, 'session group');
  const peerCertificates = readCertificates(reader);
  reader.end('session');
  return {
    credential,
    ciphersuite,
    extendedMasterSecret,
    master,
    validUntil,
    keyFingerprint: fingerprint,
    serverName: serverName && utf8Decode(serverName, 'session server_name'),
    identification: {
      ...(pskIdentity && { pskIdentity }),
      ...(pskIdentityHint && { pskIdentityHint }),
      ...(peerPublicKey && { peerPublicKey }),
      ...(group && { group: utf8Decode(group, 'session group') }),
      ...(peerCertificates.length > 0 && { peerCertificates }),
    },
  };
}

/** For a client's store: with what the server knows it by. */
export function encodeOffered({ sessionId, ticket, session }: OfferedSession): Uint8Array {
  const encoded = encodeSession(session);
  const writer = new Writer(64 + encoded.length).vector8(sessionId);
  optional(writer, ticket);
  const whole = writer.bytes(encoded).finish();
  encoded.fill(0);
  return whole;
}

/** @throws DecodeError */
export function decodeOffered(bytes: Uint8Array): OfferedSession {
  const reader = new Reader(bytes);
  const sessionId = reader.vector8('offered session_id').slice();
  if (sessionId.length > 32) throw new DecodeError('offered session_id', 'at most 32 bytes', `${sessionId.length}`);
  const ticket = readOptional(reader, 'offered ticket');
  // A server that resumes nothing answers with an empty id: that would be taken for this one.
  if (ticket === undefined && sessionId.length === 0) throw new DecodeError('offered session_id', '1 to 32 bytes', '0');
  return { sessionId, ticket, session: decodeSession(reader.bytes(reader.remaining, 'offered session')) };
}

function optional(writer: Writer, bytes: Uint8Array | undefined): void {
  writer.uint8(bytes === undefined ? 0 : 1);
  if (bytes !== undefined) writer.vector16(bytes);
}

function readOptional(reader: Reader, field: string): Uint8Array | undefined {
  return readFlag(reader, field) ? reader.vector16(field).slice() : undefined;
}

function readFlag(reader: Reader, field: string): boolean {
  const flag = reader.uint8(field);
  if (flag > 1) throw new DecodeError(field, '0 or 1', `${flag}`);
  return flag === 1;
}

function readCertificates(reader: Reader): readonly Uint8Array[] {
  const list = new Reader(reader.vector24('session certificates'));
  const certificates: Uint8Array[] = [];
  while (list.remaining > 0) certificates.push(list.vector24('session certificate').slice());
  return certificates;
}
