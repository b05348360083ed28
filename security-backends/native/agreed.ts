// What both hellos settle, and the secrets and Finished messages that follow from it: the same for both roles.

import { equalSecrets } from '../../lib/bytes/index.ts';
import type { Negotiated } from '../../lib/net/index.ts';
import { ALERT, HandshakeRefusal } from './alerts.ts';
import type { Ciphersuite } from './ciphersuites.ts';
import type { CertificateType } from './connection.ts';
import type { FlightItem } from './flight.ts';
import type { HandshakeMessage } from './handshake-messages.ts';
import { HANDSHAKE_TYPE, handshakeMessage, handshakeTypeName } from './handshake-messages.ts';
import type { Handshake } from './handshake-state.ts';
import type { HelloRandoms } from './key-schedule.ts';
import { extendedMasterSecret, logMasterSecret, masterSecret, recordKeys, verifyData } from './key-schedule.ts';
import { type Protection, protectionOf } from './record-protection.ts';
import type { ConnectionIds } from './record-layer.ts';
import type { ResumableSession } from './resumable-session.ts';
import type { ServerResumption } from './server-offer.ts';
import type { Transcript } from './transcript.ts';

/** From ServerHello on. The transcript grows with each message. */
export interface Agreed {
  readonly suite: Ciphersuite;
  readonly randoms: HelloRandoms;
  readonly extendedMasterSecret: boolean;
  readonly transcript: Transcript;
  readonly alpn: string | undefined;
  readonly connectionIds: ConnectionIds | undefined;
  /** The session's name; empty: it has none. */
  readonly sessionId: Uint8Array;
  /** NewSessionTicket comes before the server's ChangeCipherSpec (RFC 5077 §3.1). */
  readonly ticket: boolean;
  /** Server: what makes it, and keeps sessions. */
  readonly resumption?: ServerResumption | undefined;
  /** Whether the session may be kept. */
  readonly resumable: boolean;
  /** The name the client asked for. */
  readonly serverName: string | undefined;
  /** What Certificate messages of each side carry (RFC 7250). */
  readonly certificateTypes: { readonly client: CertificateType; readonly server: CertificateType };
}

/** From ClientKeyExchange on; whoever holds it last zeroes `master`. */
export interface Secrets {
  readonly master: Uint8Array;
  readonly client: Protection;
  readonly server: Protection;
}

/** What a later handshake can go on from; the master secret is copied. */
export function resumableSession(
  handshake: Handshake,
  agreed: Agreed,
  master: Uint8Array,
  negotiated: Negotiated,
  fingerprint: Uint8Array = new Uint8Array(0),
): ResumableSession {
  return {
    identification: identificationOf(negotiated),
    keyFingerprint: fingerprint,
    validUntil: 0, // whoever keeps it knows the time
    credential: handshake.options.credential,
    ciphersuite: agreed.suite.id,
    extendedMasterSecret: agreed.extendedMasterSecret,
    master: master.slice(),
    serverName: agreed.serverName,
  };
}

/** What a session that can be gone on with elsewhere needs beside its records; only where somebody keeps it. */
function tellMaterial(handshake: Handshake, agreed: Agreed, master: Uint8Array): void {
  if (handshake.options.live === undefined) return;
  handshake.keyed({ agreed, master: master.slice() });
}

/** Keys of a resumed session: new ones, from new randoms and the old master secret (RFC 5246 §6.3), which is copied. */
export function resumedSecrets(handshake: Handshake, agreed: Agreed, master: Uint8Array): Secrets {
  logMasterSecret(handshake.options.keyLog, agreed.randoms.client, master);
  tellMaterial(handshake, agreed, master);
  return { master: master.slice(), ...protections(handshake, agreed, master) };
}

/** Derives all keys; the transcript must end with ClientKeyExchange (RFC 7627 §3). Zeroes the premaster secret. */
export function deriveSecrets(handshake: Handshake, agreed: Agreed, premaster: Uint8Array): Secrets {
  const { provider, keyLog } = handshake.options;
  const { suite, randoms, transcript } = agreed;
  const master = agreed.extendedMasterSecret
    ? extendedMasterSecret(provider, suite.prf, premaster, transcript.digest())
    : masterSecret(provider, suite.prf, premaster, randoms);
  premaster.fill(0);
  logMasterSecret(keyLog, randoms.client, master);
  tellMaterial(handshake, agreed, master);
  return { master, ...protections(handshake, agreed, master) };
}

