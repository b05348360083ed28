// A client's sessions in its store.

import { DecodeError, toHex } from '../../lib/bytes/index.ts';
import { parseCertificate } from '../../lib/crypto/index.ts';
import type { CryptoProvider } from '../../lib/crypto/provider/provider.ts';
import { type SessionPlace, type SessionStore, StoredSession, hashOfPlace } from '../../lib/net/index.ts';
import { type Environment, days } from '../../lib/runtime/index.ts';
import { type OfferedSession, decodeOffered, encodeOffered } from './resumable-session.ts';

const KEY_LENGTH = 40; // hex digits: 160 bits of a hash

/** What fails in the store is logged, and costs a full handshake. */
export class ClientSessions {
  readonly #stored: StoredSession;
  readonly #environment: Environment;

  constructor(
    store: SessionStore,
    place: SessionPlace,
    provider: Pick<CryptoProvider, 'hash'>,
    environment: Environment,
  ) {
    const key = `dtls-${toHex(hashOfPlace(place, provider)).slice(0, KEY_LENGTH)}`;
    this.#stored = new StoredSession(store, key, environment.log);
    this.#environment = environment;
  }

  /** The session to offer, if there is one; its secret is the caller's. */
  async load(): Promise<OfferedSession | undefined> {
    const bytes = await this.#stored.load();
    if (bytes === undefined) return undefined;
    try {
      const offered = decodeOffered(bytes);
      if (this.#environment.clock.wallTime() < offered.session.validUntil) return offered;
      offered.session.master.fill(0);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#environment.log.warn({ reason: error.message }, 'the stored session cannot be used');
    }
    this.remove();
    return undefined;
  }

  /** Zeroes the secret. Whoever stores it must not need it longer than this call, or copy it. */
  save(offered: OfferedSession): void {
    const bytes = encodeOffered({ ...offered, session: { ...offered.session, validUntil: this.#end(offered) } });
    offered.session.master.fill(0);
    this.#stored.save(bytes);
  }

  /** RFC 5246 §7.2.2: what ended in an error must not be resumed. */
  remove(): void {
    this.#stored.remove();
  }

  /** A day, but no longer than what the server showed is valid: its path is not looked at again. */
  #end({ session }: OfferedSession): number {
    const known = session.validUntil > 0 ? session.validUntil : this.#environment.clock.wallTime() + days(1);
    if (session.credential !== 'certificate') return known;
    const ends = (session.identification.peerCertificates ?? []).map((der) => parseCertificate(der).notAfter);
    return Math.max(0, Math.min(known, ...ends));
  }
}
