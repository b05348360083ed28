// Node's error codes as ours: the one place that knows both.

import { SocketError, type SocketErrorCode } from '../errors.ts';

const CODES: Readonly<Record<string, SocketErrorCode>> = {
  EACCES: 'EPERM',
  EADDRINUSE: 'EADDRINUSE',
  EADDRNOTAVAIL: 'EADDRNOTAVAIL',
  EAFNOSUPPORT: 'EAFNOSUPPORT',
  EAGAIN: 'EAGAIN',
  EAI_AGAIN: 'ENOTFOUND',
  EAI_FAIL: 'ENOTFOUND',
  EAI_NODATA: 'ENOTFOUND',
  EAI_NONAME: 'ENOTFOUND',
  EBADF: 'EBADF',
  ECANCELED: 'ECANCELED',
  ECONNABORTED: 'ECONNABORTED',
  ECONNREFUSED: 'ECONNREFUSED',
  ECONNRESET: 'ECONNRESET',
  EHOSTUNREACH: 'EHOSTUNREACH',
  EINVAL: 'EINVAL',
  EMSGSIZE: 'EMSGSIZE',
  ENETDOWN: 'ENETUNREACH',
  ENETUNREACH: 'ENETUNREACH',
  ENOBUFS: 'ENOBUFS',
  ENODEV: 'ENODEV',
  ENOMEM: 'ENOBUFS',
  ENOTCONN: 'ENOTCONN',
  ENOTFOUND: 'ENOTFOUND',
  EPERM: 'EPERM',
  EPIPE: 'EPIPE',
  EPROTO: 'EPROTO',
  ETIMEDOUT: 'ETIMEDOUT',
};

/** Node's error as a SocketError with the original as cause; what has no counterpart is EIO. */
export function fromNodeError(error: unknown, options: { readonly fatal?: boolean } = {}): SocketError {
  if (error instanceof SocketError) return error;
  const found = error instanceof Error ? error : new Error(String(error));
  const code = 'code' in found && typeof found.code === 'string' ? CODES[found.code] : undefined;
  return new SocketError(code ?? 'EIO', found.message, { fatal: options.fatal ?? true, cause: found });
}
