// What an account says of its security and what the Security object (/0) says of it, each made from the other
// (LwM2M Core 1.2 Appendix E.1).

import {
  type CertificateChainInfo,
  type RawPublicKeyInfo,
  type SecurityInfo,
  certificateChainFromBuffer,
  loadCertificateChain,
  loadRawPublicKeys,
  lwm2mAssociation,
  privateKeyFromBuffer,
  pskIdentityFromBuffer,
  pskKeyFromBuffer,
  rawPublicKeyEmpty,
  rawPublicKeyFromBuffer,
  readPrivateKeyFile,
} from '../crypto/index.ts';
import type {
  CertificateSecurity,
  PskSecurity,
  RawPublicKeySecurity,
  Security,
  SslConfiguration,
} from '../net/index.ts';
import { SECURITY_MODES } from '../objects/index.ts';
import { LwM2mError } from './lwm2m-error.ts';

/** How an account's connection is secured: the credentials, and all else of the configuration. */
export interface AccountSecurity {
  /** Undefined: NoSec. */
  readonly security: Security | undefined;
  readonly tls: Omit<SslConfiguration, 'security'>;
}

/** The resources of /0 that say how the connection is secured, by their names in the object. */
export interface SecurityResources {
  /** /0/x/2: 0 PSK, 1 raw public key, 2 certificate, 3 NoSec. */
  readonly securityMode: number;
  /** /0/x/3: PSK identity, our SubjectPublicKeyInfo or our certificate, DER. */
  readonly publicKeyOrIdentity: Uint8Array;
  /** /0/x/4: the server's SubjectPublicKeyInfo or a certificate, DER, or its hash. */
  readonly serverPublicKey: Uint8Array;
  /** /0/x/5: PSK key or our private key, PKCS#8. */
  readonly secretKey: Uint8Array;
  /** /0/x/13: 0 exact, 1 SHA-256, 2 SHA-384, 3 SHA-512. Default 0. */
  readonly matchingType?: number | undefined;
  /** /0/x/14. Default: the host of the URI, where it is a name. */
  readonly sni?: string | undefined;
  /** /0/x/15, 0 to 3. Default 3. */
  readonly certificateUsage?: number | undefined;
  /** /0/x/16: IANA ids by resource instance, the lowest instance preferred. Default: the backend's own. */
  readonly ciphersuites?: Readonly<Record<number, number>> | undefined;
}

/** What certificates need and the Security object cannot carry. */
export type DeviceTrust = Pick<
  CertificateSecurity,
  'trustAnchors' | 'revocationLists' | 'withoutClock' | 'dangerMatchCommonName'
>;

const NONE = new Uint8Array(0);
/** In the order of /0/x/13. */
const MATCHING_TYPES = ['exact', 'sha256', 'sha384', 'sha512'] as const;
const HASH_BYTES = { sha256: 32, sha384: 48, sha512: 64 } as const;

/**
 * The Security object's resources of an account. Only bytes go in: what lies in files, directories, lists or engines
 * stays there, and so does a private key that is encrypted.
 * @throws SecurityInfoError for bytes that are not what they should be
 */
export function securityResources({ security, tls }: AccountSecurity): SecurityResources {
  const { serverName, ciphersuites } = tls;
  return {
    ...credentialResources(security),
    ...(serverName === undefined ? {} : { sni: serverName }),
    ...(ciphersuites === undefined ? {} : { ciphersuites: Object.fromEntries(ciphersuites.entries()) }),
  };
}

function credentialResources(security: Security | undefined): SecurityResources {
  if (security === undefined) {
    const securityMode = SECURITY_MODES.noSec;
    return { securityMode, publicKeyOrIdentity: NONE, serverPublicKey: NONE, secretKey: NONE };
  }
  if (security.mode === 'psk') return pskResources(security);
  return security.mode === 'certificate' ? certificateResources(security) : rawKeyResources(security);
}

function pskResources({ identity, key }: PskSecurity): SecurityResources {
  return {
    securityMode: SECURITY_MODES.psk,
    publicKeyOrIdentity: bufferOf(identity)?.slice() ?? NONE,
    serverPublicKey: NONE,
    secretKey: bufferOf(key)?.slice() ?? NONE,
  };
}

function rawKeyResources({
  serverKeys,
  serverKeyHash,
  publicKey,
  privateKey,
}: RawPublicKeySecurity): SecurityResources {
  return {
    securityMode: SECURITY_MODES.rawPublicKey,
    publicKeyOrIdentity: publicKey === undefined ? NONE : spkiOf(publicKey),
    serverPublicKey: serverKeyHash?.data.slice() ?? spkiOf(serverKeys),
    secretKey: privateKeyOf(privateKey),
    matchingType: MATCHING_TYPES.indexOf(serverKeyHash?.matching ?? 'exact'),
  };
}

function certificateResources(security: CertificateSecurity): SecurityResources {
  const first = security.clientCredentials?.[0];
  const { clientChain = first?.chain, clientKey = first?.key } = security;
  return {
    securityMode: SECURITY_MODES.certificate,
    publicKeyOrIdentity: clientChain === undefined ? NONE : certificateOf(clientChain),
    secretKey: privateKeyOf(clientKey),
    ...associationResources(security.serverCertificate),
  };
}

