// Why a peer's certificate is refused: one error, with the reason as data and the TLS alert that says it.

import type { Certificate } from '../x509.ts';
import { nameText } from '../x509-name.ts';

/** Reasons, each with its alert (RFC 5246 §7.2.2). */
export const REFUSAL_ALERTS = {
  'nothing-configured': 'unknown_ca',
  'empty-chain': 'bad_certificate',
  'chain-too-long': 'bad_certificate',
  'unknown-issuer': 'unknown_ca',
  'bad-signature': 'bad_certificate',
  'signature-algorithm': 'unsupported_certificate',
  'weak-key': 'unsupported_certificate',
  expired: 'certificate_expired',
  'not-yet-valid': 'certificate_expired',
  'unknown-time': 'certificate_unknown',
  'not-a-ca': 'unknown_ca',
  'path-too-long': 'unknown_ca',
  'name-constraints': 'bad_certificate',
  'wrong-key-usage': 'unsupported_certificate',
  'wrong-purpose': 'unsupported_certificate',
  'unknown-critical-extension': 'unsupported_certificate',
  revoked: 'certificate_revoked',
  'revocation-list': 'certificate_unknown',
  'wrong-host': 'bad_certificate',
  'no-match': 'bad_certificate',
  library: 'bad_certificate',
} as const;

export type RefusalReason = keyof typeof REFUSAL_ALERTS;

/** A certificate or raw public key that is not trusted. */
export class CertificateRefusedError extends Error {
  override readonly name = 'CertificateRefusedError';
  readonly code = 'ECERTREFUSED';
  readonly reason: RefusalReason;
  /** The TLS alert to send, by its name in RFC 5246 §7.2. */
  readonly alert: (typeof REFUSAL_ALERTS)[RefusalReason];

  constructor(reason: RefusalReason, detail: string, certificate?: Certificate) {
    const whose = certificate === undefined ? 'certificate' : `certificate of '${nameText(certificate.subject)}'`;
    super(`${whose} refused (${reason}): ${detail}`);
    this.reason = reason;
    this.alert = REFUSAL_ALERTS[reason];
  }
}
