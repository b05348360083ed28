// Alerts on the wire (RFC 5246 §7.2), and the refusals that turn into them.

import { DecodeError } from '../../lib/bytes/index.ts';

export const ALERT = {
  closeNotify: 0,
  unexpectedMessage: 10,
  handshakeFailure: 40,
  badCertificate: 42,
  unsupportedCertificate: 43,
  certificateRevoked: 44,
  certificateExpired: 45,
  certificateUnknown: 46,
  illegalParameter: 47,
  unknownCa: 48,
  decodeError: 50,
  decryptError: 51,
  protocolVersion: 70,
  insufficientSecurity: 71,
  internalError: 80,
  userCanceled: 90,
  noRenegotiation: 100,
  unsupportedExtension: 110,
  unknownPskIdentity: 115,
  noApplicationProtocol: 120,
} as const;

const WARNING = 1;
const FATAL = 2;

export interface Alert {
  readonly level: 'warning' | 'fatal';
  readonly description: number;
}

/** @throws DecodeError if these are not the two bytes of one alert */
export function decodeAlert(bytes: Uint8Array): Alert {
  if (bytes.length !== 2) throw new DecodeError('alert', '2 bytes', `${bytes.length} bytes`);
  const [level, description] = [bytes[0]!, bytes[1]!];
  if (level !== WARNING && level !== FATAL) throw new DecodeError('alert level', '1 or 2', `${level}`);
  return { level: level === FATAL ? 'fatal' : 'warning', description };
}

export function encodeAlert(alert: Alert): Uint8Array {
  return Uint8Array.of(alert.level === 'fatal' ? FATAL : WARNING, alert.description);
}

/**
 * A message that cannot be taken: the peer misbehaves, is incompatible, or has no right.
 * In the clear it may be damage or forgery, so one alone does not end a handshake.
 */
export class HandshakeRefusal extends Error {
  override readonly name = 'HandshakeRefusal';
  readonly code = 'EREFUSED';
  /** The alert that tells the peer. */
  readonly description: number;

  constructor(description: number, message: string) {
    super(message);
    this.description = description;
  }
}

/** What to tell the peer about an error of its message; undefined for an error that is not the peer's. */
export function alertFor(error: unknown): number | undefined {
  if (error instanceof HandshakeRefusal) return error.description;
  if (error instanceof DecodeError) return ALERT.decodeError;
  return undefined;
}
