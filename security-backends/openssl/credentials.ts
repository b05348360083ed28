// Who a client is and whom it trusts: loaded once. OpenSSL is given our side of it, and the verdict on the server's is ours.

import { concatBytes, utf8Encode } from '../../lib/bytes/index.ts';
import {
  type CryptoProvider,
  type LoadOptions,
  type WantedServer,
  judgeServer,
  loadPsk,
  loadServerTrust,
  trustFingerprint,
} from '../../lib/crypto/index.ts';
import { type CertificateSecurity, type PskSecurity, notSupported } from '../../lib/net/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';
import type { ConnectionCredential } from './connection-options.ts';
import type { OpenSsl } from './library.ts';
import { loadOwnCertificates, showOneOf } from './own-certificates.ts';

/** Where credentials come from, and what they are judged with. */
export interface Loading extends LoadOptions {
  readonly provider: CryptoProvider;
}

/** A client's side. */
export interface ClientCredentials extends ConnectionCredential {
  /** Our own certificates (the leaves, DER), where there are some. */
  readonly certificates: readonly Uint8Array[];
  /** Whether DANE records are used. */
  readonly dane: boolean;
  /** Whether the server that showed `chain` is trusted. @throws CertificateRefusedError, DecodeError */
  judge(chain: readonly Uint8Array[], server: WantedServer): Promise<unknown>;
  /** Tells whether the credential, and whom it trusts, are the same; tells neither. */
  fingerprint(): Uint8Array;
  /** Zeroes what is secret: no connect after this. */
  forget(): void;
}

const FINGERPRINT_LABEL = utf8Encode('lwm2m-client OpenSSL session');
const FINGERPRINT_BYTES = 16;

/** @throws SecurityInfoError, SocketError ENOTSUP */
export function pskClient(security: PskSecurity, { provider, ...loading }: Loading): ClientCredentials {
  const { identity, key } = loadPsk(security, loading);
  if (identity.includes(0)) {
    key.close();
    throw notSupported('identity', 'expected no NUL byte, found one: OpenSSL takes a C string and would cut it there');
  }
  return {
    mode: 'psk',
    certificates: [],
    dane: false,
    preSharedKey: () => ({ identity, key: key.bytes }),
    showCertificate: () => undefined,
    judge: () => Promise.resolve(), // never asked: a certificate ends the handshake
    fingerprint() {
      const ofKey = provider.hmac('sha256', key.bytes, FINGERPRINT_LABEL).slice(0, FINGERPRINT_BYTES);
      return concatBytes(ofKey, identity);
    },
    forget: () => key.close(),
  };
}

/** @throws SecurityInfoError, SocketError ENOTSUP */
export function certificateClient(
  library: OpenSsl,
  security: CertificateSecurity,
  loading: Loading,
  environment: Environment,
): ClientCredentials {
  const trust = loadServerTrust(security, loading);
  const own = loadOwnCertificates(security, trust.anchors, loading);
  const leaves = own.map(({ path }) => path[0]!.der);
  return {
    mode: 'certificate',
    certificates: leaves,
    dane: trust.dane ?? false,
    preSharedKey: () => undefined,
    showCertificate: (ssl) => showOneOf(own, { library, ssl, log: environment.log }),
    judge: (chain, server) => judgeServer(chain, trust, server, loading.provider, environment),
    fingerprint: () => trustFingerprint(trust, leaves, loading.provider),
    forget: () => own.forEach(({ key }) => key.pkcs8.close()),
  };
}
