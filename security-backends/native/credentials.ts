// Who answers a connection's jobs: the credentials of a configuration, loaded once, for either role.

import { concatBytes } from '../../lib/bytes/index.ts';
import type { CryptoProvider, LoadOptions, WantedServer } from '../../lib/crypto/index.ts';
import type { DtlsJob, DtlsJobAnswer, OwnCertificate, PskAnswer, RefusedChain } from './connection.ts';
import { type LoadedPrivateKey, loadPsk, loadPskKey } from '../../lib/crypto/index.ts';
import { type Endpoint, type PskSecurity, type PskServerSecurity, SocketError } from '../../lib/net/index.ts';
import type { Credential } from './ciphersuites.ts';
import { keyFingerprint } from './resumable-session.ts';

/** At once or later. */
export type Answer<T = DtlsJobAnswer> = T | Promise<T>;

/** A client's side. */
export interface ClientCredentials {
  readonly credential: Credential;
  /** Whether there is a certificate or raw public key of ours to show. */
  readonly hasCertificate: boolean;
  /** Our own certificates (the leaves, DER), where there are some. */
  readonly certificates?: readonly Uint8Array[] | undefined;
  /** Whether DANE records are used. */
  readonly dane: boolean;
  /** Tells whether the credential, and whom it trusts, are the same; tells neither. */
  fingerprint(): Uint8Array;
  /** What a job cannot get is thrown. */
  answer(job: DtlsJob, server: WantedServer): Answer;
  /** Zeroes what is secret: no connect after this. */
  forget(): void;
}

/** A server's side, for all its peers. */
export interface ServerCredentials {
  readonly credential: Credential;
  readonly identityHint: Uint8Array | undefined;
  readonly clientCertificate: 'require' | 'none';
  readonly authorities: readonly Uint8Array[];
  /** The key of an identity, which the session zeroes once it has been used; undefined is an unknown identity. */
  lookup(identity: Uint8Array, from: Endpoint): Answer<PskAnswer | RefusedChain | undefined>;
  /** Every other job. */
  answer(job: DtlsJob, from: Endpoint): Answer;
  forget(): void;
}

/** @throws SecurityInfoError */
export function pskClient(
  security: PskSecurity,
  loading: LoadOptions & { readonly provider: CryptoProvider },
): ClientCredentials {
  const { identity, key } = loadPsk(security, loading);
  return {
    credential: 'psk',
    hasCertificate: false,
    dane: false,
    fingerprint: () => concatBytes(keyFingerprint(loading.provider, key.bytes), identity),
    answer: (job) => (job.type === 'choosePsk' ? { identity, key: key.bytes } : undefined),
    forget: () => key.close(),
  };
}

/** The application's look-up, as answers whose keys the session zeroes. */
export function pskServer(security: PskServerSecurity, loading: LoadOptions): ServerCredentials {
  const { lookup } = security;
  const load = (info: Awaited<ReturnType<typeof lookup>>): PskAnswer | undefined => {
    const secret = info === undefined ? undefined : loadPskKey(info, loading);
    return secret === undefined ? undefined : { key: secret.bytes };
  };
  return {
    credential: 'psk',
    identityHint: security.identityHint?.slice(),
    clientCertificate: 'none',
    authorities: [],
    lookup(identity, from) {
      const info = lookup(identity.slice(), from);
      return info instanceof Promise ? info.then(load) : load(info);
    },
    answer: () => undefined,
    forget: () => undefined,
  };
}

/** What we show, and what signs for it. */
export interface OwnIdentity {
  readonly chain: readonly Uint8Array[];
  readonly key: LoadedPrivateKey;
}

/** Answers `chooseCertificate` and `sign`; undefined for other jobs, and without an identity that goes with the wish. */
export function answerForOwn(job: DtlsJob, own: OwnIdentity | undefined): Answer {
  if (own === undefined) return undefined;
  if (job.type === 'chooseCertificate') return ownCertificate(own);
  if (job.type !== 'sign') return undefined;
  const signature = own.key.sign(job.scheme, job.message);
  return signature instanceof Promise ? signature.then((later) => ({ signature: later })) : { signature };
}

function ownCertificate({ chain, key }: OwnIdentity): OwnCertificate {
  return { chain, algorithm: key.algorithm.name, schemes: key.schemes };
}

/** The refusal of a configuration this backend cannot meet. */
export function unsupported(message: string): SocketError {
  return new SocketError('ENOTSUP', message);
}
