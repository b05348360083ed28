// X.509: whom we trust and what we show, for either role. Path validation is loaded when it is first needed.

import {
  type Certificate,
  type CryptoProvider,
  type LoadOptions,
  type RevocationList,
  SecurityInfoError,
  loadCertificateChain,
  loadCertificateRevocationLists,
  loadSystemTrustAnchors,
  loadTrustAnchors,
  parseCertificate,
} from '../../lib/crypto/index.ts';
import { DecodeError, toHex, utf8Encode } from '../../lib/bytes/index.ts';
import type { CertificateRefusedError } from '../../lib/crypto/trust/refusal.ts';
import type { CertificateAssociation } from '../../lib/crypto/trust/certificate-usage.ts';
import { ALERT_DESCRIPTIONS, type CertificateSecurity, type CertificateServerSecurity } from '../../lib/net/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';
import { ALERT } from './alerts.ts';
import type { DtlsJobAnswer, RefusedChain } from './connection.ts';
import {
  type ClientCredentials,
  type ServerCredentials,
  type WantedServer,
  answerForOwn,
  unsupported,
} from './credentials.ts';
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
  const anchors = [
    ...(security.trustAnchors === undefined ? [] : loadTrustAnchors(security.trustAnchors, loading)),
    ...(security.systemTrustStore === true ? loadSystemTrustAnchors(loading) : []),
  ];
  const revocationLists = listsOf(security, loading);
  const serverCertificate = associationOf(security.serverCertificate, loading);
  const own = clientIdentities(security, anchors, loading);
  const trust = { ...security, anchors, revocationLists, serverCertificate };
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
      if (security.dangerSkipPeerValidation === true) return unjudged(job.chain);
      return judged(job.chain, (chain) => judgeServer(chain, trust, server, loading.provider, environment));
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
  const anchors = security.trustAnchors === undefined ? [] : loadTrustAnchors(security.trustAnchors, loading);
  const clientCertificate = security.clientCertificate ?? 'require';
  if (clientCertificate === 'require' && anchors.length === 0) {
    throw unsupported(
      "trustAnchors: expected what client certificates lead to, found none (or clientCertificate 'none')",
    );
  }
  const revocationLists = listsOf(security, loading);
  return {
    credential: 'certificate',
    identityHint: undefined,
    clientCertificate,
    authorities: anchors.map(({ subject }) => subject.der),
    lookup: () => undefined,
    answer(job) {
      if (job.type !== 'verifyChain') return answerForOwn(job, own);
      return judged(job.chain, async (chain) => {
        const { validatePath } = await pathModule();
        await validatePath({
          chain,
          anchors,
          revocationLists,
          provider: loading.provider,
          purpose: 'clientAuth',
          time: timeFor(security, environment),
          withoutClock: security.withoutClock,
        });
      });
    },
    forget: () => own.key.close(),
  };
}

// Loaded by the first handshake that needs them, and kept: an import resolves its module anew each time it is called.
const pathModule = once(() => import('../../lib/crypto/trust/validate-path.ts'));
const trustModules = once(() =>
  Promise.all([
    import('../../lib/crypto/trust/server-trust.ts'),
    import('../../lib/crypto/trust/certificate-usage.ts'),
  ]),
);

function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => (loading ??= load());
}

interface ClientTrust extends Omit<CertificateSecurity, 'revocationLists' | 'serverCertificate'> {
  readonly serverCertificate: CertificateAssociation | undefined;
  readonly anchors: readonly Certificate[];
  readonly revocationLists: readonly RevocationList[];
}

/** Whom we trust, on what terms, and what we show. */
function trustFingerprint(trust: ClientTrust, own: readonly Uint8Array[], provider: CryptoProvider): Uint8Array {
  const { anchors, revocationLists, serverCertificate, dane, dangerMatchCommonName, dangerSkipPeerValidation } = trust;
  const hash = (bytes: Uint8Array): string => toHex(provider.hash('sha256', bytes));
  const terms = {
    anchors: anchors.map(({ der }) => hash(der)),
    lists: revocationLists.map(({ tbs }) => hash(tbs)),
    association: serverCertificate && { ...serverCertificate, data: toHex(serverCertificate.data) },
    own: own.map(hash),
    flags: [dane, dangerMatchCommonName, dangerSkipPeerValidation, trust.withoutClock !== undefined],
  };
  return provider.hash('sha256', utf8Encode(JSON.stringify(terms)));
}

