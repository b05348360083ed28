// Socket errors, sorted as avs_net sorts them: POSIX names, TLS alerts, the TLS library's own, end of stream.

/** POSIX names a socket of this project may report. */
export type PosixCode =
  | 'EADDRINUSE'
  | 'EADDRNOTAVAIL'
  | 'EAFNOSUPPORT'
  | 'EAGAIN'
  | 'EBADF'
  | 'ECANCELED'
  | 'ECONNABORTED'
  | 'ECONNREFUSED'
  | 'ECONNRESET'
  | 'EHOSTUNREACH'
  | 'EINVAL'
  | 'EIO'
  | 'EMSGSIZE'
  | 'ENETUNREACH'
  | 'ENOBUFS'
  | 'ENODEV'
  | 'ENOTCONN'
  | 'ENOTSUP'
  | 'EPERM'
  | 'EPIPE'
  | 'EPROTO'
  | 'ETIMEDOUT';

/** Every `code` a SocketError can have: POSIX names, name resolution, TLS alert, TLS library, end of stream. */
export type SocketErrorCode = PosixCode | 'ENOTFOUND' | 'ETLSALERT' | 'ETLS' | 'EOF';

export interface SocketErrorOptions {
  /** False for soft errors (ICMP): the socket lives on. Default true. */
  readonly fatal?: boolean;
  readonly cause?: unknown;
}

/** The error of every socket operation. `code` is stable; the message is for people and carries no secret. */
export class SocketError extends Error {
  override readonly name: string = 'SocketError';
  readonly code: SocketErrorCode;
  /** Whether the socket is closed by it. */
  readonly fatal: boolean;

  constructor(code: SocketErrorCode, message: string, options: SocketErrorOptions = {}) {
    super(`${code}: ${message}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.fatal = options.fatal ?? true;
  }
}

/** Alert descriptions of RFC 5246 §7.2, RFC 4279, RFC 6066, RFC 7301 and RFC 8446. */
export const ALERT_DESCRIPTIONS = {
  0: 'close_notify',
  10: 'unexpected_message',
  20: 'bad_record_mac',
  21: 'decryption_failed',
  22: 'record_overflow',
  30: 'decompression_failure',
  40: 'handshake_failure',
  41: 'no_certificate',
  42: 'bad_certificate',
  43: 'unsupported_certificate',
  44: 'certificate_revoked',
  45: 'certificate_expired',
  46: 'certificate_unknown',
  47: 'illegal_parameter',
  48: 'unknown_ca',
  49: 'access_denied',
  50: 'decode_error',
  51: 'decrypt_error',
  60: 'export_restriction',
  70: 'protocol_version',
  71: 'insufficient_security',
  80: 'internal_error',
  86: 'inappropriate_fallback',
  90: 'user_canceled',
  100: 'no_renegotiation',
  109: 'missing_extension',
  110: 'unsupported_extension',
  111: 'certificate_unobtainable',
  112: 'unrecognized_name',
  113: 'bad_certificate_status_response',
  114: 'bad_certificate_hash_value',
  115: 'unknown_psk_identity',
  116: 'certificate_required',
  120: 'no_application_protocol',
} as const;

/** The alert's name, or `alert(N)` for one that IANA has not named here. */
export function alertName(description: number): string {
  return (ALERT_DESCRIPTIONS as Record<number, string | undefined>)[description] ?? `alert(${description})`;
}

/** A TLS alert that ended a connection or an attempt. Only a received one is reported as /1/x/11. */
export class TlsAlertError extends SocketError {
  override readonly name = 'TlsAlertError';
  readonly level: 'warning' | 'fatal' | undefined;
  /** AlertDescription, 0–255. */
  readonly description: number;
  readonly direction: 'received' | 'sent';

  constructor(
    alert: { level?: 'warning' | 'fatal' | undefined; description: number; direction: 'received' | 'sent' },
    message?: string,
    options: SocketErrorOptions = {},
  ) {
    const what = `${alertName(alert.description)} (${alert.description}) ${alert.direction}`;
    super('ETLSALERT', message === undefined ? what : `${what}: ${message}`, options);
    this.level = alert.level;
    this.description = alert.description;
    this.direction = alert.direction;
  }
}

/** ENOTSUP: this kind of socket cannot do that, ever. */
export function notSupported(operation: string, reason: string): SocketError {
  return new SocketError('ENOTSUP', `${operation}: ${reason}`, { fatal: false });
}

/** EMSGSIZE with both sizes in bytes. */
export function tooLarge(found: number, most: number): SocketError {
  return new SocketError('EMSGSIZE', `a message has at most ${most} bytes here, not ${found}`, { fatal: false });
}

/** An error of ours as it is; a foreign one wrapped as EIO, with the original as cause. */
export function asSocketError(error: unknown): SocketError {
  if (error instanceof SocketError) return error;
  return new SocketError('EIO', error instanceof Error ? error.message : String(error), { cause: error });
}
