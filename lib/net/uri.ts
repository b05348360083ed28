// CoAP URIs: coap and coaps (RFC 7252 §6), coap+tcp and coaps+tcp (RFC 8323 §8).

import { literalFamily } from './address.ts';
import { DecodeError } from '../bytes/index.ts';

/** Schemes, with their default ports and what they run on. */
export const COAP_SCHEMES = {
  coap: { port: 5683, transport: 'datagram', secure: false }, // RFC 7252 §6.1
  coaps: { port: 5684, transport: 'datagram', secure: true }, // RFC 7252 §6.2
  'coap+tcp': { port: 5683, transport: 'stream', secure: false }, // RFC 8323 §8.1
  'coaps+tcp': { port: 5684, transport: 'stream', secure: true }, // RFC 8323 §8.2
} as const;
export type CoapScheme = keyof typeof COAP_SCHEMES;

/** A CoAP URI taken apart. Host, path and query are unescaped. */
export interface CoapUri {
  readonly scheme: CoapScheme;
  /** A name in lower case, or an address literal without brackets. */
  readonly host: string;
  readonly port: number;
  /** Uri-Path options: none for `coap://h` and `coap://h/`. */
  readonly path: readonly string[];
  /** Uri-Query options. */
  readonly query: readonly string[];
}

const MOST_OPTION_BYTES = 255; // RFC 7252 §5.10: Uri-Host, Uri-Path and Uri-Query
const UNRESERVED = /^[A-Za-z0-9\-._~]$/; // RFC 3986 §2.3

export interface UriOptions {
  /** 0 where a URI says where to listen, and 0 means any port. Default 1. */
  readonly leastPort?: 0 | 1 | undefined;
}

/** @throws DecodeError naming the part that is wrong */
export function parseCoapUri(text: string, { leastPort = 1 }: UriOptions = {}): CoapUri {
  const found = /^([^:/?#]*):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(#.*)?$/s.exec(text);
  if (found === null) throw new DecodeError('uri', 'an absolute URI such as coaps://host:5684', quoted(text));
  const [, schemeText = '', authority = '', pathText = '', queryText, fragment] = found;
  const scheme = parsedScheme(schemeText);
  if (fragment !== undefined) throw new DecodeError('uri fragment', 'none (RFC 7252 §6)', quoted(fragment));
  const { host, port } = parsedAuthority(authority, scheme, leastPort);
  const segments = pathText === '' || pathText === '/' ? [] : pathText.slice(1).split('/');
  return {
    scheme,
    host,
    port,
    path: segments.map(pathSegment),
    query: queryText === undefined ? [] : queryText.split('&').map((argument) => unescaped(argument, 'uri query')),
  };
}

/** The URI as text; the default port is left out (RFC 7252 §6.5). @throws URIError for half a surrogate pair */
export function formatCoapUri(uri: CoapUri): string {
  const host = uri.host.includes(':') ? `[${uri.host.replace('%', '%25')}]` : escaped(uri.host, "!$&'()*+,;=");
  const port = uri.port === COAP_SCHEMES[uri.scheme].port ? '' : `:${uri.port}`;
  const path = uri.path.map((segment) => `/${escaped(segment, "!$&'()*+,;=:@")}`).join('');
  const query = uri.query.map((argument) => escaped(argument, "!$'()*+,;=:@/?")).join('&');
  return `${uri.scheme}://${host}${port}${path === '' && uri.query.length > 0 ? '/' : path}${uri.query.length > 0 ? `?${query}` : ''}`;
}

function parsedScheme(text: string): CoapScheme {
  const scheme = text.toLowerCase();
  if (!Object.hasOwn(COAP_SCHEMES, scheme)) {
    throw new DecodeError('uri scheme', Object.keys(COAP_SCHEMES).join(', '), quoted(text));
  }
  return scheme as CoapScheme;
}

function parsedAuthority(authority: string, scheme: CoapScheme, leastPort: number): { host: string; port: number } {
  if (authority.includes('@')) throw new DecodeError('uri authority', 'no user information', 'an @');
  const found = /^(\[[^\]]*\]|[^:[\]]*)(?::(.*))?$/s.exec(authority);
  if (found === null)
    throw new DecodeError('uri host', 'a name, an IPv4 address or [an IPv6 address]', quoted(authority));
  const [, hostText = '', portText] = found;
  const host = hostText.startsWith('[')
    ? ipv6Literal(hostText.slice(1, -1))
    : unescaped(hostText, 'uri host').toLowerCase();
  if (host === '') throw new DecodeError('uri host', 'a host (RFC 7252 §6.1)', 'none');
  return { host, port: parsedPort(portText, scheme, leastPort) };
}

/** RFC 6874: a zone id is written after %25. */
function ipv6Literal(text: string): string {
  const literal = text.replace('%25', '%');
  if (!literal.includes(':') || literalFamily(literal) !== 'ipv6') {
    throw new DecodeError('uri host', 'an IPv6 address in the brackets', quoted(text));
  }
  return literal.toLowerCase();
}

function parsedPort(text: string | undefined, scheme: CoapScheme, least: number): number {
  if (text === undefined || text === '') return COAP_SCHEMES[scheme].port;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port >= least && port <= 65_535))
    throw new DecodeError('uri port', `a number from ${least} to 65535`, quoted(text));
  return port;
}

function pathSegment(text: string): string {
  const segment = unescaped(text, 'uri path');
  if (segment !== '.' && segment !== '..') return segment;
  throw new DecodeError('uri path', 'no "." or ".." segment (RFC 7252 §5.10.1)', quoted(text));
}

function unescaped(text: string, part: string): string {
  if (/[^\u0021-\u007e]/.test(text))
    throw new DecodeError(part, 'ASCII without spaces, the rest percent-encoded', 'other characters');
  let plain: string;
  try {
    plain = decodeURIComponent(text);
  } catch {
    throw new DecodeError(part, 'well-formed percent-encoding of UTF-8', quoted(text));
  }
  const bytes = new TextEncoder().encode(plain).length;
  if (bytes > MOST_OPTION_BYTES) throw new DecodeError(part, `at most ${MOST_OPTION_BYTES} bytes`, `${bytes} bytes`);
  return plain;
}

function escaped(text: string, allowed: string): string {
  let out = '';
  for (const character of text) {
    const plain = UNRESERVED.test(character) || allowed.includes(character);
    out += plain ? character : encodeURIComponent(character);
  }
  return out;
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
