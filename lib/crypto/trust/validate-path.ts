// Path validation: find a path to a trust anchor, hold every certificate of it to our rules, ask the library.

import type { RevocationList } from '../crl.ts';
import type { CertificateSignatureName } from '../signature-algorithm.ts';
import type { Certificate } from '../x509.ts';
import { unlessAccepted } from './accepted-paths.ts';
import {
  DEFAULT_SIGNATURE_ALGORITHMS,
  type SignatureVerdict,
  type SignatureVerifier,
  type Signed,
  verifySignature,
} from './certificate-signature.ts';
import { type PathLimits, type SearchFindings, pathsToAnchors } from './path-builder.ts';
import { type PathPolicy, checkPathPolicy } from './path-policy.ts';
import { CertificateRefusedError } from './refusal.ts';
import { checkRevocation } from './revocation.ts';

export interface PathRequest extends PathPolicy, PathLimits {
  /** As received: the leaf first, the rest in any order. */
  readonly chain: readonly Certificate[];
  /** What is trusted; a leaf or an intermediate certificate may be. */
  readonly anchors: readonly Certificate[];
  readonly provider: SignatureVerifier;
  readonly revocationLists?: readonly RevocationList[] | undefined;
  /** For which certificates there must be a revocation list. Default none: those at hand are used. */
  readonly requireRevocationLists?: 'none' | 'leaf' | 'all' | undefined;
  /** Signatures taken on certificates and lists. Default `DEFAULT_SIGNATURE_ALGORITHMS`; an anchor's own is not looked at. */
  readonly signatureAlgorithms?: readonly CertificateSignatureName[] | undefined;
  /** Most certificates a peer may send. Default 10. */
  readonly maxChainLength?: number | undefined;
}

export const DEFAULT_MAX_CHAIN_LENGTH = 10; // as many as a path may have; RFC 5246 §7.4.2 sends no others

/**
 * The path, leaf first and anchor last. The first of several that is good; where none is, the first one's fault.
 * @throws CertificateRefusedError
 */
export async function validatePath(request: PathRequest): Promise<readonly Certificate[]> {
  const { chain, anchors } = request;
  const most = request.maxChainLength ?? DEFAULT_MAX_CHAIN_LENGTH;
  if (chain.length === 0) throw new CertificateRefusedError('empty-chain', 'expected a certificate, found none');
  if (chain.length > most) {
    throw new CertificateRefusedError('chain-too-long', `expected at most ${most} certificates, found ${chain.length}`);
  }
  const verify = rememberedVerdicts(request);
  const findings: SearchFindings = { invalid: false, unsupported: false };
  let firstFault: CertificateRefusedError | undefined;
  for (const path of pathsToAnchors(chain, anchors, verify, findings, request)) {
    try {
      await checkPath(path, request, verify);
      return path;
    } catch (error) {
      if (!(error instanceof CertificateRefusedError)) throw error;
      firstFault ??= error;
    }
  }
  throw firstFault ?? noPath(chain[0]!, findings, anchors.length);
}

type Verify = (signed: Signed, issuer: Certificate) => SignatureVerdict;

async function checkPath(path: readonly Certificate[], request: PathRequest, verify: Verify): Promise<void> {
  checkPathPolicy(path, request);
  const { time, revocationLists: lists = [], requireRevocationLists: required } = request;
  checkRevocation(path, { lists, time, required }, verify);
  if (path.length < 2) return; // the leaf itself is trusted: there is no path
  await unlessAccepted(path, async () => {
    const { askLibrary } = await import('./second-opinion.ts'); // loaded where certificates are used, and only there
    await askLibrary(path, time, verify);
  });
}

/** The search, the lists and the library ask for the same signatures. */
function rememberedVerdicts({ provider, signatureAlgorithms = DEFAULT_SIGNATURE_ALGORITHMS }: PathRequest): Verify {
  const known = new Map<Signed, Map<Certificate, SignatureVerdict>>();
  return (signed, issuer) => {
    const ofSigned = known.get(signed) ?? new Map<Certificate, SignatureVerdict>();
    known.set(signed, ofSigned);
    const verdict = ofSigned.get(issuer) ?? verifySignature(signed, issuer, provider, signatureAlgorithms);
    ofSigned.set(issuer, verdict);
    return verdict;
  };
}

function noPath(leaf: Certificate, findings: SearchFindings, anchors: number): CertificateRefusedError {
  if (findings.unsupported) {
    const detail = 'expected signatures by an algorithm that is allowed, found another';
    return new CertificateRefusedError('signature-algorithm', detail, leaf);
  }
  if (findings.invalid) {
    return new CertificateRefusedError('bad-signature', 'its issuer, by name, did not sign it', leaf);
  }
  const detail = `expected a path to one of ${anchors} trust anchors, found none`;
  return new CertificateRefusedError('unknown-issuer', detail, leaf);
}
