// Whom a configuration trusts: loaded once, and asked about each chain that a peer shows. One policy for every backend.

import { DecodeError, toHex, utf8Encode } from '../../bytes/index.ts';
import type { Environment } from '../../runtime/index.ts';
import type { RevocationList } from '../crl.ts';
import {
  loadCertificateChain,
  loadCertificateRevocationLists,
  loadSystemTrustAnchors,
  loadTrustAnchors,
} from '../load-certificates.ts';
import type { LoadOptions } from '../load-options.ts';
import type { CryptoProvider } from '../provider/provider.ts';
import { SecurityInfoError } from '../security-info-error.ts';
import type { CertificateChainInfo, CertificateRevocationListInfo } from '../security-info.ts';
import { type Certificate, parseCertificate } from '../x509.ts';
import { type CertificateAssociation, type CertificateUsage, tlsaAssociation } from './certificate-usage.ts';
import type { CertificateRefusedError } from './refusal.ts';

type ValidityDecision = (window: { readonly notBefore: number; readonly notAfter: number }) => boolean;

/** The part of a client's configuration that says whom it trusts; `CertificateSecurity` of lib/net has it. */
export interface ServerTrustConfiguration {
  readonly trustAnchors?: CertificateChainInfo | undefined;
  readonly revocationLists?: CertificateRevocationListInfo | undefined;
  readonly systemTrustStore?: boolean | undefined;
  readonly dane?: boolean | undefined;
  readonly serverCertificate?:
    | CertificateAssociation
    | { readonly certificate: CertificateChainInfo; readonly usage?: CertificateUsage | undefined }
    | undefined;
  readonly withoutClock?: ValidityDecision | undefined;
  readonly dangerMatchCommonName?: boolean | undefined;
  readonly dangerSkipPeerValidation?: boolean | undefined;
}

/** Loaded. */
export interface ServerTrust extends Omit<
  ServerTrustConfiguration,
  'trustAnchors' | 'revocationLists' | 'serverCertificate'
> {
  readonly anchors: readonly Certificate[];
  readonly revocationLists: readonly RevocationList[];
  readonly serverCertificate: CertificateAssociation | undefined;
}

/** Whom a client means to talk to. */
export interface WantedServer {
  /** The name asked for, or the address connected to. */
  readonly host: string;
  readonly tlsa: readonly Parameters<typeof tlsaAssociation>[0][];
}

/** The part of a server's configuration that says which clients it trusts; `CertificateServerSecurity` of lib/net has it. */
export interface ClientTrustConfiguration {
  readonly trustAnchors?: CertificateChainInfo | undefined;
  readonly revocationLists?: CertificateRevocationListInfo | undefined;
  readonly withoutClock?: ValidityDecision | undefined;
}

/** Loaded. */
export interface ClientTrust {
  readonly anchors: readonly Certificate[];
  readonly revocationLists: readonly RevocationList[];
  readonly withoutClock: ValidityDecision | undefined;
}

type Judging = Pick<CryptoProvider, 'verify' | 'primitives' | 'hash'>;
type Wall = Pick<Environment, 'clock'>;

/** @throws SecurityInfoError */
export function loadServerTrust(given: ServerTrustConfiguration, loading: LoadOptions): ServerTrust {
  return {
    dane: given.dane,
    withoutClock: given.withoutClock,
    dangerMatchCommonName: given.dangerMatchCommonName,
    dangerSkipPeerValidation: given.dangerSkipPeerValidation,
    systemTrustStore: given.systemTrustStore,
    anchors: [
      ...anchorsOf(given, loading),
      ...(given.systemTrustStore === true ? loadSystemTrustAnchors(loading) : []),
    ],
    revocationLists: listsOf(given, loading),
    serverCertificate: associationOf(given.serverCertificate, loading),
  };
}

/** @throws SecurityInfoError */
export function loadClientTrust(given: ClientTrustConfiguration, loading: LoadOptions): ClientTrust {
  return {
    anchors: anchorsOf(given, loading),
    revocationLists: listsOf(given, loading),
    withoutClock: given.withoutClock,
  };
}

