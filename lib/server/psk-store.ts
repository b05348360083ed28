// The pre-shared keys a server knows, by identity, and which endpoint names each may register.

import { toHex } from '../bytes/index.ts';
import { type PskKeyInfo, pskKeyFromBuffer } from '../crypto/index.ts';

/** One device's credentials. */
export interface PskEntry {
  /** At most 128 bytes. */
  readonly identity: Uint8Array;
  /** At most 64 bytes; copied. */
  readonly key: Uint8Array;
  /** The only endpoint name this identity may register; undefined: any name. */
  readonly endpoint?: string | undefined;
}

/** In memory; keys are copied in and zeroed when removed. */
export class PskStore {
  readonly #entries = new Map<string, PskEntry>();

  /** Adds or replaces. @throws RangeError if the identity or the key has not a length the handshake carries */
  add(entry: PskEntry): void {
    checkLength('identity', entry.identity.length, 128);
    checkLength('key', entry.key.length, 64);
    this.remove(entry.identity);
    const identity = entry.identity.slice();
    this.#entries.set(toHex(identity), { identity, key: entry.key.slice(), endpoint: entry.endpoint });
  }

  remove(identity: Uint8Array): boolean {
    const id = toHex(identity);
    this.#entries.get(id)?.key.fill(0);
    return this.#entries.delete(id);
  }

  /** For `PskServerSecurity.lookup`. */
  readonly lookup = (identity: Uint8Array): PskKeyInfo | undefined => {
    const entry = this.#entries.get(toHex(identity));
    return entry === undefined ? undefined : pskKeyFromBuffer(entry.key);
  };

  /** Whether the identity may register under that endpoint name. */
  mayRegister(identity: Uint8Array, endpoint: string): boolean {
    const entry = this.#entries.get(toHex(identity));
    return entry !== undefined && (entry.endpoint === undefined || entry.endpoint === endpoint);
  }

  /** Zeroes all keys. */
  close(): void {
    for (const { key } of this.#entries.values()) key.fill(0);
    this.#entries.clear();
  }
}

function checkLength(field: string, length: number, most: number): void {
  if (length === 0 || length > most) throw new RangeError(`PSK ${field}: expected 1 to ${most} bytes, found ${length}`);
}
