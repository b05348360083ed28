// Our own certificates: loaded with their keys, and the one chosen that a CertificateRequest accepts (RFC 5246 §7.4.6).

import {
  SIGNING_KEY,
  type Certificate,
  type CertificateChainInfo,
  type PrivateKeyInfo,
  chooseCertificate,
  completeChain,
  loadOwnCertificate,
} from '../../lib/crypto/index.ts';
import type { LoadOptions, SigningKeyAlgorithm } from '../../lib/crypto/index.ts';
import type { CertificateSecurity, ClientCertificateCredential } from '../../lib/net/index.ts';
import type { Log } from '../../lib/runtime/index.ts';
import { CLIENT_CERTIFICATE_TYPE } from './certificate-messages.ts';
import type { CertificateWish } from './connection.ts';
import type { OwnIdentity } from './credentials.ts';
import { schemeIds } from './registries.ts';

/** A certificate of ours with its key. */
export interface CertificateIdentity extends OwnIdentity {
  /** `chain`, parsed, and the CAs above it as far as they are known: by their names a server may choose. */
  readonly path: readonly Certificate[];
}

/** All of a client, in order of preference. @throws SecurityInfoError; then no key stays open */
export function clientIdentities(
  security: CertificateSecurity,
  anchors: readonly Certificate[],
  loading: LoadOptions,
): readonly CertificateIdentity[] {
  const identities: CertificateIdentity[] = [];
  try {
    for (const { chain, key } of credentialsOf(security)) {
      const identity = loadIdentity(chain, key, loading);
      if (identity === undefined) continue;
      const path = completeChain(identity.path, anchors);
      const shown = security.rebuildClientChain === true ? path : identity.path;
      identities.push({ key: identity.key, path, chain: shown.map(({ der }) => der) });
    }
  } catch (error) {
    for (const { key } of identities) key.close();
    throw error;
  }
  return identities;
}

function credentialsOf(security: CertificateSecurity): readonly Partial<ClientCertificateCredential>[] {
  const { clientChain: chain, clientKey: key, clientCredentials = [] } = security;
  return [{ ...(chain && { chain }), ...(key && { key }) }, ...clientCredentials];
}

/** Undefined where there is neither chain nor key. @throws SecurityInfoError if they do not go together */
export function loadIdentity(
  chainInfo: CertificateChainInfo | undefined,
  keyInfo: PrivateKeyInfo | undefined,
  loading: LoadOptions,
): CertificateIdentity | undefined {
  const own = loadOwnCertificate(chainInfo, keyInfo, loading, SIGNING_KEY);
  return own && { path: own.chain, chain: own.chain.map(({ der }) => der), key: own.key };
}

/** The one to show, or undefined: then an empty Certificate is the answer, and the log says why. */
export function chooseIdentity(
  identities: readonly CertificateIdentity[],
  wish: CertificateWish,
  log: Log | undefined,
): CertificateIdentity | undefined {
  const request = {
    certificateTypes: certificateTypes(wish.algorithms),
    signatureAlgorithms: schemeIds(wish.schemes),
    authorities: wish.authorities,
  };
  const candidates = identities.map((identity) => ({ chain: identity.path, key: identity.key, identity }));
  const chosen = chooseCertificate(candidates, request)?.certificate.identity;
  if (chosen !== undefined || identities.length === 0) return chosen;
  const byAnybody = chooseCertificate(candidates, { ...request, authorities: [] });
  const why =
    byAnybody === undefined
      ? 'the server takes other kinds of keys or signature algorithms'
      : 'none is issued below an authority that the server names';
  log?.warn(
    { certificates: identities.length, authorities: wish.authorities.length, schemes: wish.schemes },
    `no certificate of ours is shown: ${why}`,
  );
  return undefined;
}

function certificateTypes(algorithms: readonly SigningKeyAlgorithm[]): readonly number[] {
  const { rsaSign, ecdsaSign } = CLIENT_CERTIFICATE_TYPE;
  return [...new Set(algorithms.map((algorithm) => (algorithm === 'rsa' ? rsaSign : ecdsaSign)))];
}
