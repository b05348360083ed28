// Who a client is and whom it trusts: what node:tls is given, and the verdict on what it brings back.

import { concatBytes, utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import {
  type CryptoProvider,
  type WantedServer,
  completeChain,
  judgeServer,
  loadPsk,
  loadServerTrust,
  trustFingerprint,
} from '../../lib/crypto/index.ts';
import type { CertificateSecurity, PskSecurity } from '../../lib/net/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';
import type { Credential } from './ciphersuites.ts';
import { notSupported } from './configuration.ts';
import { type Loading, asPem, loadOwn } from './own-certificate.ts';

/** The part of the options of `tls.connect` that says who we are. */
export interface ClientIdentityOptions {
  readonly cert?: Buffer;
  /** To be zeroed once it has been used. */
  readonly key?: Buffer;
  readonly pskCallback?: () => { psk: Uint8Array; identity: string };
}

/** A client's side. */
export interface ClientCredentials {
  readonly credential: Credential;
  /** Our own certificates (the leaves, DER), where there are some. */
  readonly certificates: readonly Uint8Array[];
  readonly pskIdentity: Uint8Array | undefined;
  /** Whether DANE records are used. */
  readonly dane: boolean;
  options(): ClientIdentityOptions;
  /** Whether the server that showed `chain` is trusted. @throws CertificateRefusedError, DecodeError */
  judge(chain: readonly Uint8Array[], server: WantedServer): Promise<void>;
  /** Tells whether the credential, and whom it trusts, are the same; tells neither. */
  fingerprint(): Uint8Array;
  /** Zeroes what is secret: no connect after this. */
  forget(): void;
}

/** @throws SecurityInfoError, SocketError ENOTSUP */
export function pskClient(security: PskSecurity, loading: Loading): ClientCredentials {
  const { identity, key } = loadPsk(security, loading);
  try {
    const text = identityText(identity);
    return {
      credential: 'psk',
      certificates: [],
      pskIdentity: identity,
      dane: false,
      options: () => ({ pskCallback: () => ({ psk: key.bytes, identity: text }) }),
      judge: () => Promise.resolve(), // both have shown that they know the key
      fingerprint: () => concatBytes(keyFingerprint(loading.provider, key.bytes), identity),
      forget: () => key.close(),
    };
  } catch (error) {
    key.close();
    throw error;
  }
}

/** @throws SecurityInfoError, SocketError ENOTSUP */
export function certificateClient(
  security: CertificateSecurity,
  loading: Loading,
  environment: Environment,
): ClientCredentials {
  const { clientChain, clientKey, clientCredentials = [] } = security;
  const shown = clientChain === undefined && clientKey === undefined ? [] : [{ chain: clientChain, key: clientKey }];
  const [first, ...others] = [...shown, ...clientCredentials];
  if (others.length > 0) {
    throw notSupported('clientCredentials: expected one certificate, found more: node:tls does not let us choose');
  }
  const trust = loadServerTrust(security, loading);
  const own = loadOwn(first?.chain, first?.key, loading);
  const rebuilt = own && security.rebuildClientChain === true ? completeChain(own.chain, trust.anchors) : own?.chain;
  const leaves = (own?.chain ?? []).slice(0, 1).map(({ der }) => der);
  return {
    credential: 'certificate',
    certificates: leaves,
    pskIdentity: undefined,
    dane: trust.dane ?? false,
    options: () => (own === undefined ? {} : asPem({ chain: rebuilt ?? own.chain, key: own.key })),
    async judge(chain, server) {
      await judgeServer(chain, trust, server, loading.provider, environment);
    },
    fingerprint: () => trustFingerprint(trust, leaves, loading.provider),
    forget: () => own?.key.pkcs8.close(),
  };
}

/** Node hands OpenSSL a C string made from a JavaScript one: other bytes would arrive as another identity. */
function identityText(identity: Uint8Array): string {
  if (identity.includes(0))
    throw notSupported('identity: expected no NUL byte, found one: node:tls would cut it there');
  try {
    return utf8Decode(identity);
  } catch {
    throw notSupported('identity: expected well-formed UTF-8, found other bytes: node:tls takes text only');
  }
}

const FINGERPRINT_LABEL = utf8Encode('lwm2m-client TLS session');
const FINGERPRINT_BYTES = 16;

/** Tells keys apart; says nothing of the key. */
function keyFingerprint(provider: Pick<CryptoProvider, 'hmac'>, key: Uint8Array): Uint8Array {
  return provider.hmac('sha256', key, FINGERPRINT_LABEL).slice(0, FINGERPRINT_BYTES);
}
