export { CertificateRefusedError, REFUSAL_ALERTS, type RefusalReason } from './refusal.ts';
export { type HostNameOptions, checkHostName, matchesDnsPattern } from './host-name.ts';
export { parseIpAddress } from './ip-address.ts';
export {
  CERTIFICATE_USAGE,
  type CertificateAssociation,
  type CertificateUsage,
  lwm2mAssociation,
  matchesAssociation,
  tlsaAssociation,
} from './certificate-usage.ts';
export { DEFAULT_SIGNATURE_ALGORITHMS, type SignatureVerifier } from './certificate-signature.ts';
export { DEFAULT_PATH_LIMITS, type PathLimits } from './path-builder.ts';
export { DEFAULT_PATH_POLICY, type PathPolicy, type Purpose, type ValidityWindow } from './path-policy.ts';
export { DEFAULT_MAX_CHAIN_LENGTH, type PathRequest, validatePath } from './validate-path.ts';
export { type ServerTrustRequest, checkServerTrust } from './server-trust.ts';
export {
  type CertificateRequest,
  type ClientCertificate,
  type ChosenCertificate,
  chooseCertificate,
  completeChain,
} from './choose-certificate.ts';
export {
  type ClientTrust,
  type ClientTrustConfiguration,
  type ServerTrust,
  type ServerTrustConfiguration,
  type WantedServer,
  isCertificateRefused,
  judgeClient,
  judgeServer,
  loadClientTrust,
  loadServerTrust,
  trustFingerprint,
} from './configured-trust.ts';
