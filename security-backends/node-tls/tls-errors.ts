// OpenSSL's errors as Node words them, as ours.

import { DecodeError } from '../../lib/bytes/index.ts';
import { isCertificateRefused } from '../../lib/crypto/index.ts';
import { ALERT_DESCRIPTIONS, SocketError, TlsAlertError } from '../../lib/net/index.ts';
import { fromNodeError } from '../../lib/net/node/index.ts';

const HANDSHAKE_FAILURE = 40;
const BAD_CERTIFICATE = 42;

/** What OpenSSL answers by an alert of its own, by the end of Node's code. */
const SENT: Readonly<Record<string, keyof typeof ALERT_DESCRIPTIONS>> = {
  NO_SHARED_CIPHER: 40,
  NO_SUITABLE_SIGNATURE_ALGORITHM: 40,
  NO_SUITABLE_KEY_SHARE: 40,
  NO_SHARED_GROUPS: 40,
  UNSUPPORTED_PROTOCOL: 70,
  NO_APPLICATION_PROTOCOL: 120,
  PSK_IDENTITY_NOT_FOUND: 115,
  BINDER_DOES_NOT_VERIFY: 47,
  BAD_SIGNATURE: 51,
  DIGEST_CHECK_FAILED: 51,
  DECRYPTION_FAILED_OR_BAD_RECORD_MAC: 20,
  CIPHER_OPERATION_FAILED: 20,
  INCONSISTENT_EXTMS: 40,
};

/**
 * A received alert as TlsAlertError, one that OpenSSL itself sent likewise, whatever else it says as ETLS, and what the
 * network says as itself.
 * @param offer what our side was ready for, for those that failed to agree
 */
export function fromTlsError(error: Error, offer?: string): SocketError {
  if (error instanceof SocketError) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const received = receivedAlert(error.message, code);
  if (received !== undefined) {
    return new TlsAlertError({ level: 'fatal', description: received, direction: 'received' }, offer, { cause: error });
  }
  if (!/^ERR_(SSL|TLS)_/.test(code) && !/certificate/i.test(error.message)) return fromNodeError(error);
  const reason = 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message;
  const what = offer === undefined ? reason : `${reason}; ${offer}`;
  const sent = SENT[code.slice('ERR_SSL_'.length)];
  return sent === undefined
    ? new SocketError('ETLS', what, { cause: error })
    : new TlsAlertError({ level: 'fatal', description: sent, direction: 'sent' }, what, { cause: error });
}

/** What a peer that we refuse for this reason is told (RFC 5246 §7.2.2); undefined if it is not the peer's fault. */
export function alertFor(error: unknown): number | undefined {
  if (error instanceof DecodeError) return BAD_CERTIFICATE;
  if (isCertificateRefused(error)) return alertNumber(error.alert);
  return error instanceof SocketError && error.code === 'EPROTO' ? HANDSHAKE_FAILURE : undefined;
}

function alertNumber(name: string | undefined): number | undefined {
  const found = Object.entries(ALERT_DESCRIPTIONS).find(([, each]) => each === name);
  return found === undefined ? undefined : Number(found[0]);
}

/** By its number where the text has one, else by its name in the code. */
function receivedAlert(message: string, code: string): number | undefined {
  const number = /SSL alert number (\d+)/.exec(message)?.[1];
  if (number !== undefined) return Number(number);
  const name = /^ERR_SSL_(?:SSLV3|TLSV1|TLSV13)_ALERT_(\w+)$/.exec(code)?.[1]?.toLowerCase();
  return alertNumber(name);
}
