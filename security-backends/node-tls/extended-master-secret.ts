// Whether a TLS 1.2 session has an extended master secret (RFC 7627). node:tls has no call for it, its session says it.

import { Reader } from '../../lib/bytes/index.ts';

const FLAGS_TAG = 0xad; // [13] EXPLICIT: `flags` of OpenSSL's SSL_SESSION_ASN1
const FLAG_EXTENDED_MASTER_SECRET = 0x1; // SSL_SESS_FLAG_EXTMS

/**
 * Reads the flags of a session as OpenSSL writes it (SSL_SESSION, DER). The session holds secrets: nothing of it is kept.
 * @throws DecodeError if it is no such session
 */
export function hasExtendedMasterSecret(session: Uint8Array): boolean {
  const outer = new Reader(session);
  outer.uint8('session tag');
  const fields = new Reader(outer.bytes(derLength(outer), 'session'));
  while (fields.remaining > 0) {
    const tag = fields.uint8('field tag');
    const content = fields.bytes(derLength(fields), 'field');
    if (tag !== FLAGS_TAG) continue;
    const flags = new Reader(content);
    flags.uint8('flags tag');
    const value = flags.bytes(derLength(flags), 'flags');
    return ((value.at(-1) ?? 0) & FLAG_EXTENDED_MASTER_SECRET) !== 0;
  }
  return false;
}

/** X.690 §8.1.3: short form below 0x80, else that many bytes of length. */
function derLength(reader: Reader): number {
  const first = reader.uint8('length');
  return first < 0x80 ? first : reader.uint(Math.min(first & 0x7f, 6), 'length');
}
