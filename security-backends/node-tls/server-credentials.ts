// Who a server is and which clients it lets in.

import { toHex, utf8Encode } from '../../lib/bytes/index.ts';
import {
  type CryptoProvider,
  type PskKeyInfo,
  type Secret,
  SecurityInfoError,
  judgeClient,
  loadClientTrust,
  loadPskKey,
} from '../../lib/crypto/index.ts';
import type { CertificateServerSecurity, Endpoint, PskServerSecurity, ServerSecurity } from '../../lib/net/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';
import type { Credential } from './ciphersuites.ts';
import { notSupported } from './configuration.ts';
import { type Loading, asPem, certificatesPem, loadOwn } from './own-certificate.ts';

/** The part of the options of `createSecureContext` and `new TLSSocket` that says who we are. */
export interface ServerIdentityOptions {
  readonly cert?: Buffer;
  /** To be zeroed once it has been used. */
  readonly key?: Buffer;
  /** Whose names go into the CertificateRequest. */
  readonly ca: Buffer | Buffer[];
  readonly requestCert: boolean;
  readonly pskIdentityHint?: string;
}

/** For all clients of a server. */
export interface ServerCredentials {
  readonly credential: Credential;
  /** Whether a client has to show a certificate. */
  readonly requiresCertificate: boolean;
  options(): ServerIdentityOptions;
  /** The key of an identity, at once or later, to be closed by the caller; undefined if none is known. */
  lookup(identity: Uint8Array, from: Endpoint): Secret | undefined | Promise<Secret | undefined>;
  /** Whether an unknown identity is to look like a wrong key. */
  readonly hidesIdentities: boolean;
  /** Whether the client that showed `chain` is let in. @throws CertificateRefusedError, DecodeError */
  judge(chain: readonly Uint8Array[]): Promise<void>;
  /** 32 characters: a ticket is of use while whom we are and whom we let in are the same. */
  readonly sessionContext: string;
  forget(): void;
}

const CONTEXT_CHARACTERS = 32; // SSL_MAX_SID_CTX_LENGTH

/** @throws SecurityInfoError, SocketError ENOTSUP */
export function serverCredentials(
  security: ServerSecurity,
  loading: Loading,
  environment: Environment,
): ServerCredentials {
  if (security.mode === 'psk') return pskServer(security, loading);
  if (security.mode === 'certificate') return certificateServer(security, loading, environment);
  throw notSupported(`security.mode: ${security.mode}`);
}

function pskServer(security: PskServerSecurity, loading: Loading): ServerCredentials {
  const { lookup, identityHint, unknownIdentity } = security;
  const hint = identityHint === undefined ? undefined : hintText(identityHint);
  const load = (info: PskKeyInfo | undefined): Secret | undefined =>
    info === undefined ? undefined : loadPskKey(info, loading);
  return {
    credential: 'psk',
    requiresCertificate: false,
    options: () => ({ ca: [], requestCert: false, ...(hint !== undefined && { pskIdentityHint: hint }) }),
    lookup(identity, from) {
      const info = lookup(identity.slice(), from);
      return info instanceof Promise ? info.then(load) : load(info);
    },
    hidesIdentities: (unknownIdentity ?? 'hide') === 'hide',
    judge: () => Promise.resolve(), // both have shown that they know the key
    sessionContext: contextOf([], loading.provider),
    forget: () => undefined,
  };
}

function certificateServer(
  security: CertificateServerSecurity,
  loading: Loading,
  environment: Environment,
): ServerCredentials {
  const trust = loadClientTrust(security, loading);
  const requiresCertificate = (security.clientCertificate ?? 'require') === 'require';
  if (requiresCertificate && trust.anchors.length === 0) {
    throw notSupported(
      "trustAnchors: expected what client certificates lead to, found none (or clientCertificate 'none')",
    );
  }
  const own = loadOwn(security.chain, security.key, loading);
  if (own === undefined) {
    const place = { type: 'certificateChain', source: security.chain.source.kind, position: 'chain' } as const;
    throw new SecurityInfoError('ENODATA', place, 'expected a certificate chain, found none');
  }
  const { anchors, revocationLists } = trust;
  const ca = anchors.length === 0 ? [] : certificatesPem(anchors);
  const terms = [...own.chain, ...anchors].map(({ der }) => der);
  return {
    credential: 'certificate',
    requiresCertificate,
    options: () => ({ ...asPem(own), ca, requestCert: requiresCertificate }),
    lookup: () => undefined,
    hidesIdentities: true,
    async judge(chain) {
      await judgeClient(chain, trust, loading.provider, environment);
    },
    sessionContext: contextOf([...terms, ...revocationLists.map(({ tbs }) => tbs)], loading.provider),
    forget: () => own.key.pkcs8.close(),
  };
}

function contextOf(terms: readonly Uint8Array[], provider: Pick<CryptoProvider, 'hash'>): string {
  const hashes = terms.map((bytes) => toHex(provider.hash('sha256', bytes)));
  return toHex(provider.hash('sha256', utf8Encode(JSON.stringify(hashes)))).slice(0, CONTEXT_CHARACTERS);
}

/** Node takes it as text. */
function hintText(hint: Uint8Array): string {
  const text = new TextDecoder().decode(hint);
  const isText = !hint.includes(0) && text.length > 0 && Buffer.from(text).equals(hint);
  if (isText) return text;
  throw notSupported('identityHint: expected well-formed UTF-8 without a NUL, found other bytes: node:tls takes text');
}
