// Our own certificate and key, for either role: node:tls signs by itself, so the key's bytes are needed.

import {
  KEY_MATERIAL,
  type Certificate,
  type CertificateChainInfo,
  type CryptoProvider,
  type LoadOptions,
  type PrivateKeyInfo,
  type PrivateKeyMaterial,
  loadOwnCertificate,
} from '../../lib/crypto/index.ts';
import { pemBlock } from './pem.ts';

/** Where credentials come from, and what they are judged with. */
export interface Loading extends LoadOptions {
  readonly provider: CryptoProvider;
}

/** What is shown, and what signs for it. */
export interface OwnCertificate {
  /** Leaf first. */
  readonly chain: readonly Certificate[];
  readonly key: PrivateKeyMaterial;
}

/** Undefined where there is neither chain nor key. @throws SecurityInfoError if they do not go together */
export function loadOwn(
  chain: CertificateChainInfo | undefined,
  key: PrivateKeyInfo | undefined,
  loading: Loading,
): OwnCertificate | undefined {
  return loadOwnCertificate(chain, key, loading, KEY_MATERIAL);
}

/** As `cert` and `key` of node:tls. `key` is to be zeroed once it has been used. */
export function asPem(own: OwnCertificate): { readonly cert: Buffer; readonly key: Buffer } {
  const key = pemBlock('PRIVATE KEY', own.key.pkcs8.bytes);
  return { cert: certificatesPem(own.chain), key: Buffer.from(key.buffer) };
}

export function certificatesPem(certificates: readonly Certificate[]): Buffer {
  return Buffer.concat(certificates.map(({ der }) => pemBlock('CERTIFICATE', der)));
}
