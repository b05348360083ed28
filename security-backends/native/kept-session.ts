// What the renewal of an endpoint's session goes on from: in memory, and no longer than what it was proven by holds.

import { parseCertificate } from '../../lib/crypto/index.ts';
import { days } from '../../lib/runtime/index.ts';
import type { OfferedSession } from './resumable-session.ts';

const LIFETIME = days(1); // RFC 5246 §F.1.4

export class KeptSession {
  readonly #offered: OfferedSession;
  readonly #revision: number;
  /** Milliseconds since 1970. */
  readonly #end: number;

  /**
   * @param offered its secret is this object's
   * @param revision of the credentials it was made with
   */
  constructor(offered: OfferedSession, revision: number, now: number) {
    this.#offered = offered;
    this.#revision = revision;
    this.#end = endOf(offered, now);
  }

  /** Undefined once it has ended, or the credentials are others. */
  offered(revision: number, now: number): OfferedSession | undefined {
    return revision === this.#revision && now < this.#end ? this.#offered : undefined;
  }

  /** Zeroes the secret. */
  forget(): void {
    this.#offered.session.master.fill(0);
  }
}

/** No longer than what the server showed is valid: its path is not looked at again. */
function endOf({ session }: OfferedSession, now: number): number {
  const end = session.validUntil > 0 ? session.validUntil : now + LIFETIME;
  if (session.credential !== 'certificate') return end;
  const { peerCertificates = [] } = session.identification;
  return Math.min(end, ...peerCertificates.map((der) => parseCertificate(der).notAfter));
}