/** Keys and ids of both directions. */
export function protections(
  handshake: Handshake,
  agreed: Pick<Agreed, 'suite' | 'randoms' | 'connectionIds'>,
  master: Uint8Array,
): Pick<Secrets, 'client' | 'server'> {
  const { provider, random } = handshake.options;
  const { suite, randoms } = agreed;
  const keys = recordKeys(provider, suite, master, randoms);
  const { own, peer } = agreed.connectionIds ?? {};
  const [byClient, byServer] = handshake.role === 'client' ? [peer, own] : [own, peer];
  const client = protectionOf(provider, suite, keys.client, random, byClient);
  const server = protectionOf(provider, suite, keys.server, random, byServer);
  keys.destroy();
  return { client, server };
}

/** Zeroes all of them. */
export function destroySecrets(secrets: Secrets): void {
  secrets.master.fill(0);
  secrets.client.destroy();
  secrets.server.destroy();
}

/** The verify_data of `sender` over the transcript so far. */
export function finishedBody(
  handshake: Handshake,
  agreed: Agreed,
  master: Uint8Array,
  sender: 'client' | 'server',
): Uint8Array {
  return verifyData(handshake.options.provider, agreed.suite.prf, master, sender, agreed.transcript.digest());
}

/** @throws HandshakeRefusal unless the message is a Finished with the verify_data expected */
export function checkFinished(message: HandshakeMessage, expected: Uint8Array, stateName: string): void {
  expectType(message, HANDSHAKE_TYPE.finished, stateName);
  if (!equalSecrets(message.body, expected)) {
    throw new HandshakeRefusal(ALERT.decryptError, 'Finished: its verify_data does not fit the handshake');
  }
}

/** @throws HandshakeRefusal of a message that is not due */
export function expectType(message: HandshakeMessage, type: number, stateName: string): void {
  if (message.type !== type) throw unexpected(message, stateName);
}

/** The refusal of a message that is not due. */
export function unexpected(message: HandshakeMessage, stateName: string): HandshakeRefusal {
  const description = `${handshakeTypeName(message.type)} came while ${stateName}`;
  return new HandshakeRefusal(ALERT.unexpectedMessage, description);
}

/** The next message of ours. */
export function ownMessage(handshake: Handshake, type: number, body: Uint8Array): HandshakeMessage {
  return handshakeMessage(type, handshake.nextMessageSeq(), body);
}

/** The next message of ours, added to the transcript. */
export function addOwnMessage(handshake: Handshake, agreed: Agreed, type: number, body: Uint8Array): HandshakeMessage {
  const message = ownMessage(handshake, type, body);
  agreed.transcript.add(message.raw);
  return message;
}

/** A message as part of a flight, in the clear. */
export function inClear(message: HandshakeMessage): FlightItem {
  return { kind: 'handshake', epoch: 0, message };
}

/** What each kind of handshake learns of the peer. */
export type Identification = Partial<
  Pick<Negotiated, 'pskIdentity' | 'pskIdentityHint' | 'peerCertificates' | 'peerPublicKey' | 'group'>
>;

export function identificationOf(negotiated: Negotiated): Identification {
  const { pskIdentity, pskIdentityHint, peerCertificates, peerPublicKey, group } = negotiated;
  return {
    ...(pskIdentity && { pskIdentity }),
    ...(pskIdentityHint && { pskIdentityHint }),
    ...(peerCertificates && { peerCertificates }),
    ...(peerPublicKey && { peerPublicKey }),
    ...(group !== undefined && { group }),
  };
}

export function negotiatedOf(agreed: Agreed, identification: Identification): Negotiated {
  const ids = agreed.connectionIds;
  return {
    version: 'DTLS1.2',
    ciphersuite: agreed.suite.id,
    extendedMasterSecret: agreed.extendedMasterSecret,
    ...(agreed.alpn === undefined ? {} : { alpn: agreed.alpn }),
    ...(ids === undefined ? {} : { connectionId: { own: ids.own.slice(), peer: ids.peer.slice() } }),
    ...identification,
  };
}
