// Chapter 6, certificates: whom the server must be, judged by the project's own policy, and a certificate of our own.

import {
  type LoadedPrivateKey,
  SIGNING_KEY,
  isCertificateRefused,
  judgeServer,
  loadOwnCertificate,
  loadServerTrust,
  parseCertificate,
  trustFingerprint,
} from '../../lib/crypto/index.ts';
import { DecodeError, type Environment } from '../../lib/index.ts';
import {
  ALERT_DESCRIPTIONS,
  type CertificateSecurity,
  type DatagramSocket,
  type SecurityBackend,
  SocketError,
  type SslConfiguration,
} from '../../lib/net/index.ts';
import { CIPHERSUITES, type DtlsJobAnswer, type OfferedSession } from '../../security-backends/native/index.ts';
import type { BackendOptions } from './1-stub.ts';
import { provider } from './2-psk.ts';
import { type Chapter, backendOf } from './chapter.ts';
import { type ResumableCredentials, resumablePsk } from './4-resumption.ts';
import { CONFIGURATION_CAPABILITIES, ConfiguredSocket } from './5-configuration.ts';

/** A certificate of ours, what is shown with it (DER, leaf first), and its key. */
export interface OwnCertificate {
  readonly chain: readonly Uint8Array[];
  readonly key: LoadedPrivateKey;
}

/** The leaf alone. @throws SecurityInfoError if key and certificate do not go together, or one is missing */
export function ownLeaf({ clientChain, clientKey }: CertificateSecurity): OwnCertificate | undefined {
  const own = loadOwnCertificate(clientChain, clientKey, { provider }, SIGNING_KEY);
  return own && { chain: own.chain.slice(0, 1).map(({ der }) => der), key: own.key };
}

/** @throws SecurityInfoError */
export function certificateCredentials(
  security: CertificateSecurity,
  own: OwnCertificate | undefined,
  environment: Environment,
): ResumableCredentials {
  const trust = loadServerTrust(security, { provider, log: environment.log });
  const leaves = own?.chain.slice(0, 1) ?? [];
  return {
    mode: 'certificate',
    fingerprint: trustFingerprint(trust, leaves, provider),
    answer(job, server) {
      if (job.type === 'verifyChain') return judged(judgeServer(job.chain, trust, server, provider, environment));
      if (own === undefined) return undefined;
      const { chain, key } = own;
      if (job.type === 'chooseCertificate') return { chain, algorithm: key.algorithm.name, schemes: key.schemes };
      return job.type === 'sign' ? signed(key.sign(job.scheme, job.message)) : undefined;
    },
    forget: () => own?.key.close(),
  };
}

/** The stack is given the key that the chain vouches for, or the alert to refuse it with. */
async function judged(verdict: Promise<Uint8Array>): Promise<DtlsJobAnswer> {
  try {
    return { publicKey: await verdict };
  } catch (error) {
    if (error instanceof DecodeError) return { alert: alertNumber('bad_certificate'), reason: error.message };
    if (!isCertificateRefused(error)) throw error;
    return { alert: alertNumber(error.alert), reason: error.message };
  }
}

async function signed(signature: Uint8Array | Promise<Uint8Array>): Promise<DtlsJobAnswer> {
  return { signature: await signature };
}

function alertNumber(name: string): number {
  return Number(Object.entries(ALERT_DESCRIPTIONS).find(([, each]) => each === name)?.[0] ?? 42);
}

export class CertificateSocket extends ConfiguredSocket {
  /** Whoever resumes is not shown a certificate again: no longer than what was shown is valid. */
  protected override validUntil(offered: OfferedSession): number {
    const shown = offered.session.identification.peerCertificates ?? [];
    try {
      return Math.min(super.validUntil(offered), ...shown.map((der) => parseCertificate(der).notAfter));
    } catch {
      return 0; // where validation is skipped nobody has read them: such a session is not gone on with
    }
  }
}

export const CERTIFICATE_CAPABILITIES = {
  ...CONFIGURATION_CAPABILITIES,
  credentials: ['psk', 'certificate'],
  ciphersuites: CIPHERSUITES.filter(({ keyExchange }) => keyExchange !== 'ecdhePsk').map(({ id }) => id),
} as const;

/** The application may compare our certificate with the name that it registers under. */
export function tellOwn({ onOwnCertificate }: SslConfiguration, own: OwnCertificate | undefined): void {
  const leaf = own?.chain[0];
  if (leaf !== undefined) onOwnCertificate?.(leaf.slice());
}

/** What chapter 7 brings. */
function refuseChains(security: CertificateSecurity): void {
  for (const option of ['rebuildClientChain', 'clientCredentials', 'systemTrustStore'] as const) {
    if (security[option] !== undefined) throw new SocketError('ENOTSUP', `chapter 6 has no ${option} yet`);
  }
}

function load(configuration: SslConfiguration, environment: Environment): ResumableCredentials {
  const { security } = configuration;
  if (security.mode === 'psk') return resumablePsk(security);
  if (security.mode !== 'certificate') throw new SocketError('ENOTSUP', `security.mode: found ${security.mode}`);
  refuseChains(security);
  const own = ownLeaf(security);
  tellOwn(configuration, own);
  return certificateCredentials(security, own, environment);
}

export function certified(options: BackendOptions): SecurityBackend<DatagramSocket> {
  const make: Chapter<ResumableCredentials>['make'] = (environment, made) => new CertificateSocket(environment, made);
  return backendOf({ name: 'chapter 6', capabilities: CERTIFICATE_CAPABILITIES, later: [], load, make }, options);
}
