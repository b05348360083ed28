// Whether a TLS 1.2 session has an extended master secret (RFC 7627). node:tls has no call for it, its session says it.

import { DecodeError, Reader, equalBytes, utf8Encode } from '../../lib/bytes/index.ts';

const SEQUENCE_TAG = 0x30;
const FLAGS_TAG = 0xad; // [13] EXPLICIT: `flags` of OpenSSL's SSL_SESSION_ASN1
const FLAG_EXTENDED_MASTER_SECRET = 0x1; // SSL_SESS_FLAG_EXTMS

/** Since Node 26 a session is this, a 16-bit length with the server's name, and then what OpenSSL writes. */
const NODE_PREFIX = utf8Encode('\0nodejs:tls:session:1\0');

/**
 * Reads the flags of a session as OpenSSL writes it (SSL_SESSION, DER). The session holds secrets: nothing of it is kept.
 * @returns undefined if this is no session in a form known here
 */
export function hasExtendedMasterSecret(session: Uint8Array): boolean | undefined {
  try {
    return flagsOf(session);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function flagsOf(session: Uint8Array): boolean {
  const outer = new Reader(session);
  if (equalBytes(session.subarray(0, NODE_PREFIX.length), NODE_PREFIX)) {
    outer.bytes(NODE_PREFIX.length, 'prefix');
    outer.vector16('server name');
  }
  const tag = outer.uint8('session tag');
  if (tag !== SEQUENCE_TAG)
    throw new DecodeError('session tag', 'a SEQUENCE', `0x${tag.toString(16)}`, outer.offset - 1);
  const fields = new Reader(outer.bytes(derLength(outer), 'session'));
  while (fields.remaining > 0) {
    const field = fields.uint8('field tag');
    const content = fields.bytes(derLength(fields), 'field');
    if (field !== FLAGS_TAG) continue;
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
