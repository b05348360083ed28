// The chains that clients of a server have shown: a ticket holds the leaf alone, and who resumes is judged again.

import { DecodeError, toHex } from '../../lib/bytes/index.ts';
import type { CryptoProvider } from '../../lib/crypto/index.ts';
import { type SessionStore, StoredSession } from '../../lib/net/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';
import { decodeKept, encodeKept } from './stored-sessions.ts';

const NAME_DIGITS = 40; // hex: 160 bits of a hash

/** Of those that were let in, with more than a leaf. In memory, and in the store where there is one. */
export class ClientChains {
  readonly #most: number;
  readonly #store: SessionStore | undefined;
  readonly #provider: Pick<CryptoProvider, 'hash'>;
  readonly #environment: Environment;
  /** The longest unused first. */
  readonly #chains = new Map<string, readonly Uint8Array[]>();

  /** @param most kept at once; the longest unused gives way, in the store too */
  constructor(
    most: number,
    store: SessionStore | undefined,
    provider: Pick<CryptoProvider, 'hash'>,
    environment: Environment,
  ) {
    this.#most = most;
    this.#store = store;
    this.#provider = provider;
    this.#environment = environment;
  }

  /** The chain shown with this leaf before; the leaf alone if none is known. */
  async of(leaf: Uint8Array): Promise<readonly Uint8Array[]> {
    const name = this.#nameOf(leaf);
    const known = this.#chains.get(name) ?? (await this.#stored(name));
    return [leaf, ...(known ?? []).slice(1)]; // whoever it is, is said by the ticket alone
  }

  remember(chain: readonly Uint8Array[]): void {
    const [leaf] = chain;
    if (this.#most === 0 || leaf === undefined || chain.length < 2) return;
    const name = this.#nameOf(leaf);
    const isNew = !this.#chains.delete(name);
    for (const oldest of this.#chains.keys()) {
      if (this.#chains.size < this.#most) break;
      this.#chains.delete(oldest);
      this.#entry(oldest)?.remove();
    }
    this.#chains.set(name, chain);
    if (isNew) this.#entry(name)?.save(encodeKept({ validUntil: 0, chain, session: new Uint8Array(0) }));
  }

  async #stored(name: string): Promise<readonly Uint8Array[] | undefined> {
    const bytes = await this.#entry(name)?.load();
    try {
      return bytes && decodeKept(bytes).chain;
    } catch (error) {
      if (error instanceof DecodeError) return undefined;
      throw error;
    }
  }

  #entry(name: string): StoredSession | undefined {
    return this.#store && new StoredSession(this.#store, `tls-chain-${name}`, this.#environment.log);
  }

  #nameOf(leaf: Uint8Array): string {
    return toHex(this.#provider.hash('sha256', leaf)).slice(0, NAME_DIGITS);
  }
}