/** Without a certificate to compare with, path and name decide: usage 0 with nothing at /0/x/4 says the same. */
function associationResources(
  server: CertificateSecurity['serverCertificate'],
): Pick<SecurityResources, 'serverPublicKey' | 'matchingType' | 'certificateUsage'> {
  if (server === undefined) return { serverPublicKey: NONE, matchingType: 0, certificateUsage: 0 };
  if (!('data' in server)) {
    return { serverPublicKey: certificateOf(server.certificate), matchingType: 0, certificateUsage: server.usage ?? 3 };
  }
  const { usage, selector, matching, data } = server;
  return {
    serverPublicKey: selector === 'certificate' ? data.slice() : NONE,
    matchingType: MATCHING_TYPES.indexOf(matching),
    certificateUsage: usage,
  };
}

function certificateOf(info: CertificateChainInfo): Uint8Array {
  const bytes = bufferOf(info);
  if (bytes === undefined) return NONE;
  return loadCertificateChain(certificateChainFromBuffer(bytes))[0]?.der.slice() ?? NONE;
}

function spkiOf(info: RawPublicKeyInfo): Uint8Array {
  const bytes = bufferOf(info);
  if (bytes === undefined) return NONE;
  return loadRawPublicKeys(rawPublicKeyFromBuffer(bytes))[0]?.spki.slice() ?? NONE;
}

function privateKeyOf(info: SecurityInfo<'privateKey'> | undefined): Uint8Array {
  if (info?.source.kind !== 'buffer' || info.source.password !== undefined) return NONE;
  const { pkcs8 } = readPrivateKeyFile(info.source.bytes);
  try {
    return pkcs8.bytes.slice();
  } finally {
    pkcs8.close();
  }
}

/** The bytes of a buffer, or of the first element of an array. */
function bufferOf({ source }: SecurityInfo): Uint8Array | undefined {
  if (source.kind === 'buffer') return source.bytes;
  const first = source.kind === 'array' ? source.elements[0] : undefined;
  return first === undefined ? undefined : bufferOf(first);
}

/**
 * The account's security as the Security object's resources say it: what a bootstrap server wrote, or what was saved.
 * @param trust what the device itself trusts, for certificate usages 0 and 1
 * @throws LwM2mError ECONFIG naming the resource
 */
export function securityFromResources(resources: SecurityResources, trust: DeviceTrust = {}): AccountSecurity {
  const { sni, ciphersuites } = resources;
  const suites = Object.entries(ciphersuites ?? {})
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, suite]) => suite);
  return {
    security: credentials(resources, trust),
    tls: {
      ...(sni === undefined || sni === '' ? {} : { serverName: sni }),
      ...(suites.length === 0 ? {} : { ciphersuites: suites }),
    },
  };
}

function credentials(resources: SecurityResources, trust: DeviceTrust): Security | undefined {
  switch (resources.securityMode) {
    case SECURITY_MODES.noSec:
      return undefined;
    case SECURITY_MODES.psk:
      return {
        mode: 'psk',
        identity: pskIdentityFromBuffer(resources.publicKeyOrIdentity),
        key: pskKeyFromBuffer(needed(resources.secretKey, '/0/x/5 Secret Key')),
      };
    case SECURITY_MODES.rawPublicKey:
      return rawKeys(resources);
    case SECURITY_MODES.certificate:
      return certificates(resources, trust);
    default:
      throw new LwM2mError(
        'ECONFIG',
        `/0/x/2 Security Mode: expected 0 (PSK), 1 (RPK), 2 (certificate) or 3 (NoSec), found ${resources.securityMode}`,
      );
  }
}

function rawKeys({ publicKeyOrIdentity, serverPublicKey, secretKey, matchingType }: SecurityResources): Security {
  const server = needed(serverPublicKey, '/0/x/4 Server Public Key');
  const matching = MATCHING_TYPES[matchingType ?? 0];
  if (matching === undefined) throw outOfRange('/0/x/13 Matching Type', `${matchingType}`);
  if (matching !== 'exact' && server.length !== HASH_BYTES[matching]) {
    const expected = `${HASH_BYTES[matching]} bytes for ${matching}`;
    throw new LwM2mError('ECONFIG', `/0/x/4 Server Public Key: expected ${expected}, found ${server.length}`);
  }
  return {
    mode: 'rawPublicKey',
    ...(matching === 'exact'
      ? { serverKeys: rawPublicKeyFromBuffer(server) }
      : { serverKeys: rawPublicKeyEmpty(), serverKeyHash: { matching, data: server.slice() } }),
    ...(publicKeyOrIdentity.length === 0 ? {} : { publicKey: rawPublicKeyFromBuffer(publicKeyOrIdentity) }),
    ...(secretKey.length === 0 ? {} : { privateKey: privateKeyFromBuffer(secretKey) }),
  };
}

function certificates(resources: SecurityResources, trust: DeviceTrust): Security {
  const { publicKeyOrIdentity, secretKey } = resources;
  return {
    ...trust,
    mode: 'certificate',
    ...(publicKeyOrIdentity.length === 0 ? {} : { clientChain: certificateChainFromBuffer(publicKeyOrIdentity) }),
    ...(secretKey.length === 0 ? {} : { clientKey: privateKeyFromBuffer(secretKey) }),
    ...serverCertificate(resources),
  };
}

function serverCertificate(resources: SecurityResources): Pick<CertificateSecurity, 'serverCertificate'> {
  try {
    const association = lwm2mAssociation(resources);
    return association === undefined ? {} : { serverCertificate: association };
  } catch (error) {
    throw error instanceof RangeError ? new LwM2mError('ECONFIG', error.message) : error;
  }
}

function needed(bytes: Uint8Array, resource: string): Uint8Array {
  if (bytes.length > 0) return bytes;
  throw new LwM2mError('ECONFIG', `${resource}: expected bytes, found none`);
}

function outOfRange(resource: string, found: string): LwM2mError {
  return new LwM2mError('ECONFIG', `${resource}: expected 0 to 3, found ${found}`);
}
