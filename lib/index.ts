// lwm2m-client: an LwM2M device for Node.js whose transport security is a plug. This is the composition root of the
// package: it joins the client to UDP and TCP over Node, to the DTLS of its own and to Node's TLS.

import { type Backends, type ClientOptions, LwM2mClient } from './client/index.ts';
import type { Engine } from './crypto/engine.ts';
import { nodeFileSource, nodeKeyDecryption, nodeSystemTrustStore } from './crypto/node/index.ts';
import { type NativeDtls, type NativeDtlsOptions, nativeDtls } from '../security-backends/native/backend.ts';
import { nodeTls } from '../security-backends/node-tls/index.ts';
import { tcpSocket, udpSocket } from './net/node/index.ts';
import type { SecurityBackend } from './net/security-backend.ts';
import type { StreamSocket } from './net/socket.ts';

export {
  type Backends,
  type ClientEvents,
  type ClientOptions,
  type Collection,
  type CollectionOptions,
  type CommunicationRetry,
  DEFAULT_COMMUNICATION_RETRY,
  type DeviceTrust,
  LwM2mClient,
  LwM2mError,
  type LwM2mErrorCode,
  type LwM2mVersion,
  type Sample,
  type SecurityResources,
  type SendFormat,
  type ServerAccount,
  type ServerReference,
  accountFromSecurity,
  formatResponseCode,
} from './client/index.ts';
export * from './model/index.ts';
export * from './model/node/index.ts';
export * from './objects/index.ts';
export * from './runtime/index.ts';
export * from './storage/index.ts';
export { FileStorage } from './storage/node/file.ts';
export { LiveSessionDirectory } from './storage/node/live-session.ts';
export * from './crypto/security-info.ts';
export * from './crypto/security-info-constructors.ts';
export * from './crypto/security-info-error.ts';
export { ecdsaSignature } from './crypto/ecdsa-signature.ts';
export type { Engine, EnginePrivateKey } from './crypto/engine.ts';
export type { SignatureScheme } from './crypto/provider/signatures.ts';
export {
  CERTIFICATE_USAGE,
  type CertificateAssociation,
  type CertificateUsage,
} from './crypto/trust/certificate-usage.ts';
export { DecodeError, fromHex, toHex, utf8Decode, utf8Encode } from './bytes/index.ts';
export * from './net/errors.ts';
export type * from './net/live-session.ts';
export type * from './net/negotiated.ts';
export { type BackendChoice, firstFitting } from './net/first-fitting.ts';
export type * from './net/security-backend.ts';
export type * from './net/socket.ts';
export type * from './net/socket-configuration.ts';
export type {
  CertificateSecurity,
  CertificateServerSecurity,
  ClientCertificateCredential,
  KeyLog,
  PskSecurity,
  PskServerSecurity,
  RawPublicKeySecurity,
  RawPublicKeyServerSecurity,
  /** Under a name of its own: `Security` is the object. */
  Security as SecurityConfiguration,
  ServerCertificate,
  ServerConfiguration,
  SessionStore,
  SslConfiguration,
  TlsCommonConfiguration,
} from './net/ssl-configuration.ts';
export { CoapError } from './coap/index.ts';
export { CaptureFile, type CaptureFileOptions, PrivateFileError, tcpSocket, udpSocket } from './net/node/index.ts';
export { type NativeDtls, type NativeDtlsOptions, nativeDtls } from '../security-backends/native/backend.ts';

export interface NodeBackendsOptions {
  /** Makes the sockets under everything, such as `captureFile.watch(udpSocket(…))`. Default `udpSocket`. */
  readonly datagramSocket?: NativeDtlsOptions['datagramSocket'] | undefined;
  /** What answers `engine` sources: keys that stay outside (PKCS#11, TPM, WebCrypto). Default: they are refused. */
  readonly engine?: Engine | undefined;
}

export interface NodeBackends extends Backends {
  readonly udp: NativeDtlsOptions['datagramSocket'];
  readonly dtls: NativeDtls;
  readonly tcp: typeof tcpSocket;
  readonly tls: SecurityBackend<StreamSocket>;
}

/** UDP and TCP over Node, DTLS of our own over the one and Node's TLS over the other. */
export function nodeBackends({ datagramSocket = udpSocket, engine }: NodeBackendsOptions = {}): NodeBackends {
  const dtls = nativeDtls({
    datagramSocket,
    files: nodeFileSource(),
    systemTrustStore: nodeSystemTrustStore(),
    keyDecryption: nodeKeyDecryption,
    engine,
  });
  const tls = nodeTls({
    files: nodeFileSource(),
    systemTrustStore: nodeSystemTrustStore(),
    keyDecryption: nodeKeyDecryption,
  });
  return { udp: datagramSocket, dtls, tcp: tcpSocket, tls };
}

/**
 * A client on `nodeBackends()`, unless others are given.
 * @throws LwM2mError ECONFIG naming the option and what to do
 */
export function createClient(
  options: Omit<ClientOptions, 'backends'> & Partial<Pick<ClientOptions, 'backends'>>,
): LwM2mClient {
  return new LwM2mClient({ ...options, backends: options.backends ?? nodeBackends() });
}
