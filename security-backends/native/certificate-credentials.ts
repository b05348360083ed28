// X.509: whom we trust and what we show, for either role.

import {
  type CertificateRefusedError,
  type CryptoProvider,
  type LoadOptions,
  SecurityInfoError,
  isCertificateRefused,
  judgeClient,
  judgeServer,
  loadClientTrust,
  loadServerTrust,
  trustFingerprint,
} from '../../lib/crypto/index.ts';
import { DecodeError } from '../../lib/bytes/index.ts';
import { ALERT_DESCRIPTIONS, type CertificateSecurity, type CertificateServerSecurity } from '../../lib/net/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';
import { ALERT } from './alerts.ts';
import type { DtlsJobAnswer, RefusedChain } from './connection.ts';
import { type ClientCredentials, type ServerCredentials, answerForOwn, unsupported } from './credentials.ts';
import { chooseIdentity, clientIdentities, loadIdentity } from './own-certificates.ts';

/** Where credentials come from, and what they are judged with. */
export interface Loading extends LoadOptions {
  readonly provider: CryptoProvider;
}

/** @throws SecurityInfoError, SocketError ENOTSUP */
export function certificateClient(
  security: CertificateSecurity,
  loading: Loading,
  environment: Environment,
): ClientCredentials {
  const trust = loadServerTrust(security, loading);
  const own = clientIdentities(security, trust.anchors, loading);
  return {
    credential: 'certificate',
    hasCertificate: own.length > 0,
    certificates: own.map(({ chain }) => chain[0]!),
    dane: security.dane ?? false,
    fingerprint: () =>
      trustFingerprint(
        trust,
        own.map(({ chain }) => chain[0]!),
        loading.provider,
      ),
    answer(job, server) {
      if (job.type === 'chooseCertificate') return answerForOwn(job, chooseIdentity(own, job, loading.log));
      if (job.type === 'sign')
        return answerForOwn(
          job,
          own.find(({ chain }) => chain === job.certificate.chain),
        );
      if (job.type !== 'verifyChain') return undefined;
      return judged(judgeServer(job.chain, trust, server, loading.provider, environment));
    },
    forget: () => own.forEach(({ key }) => key.close()),
  };
}

/** @throws SecurityInfoError, SocketError ENOTSUP */
export function certificateServer(
  security: CertificateServerSecurity,
  loading: Loading,
  environment: Environment,
): ServerCredentials {
  const own = loadIdentity(security.chain, security.key, loading);
  if (own === undefined) {
    const place = { type: 'certificateChain', source: security.chain.source.kind, position: 'chain' } as const;
    throw new SecurityInfoError('ENODATA', place, 'expected a certificate chain, found none');
  }
  const trust = loadClientTrust(security, loading);
  const { anchors } = trust;
  const clientCertificate = security.clientCertificate ?? 'require';
  if (clientCertificate === 'require' && anchors.length === 0) {
    throw unsupported(
      "trustAnchors: expected what client certificates lead to, found none (or clientCertificate 'none')",
    );
  }
  return {
    credential: 'certificate',
    identityHint: undefined,
    clientCertificate,
    authorities: anchors.map(({ subject }) => subject.der),
    lookup: () => undefined,
    answer(job) {
      if (job.type !== 'verifyChain') return answerForOwn(job, own);
      return judged(judgeClient(job.chain, trust, loading.provider, environment));
    },
    forget: () => own.key.close(),
  };
}

/** What is no certificate, or is not trusted, becomes the alert that says so. */
async function judged(verdict: Promise<Uint8Array>): Promise<DtlsJobAnswer> {
  try {
    return { publicKey: await verdict };
  } catch (error) {
    return refusal(error);
  }
}

/** @throws what is not the peer's fault */
function refusal(error: unknown): RefusedChain {
  if (error instanceof DecodeError) return { alert: ALERT.badCertificate, reason: error.message };
  if (!isCertificateRefused(error)) throw error;
  return { alert: alertNumber(error.alert), reason: error.message };
}

function alertNumber(name: CertificateRefusedError['alert']): number {
  const found = Object.entries(ALERT_DESCRIPTIONS).find(([, each]) => each === name);
  return found === undefined ? ALERT.badCertificate : Number(found[0]);
}