async function judgeServer(
  chain: readonly Certificate[],
  trust: ClientTrust,
  server: WantedServer,
  provider: CryptoProvider,
  environment: Environment,
): Promise<void> {
  const [{ checkServerTrust }, { tlsaAssociation }] = await trustModules();
  const tlsa = trust.dane === true ? server.tlsa.map(tlsaAssociation) : [];
  await checkServerTrust({
    chain,
    anchors: trust.anchors,
    revocationLists: trust.revocationLists,
    provider,
    time: timeFor(trust, environment),
    withoutClock: trust.withoutClock,
    host: server.host,
    dangerMatchCommonName: trust.dangerMatchCommonName,
    associations: [...(trust.serverCertificate === undefined ? [] : [trust.serverCertificate]), ...tlsa],
  });
}

/** Undefined where somebody else than the clock decides. */
function timeFor(
  { withoutClock }: Pick<CertificateSecurity, 'withoutClock'>,
  { clock }: Pick<Environment, 'clock'>,
): number | undefined {
  return withoutClock === undefined ? clock.wallTime() : undefined;
}

/** Parses and judges. What is no certificate, or is not trusted, becomes the alert that says so. */
async function judged(
  chain: readonly Uint8Array[],
  judge: (chain: readonly Certificate[]) => Promise<void>,
): Promise<DtlsJobAnswer> {
  try {
    const certificates = chain.map((der) => parseCertificate(der));
    await judge(certificates);
    return { publicKey: certificates[0]!.publicKey.spki };
  } catch (error) {
    return refusal(error);
  }
}

function unjudged(chain: readonly Uint8Array[]): DtlsJobAnswer {
  try {
    return { publicKey: parseCertificate(chain[0]!).publicKey.spki };
  } catch (error) {
    return refusal(error);
  }
}

/** @throws what is not the peer's fault */
function refusal(error: unknown): RefusedChain {
  if (error instanceof DecodeError) return { alert: ALERT.badCertificate, reason: error.message };
  if (!isRefused(error)) throw error;
  return { alert: alertNumber(error.alert), reason: error.message };
}

// By its stable code: the module is loaded lazily, and where it is loaded twice `instanceof` tells nothing.
function isRefused(error: unknown): error is CertificateRefusedError {
  return error instanceof Error && 'code' in error && error.code === 'ECERTREFUSED';
}

function alertNumber(name: CertificateRefusedError['alert']): number {
  const found = Object.entries(ALERT_DESCRIPTIONS).find(([, each]) => each === name);
  return found === undefined ? ALERT.badCertificate : Number(found[0]);
}

/** A certificate given by its source as an association. @throws SecurityInfoError ENODATA if there is none */
function associationOf(
  given: CertificateSecurity['serverCertificate'],
  loading: Loading,
): CertificateAssociation | undefined {
  if (given === undefined || 'data' in given) return given;
  const [certificate] = loadCertificateChain(given.certificate, loading);
  if (certificate !== undefined) {
    return { usage: given.usage ?? 3, selector: 'certificate', matching: 'exact', data: certificate.der };
  }
  const place = {
    type: 'certificateChain',
    source: given.certificate.source.kind,
    position: 'serverCertificate',
  } as const;
  throw new SecurityInfoError('ENODATA', place, 'expected the certificate to compare with, found none');
}

function listsOf(
  { revocationLists }: Pick<CertificateSecurity, 'revocationLists'>,
  loading: Loading,
): readonly RevocationList[] {
  return revocationLists === undefined ? [] : loadCertificateRevocationLists(revocationLists, loading);
}
