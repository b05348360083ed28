// The pre-shared keys that one client of a server may use: looked up as it names them, at once or later, and ready when
// node:tls asks, which does not wait.

import { toHex, utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import type { Secret } from '../../lib/crypto/index.ts';
import { type Endpoint, SocketError } from '../../lib/net/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';
import { PskIdentities } from './psk-identities.ts';
import type { ServerCredentials } from './server-credentials.ts';

const MOST_LOOKUPS = 8; // a hello may name thousands of identities; a client has one key, and a few tickets
const RANDOM_KEY_BYTES = 32;

type Found = Secret | 'unknown' | 'failed';

/** Closed as soon as the handshake is done. */
export class SessionKeys {
  readonly #credentials: ServerCredentials;
  readonly #from: Endpoint;
  readonly #environment: Environment;
  readonly #identities = new PskIdentities();
  /** By the identity's text. */
  readonly #found = new Map<string, Found>();
  #last: string | undefined;
  #lookups = 0;
  #used: Uint8Array | undefined;
  #closed = false;

  constructor(credentials: ServerCredentials, from: Endpoint, environment: Environment) {
    this.#credentials = credentials;
    this.#from = from;
    this.#environment = environment;
  }

  /** The identity whose key was used last. */
  get used(): Uint8Array | undefined {
    return this.#used;
  }

  /** Its key, which stays ours. */
  get usedKey(): Uint8Array | undefined {
    const found = this.#used && this.#found.get(utf8Decode(this.#used));
    return typeof found === 'object' ? found.bytes : undefined;
  }

  /** Looks up who is named in what comes in. @returns a promise if that takes time */
  overhear(bytes: Uint8Array): Promise<void> | undefined {
    const underWay: Promise<void>[] = [];
    for (const identity of this.#identities.take(bytes)) {
      const later = this.#lookUp(identity);
      if (later !== undefined) underWay.push(later);
    }
    return underWay.length === 0 ? undefined : Promise.all(underWay).then(() => undefined);
  }

  /** For node:tls: the key of an identity, null to refuse it. */
  keyOf(identity: string): Uint8Array | null {
    this.#used = undefined;
    const found = this.#found.get(identity);
    if (found === undefined || found === 'failed') return null;
    if (found !== 'unknown') {
      this.#used = utf8Encode(identity);
      return found.bytes;
    }
    // A wrong key is what a stranger is to see; but where another identity follows, this may have been a ticket.
    if (!this.#credentials.hidesIdentities || identity !== this.#last) return null;
    return this.#environment.random.bytes(RANDOM_KEY_BYTES);
  }

  /** A resumed session names the identity it came from, which must still have a key: from here on it is `used`. @throws SocketError EPROTO */
  async resume(identity: Uint8Array | undefined): Promise<void> {
    const text = identity && textOf(identity);
    if (identity !== undefined && text !== undefined) {
      await this.#lookUp(identity);
      if (typeof this.#found.get(text) === 'object') {
        this.#used = identity;
        return;
      }
    }
    throw new SocketError('EPROTO', 'the client used a session of an identity that is not known any more');
  }

  /** Zeroes the keys; allowed again. */
  close(): void {
    this.#closed = true;
    for (const found of this.#found.values()) if (typeof found === 'object') found.close();
    this.#found.clear();
  }

  #lookUp(identity: Uint8Array): Promise<void> | undefined {
    const text = textOf(identity);
    if (text === undefined) {
      const fields = { from: this.#from, identity: toHex(identity.subarray(0, 64)) };
      this.#environment.log.debug(
        fields,
        'PSK identity refused: expected text, which node:tls can hold, found other bytes',
      );
      return undefined;
    }
    this.#last = text;
    if (this.#found.has(text) || this.#lookups++ >= MOST_LOOKUPS) return undefined;
    try {
      const key = this.#credentials.lookup(identity, this.#from);
      if (!(key instanceof Promise)) return this.#keep(text, key);
      return key.then(
        (later) => this.#keep(text, later),
        (error: unknown) => this.#failed(text, error),
      );
    } catch (error) {
      this.#failed(text, error);
      return undefined;
    }
  }

  #keep(text: string, key: Secret | undefined): undefined {
    const before = this.#found.get(text);
    if (typeof before === 'object') before.close(); // named twice, before the first look-up was over
    if (this.#closed) key?.close();
    else this.#found.set(text, key ?? 'unknown');
  }

  #failed(text: string, error: unknown): void {
    this.#found.set(text, 'failed');
    const reason = error instanceof Error ? error.message : String(error);
    this.#environment.log.error({ from: this.#from, reason }, 'the PSK look-up failed');
  }
}

/** Undefined for what does not pass through a C string and a JavaScript one as it is, and for what nobody names a device. */
function textOf(identity: Uint8Array): string | undefined {
  try {
    const text = utf8Decode(identity);
    return text === '' || /[\p{Cc}\ufffd]/u.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}
