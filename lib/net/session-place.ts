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

interface Work {
  readonly call: () => void | Promise<void>;
  /** Words for the log. */
  readonly failure: string;
  /** Zeroed if it is never stored. */
  readonly secret?: Uint8Array;
}

/** One entry of a session store. What fails in the store is logged, and costs a full handshake. */
export class StoredSession {
  readonly #store: SessionStore;
  readonly #key: string;
  readonly #log: Log;
  /** What is under way: the store is asked in order, however long it takes. */
  #busy: Promise<void> | undefined;
  /** What comes after it: the newest alone, for it makes the one before pointless. */
  #next: Work | undefined;

  constructor(store: SessionStore, key: string, log: Log) {
    this.#store = store;
    this.#key = key;
    this.#log = log;
  }

  async load(): Promise<Uint8Array | undefined> {
    while (this.#busy !== undefined) await this.#busy;
    try {
      return await this.#store.load(this.#key);
    } catch (error) {
      this.#warn(error, 'the stored session cannot be read');
      return undefined;
    }
  }

  /** @param bytes become the store's */
  save(bytes: Uint8Array): void {
    this.#ask({
      call: () => this.#store.save(this.#key, bytes),
      failure: 'the session cannot be stored',
      secret: bytes,
    });
  }

  remove(): void {
    this.#ask({ call: () => this.#store.remove(this.#key), failure: 'the stored session cannot be removed' });
  }

  /** At once, unless something is under way. */
  #ask(work: Work): void {
    if (this.#busy !== undefined) {
      this.#next?.secret?.fill(0);
      this.#next = work;
      return;
    }
    const settled = this.#attempt(work);
    if (settled === undefined) return;
    this.#busy = settled.then(() => {
      const next = this.#next;
      this.#busy = this.#next = undefined;
      if (next !== undefined) this.#ask(next);
    });
  }

  #attempt({ call, failure }: Work): Promise<void> | undefined {
    try {
      const done = call();
      return done instanceof Promise ? done.catch((error: unknown) => this.#warn(error, failure)) : undefined;
    } catch (error) {
      this.#warn(error, failure);
      return undefined;
    }
  }

  #warn(error: unknown, message: string): void {
    this.#log.warn({ reason: error instanceof Error ? error.message : String(error) }, message);
  }
}
