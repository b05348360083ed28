// What OpenSSL says went wrong, as errors of ours: its error queue, and the alerts that its info callback told of.

import { SocketError, TlsAlertError } from '../../lib/net/index.ts';
import type { OpenSsl } from './library.ts';

/** An alert that was sent or received. */
export interface SeenAlert {
  readonly direction: 'received' | 'sent';
  readonly level: 'warning' | 'fatal';
  readonly description: number;
}

const MOST_REASONS = 4; // the first is the cause, the rest who passed it on

/** Empties the error queue. */
export function queuedReasons(library: OpenSsl): string {
  const reasons: string[] = [];
  for (let error = library.ERR_get_error(); error !== 0; error = library.ERR_get_error()) {
    const reason = library.ERR_reason_error_string(error) ?? `error 0x${error.toString(16)}`;
    if (reasons.length < MOST_REASONS && !reasons.includes(reason)) reasons.push(reason);
  }
  return reasons.join('; ');
}

/** A fatal alert where there was one, else what the library itself says. */
export function failureOf(alert: SeenAlert | undefined, reasons: string): SocketError {
  if (alert?.level === 'fatal') return new TlsAlertError(alert, reasons === '' ? undefined : reasons);
  return new SocketError('ETLS', reasons === '' ? 'OpenSSL failed without a reason' : reasons);
}
