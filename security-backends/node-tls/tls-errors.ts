// OpenSSL's errors as Node words them, as ours.

import { SocketError, TlsAlertError } from '../../lib/net/index.ts';
import { fromNodeError } from '../../lib/net/node/index.ts';

/** A received alert as TlsAlertError, whatever else OpenSSL says as ETLS, and what the network says as itself. */
export function fromTlsError(error: Error): SocketError {
  if (error instanceof SocketError) return error;
  const alert = /SSL alert number (\d+)/.exec(error.message);
  if (alert !== null) {
    return new TlsAlertError({ level: 'fatal', description: Number(alert[1]), direction: 'received' }, undefined, {
      cause: error,
    });
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (!/^ERR_(SSL|TLS)_/.test(code) && !/certificate/i.test(error.message)) return fromNodeError(error);
  const reason = 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message;
  return new SocketError('ETLS', reason, { cause: error });
}
