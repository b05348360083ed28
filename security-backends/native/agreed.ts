// What both hellos settle, and the secrets and Finished messages that follow from it: the same for both roles.

import { equalSecrets } from '../../lib/bytes/index.ts';
import type { Negotiated } from '../../lib/net/index.ts';
import { ALERT, HandshakeRefusal } from './alerts.ts';
import type { Ciphersuite } from './ciphersuites.ts';
import type { HandshakeMessage } from './handshake-messages.ts';
import { HANDSHAKE_TYPE, handshakeTypeName } from './handshake-messages.ts';
import type { Handshake } from './handshake-state.ts';
import type { HelloRandoms } from './key-schedule.ts';
import {
  extendedMasterSecret,
  logMasterSecret,
  masterSecret,
  pskPremasterSecret,
  recordKeys,
  verifyData,
} from './key-schedule.ts';
import { RecordProtection } from './record-protection.ts';
import type { Transcript } from './transcript.ts';

/** From ServerHello on. The transcript grows with each message. */
export interface Agreed {
  readonly suite: Ciphersuite;
  readonly randoms: HelloRandoms;
  readonly extendedMasterSecret: boolean;
  readonly transcript: Transcript;
}

/** From ClientKeyExchange on; whoever holds it last zeroes `master`. */
export interface Secrets {
  readonly master: Uint8Array;
  readonly client: RecordProtection;
  readonly server: RecordProtection;
}

/** Derives all keys; the transcript must end with ClientKeyExchange (RFC 7627 §3). */
export function deriveSecrets(handshake: Handshake, agreed: Agreed, key: Uint8Array): Secrets {
  const { provider, keyLog } = handshake.options;
  const { suite, randoms, transcript } = agreed;
  const premaster = pskPremasterSecret(key);
  const master = agreed.extendedMasterSecret
    ? extendedMasterSecret(provider, suite.prf, premaster, transcript.digest())
    : masterSecret(provider, suite.prf, premaster, randoms);
  premaster.fill(0);
  logMasterSecret(keyLog, randoms.client, master);
  const keys = recordKeys(provider, suite, master, randoms);
  const client = new RecordProtection(provider, suite, keys.client);
  const server = new RecordProtection(provider, suite, keys.server);
  keys.destroy();
  return { master, client, server };
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
  if (message.type !== HANDSHAKE_TYPE.finished) throw unexpected(message, stateName);
  if (!equalSecrets(message.body, expected)) {
    throw new HandshakeRefusal(ALERT.decryptError, 'Finished: its verify_data does not fit the handshake');
  }
}

/** The refusal of a message that is not due. */
export function unexpected(message: HandshakeMessage, stateName: string): HandshakeRefusal {
  const description = `${handshakeTypeName(message.type)} came while ${stateName}`;
  return new HandshakeRefusal(ALERT.unexpectedMessage, description);
}

export function negotiatedOf(agreed: Agreed, identity: Uint8Array, hint: Uint8Array | undefined): Negotiated {
  return {
    version: 'DTLS1.2',
    ciphersuite: agreed.suite.id,
    extendedMasterSecret: agreed.extendedMasterSecret,
    pskIdentity: identity,
    pskIdentityHint: hint,
  };
}
