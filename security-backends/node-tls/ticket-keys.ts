// The key that a server's tickets are sealed with: kept in its session store, so that clients resume after a restart, and
// changed when it has served for as long as a session lasts.

import { DecodeError, Reader, Writer, copyBytes } from '../../lib/bytes/index.ts';
import { type SessionStore, StoredSession } from '../../lib/net/index.ts';
import type { Duration, Environment } from '../../lib/runtime/index.ts';

const FORMAT = 1;
/** Name, HMAC key and AES key, as node:tls takes them. */
const KEY_BYTES = 48;

/** One for all connections of a server. */
export class TicketKeys {
  readonly #lifetime: Duration;
  readonly #environment: Environment;
  readonly #stored: StoredSession | undefined;
  #key: Uint8Array | undefined;
  #since = 0;

  /** @param name what the key is kept under */
  constructor(lifetime: Duration, store: SessionStore | undefined, name: string, environment: Environment) {
    this.#lifetime = lifetime;
    this.#environment = environment;
    this.#stored = store && new StoredSession(store, name, environment.log);
  }

  /** Takes up the key of an earlier process, if there is one. */
  async load(): Promise<void> {
    const bytes = this.#key === undefined ? await this.#stored?.load() : undefined;
    if (bytes === undefined) return;
    try {
      const reader = new Reader(bytes);
      const format = reader.uint8('ticket key format');
      if (format !== FORMAT) throw new DecodeError('ticket key format', `${FORMAT}`, `${format}`, 0);
      this.#since = reader.uint48('ticket key since');
      this.#key = copyBytes(reader.bytes(KEY_BYTES, 'ticket key'));
      reader.end('ticket key');
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#key = undefined;
      this.#environment.log.warn({ reason: error.message }, 'the stored ticket key cannot be used');
    } finally {
      bytes.fill(0);
    }
  }

  /** The key to seal with now, which stays ours. A new array whenever it has changed. */
  current(): Uint8Array {
    const now = this.#environment.clock.wallTime();
    const age = now - this.#since;
    if (this.#key !== undefined && age >= 0 && age < this.#lifetime) return this.#key;
    return this.renew();
  }

  /** Another key from now on: no ticket of before is opened again. */
  renew(): Uint8Array {
    const now = this.#environment.clock.wallTime();
    this.destroy();
    const key = this.#environment.random.bytes(KEY_BYTES);
    this.#key = key;
    this.#since = now;
    const bytes = new Writer(1 + 6 + KEY_BYTES).uint8(FORMAT).uint48(now).bytes(key).finish();
    this.#stored?.save(bytes);
    return key;
  }

  /** Zeroes what is in memory; what is stored stays. */
  destroy(): void {
    this.#key?.fill(0);
    this.#key = undefined;
  }
}
