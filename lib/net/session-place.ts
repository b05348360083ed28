// Where a client's sessions belong in a store: found by server and by all that decides whom we trust and who we are, so that
// a change of either finds nothing.

import { concatBytes, toHex, utf8Encode } from '../bytes/index.ts';
import type { CryptoProvider } from '../crypto/index.ts';
import type { Log } from '../runtime/index.ts';
import { literalFamily } from './address.ts';
import type { SessionStore } from './ssl-configuration.ts';
import type { TlsaRecord } from './tlsa.ts';

/** Where a session belongs. */
export interface SessionPlace {
  readonly host: string;
  readonly port: number;
  readonly serverName: string | undefined;
  /** Of the credential and of whom is trusted, DANE records apart. */
  readonly fingerprint: Uint8Array;
  /** They may change between two handshakes, and with them who is trusted. */
  readonly tlsa: readonly TlsaRecord[];
}

/** The same for the same place alone; tells nothing of it. 32 bytes. */
export function hashOfPlace(place: SessionPlace, provider: Pick<CryptoProvider, 'hash'>): Uint8Array {
  const { host, port, serverName, fingerprint, tlsa } = place;
  const records = tlsa.map((each) => [each.usage, each.selector, each.matchingType, toHex(each.associationData)]);
  const what = utf8Encode(JSON.stringify([host.toLowerCase(), port, serverName ?? null, records]));
  return provider.hash('sha256', concatBytes(what, fingerprint));
}

/** What server_name carries: names, never addresses (RFC 6066 §3). */
export function serverNameOf(host: string | undefined): string | undefined {
  return host === undefined || literalFamily(host) !== undefined ? undefined : host;
}

/** One entry of a session store. What fails in the store is logged, and costs a full handshake. */
export class StoredSession {
  readonly #store: SessionStore;
  readonly #key: string;
  readonly #log: Log;
  /** What is under way: the store is asked in order, however long it takes. */
  #last: Promise<void> | undefined;

  constructor(store: SessionStore, key: string, log: Log) {
    this.#store = store;
    this.#key = key;
    this.#log = log;
  }

  async load(): Promise<Uint8Array | undefined> {
    await this.#last;
    try {
      return await this.#store.load(this.#key);
    } catch (error) {
      this.#warn(error, 'the stored session cannot be read');
      return undefined;
    }
  }

  /** @param bytes become the store's */
  save(bytes: Uint8Array): void {
    this.#then(() => this.#store.save(this.#key, bytes), 'the session cannot be stored');
  }

  remove(): void {
    this.#then(() => this.#store.remove(this.#key), 'the stored session cannot be removed');
  }

  /** At once, unless something is under way. */
  #then(work: () => void | Promise<void>, message: string): void {
    const before = this.#last;
    const settled =
      before === undefined ? this.#attempt(work, message) : before.then(() => this.#attempt(work, message));
    if (settled === undefined) return;
    const last = settled.then(() => {
      if (this.#last === last) this.#last = undefined;
    });
    this.#last = last;
  }

  #attempt(work: () => void | Promise<void>, message: string): Promise<void> | undefined {
    try {
      const done = work();
      return done instanceof Promise ? done.catch((error: unknown) => this.#warn(error, message)) : undefined;
    } catch (error) {
      this.#warn(error, message);
      return undefined;
    }
  }

  #warn(error: unknown, message: string): void {
    this.#log.warn({ reason: error instanceof Error ? error.message : String(error) }, message);
  }
}
