// The PSK identities that a client says in the clear: in its hello (RFC 8446 §4.2.11) or its ClientKeyExchange (RFC 4279 §2).
// They are read on their way to node:tls, which asks for a key at once, and tells of an identity only what a string can hold.

import { DecodeError, Reader, concatBytes, copyBytes } from '../../lib/bytes/index.ts';

const RECORD_HEADER_BYTES = 5;
const MESSAGE_HEADER_BYTES = 4;
const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const CLIENT_KEY_EXCHANGE = 16;
const PRE_SHARED_KEY = 41;
const LONGEST_MESSAGE = 32_768; // bytes; a hello with a large key share has 2,000

/** Of one connection, up to what is encrypted. What is malformed is left for OpenSSL to refuse. */
export class PskIdentities {
  #records: Uint8Array = new Uint8Array(0);
  #messages: Uint8Array = new Uint8Array(0);
  #over = false;

  /** Takes what arrives, in pieces of any size. @returns the identities that have become known by it, copied, in order */
  take(bytes: Uint8Array): readonly Uint8Array[] {
    if (this.#over) return [];
    this.#records = concatBytes(this.#records, bytes);
    try {
      while (!this.#over && this.#nextRecord());
      return this.#found();
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#end();
      return [];
    }
  }

  /** @returns false while it is not whole */
  #nextRecord(): boolean {
    const all = this.#records;
    if (all.length < RECORD_HEADER_BYTES) return false;
    const end = RECORD_HEADER_BYTES + ((all[3]! << 8) | all[4]!);
    if (all.length < end) return false;
    if (all[0] === HANDSHAKE_RECORD) {
      this.#messages = concatBytes(this.#messages, all.subarray(RECORD_HEADER_BYTES, end));
      this.#records = all.slice(end);
    } else this.#over = true; // ChangeCipherSpec, an alert, or what is encrypted: no more is said in the clear
    return true;
  }

  #found(): readonly Uint8Array[] {
    const identities: Uint8Array[] = [];
    const reader = new Reader(this.#messages);
    let read = 0;
    while (reader.remaining >= MESSAGE_HEADER_BYTES) {
      const type = reader.uint8('handshake type');
      const length = reader.uint24('handshake length');
      if (length > LONGEST_MESSAGE) throw new DecodeError('handshake length', `up to ${LONGEST_MESSAGE}`, `${length}`);
      if (reader.remaining < length) break;
      const body = new Reader(reader.bytes(length, 'handshake message'));
      if (type === CLIENT_HELLO) identities.push(...offeredIn(body));
      if (type === CLIENT_KEY_EXCHANGE) identities.push(copyBytes(body.vector16('psk_identity')));
      read = reader.offset;
    }
    this.#messages = this.#messages.slice(read);
    if (this.#over) this.#end();
    return identities;
  }

  #end(): void {
    this.#over = true;
    this.#records = new Uint8Array(0);
    this.#messages = new Uint8Array(0);
  }
}

/** Those of the pre_shared_key extension: tickets are among them. */
function offeredIn(hello: Reader): readonly Uint8Array[] {
  hello.bytes(2 + 32, 'legacy_version and random');
  hello.vector8('legacy_session_id');
  hello.vector16('cipher_suites');
  hello.vector8('legacy_compression_methods');
  if (hello.remaining === 0) return [];
  const extensions = new Reader(hello.vector16('extensions'));
  const identities: Uint8Array[] = [];
  while (extensions.remaining > 0) {
    const type = extensions.uint16('extension type');
    const data = extensions.vector16('extension');
    if (type !== PRE_SHARED_KEY) continue;
    const list = new Reader(new Reader(data).vector16('identities'));
    while (list.remaining > 0) {
      identities.push(copyBytes(list.vector16('identity')));
      list.uint32('obfuscated_ticket_age');
    }
  }
  return identities;
}
