// The pre-shared keys by which clients of a server came in: a ticket says whose it is, and not by which key. Whoever resumes must
// be let in today by the key of then, so that a key that is replaced ends what was made with it.

import { equalBytes, toHex, utf8Encode } from '../../lib/bytes/index.ts';
import type { CryptoProvider } from '../../lib/crypto/index.ts';
import { type SessionStore, StoredSession } from '../../lib/net/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';
import type { TicketKeys } from './ticket-keys.ts';

const MOST_CLIENTS = 65_536; // ours: some 20 MB. One more ends all tickets, and the count begins anew
const NAME_DIGITS = 40; // hex: 160 bits of a hash
const FINGERPRINT_LABEL = utf8Encode('lwm2m-client TLS ticket');
const FINGERPRINT_BYTES = 16;

export interface ClientKeysOptions {
  readonly tickets: TicketKeys;
  /** Where what is known outlives us, as the key of the tickets does. */
  readonly store: SessionStore | undefined;
  readonly provider: Pick<CryptoProvider, 'hash' | 'hmac'>;
  readonly environment: Environment;
  readonly maxClients?: number | undefined;
}

/** Every ticket that the present key opens is of a client that is known here, or in the store. */
export class ClientKeys {
  readonly #options: ClientKeysOptions;
  readonly #maxClients: number;
  /** What tells a key from others, by the hash of its identity. */
  readonly #fingerprints = new Map<string, Uint8Array>();

  constructor(options: ClientKeysOptions) {
    this.#options = options;
    this.#maxClients = options.maxClients ?? MOST_CLIENTS;
  }

  /** A client has shown that it knows the key. If it came by another before, no ticket of before is of use any more. */
  async remember(identity: Uint8Array, key: Uint8Array): Promise<void> {
    const name = this.#nameOf(identity);
    const fingerprint = this.#fingerprintOf(key);
    const known = await this.#known(name);
    const isSame = known !== undefined && equalBytes(known, fingerprint);
    const isFull = !this.#fingerprints.has(name) && this.#fingerprints.size >= this.#maxClients;
    if (isFull) this.#fingerprints.clear();
    if (isFull || (known !== undefined && !isSame)) this.#options.tickets.renew();
    this.#fingerprints.set(name, fingerprint);
    if (!isSame) this.#entry(name)?.save(fingerprint.slice());
  }

  /**
   * Whether a client may go on from a ticket of this identity, whose key is `key` today.
   * @param ticketKey what opened it: none but the present one, for those before may be of keys that have been replaced
   */
  async mayResume(identity: Uint8Array, key: Uint8Array, ticketKey: Uint8Array | undefined): Promise<boolean> {
    const today = this.#fingerprintOf(key); // before anything is waited for: the key may be zeroed meanwhile
    const known = await this.#known(this.#nameOf(identity));
    if (known === undefined || !equalBytes(known, today)) return false;
    return ticketKey === this.#options.tickets.current();
  }

  async #known(name: string): Promise<Uint8Array | undefined> {
    return this.#fingerprints.get(name) ?? (await this.#entry(name)?.load());
  }

  #entry(name: string): StoredSession | undefined {
    const { store, environment } = this.#options;
    return store && new StoredSession(store, `tls-psk-${name}`, environment.log);
  }

  #nameOf(identity: Uint8Array): string {
    return toHex(this.#options.provider.hash('sha256', identity)).slice(0, NAME_DIGITS);
  }

  #fingerprintOf(key: Uint8Array): Uint8Array {
    return this.#options.provider.hmac('sha256', key, FINGERPRINT_LABEL).slice(0, FINGERPRINT_BYTES);
  }
}
