// Raw public keys (RFC 7250): whom we know and what we show, for either role. Nothing but the bytes is compared.

import {
  type CryptoProvider,
  type LoadOptions,
  type PrivateKeyInfo,
  type RawPublicKeyInfo,
  SecurityInfoError,
  isKnownKey,
  loadPrivateKey,
  loadRawPublicKeys,
} from '../../lib/crypto/index.ts';
import { concatBytes, equalBytes, toHex } from '../../lib/bytes/index.ts';
import type { RawPublicKeySecurity, RawPublicKeyServerSecurity } from '../../lib/net/index.ts';
import { ALERT } from './alerts.ts';
import type { DtlsJobAnswer } from './connection.ts';
import { type ClientCredentials, type OwnIdentity, type ServerCredentials, answerForOwn } from './credentials.ts';

const NO_BYTES = new Uint8Array(0);

/** Where keys come from, and what they are told by. */
type Loading = LoadOptions & { readonly provider: Pick<CryptoProvider, 'hash' | 'signingKey' | 'primitives'> };

/** @throws SecurityInfoError ENODATA if no server key is given: nobody would be trusted */
export function rawKeyClient(security: RawPublicKeySecurity, loading: Loading): ClientCredentials {
  const knownKeys = loadRawPublicKeys(security.serverKeys, loading);
  const told = fingerprints(loading);
  const hash = security.serverKeyHash && { ...security.serverKeyHash, data: security.serverKeyHash.data.slice() };
  if (knownKeys.length === 0 && hash === undefined)
    throw missingKey('rawPublicKey', "expected the server's raw public key, found none");
  const own = ownKey(security.publicKey, security.privateKey, loading);
  return {
    credential: 'rawPublicKey',
    hasCertificate: own !== undefined,
    dane: false,
    fingerprint: () => {
      const known = [...knownKeys.map(({ spki }) => spki), hash?.data ?? NO_BYTES, own?.chain[0] ?? NO_BYTES];
      return concatBytes(...known.map((each) => loading.provider.hash('sha256', each)));
    },
    answer(job) {
      if (job.type !== 'verifyChain') return answerForOwn(job, own);
      const spki = job.chain[0]!;
      if (isKnownKey(spki, knownKeys)) return { publicKey: spki };
      if (hash !== undefined && equalBytes(loading.provider.hash(hash.matching, spki), hash.data)) {
        return { publicKey: spki };
      }
      return {
        alert: ALERT.badCertificate,
        reason: `the server's raw public key: expected one of those configured, found ${told(spki)}`,
      };
    },
    forget: () => own?.key.close(),
  };
}

/** @throws SecurityInfoError */
export function rawKeyServer(security: RawPublicKeyServerSecurity, loading: Loading): ServerCredentials {
  const own = ownKey(security.publicKey, security.privateKey, loading);
  if (own === undefined) throw missingKey('privateKey', 'expected a raw public key and its private key, found neither');
  const { accept } = security;
  const told = fingerprints(loading);
  const verdict = (spki: Uint8Array, accepted: boolean): DtlsJobAnswer =>
    accepted
      ? { publicKey: spki }
      : {
          alert: ALERT.badCertificate,
          reason: `the client's raw public key: expected one that is known, found ${told(spki)}`,
        };
  return {
    credential: 'rawPublicKey',
    identityHint: undefined,
    clientCertificate: 'require',
    authorities: [],
    lookup: () => undefined,
    answer(job, from) {
      if (job.type !== 'verifyChain') return answerForOwn(job, own);
      const spki = job.chain[0]!;
      const accepted = accept(spki.slice(), from);
      return accepted instanceof Promise ? accepted.then((later) => verdict(spki, later)) : verdict(spki, accepted);
    },
    forget: () => own.key.close(),
  };
}

/** A public key as people compare it: the SHA-256 of its SubjectPublicKeyInfo. */
function fingerprints({ provider }: Loading): (spki: Uint8Array) => string {
  return (spki) => `SHA-256 ${toHex(provider.hash('sha256', spki))}`;
}

/** A key pair of our own. The public key may be left out: the private one tells it. @throws SecurityInfoError */
export function ownKey(
  publicInfo: RawPublicKeyInfo | undefined,
  privateInfo: PrivateKeyInfo | undefined,
  loading: LoadOptions,
): OwnIdentity | undefined {
  const key = privateInfo === undefined ? undefined : loadPrivateKey(privateInfo, loading);
  const [stated] = publicInfo === undefined ? [] : loadRawPublicKeys(publicInfo, loading);
  if (key === undefined) {
    if (stated !== undefined)
      throw missingKey('privateKey', 'expected the private key of the raw public key, found none');
    return undefined;
  }
  if (stated !== undefined && !equalBytes(stated.spki, key.publicKey)) {
    key.close();
    const place = { type: 'rawPublicKey', source: publicInfo!.source.kind, position: 'publicKey' } as const;
    throw new SecurityInfoError('EINVAL', place, 'expected the public key that belongs to the private, found another');
  }
  return { chain: [key.publicKey], key };
}

/** The refusal of a credential that lacks something. */
export function missingKey(type: 'privateKey' | 'rawPublicKey', detail: string): SecurityInfoError {
  return new SecurityInfoError('ENODATA', { type, source: 'empty', position: type }, detail);
}
