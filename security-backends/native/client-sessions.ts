// A client's sessions in its store: found by server and by all that decides whom we trust and who we are, so that a change
// of either finds nothing.

import { DecodeError, concatBytes, toHex, utf8Encode } from '../../lib/bytes/index.ts';
import { parseCertificate } from '../../lib/crypto/index.ts';
import type { CryptoProvider } from '../../lib/crypto/provider/provider.ts';
import type { SessionStore } from '../../lib/net/index.ts';
import { type Environment, days } from '../../lib/runtime/index.ts';
import { type OfferedSession, decodeOffered, encodeOffered } from './resumable-session.ts';

/** Where a session belongs. */
export interface SessionPlace {
  readonly host: string;
  readonly port: number;
  readonly serverName: string | undefined;
  /** Of the credential and of whom is trusted. */
  readonly fingerprint: Uint8Array;
}

const KEY_LENGTH = 40; // hex digits: 160 bits of a hash

/** The same for the same place alone; tells nothing of it. 32 bytes. */
export function hashOf(place: SessionPlace, provider: Pick<CryptoProvider, 'hash'>): Uint8Array {
  const { host, port, serverName, fingerprint } = place;
  const what = utf8Encode(JSON.stringify([host.toLowerCase(), port, serverName ?? null]));
  return provider.hash('sha256', concatBytes(what, fingerprint));
}

/** What fails in the store is logged, and costs a full handshake. */
export class ClientSessions {
  readonly #store: SessionStore;
  readonly #environment: Environment;
  readonly #key: string;

  constructor(
    store: SessionStore,
    place: SessionPlace,
    provider: Pick<CryptoProvider, 'hash'>,
    environment: Environment,
  ) {
    this.#store = store;
    this.#environment = environment;
    this.#key = `dtls-${toHex(hashOf(place, provider)).slice(0, KEY_LENGTH)}`;
  }

  /** The session to offer, if there is one; its secret is the caller's. */
  async load(): Promise<OfferedSession | undefined> {
    try {
      const bytes = await this.#store.load(this.#key);
      if (bytes === undefined) return undefined;
      const offered = decodeOffered(bytes);
      if (this.#environment.clock.wallTime() < offered.session.validUntil) return offered;
      offered.session.master.fill(0);
      this.remove();
    } catch (error) {
      this.#warn(error, 'the stored session cannot be used');
      if (error instanceof DecodeError) this.remove();
    }
    return undefined;
  }

  /** Zeroes the secret. Whoever stores it must not need it longer than this call, or copy it. */
  save(offered: OfferedSession): void {
    const bytes = encodeOffered({ ...offered, session: { ...offered.session, validUntil: this.#end(offered) } });
    offered.session.master.fill(0);
    this.#settled(() => this.#store.save(this.#key, bytes), 'the session cannot be stored');
  }

  /** RFC 5246 §7.2.2: what ended in an error must not be resumed. */
  remove(): void {
    this.#settled(() => this.#store.remove(this.#key), 'the stored session cannot be removed');
  }

  /** A day, but no longer than what the server showed is valid: its path is not looked at again. */
  #end({ session }: OfferedSession): number {
    const known = session.validUntil > 0 ? session.validUntil : this.#environment.clock.wallTime() + days(1);
    if (session.credential !== 'certificate') return known;
    const ends = (session.identification.peerCertificates ?? []).map((der) => parseCertificate(der).notAfter);
    return Math.max(0, Math.min(known, ...ends));
  }

  #settled(work: () => void | Promise<void>, message: string): void {
    try {
      const done = work();
      if (done instanceof Promise) done.catch((error: unknown) => this.#warn(error, message));
    } catch (error) {
      this.#warn(error, message);
    }
  }

  #warn(error: unknown, message: string): void {
    this.#environment.log.warn({ reason: error instanceof Error ? error.message : String(error) }, message);
  }
}
