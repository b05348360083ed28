// Whether to trust a server: path and name, LwM2M's certificate usage or DANE, and refusal where nothing is configured.

import type { CryptoProvider } from '../provider/provider.ts';
import { type Certificate, parseCertificate } from '../x509.ts';
import { CERTIFICATE_USAGE, type CertificateAssociation, matchesAssociation } from './certificate-usage.ts';
import { type HostNameOptions, checkHostName } from './host-name.ts';
import { CertificateRefusedError } from './refusal.ts';
import { type PathRequest, validatePath } from './validate-path.ts';

export interface ServerTrustRequest extends Omit<PathRequest, 'purpose' | 'provider'>, HostNameOptions {
  readonly provider: Pick<CryptoProvider, 'verify' | 'primitives' | 'hash'>;
  /** The name asked for (the SNI), or the address connected to. It must be in the certificate, except by usage 3. */
  readonly host: string;
  /** What the certificate is compared with, any of them; without any, path and name decide. */
  readonly associations?: readonly CertificateAssociation[] | undefined;
}

/** The path that is trusted (usage 3: the leaf alone). @throws CertificateRefusedError */
export async function checkServerTrust(request: ServerTrustRequest): Promise<readonly Certificate[]> {
  const { chain, anchors, associations } = request;
  const [leaf] = chain;
  if (leaf === undefined) throw new CertificateRefusedError('empty-chain', 'expected a certificate, found none');
  if (associations === undefined || associations.length === 0) {
    if (anchors.length === 0) throw nothingConfigured(leaf);
    return byPathAndName(request, anchors);
  }
  if (associations.every(({ data }) => data.length === 0)) throw nothingConfigured(leaf);
  let firstFault: unknown;
  for (const association of associations) {
    try {
      return await byAssociation(request, leaf, association);
    } catch (error) {
      if (!(error instanceof CertificateRefusedError)) throw error;
      firstFault ??= error;
    }
  }
  throw firstFault;
}

async function byAssociation(
  request: ServerTrustRequest,
  leaf: Certificate,
  association: CertificateAssociation,
): Promise<readonly Certificate[]> {
  const { chain, anchors, provider } = request;
  const matches = (each: Certificate): boolean => matchesAssociation(each, association, provider);
  const { usage } = association;
  if (usage === CERTIFICATE_USAGE.domainIssuedCertificate) {
    if (matches(leaf)) return [leaf];
    throw noMatch('the certificate configured (certificate usage 3)', leaf);
  }
  if (usage === CERTIFICATE_USAGE.trustAnchorAssertion) {
    const asserted = [...chain.filter(matches), ...statedAnchor(association)];
    if (asserted.length === 0) throw noMatch('the trust anchor configured (certificate usage 2) in its chain', leaf);
    return byPathAndName(request, asserted);
  }
  const path = await byPathAndName(request, anchors);
  const constrained = usage === CERTIFICATE_USAGE.caConstraint ? path.slice(1) : path.slice(0, 1);
  if (constrained.some(matches)) return path;
  throw noMatch(`the certificate configured (certificate usage ${usage}) in its path`, leaf);
}

async function byPathAndName(
  request: ServerTrustRequest,
  anchors: readonly Certificate[],
): Promise<readonly Certificate[]> {
  const path = await validatePath({ ...request, anchors, purpose: 'serverAuth' });
  checkHostName(path[0]!, request.host, request);
  return path;
}

/** An anchor given whole need not be sent by the server. */
function statedAnchor({ matching, selector, data }: CertificateAssociation): readonly Certificate[] {
  if (matching !== 'exact' || selector !== 'certificate') return [];
  try {
    return [parseCertificate(data)];
  } catch {
    return []; // matches nothing
  }
}

function noMatch(expected: string, leaf: Certificate): CertificateRefusedError {
  return new CertificateRefusedError('no-match', `expected ${expected}, found others`, leaf);
}

function nothingConfigured(leaf: Certificate): CertificateRefusedError {
  const detail = 'no server certificate, trust anchor or DANE record is configured, so no server is trusted';
  return new CertificateRefusedError('nothing-configured', detail, leaf);
}
