// What a session of OpenSSL says: node:tls has no calls for these facts.

import { DecodeError, Reader, copyBytes, equalBytes, utf8Encode } from '../../lib/bytes/index.ts';
import type { SecurityVersion } from '../../lib/net/index.ts';

/** Nothing of it is secret. */
export interface SessionFacts {
  /** Of the protocol; undefined for one not known here. */
  readonly version: SecurityVersion | undefined;
  /** RFC 7627; of TLS 1.3 always false. */
  readonly extendedMasterSecret: boolean;
  /** Whether it came from a ticket of a server, and so not straight from a pre-shared key. */
  readonly ticket: boolean;
  /** Of TLS 1.2. */
  readonly pskIdentity: Uint8Array | undefined;
}

// Tags of OpenSSL's SSL_SESSION_ASN1 (ssl/ssl_asn1.c), all EXPLICIT.
const INTEGER_TAG = 0x02;
const SEQUENCE_TAG = 0x30;
const PSK_IDENTITY_TAG = 0xa8;
const TICKET_TAG = 0xaa;
const FLAGS_TAG = 0xad;
const FLAG_EXTENDED_MASTER_SECRET = 0x1; // SSL_SESS_FLAG_EXTMS

const VERSIONS: Readonly<Record<number, SecurityVersion>> = { 0x0303: 'TLS1.2', 0x0304: 'TLS1.3' };

/** Since Node 24 a session is this, a 16-bit length with the server's name, and then what OpenSSL writes. */
const NODE_PREFIX = utf8Encode('\0nodejs:tls:session:1\0');

/**
 * Reads a session as OpenSSL writes it (SSL_SESSION, DER). The session holds secrets: nothing of those is kept.
 * @returns undefined if this is no session in a form known here
 */
export function sessionFacts(session: Uint8Array): SessionFacts | undefined {
  try {
    return readFacts(session);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function readFacts(session: Uint8Array): SessionFacts {
  const outer = new Reader(session);
  if (equalBytes(session.subarray(0, NODE_PREFIX.length), NODE_PREFIX)) {
    outer.bytes(NODE_PREFIX.length, 'prefix');
    outer.vector16('server name');
  }
  const [tag, body] = element(outer, 'session');
  if (tag !== SEQUENCE_TAG)
    throw new DecodeError('session tag', 'a SEQUENCE', `0x${tag.toString(16)}`, outer.offset - body.length);
  const fields = new Reader(body);
  const integers: Uint8Array[] = [];
  const explicit = new Map<number, Uint8Array>();
  while (fields.remaining > 0) {
    const [field, content] = element(fields, 'field');
    if (field === INTEGER_TAG) integers.push(content);
    else explicit.set(field, content);
  }
  const inside = (field: number): Uint8Array | undefined => {
    const content = explicit.get(field);
    return content && element(new Reader(content), 'content')[1];
  };
  const identity = inside(PSK_IDENTITY_TAG);
  return {
    version: VERSIONS[number(integers[1])], // the first is the format's
    extendedMasterSecret: (number(inside(FLAGS_TAG)) & FLAG_EXTENDED_MASTER_SECRET) !== 0,
    ticket: explicit.has(TICKET_TAG),
    pskIdentity: identity && copyBytes(identity), // `slice` of a Buffer would be a view
  };
}

function element(reader: Reader, what: string): [tag: number, content: Uint8Array] {
  const tag = reader.uint8(`${what} tag`);
  return [tag, reader.bytes(derLength(reader), what)];
}

/** X.690 §8.1.3: short form below 0x80, else that many bytes of length. */
function derLength(reader: Reader): number {
  const first = reader.uint8('length');
  return first < 0x80 ? first : reader.uint(Math.min(first & 0x7f, 6), 'length');
}

/** The last 16 bits of an INTEGER; 0 where there is none. */
function number(content: Uint8Array | undefined): number {
  return ((content?.at(-2) ?? 0) << 8) | (content?.at(-1) ?? 0);
}
