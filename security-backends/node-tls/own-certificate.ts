// Our own certificate and key, for either role: node:tls signs by itself, so the key's bytes are needed.

import {
  type Certificate,
  type CertificateChainInfo,
  type CryptoProvider,
  type LoadOptions,
  type PrivateKeyInfo,
  type PrivateKeyMaterial,
  SecurityInfoError,
  checkKeyMatches,
  loadCertificateChain,
  loadPrivateKeyMaterial,
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
export function loadOwnCertificate(
  chainInfo: CertificateChainInfo | undefined,
  keyInfo: PrivateKeyInfo | undefined,
  loading: Loading,
): OwnCertificate | undefined {
  const chain = chainInfo === undefined ? [] : loadCertificateChain(chainInfo, loading);
  const key = keyInfo === undefined ? undefined : loadPrivateKeyMaterial(keyInfo, loading);
  const [leaf] = chain;
  if (leaf === undefined && key === undefined) return undefined;
  try {
    if (leaf === undefined || keyInfo === undefined || key === undefined) throw halfMissing(leaf === undefined);
    checkKeyMatches(leaf, key, keyInfo);
    return { chain, key };
  } catch (error) {
    key?.pkcs8.close();
    throw error;
  }
}

function halfMissing(chain: boolean): SecurityInfoError {
  const type = chain ? 'certificateChain' : 'privateKey';
  const place = { type, source: 'empty', position: type } as const;
  return new SecurityInfoError('ENODATA', place, 'expected a certificate chain and its private key, found one of them');
}

/** As `cert` and `key` of node:tls. `key` is to be zeroed once it has been used. */
export function asPem(own: OwnCertificate): { readonly cert: Buffer; readonly key: Buffer } {
  const key = pemBlock('PRIVATE KEY', own.key.pkcs8.bytes);
  return { cert: certificatesPem(own.chain), key: Buffer.from(key.buffer) };
}

export function certificatesPem(certificates: readonly Certificate[]): Buffer {
  return Buffer.concat(certificates.map(({ der }) => pemBlock('CERTIFICATE', der)));
}