/**
 * Whether a client trusts the server that showed `chain` (DER, leaf first).
 * @returns the leaf's SubjectPublicKeyInfo: what that key has signed may be believed
 * @throws CertificateRefusedError; DecodeError for what is no certificate
 */
export async function judgeServer(
  chain: readonly Uint8Array[],
  trust: ServerTrust,
  server: WantedServer,
  provider: Judging,
  environment: Wall,
): Promise<Uint8Array> {
  if (trust.dangerSkipPeerValidation === true) return leafKey(chain);
  const certificates = chain.map((der) => parseCertificate(der));
  const { checkServerTrust } = await serverTrustModule();
  const tlsa = trust.dane === true ? server.tlsa.map(tlsaAssociation) : [];
  await checkServerTrust({
    chain: certificates,
    anchors: trust.anchors,
    revocationLists: trust.revocationLists,
    provider,
    time: timeFor(trust, environment),
    withoutClock: trust.withoutClock,
    host: server.host,
    dangerMatchCommonName: trust.dangerMatchCommonName,
    associations: [...(trust.serverCertificate === undefined ? [] : [trust.serverCertificate]), ...tlsa],
  });
  return certificates[0]!.publicKey.spki;
}

/** Whether a server trusts the client that showed `chain`. As `judgeServer`. */
export async function judgeClient(
  chain: readonly Uint8Array[],
  trust: ClientTrust,
  provider: Judging,
  environment: Wall,
): Promise<Uint8Array> {
  const certificates = chain.map((der) => parseCertificate(der));
  const { validatePath } = await pathModule();
  const time = timeFor(trust, environment);
  await validatePath({ ...trust, chain: certificates, provider, purpose: 'clientAuth', time });
  return certificates[0]!.publicKey.spki;
}

/** Of whom is trusted, on what terms, and of our own leaves: the same for the same alone. 32 bytes; tells nothing of them. */
export function trustFingerprint(
  trust: ServerTrust,
  own: readonly Uint8Array[],
  provider: Pick<CryptoProvider, 'hash'>,
): Uint8Array {
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

/** By its stable code: its module is loaded lazily, and where it is loaded twice `instanceof` tells nothing. */
export function isCertificateRefused(error: unknown): error is CertificateRefusedError {
  return error instanceof Error && 'code' in error && error.code === 'ECERTREFUSED';
}

// Loaded by the first handshake that needs them, and kept: an import resolves its module anew each time it is called.
const pathModule = once(() => import('./validate-path.ts'));
const serverTrustModule = once(() => import('./server-trust.ts'));

function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => (loading ??= load());
}

function leafKey([leaf]: readonly Uint8Array[]): Uint8Array {
  if (leaf === undefined) throw new DecodeError('certificate list', 'a certificate', 'none');
  return parseCertificate(leaf).publicKey.spki;
}

type Terms = { readonly withoutClock?: ValidityDecision | undefined };

/** Undefined where somebody else than the clock decides. */
function timeFor({ withoutClock }: Terms, { clock }: Wall): number | undefined {
  return withoutClock === undefined ? clock.wallTime() : undefined;
}

function anchorsOf({ trustAnchors }: ClientTrustConfiguration, loading: LoadOptions): readonly Certificate[] {
  return trustAnchors === undefined ? [] : loadTrustAnchors(trustAnchors, loading);
}

function listsOf({ revocationLists }: ClientTrustConfiguration, loading: LoadOptions): readonly RevocationList[] {
  return revocationLists === undefined ? [] : loadCertificateRevocationLists(revocationLists, loading);
}

/** A certificate given by its source as an association. @throws SecurityInfoError ENODATA if there is none */
function associationOf(
  given: ServerTrustConfiguration['serverCertificate'],
  loading: LoadOptions,
): CertificateAssociation | undefined {
  if (given === undefined || 'data' in given) return given && { ...given, data: given.data.slice() };
  const [certificate] = loadCertificateChain(given.certificate, loading);
  if (certificate !== undefined) {
    return { usage: given.usage ?? 3, selector: 'certificate', matching: 'exact', data: certificate.der };
  }
  const { kind } = given.certificate.source;
  const place = { type: 'certificateChain', source: kind, position: 'serverCertificate' } as const;
  throw new SecurityInfoError('ENODATA', place, 'expected the certificate to compare with, found none');
}
