// What a handshake of node:tls came to, held against what was asked for.

import type { TLSSocket } from 'node:tls';
import { type Negotiated, SocketError } from '../../lib/net/index.ts';
import type { Ciphersuite } from './ciphersuites.ts';
import { type TlsSettings, suiteName } from './configuration.ts';
import { type SessionFacts, sessionFacts } from './openssl-session.ts';

/** Before anything has been said about trust. */
export interface Agreed {
  readonly suite: Ciphersuite;
  /** Whether an earlier session was resumed, by a ticket. */
  readonly resumed: boolean;
  readonly extendedMasterSecret: boolean;
  readonly alpn: string | undefined;
  readonly group: string | undefined;
}

/** By the names of OpenSSL; the others are IANA's in lower case. */
const GROUPS: Readonly<Record<string, string>> = {
  prime256v1: 'secp256r1',
  'P-256': 'secp256r1',
  'P-384': 'secp384r1',
};

/** @throws SocketError EPROTO if it is not what the configuration asks for */
export function agreedOn(tls: TLSSocket, settings: TlsSettings): Agreed {
  const suite = agreedSuite(tls, settings);
  const facts = sessionOf(tls);
  const reused = tls.isSessionReused();
  const keyOfTls13 = settings.credential === 'psk' && suite.version === 'TLS1.3';
  // A shared key of TLS 1.3 counts as a session that is reused: what is not reused was a handshake by certificate.
  if (keyOfTls13 && !reused) throw notByKey();
  return {
    suite,
    resumed: reused && (!keyOfTls13 || facts?.ticket === true),
    extendedMasterSecret: checkedExtendedMasterSecret(suite, facts, settings),
    alpn: typeof tls.alpnProtocol === 'string' ? tls.alpnProtocol : undefined,
    group: groupOf(tls),
  };
}

/** As the socket's option tells it. */
export function negotiatedFrom(
  agreed: Agreed,
  peer: Pick<Negotiated, 'pskIdentity' | 'peerCertificates' | 'peerPublicKey'>,
): Negotiated {
  const { suite, resumed, alpn, group } = agreed;
  return {
    version: suite.version,
    ciphersuite: suite.id,
    extendedMasterSecret: agreed.extendedMasterSecret,
    ...(resumed && { resumed }),
    ...(alpn !== undefined && { alpn }),
    ...(group !== undefined && { group }),
    ...peer,
  };
}

/** The refusal of a certificate where a shared key is expected. */
export function notByKey(): SocketError {
  return new SocketError('EPROTO', 'expected a handshake by the shared key, found one by certificate');
}

/** @throws SocketError EPROTO for one that was not asked for */
function agreedSuite(tls: TLSSocket, { suites }: TlsSettings): Ciphersuite {
  const { standardName } = tls.getCipher();
  const version = tls.getProtocol()?.replace('v', '');
  const suite = suites.find((each) => each.standardName === standardName && each.version === version);
  if (suite !== undefined) return suite;
  const offered = suites.map(({ id }) => suiteName(id)).join(', ');
  throw new SocketError('EPROTO', `cipher suite: expected one of ${offered}, found ${standardName} in ${version}`);
}

/** The facts of its session. That is secret: what Node gives is zeroed. */
export function sessionOf(tls: TLSSocket): SessionFacts | undefined {
  const session = tls.getSession();
  if (session === undefined) return undefined;
  const facts = sessionFacts(session);
  session.fill(0);
  return facts;
}

function checkedExtendedMasterSecret(
  { version }: Ciphersuite,
  facts: SessionFacts | undefined,
  settings: TlsSettings,
): boolean {
  if (version === 'TLS1.3' || facts?.extendedMasterSecret === true) return true; // TLS 1.3 has it always
  if (!settings.requireExtendedMasterSecret) return false;
  throw new SocketError('EPROTO', 'the peer has no extended master secret, which is required (RFC 7627)');
}

/** What the peer showed, leaf first, DER; of a resumed session the leaf at most. Once: node:tls forgets it as it tells it. */
export function chainOf(tls: TLSSocket): readonly Uint8Array[] {
  const chain: Uint8Array[] = [];
  for (let each = tls.getPeerX509Certificate(); each !== undefined; each = each.issuerCertificate) {
    chain.push(Uint8Array.from(each.raw));
  }
  return chain;
}

/** Clients alone can ask. */
function groupOf(tls: TLSSocket): string | undefined {
  const info = tls.getEphemeralKeyInfo();
  const name = info !== null && 'name' in info && typeof info.name === 'string' ? info.name : undefined;
  return name && (GROUPS[name] ?? name.toLowerCase());
}
